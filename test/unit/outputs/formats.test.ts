// Rendered outputs: what each format makes of a server, and that none of them ever lets in more than was said.
import type { Role } from '../../../operator/api/v1alpha1/index.ts';
import { type Output, renderOutputs, sizeOf } from '../../../operator/outputs/formats.ts';
import { renderingOf } from '../../../operator/outputs/rendering.ts';
import type { PeerEntry } from '../../../operator/topology/peer-list.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';
import { filesOf } from './rendered.ts';

const proxies: readonly Output[] = ['Envoy', 'HAProxy', 'Nginx'];

const mediation: PeerEntry = {
  pool: 'medpool.contoso.com',
  role: 'Mediation',
  names: ['medpool.contoso.com', 'med01.contoso.com'],
};

const listeners = [
  { name: 'sip', port: 5061, protocol: 'MTLS' },
  { name: 'web', port: 443, protocol: 'HTTPS' },
  { name: 'clients', port: 5063, protocol: 'TLS' },
  { name: 'plain', port: 5060, protocol: 'TCP' },
];

interface Wish {
  readonly role?: Role;
  readonly spec?: object;
  readonly domain?: object;
  readonly peers?: readonly PeerEntry[];
  readonly room?: number;
}

function render(
  outputs: readonly Output[],
  { role = 'FrontEnd', spec = { listeners }, domain, peers = [mediation], room }: Wish = {},
) {
  return renderOutputs(
    outputs,
    renderingOf(trustedServer('pool01', role, spec), trustDomain('contoso', domain), { peers, partners: [], trunks: [] }),
    room,
  );
}

