// What is rendered for Asterisk, which has not taken it here: its samples and source are all that vouch for the form.
import { file, filesOf, trunk, type Wish } from './rendered.ts';

const pool: Wish = { role: 'Mediation', trunks: [trunk] };

/** Options by section. */
function sectionsOf(wish?: Wish): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const sections = file('Asterisk', 'asterisk-pjsip.conf', wish).split(/^\[/m).slice(1);
  return Object.fromEntries(
    sections.map((section) => [
      section.slice(0, section.indexOf(']')),
      Object.fromEntries([...section.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value])),
    ]),
  );
}

it('asks callers for a certificate where the listener is mutual, and verifies whom it calls everywhere', () => {
  const listeners = [
    { name: 'sip', port: 5061, protocol: 'MTLS' },
    { name: 'clients', port: 5063, protocol: 'TLS' },
  ];
  expect(sectionsOf({ listeners })).toMatchObject({
    'trustmesh-sip': { bind: '0.0.0.0:5061', verify_client: 'yes', require_client_cert: 'yes', verify_server: 'yes' },
    'trustmesh-clients': { bind: '0.0.0.0:5063', verify_client: 'no', require_client_cert: 'no', verify_server: 'yes' },
  });
});

it.each([
  ['1.2', 'tlsv1_2'],
  ['1.3', 'tlsv1_3'],
])('speaks the one version that it can be told of, with TLS %s as the lowest', (minVersion, method) => {
  expect(sectionsOf({ domain: { security: { tls: { minVersion } } } })['trustmesh-sip']).toMatchObject({ method });
});

it.each([
  ['Required', 'Optional', { media_encryption: 'sdes', media_encryption_optimistic: 'no' }],
  ['Supported', 'Optional', { media_encryption: 'sdes', media_encryption_optimistic: 'yes' }],
  ['Supported', 'Required', { media_encryption: 'sdes', media_encryption_optimistic: 'no' }],
  ['NotSupported', 'NotSupported', { media_encryption: 'no', media_encryption_optimistic: 'no' }],
] as const)('has media of a trunk of a server %s with srtp %s, whatever the domain', (encryptionLevel, srtp, media) => {
  const wish = { ...pool, domain: { media: { encryptionLevel } }, trunks: [{ ...trunk, srtp }] };
  const own = { ...pool, encryptionLevel, domain: { media: { encryptionLevel: 'Supported' } }, trunks: [{ ...trunk, srtp }] };
  expect(sectionsOf(own)['trunk-gw01']).toMatchObject(media);
  expect(sectionsOf(wish)['trunk-gw01']).toMatchObject({ type: 'endpoint', transport: 'trustmesh-sip', ...media });
});

it('has SRTP or no call where server and gateway contradict each other, and media in the clear where the gateway alone has none', () => {
  const trunks = [{ ...trunk, srtp: 'NotSupported' } as const];
  const srtp = { media_encryption: 'sdes', media_encryption_optimistic: 'no' };
  expect(sectionsOf({ ...pool, trunks, encryptionLevel: 'Required' })['trunk-gw01']).toMatchObject(srtp);
  expect(sectionsOf({ ...pool, trunks })['trunk-gw01']).toMatchObject({ media_encryption: 'no' });
});

it('calls a gateway at its port, and tells it by address', () => {
  expect(sectionsOf(pool)).toMatchObject({
    'trunk-gw01-aor': { contact: 'sip:gw01.contoso.com:5067\\;transport=tls' },
    'trunk-gw01-identify': { endpoint: 'trunk-gw01', match: 'gw01.contoso.com' },
  });
});

it('says in the file that it reads no names of callers', () => {
  expect(file('Asterisk', 'asterisk-pjsip.conf')).toContain('; - It reads no names of callers');
});

it('is not rendered for an Edge: a transport has one file of CAs', () => {
  expect(() => filesOf('Asterisk', { role: 'Edge' })).toThrow(
    /^Asterisk is not rendered for an Edge: a transport has one file of CAs/,
  );
});

it('has within FIPS what is approved', () => {
  const { cipher } = sectionsOf({ domain: { security: { fips: 'Required' } } })['trustmesh-sip'] ?? {};
  expect(cipher).toBe(
    'ECDHE-ECDSA-AES128-GCM-SHA256,ECDHE-RSA-AES128-GCM-SHA256,ECDHE-ECDSA-AES256-GCM-SHA384,ECDHE-RSA-AES256-GCM-SHA384',
  );
});
