// What is rendered for HAProxy. That its Lua reads names as it should is shown by HAProxy itself, in the interop suite.
import { file, filesOf, partner, trunk, type Wish } from './rendered.ts';

const edge: Wish = { role: 'Edge', partners: [partner] };

it('cuts off whom Lua does not let in, before a backend is chosen', () => {
  const text = file('HAProxy', 'haproxy.cfg', edge);
  expect(text).toContain('  lua-load-per-thread /etc/trustmesh/trust/haproxy-names.lua\n');
  expect(text).toMatch(
    /frontend trustmesh-inside\n[\s\S]*unless .*lua\.trustmesh_internal -m str allowed \}\n {2}default_backend inside/,
  );
  expect(text).toMatch(
    /frontend trustmesh-outside\n[\s\S]*lua\.trustmesh_access_edge_external -m str allowed \}\n {2}default_backend outside/,
  );
});

it('lists partners on the outside alone, and peers on the inside alone', () => {
  const [inside = '', outside = ''] = file('HAProxy', 'haproxy-names.lua', edge).split("verdict('trustmesh_").slice(1);
  expect(inside).toMatch(/^internal', \{\n {2}dns = \{\n {2}\},\n {2}uri = \{\n {4}\["spiffe:/);
  expect(outside).toBe(
    'access_edge_external\', {\n  dns = {\n    ["fabrikam.com"] = true,\n    ["sip.fabrikam.com"] = true,\n  },\n  uri = {\n  },\n})\n',
  );
});

it('needs no Lua where no caller is asked for a certificate', () => {
  expect(Object.keys(filesOf('HAProxy'))).toContain('haproxy-names.lua');
  const { 'haproxy.cfg': text } = filesOf('HAProxy', { listeners: [{ name: 'web', port: 443, protocol: 'HTTPS' }] });
  expect(text).not.toMatch(/lua-load|tcp-request/);
});

it('warns of the anchors of gateways where a peer is called by verifyhost, which takes the common name', () => {
  const warning =
    /Trunks end here, so that ca\.crt holds anchors of gateways: for such a line take \/etc\/trustmesh\/trust\/peers\.crt/;
  expect(file('HAProxy', 'haproxy.cfg', { role: 'Mediation', trunks: [trunk] })).toMatch(warning);
  expect(file('HAProxy', 'haproxy.cfg', { role: 'Mediation' })).not.toMatch(warning);
});

it('has within FIPS what is approved', () => {
  const text = file('HAProxy', 'haproxy.cfg', { domain: { security: { fips: 'Required' } } });
  expect(text).toMatch(
    /ciphers ECDHE-ECDSA-AES128-GCM-SHA256:\S+ ciphersuites TLS_AES_128_GCM_SHA256:\S+ curves P-256:P-384:P-521\n/,
  );
  expect(text).not.toMatch(/CHACHA20|X25519/);
  expect(file('HAProxy', 'haproxy.cfg')).not.toContain('ciphers');
});