describe('every format', () => {
  it('has a file for each listener with TLS and none for one without', () => {
    expect(Object.keys(render(proxies).files).sort()).toEqual([
      'envoy-default-certificate.yaml',
      'envoy-default-peers.yaml',
      'envoy-listener-clients.yaml',
      'envoy-listener-sip.yaml',
      'envoy-listener-web.yaml',
      'envoy-web-services-internal-certificate.yaml',
      'envoy-web-services-internal-peers.yaml',
      'haproxy-clients.crt-list',
      'haproxy-names.lua',
      'haproxy-sip.crt-list',
      'haproxy-web.crt-list',
      'haproxy.cfg',
      'nginx-clients.conf',
      'nginx-names.js',
      'nginx-sip.http.conf',
      'nginx-sip.stream.conf',
      'nginx-web.conf',
    ]);
  });

  it('says in each file whose it is and which version it is for', () => {
    for (const text of Object.values(render(proxies).files)) {
      expect(text).toMatch(/^(#|--|\/\/) Rendered by Trustmesh for TrustedServer voice\/pool01\./);
      expect(text).toMatch(/^(#|--|\/\/) For (Envoy 1\.40|HAProxy 2\.6 with Lua|nginx 1\.22 with njs 0\.7)\./m);
    }
  });

  it('is the same for every member of a pool', () => {
    const members = [{ fqdn: 'fe01.contoso.com' }, { fqdn: 'fe02.contoso.com' }];
    expect(render(proxies, { spec: { listeners, members } })).toEqual(render(proxies));
  });

  it('shows callers of web services the certificate of that use, where there is one', () => {
    const directories = (wish?: Wish) =>
      Object.values(render(['HAProxy'], wish).files).flatMap((text) => /^(\/\S*)\/tls\.crt\b/m.exec(text)?.[1] ?? []);
    expect(directories()).toEqual(['/etc/trustmesh/default', '/etc/trustmesh/web-services-internal', '/etc/trustmesh/default']);
    const uses = [{ use: 'Default' }];
    expect(new Set(directories({ spec: { listeners, certificates: { uses } } }))).toEqual(new Set(['/etc/trustmesh/default']));
  });

  it('asks callers for a certificate where the listener is mutual, and only there', () => {
    const { files } = render(proxies);
    const asks = /require_client_certificate: true|\[ca-file|ssl_verify_client on/;
    expect(Object.keys(files).filter((name) => asks.test(files[name] ?? ''))).toEqual([
      'envoy-listener-sip.yaml',
      'haproxy-sip.crt-list',
      'nginx-sip.stream.conf',
      'nginx-sip.http.conf',
    ]);
  });

  it.each([
    ['1.2', ['TLSv1_2', 'TLSv1.2', 'TLSv1.2 TLSv1.3']],
    ['1.3', ['TLSv1_3', 'TLSv1.3', 'TLSv1.3']],
  ])('speaks nothing below TLS %s', (minVersion, [ofEnvoy, ofHAProxy, ofNginx]) => {
    const { files } = render(proxies, { domain: { security: { tls: { minVersion } } } });
    expect(files['envoy-listener-sip.yaml']).toContain(`tls_minimum_protocol_version: ${ofEnvoy}\n`);
    expect(files['haproxy.cfg']).toContain(` ssl-min-ver ${ofHAProxy} `);
    expect(files['nginx-sip.stream.conf']).toContain(`ssl_protocols ${ofNginx};`);
  });

  it('shares no ticket keys', () => {
    const { files } = render(proxies);
    expect(files['envoy-listener-sip.yaml']).toContain('disable_stateless_session_resumption: true');
    expect(files['haproxy.cfg']?.match(/no-tls-tickets/g)).toHaveLength(3);
    expect(files['nginx-sip.stream.conf']).toContain('ssl_session_tickets off;');
  });
});

describe('what cannot be rendered is said', () => {
  it.each(['HAProxy', 'Nginx'] as const)('%s, for an Edge whose listeners do not say which face they show', (output) => {
    const { files, refused } = render([output], { role: 'Edge' });
    expect(files).toEqual({});
    expect(refused).toEqual([expect.stringMatching(/spec\.listeners has none with TLS that says which face it shows/)]);
  });

  it.each(['HAProxy', 'Nginx'] as const)('%s, without a listener that has TLS', (output) => {
    const { refused } = render([output], { spec: { listeners: [{ name: 'plain', port: 5060, protocol: 'TCP' }] } });
    expect(refused).toEqual([expect.stringMatching(/spec\.listeners has none with TLS/)]);
  });

  it('a list that does not fit, which is never cut; what fits beside it is there', () => {
    const peers = Array.from({ length: 3_000 }, (_, index): PeerEntry => {
      const name = `pool${index}.contoso.com`;
      return { pool: name, role: 'Mediation', names: [name, `member.${name}`] };
    });
    const { files, refused } = render(proxies, { peers });
    expect(refused).toEqual([
      expect.stringMatching(/^Envoy is not rendered: it takes \d+ KiB and the ConfigMap has room for 900\./),
      expect.stringMatching(/^Nginx is not rendered: it takes \d+ KiB and the ConfigMap has room for \d+\./),
    ]);
    expect(new Set(Object.keys(files).map((name) => name.split(/[-.]/)[0]))).toEqual(new Set(['haproxy']));
  });

  it('to the byte', () => {
    const { files } = render(['Nginx']);
    const room = sizeOf(files);
    expect(render(['Nginx'], { room }).refused).toEqual([]);
    expect(render(['Nginx'], { room: room - 1 })).toEqual({
      files: {},
      refused: [expect.stringMatching(/^Nginx is not rendered/)],
    });
  });
});

it('renders nothing for a listener that the traffic table does not allow', () => {
  const declared = [
    { name: 'sip', port: 5061, protocol: 'MTLS' },
    { name: 'open', port: 5062, protocol: 'TLS' },
  ];
  const files = Object.keys(filesOf('Envoy', { role: 'Mediation', listeners: declared }));
  expect(files).toContain('envoy-listener-sip.yaml');
  expect(files).not.toContain('envoy-listener-open.yaml');
});
