// What is rendered for a listener for whoever is on no list: by Kamailio, which does what it says in the interop suite, and by nobody
// else.
import { renderOutputs } from '../../../operator/outputs/formats.ts';
import { renderingOf } from '../../../operator/outputs/rendering.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';
import { file, filesOf, partner, type Wish } from './rendered.ts';

const outside = { name: 'outside', port: 5061, protocol: 'MTLS', face: 'External' };
const anybody = { ...outside, name: 'anybody', port: 5063, partners: 'Discovered' };
const discovery = { believed: true, closedDomains: ['fabrikam.com', 'Blocked.org', 'contoso.com'], media: [{}] };
const edge: Wish = { role: 'Edge', partners: [partner], listeners: [outside, anybody], discovery };
const unbelieved: Wish = { ...edge, discovery: { ...discovery, believed: false } };

const profiles = (wish = edge) => file('Kamailio', 'kamailio-anybody-tls.cfg', wish);
const script = (wish = edge) => file('Kamailio', 'kamailio-anybody.cfg', wish);
const table = (wish = edge) => file('Kamailio', 'kamailio-discovered-names', wish).trimEnd().split('\n').slice(1);

it('has files of its own, and takes nothing from those of partners', () => {
  const names = ['kamailio-anybody-tls.cfg', 'kamailio-anybody.cfg', 'kamailio-discovered-names'];
  const { [names[0] ?? '']: _, [names[1] ?? '']: __, [names[2] ?? '']: ___, ...others } = filesOf('Kamailio', edge);
  expect(others).toEqual(filesOf('Kamailio', { ...edge, listeners: [outside] }));
  expect(Object.keys(filesOf('Kamailio', { ...edge, listeners: [anybody] }))).toEqual(expect.arrayContaining(names));
});

it('believes the public CAs alone, of callers as of whom it calls', () => {
  const lists = [...profiles().matchAll(/^ca_list = (.*)$/gm)].map(([, path]) => path);
  expect(lists).toEqual(Array(2).fill('/etc/trustmesh/trust/discovered.crt'));
  expect(profiles().match(/^verify_certificate = yes\nrequire_certificate = yes$/gm)).toHaveLength(3);
  expect(profiles()).toContain('certificate = /etc/trustmesh/access-edge-external/tls.crt\n');
  const [, id] = /server_id = "(.*)"/.exec(profiles()) ?? [];
  expect(script()).toContain(`$xavp(tls[0]=>server_id) = "${id}";`);
});

it('believes nobody where no partner has the mode, and says so', () => {
  expect(profiles(unbelieved)).not.toContain('ca_list');
  expect(profiles(unbelieved)).not.toContain('server_id');
  expect(profiles(unbelieved)).toContain('verify_certificate = yes\nrequire_certificate = yes\n');
  expect(script(unbelieved)).toContain('nobody is believed, and nobody gets in');
});

it('closes our domains, those of partners and those that are blocked, and knows no names of partners', () => {
  expect(table()).toEqual([
    'uri\\:trustmesh\\:nobody:0:0:nobody',
    'media\\:partner/discovered:0:0:Required',
    'closed\\:blocked.org:0:0:closed',
    'closed\\:contoso.com:0:0:closed',
    'closed\\:fabrikam.com:0:0:closed',
  ]);
  const { discovery: _, ...unknown } = edge;
  expect(table(unknown)).toContain('closed\\:contoso.com:0:0:closed');
});

it('compares whole names alone, none of a subject, and asks for no name but the service', () => {
  const code = script().replaceAll(/^#.*$/gm, '');
  expect(code).not.toMatch(/=~|regex|subject|_cn\b/);
  expect(new Set(code.match(/srv_query\([^)]*\)/g))).toEqual(
    new Set(['srv_query("_sipfederationtls._tcp.$var(trustmesh_domain)']),
  );
});

it('has limits that can be set before it is included', () => {
  for (const limit of ['TRUSTMESH_PER_ADDRESS', 'TRUSTMESH_PER_DOMAIN'])
    expect(script()).toMatch(new RegExp(`^#!ifndef ${limit}\n#!define ${limit} 200\n#!endif$`, 'm'));
});

it.each([
  ['Required', [{ encryptionLevel: 'Supported' }], 'Supported'],
  ['Required', [{ encryptionLevel: 'Supported' }, {}], 'Required'],
  ['Supported', [{ encryptionLevel: 'Required' }, {}], 'Required'],
  ['Supported', [{}], 'Supported'],
] as const)('holds media to the domain and to each partner of the mode: %s, %j', (encryptionLevel, media, held) => {
  const wish: Wish = { ...edge, domain: { media: { encryptionLevel } }, discovery: { ...discovery, media } };
  expect(script(wish)).toContain(`$var(trustmesh_media) = "${held}";`);
  const set = `$sht(trustmesh=>media:$var(trustmesh_to)) = "${held}";`;
  expect(script(wish).includes(set)).toBe(held !== encryptionLevel);
});

it('allows within FIPS what is approved', () => {
  const fips = { ...edge, domain: { security: { fips: 'Required' } } };
  expect(script(fips)).toContain('#!defenv OPENSSL_CONF\n');
  expect(script(fips)).toContain('$sht(trustmesh=>cipher:$tls_cipher_info) == $null) return -1;');
  expect(table(fips)).toContain('cipher\\:TLS_AES_256_GCM_SHA384:0:0:approved');
});

it.each(['Asterisk', 'Envoy', 'FreeSWITCH', 'HAProxy', 'Nginx', 'OpenSIPS'] as const)(
  '%s has none for it, and the others as ever',
  (output) => {
    const render = (...listeners: readonly object[]) =>
      renderOutputs(
        [output],
        renderingOf(trustedServer('edge', 'Edge', { edge: { accessFQDN: 'sip.contoso.com' }, listeners }), trustDomain(), {
          peers: [],
          partners: [partner],
          trunks: [],
          discovery,
        }),
      );
    const { files, refused } = render(outside, anybody);
    const without = render(outside);
    expect(files).toEqual(without.files);
    expect(refused).toEqual([
      expect.stringMatching(new RegExp(`^${output} is not rendered for the listener anybody, .* Use Kamailio for it\\.$`)),
      ...without.refused,
    ]);
  },
);
