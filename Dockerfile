# The operator as an image: Node, one bundle, nothing else. It runs as nobody and writes nothing, so that it takes
# `readOnlyRootFilesystem: true`, no capabilities and any user id.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY build.ts tsconfig.json ./
COPY operator operator
RUN npm run build

FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="trustmesh" \
      org.opencontainers.image.description="Kubernetes operator for certificates and trusted topology" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/dist/trustmesh.mjs /app/trustmesh.mjs
COPY --from=build /src/dist/trustmesh.mjs.LEGAL.txt LICENSE /app/
USER 65532:65532
ENV NODE_ENV=production
# Young objects get 24 MiB, not 96: at ten thousand servers that is a third of the memory, and costs no time.
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=8", "/app/trustmesh.mjs"]
