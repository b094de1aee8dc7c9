module trustmesh.io/test/peer

go 1.24
