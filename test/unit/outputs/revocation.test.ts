// Which rendered files name the CRLs of partners: where those of every CA are at hand, what an Edge's outside believes and calls by,
// and nothing else; with the anchors that they belong to, since both come from one object.
import { checksRevocation, type Output } from '../../../operator/outputs/formats.ts';
import { renderingOf } from '../../../operator/outputs/rendering.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';
import { filesOf, partner, trunk, type Wish } from './rendered.ts';

const trust = '/etc/trustmesh/trust';
/** What kubelet replaces in one rename. */
const data = `${trust}/..data`;
const edge: Wish = { role: 'Edge', partners: [partner] };

/** What names a CRL, and the anchors around it, by file: lines that are no comments. */
const naming = (output: Output, wish: Wish) =>
  Object.fromEntries(
    Object.entries(filesOf(output, wish)).flatMap(([name, text]) => {
      const lines = text.split('\n').filter((line) => !/^(#|--|\/\/)/.test(line));
      const named = lines.flatMap((line, index) =>
        /crl/.test(line) ? [[...lines.slice(Math.max(0, index - 1), index), line].map((each) => each.trim()).join(' | ')] : [],
      );
      return named.length === 0 ? [] : [[name, named]];
    }),
  );

const named: Readonly<Partial<Record<Output, object>>> = {
  Envoy: {
    'envoy-access-edge-external-peers.yaml': [`trusted_ca: {filename: ${data}/partners.crt} | crl: {filename: ${data}/crl.pem}`],
    'envoy-access-edge-outbound-peers.yaml': [`trusted_ca: {filename: ${data}/partners.crt} | crl: {filename: ${data}/crl.pem}`],
    'envoy-partner-fabrikam.yaml': [`trusted_ca: {filename: ${trust}/partner-fabrikam.crt} | crl: {filename: ${data}/crl.pem}`],
  },
  HAProxy: {
    'haproxy-outside.crt-list': [
      `/etc/trustmesh/access-edge-external/tls.crt [ca-file ${data}/partners.crt crl-file ${data}/crl.pem verify required]`,
    ],
  },
  Nginx: Object.fromEntries(
    ['nginx-outside.stream.conf', 'nginx-outside.http.conf'].map((name) => [
      name,
      [`ssl_client_certificate ${data}/partners.crt; | ssl_crl ${data}/crl.pem;`],
    ]),
  ),
};

it.each(['Envoy', 'HAProxy', 'Kamailio', 'Nginx', 'OpenSIPS'] as const)('%s', (output) => {
  expect(naming(output, { ...edge, partnersRevoke: true })).toEqual(named[output] ?? {});
  expect(checksRevocation.includes(output)).toBe(named[output] !== undefined);
  for (const wish of [edge, { role: 'Edge' }, {}, { role: 'Mediation', trunks: [trunk], partnersRevoke: true }] as const) {
    expect(naming(output, wish)).toEqual({});
  }
});

it('Envoy watches the volume in which they are replaced', () => {
  const text = filesOf('Envoy', { ...edge, partnersRevoke: true })['envoy-access-edge-external-peers.yaml'];
  expect(text).toContain(`watched_directory: {path: ${trust}}`);
});

it('each says so in its first lines, and one that cannot says why', () => {
  const says = (output: Output, name: string, wish: Wish) => filesOf(output, wish)[name] ?? '';
  for (const [output, name] of [
    ['Envoy', 'envoy-access-edge-external-peers.yaml'],
    ['HAProxy', 'haproxy-outside.crt-list'],
    ['Nginx', 'nginx-outside.stream.conf'],
  ] as const) {
    expect(says(output, name, { ...edge, partnersRevoke: true })).toMatch(/# It refuses by the CRLs/);
    expect(says(output, name, edge)).toMatch(/# No CRLs are checked: those of every CA that is believed here are not at hand\./);
  }
  const tls = 'kamailio-outside-tls.cfg';
  expect(says('Kamailio', tls, { ...edge, partnersRevoke: true })).toMatch(/# It checks no CRLs/);
  expect(says('OpenSIPS', 'opensips-outside.cfg', { ...edge, partnersRevoke: true })).toMatch(/crl_dir takes regular files/);
});

it('the anchors are those of the Secret where there are no CRLs', () => {
  const server = trustedServer('edge', 'Edge', { edge: { accessFQDN: 'sip.contoso.com' } });
  const facesWith = (partnersRevoke: boolean) =>
    renderingOf(server, trustDomain('contoso'), { peers: [], partners: [partner], partnersRevoke, trunks: [] }).faces.map(
      ({ use, anchors, revocationLists }) => [use, anchors, revocationLists],
    );
  const inside = ['Internal', '/etc/trustmesh/internal/ca.crt', undefined];
  expect(facesWith(false)).toEqual(
    expect.arrayContaining([inside, ['AccessEdgeExternal', '/etc/trustmesh/access-edge-external/ca.crt', undefined]]),
  );
  expect(facesWith(true)).toEqual(
    expect.arrayContaining([inside, ['AccessEdgeExternal', `${data}/partners.crt`, `${data}/crl.pem`]]),
  );
});
