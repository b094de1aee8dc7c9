// What is rendered for Kamailio. That Kamailio takes it and does what it says is shown by Kamailio itself, in the interop suite.
import type { EncryptionLevel } from '../../../operator/api/v1alpha1/index.ts';
import type { PeerEntry } from '../../../operator/topology/peer-list.ts';
import { file, filesOf, mediation, partner, trunk, type Wish } from './rendered.ts';

const edge: Wish = { role: 'Edge', partners: [partner] };
const pool: Wish = { role: 'Mediation', trunks: [trunk] };

/** Rows of the table, unescaped. */
const rowsOf = (face: string, wish?: Wish) =>
  file('Kamailio', `kamailio-${face}-names`, wish)
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) =>
      line
        .replaceAll('\\:', '\u0000')
        .split(':')
        .map((field) => field.replaceAll('\u0000', ':')),
    )
    .map(([key = '', , , value = '']) => [key, value]);

/** Profiles by their server_id, `server` and `nobody` for those that have none. */
function profilesOf(listener: string, wish?: Wish): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const sections = file('Kamailio', `kamailio-${listener}-tls.cfg`, wish)
    .split(/^(?=\[)/m)
    .slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const options = Object.fromEntries(
        [...section.matchAll(/^(\w+) = "?([^"\n]*)"?$/gm)].map(([, key = '', value = '']) => [key, value]),
      );
      const name = options['server_id'] ?? (section.startsWith('[server:default]') ? 'server' : 'nobody');
      return [name, options];
    }),
  );
}

it('has a script and profiles for each SIP listener, a table for each face', () => {
  expect(Object.keys(filesOf('Kamailio', edge)).sort()).toEqual([
    'kamailio-access-edge-external-names',
    'kamailio-inside-tls.cfg',
    'kamailio-inside.cfg',
    'kamailio-internal-names',
    'kamailio-media.cfg',
    'kamailio-openssl.cnf',
    'kamailio-outside-tls.cfg',
    'kamailio-outside.cfg',
  ]);
});

it('is not rendered without a listener for SIP', () => {
  const listeners = [{ name: 'web', port: 443, protocol: 'HTTPS' }];
  expect(() => filesOf('Kamailio', { listeners })).toThrow(
    /^Kamailio is rendered listener by listener, and spec\.listeners has none for SIP/,
  );
});

describe('the profiles', () => {
  it('ask callers for a certificate where the listener is mutual, and only there', () => {
    const listeners = [
      { name: 'sip', port: 5061, protocol: 'MTLS' },
      { name: 'clients', port: 5063, protocol: 'TLS' },
    ];
    expect(profilesOf('sip', { listeners })['server']).toMatchObject({
      verify_certificate: 'yes',
      require_certificate: 'yes',
      ca_list: '/etc/trustmesh/default/ca.crt',
    });
    const clients = profilesOf('clients', { listeners });
    expect(clients['server']).toMatchObject({ verify_certificate: 'no', require_certificate: 'no' });
    expect(clients['peers']).toMatchObject({ verify_certificate: 'yes', require_certificate: 'yes' });
  });

  it('believe of servers and of each gateway its own anchors, where the pool believes both', () => {
    const profiles = profilesOf('sip', pool);
    expect(profiles['server']).toMatchObject({ ca_list: '/etc/trustmesh/default/ca.crt' });
    expect(profiles['peers']).toMatchObject({ ca_list: '/etc/trustmesh/trust/peers.crt' });
    expect(profiles['trunk/gw01']).toMatchObject({ ca_list: '/etc/trustmesh/trust/trunk-gw01.crt' });
  });

  it('believe of each partner its own anchors, and of the enterprise none outside', () => {
    const outside = profilesOf('outside', edge);
    expect(Object.keys(outside)).toEqual(['server', 'nobody', 'partner/fabrikam']);
    expect(outside['server']).toMatchObject({ ca_list: '/etc/trustmesh/access-edge-external/ca.crt' });
    expect(outside['partner/fabrikam']).toMatchObject({ ca_list: '/etc/trustmesh/trust/partner-fabrikam.crt' });
    expect(Object.keys(profilesOf('inside', edge))).toEqual(['server', 'nobody', 'peers']);
  });

  it('believe nobody for a call that names none, and where there are no partners', () => {
    expect(profilesOf('sip')['nobody']).toMatchObject({ verify_certificate: 'yes', require_certificate: 'yes' });
    expect(profilesOf('sip')['nobody']).not.toHaveProperty('ca_list');
    const { server } = profilesOf('outside', { role: 'Edge' });
    expect(server).toMatchObject({ verify_certificate: 'yes', require_certificate: 'yes' });
    expect(server).not.toHaveProperty('ca_list');
  });

  it('are none for a trunk over TCP', () => {
    expect(Object.keys(profilesOf('sip', pool))).toContain('trunk/gw01');
    const plain = profilesOf('sip', { ...pool, trunks: [{ ...trunk, transport: 'TCP', srtp: 'NotSupported' }] });
    expect(Object.keys(plain)).not.toContain('trunk/gw01');
  });

  it.each([
    ['1.2', 'TLSv1.2+'],
    ['1.3', 'TLSv1.3+'],
  ])('speak nothing below TLS %s', (minVersion, method) => {
    const domain = { security: { tls: { minVersion } } };
    for (const { method: said } of Object.values(profilesOf('sip', { domain }))) expect(said).toBe(method);
    expect(file('Kamailio', 'kamailio-openssl.cnf', { domain })).toContain(`MinProtocol = TLSv${minVersion}\n`);
  });
});

describe('the table', () => {
  it('lets peers in by each SPIFFE ID, and calls them by each name', () => {
    expect(rowsOf('default')).toEqual([
      ['uri:trustmesh:nobody', 'nobody'],
      ['uri:spiffe://contoso.com/mediation/medpool.contoso.com', 'medpool.contoso.com'],
      ['uri:spiffe://contoso.com/mediation/medpool.contoso.com/medpool.contoso.com', 'medpool.contoso.com'],
      ['uri:spiffe://contoso.com/mediation/medpool.contoso.com/med01.contoso.com', 'medpool.contoso.com'],
      ['host:medpool.contoso.com', 'medpool.contoso.com'],
      ['host:med01.contoso.com', 'medpool.contoso.com'],
    ]);
  });

  it('lets partners in outside by their names, to send for their domains', () => {
    expect(rowsOf('access-edge-external', edge)).toEqual([
      ['uri:trustmesh:nobody', 'nobody'],
      ['san:sip.fabrikam.com', 'partner/fabrikam'],
      ['san:fabrikam.com', 'partner/fabrikam'],
      ['domain:sip.fabrikam.com/fabrikam.com', 'partner/fabrikam'],
      ['domain:fabrikam.com/fabrikam.com', 'partner/fabrikam'],
      ['host:sip.fabrikam.com', 'partner/fabrikam'],
      ['host:fabrikam.com', 'partner/fabrikam'],
      ['next:partner/fabrikam', 'sip:sip.fabrikam.com:5061;transport=tls'],
      ['media:partner/fabrikam', 'Required'],
    ]);
    expect(rowsOf('internal', edge).map(([key]) => key)).not.toContain('san:sip.fabrikam.com');
  });

  it('calls partners behind one edge as one party, and lets each send for its own domains', () => {
    const tenant = (name: string, fqdn = 'sip.provider.net') => ({
      name,
      sipDomains: [`${name}.com`],
      accessEdge: { fqdn, port: 5061 },
      names: [fqdn, `${name}.com`],
    });
    const rows = (partners: readonly (typeof partner)[]) =>
      new Map(rowsOf('access-edge-external', { ...edge, partners }) as [string, string][]);
    const hosted = rows([tenant('anna'), tenant('bert')]);
    for (const key of ['san:sip.provider.net', 'host:sip.provider.net', 'host:anna.com', 'host:bert.com'])
      expect([key, hosted.get(key)]).toEqual([key, 'partner/anna']);
    expect(hosted.get('san:bert.com')).toBe('partner/bert');
    expect([...hosted.keys()].filter((key) => key.startsWith('domain:sip.'))).toEqual([
      'domain:sip.provider.net/anna.com',
      'domain:sip.provider.net/bert.com',
    ]);
    expect([...hosted.keys()].filter((key) => key.startsWith('next:'))).toEqual(['next:partner/anna']);
    const athome = rows([tenant('anna', 'sip.provider.com'), tenant('provider', 'sip.provider.com')]);
    expect(athome.get('host:anna.com')).toBe('partner/provider');
  });

  it('lists a partner whose edge nobody knows as a caller alone', () => {
    const { accessEdge: _, ...unknown } = partner;
    const keys = rowsOf('access-edge-external', { ...edge, partners: [unknown] }).map(([key]) => key);
    expect(keys).toContain('san:sip.fabrikam.com');
    expect(keys.filter((key) => key?.startsWith('next:'))).toEqual([]);
  });

  it('has a nobody where nobody is allowed', () => {
    expect(rowsOf('default', { peers: [] })).toEqual([['uri:trustmesh:nobody', 'nobody']]);
  });

  it.each([
    ['Required', 'Optional', 'TLS', 'Required'],
    ['Supported', 'Optional', 'TLS', 'Supported'],
    ['Supported', 'Required', 'TLS', 'Required'],
    ['Required', 'NotSupported', 'TLS', 'NotSupported'],
    ['Required', 'Optional', 'TCP', 'NotSupported'],
    ['NotSupported', 'Required', 'TLS', 'Required'],
    ['NotSupported', 'Optional', 'TLS', 'NotSupported'],
    ['Supported', 'Optional', 'TCP', 'NotSupported'],
  ] as const)('says of a trunk in a domain %s with srtp %s over %s: %s', (encryptionLevel, srtp, transport, media) => {
    const rows = rowsOf('default', { ...pool, domain: { media: { encryptionLevel } }, trunks: [{ ...trunk, srtp, transport }] });
    expect(rows).toContainEqual(['media:trunk/gw01', media]);
    expect(rows).toContainEqual(['next:trunk/gw01', `sip:gw01.contoso.com:5067;transport=${transport.toLowerCase()}`]);
    // Over TCP it shows no certificate: whoever shows one with its name is somebody else.
    expect(rows.some(([key]) => key === 'san:gw01.contoso.com')).toBe(transport === 'TLS');
  });
});

describe('the table has media', () => {
  const levelOf = (rows: readonly (readonly (string | undefined)[])[], label: string) =>
    rows.find(([key]) => key === `media:${label}`)?.[1];

  it('of a trunk, a partner and a peer by the level of the server too, where that is its own', () => {
    const own = (encryptionLevel: EncryptionLevel, wish: Wish) => ({ ...wish, encryptionLevel });
    const lax = { ...trunk, srtp: 'NotSupported' } as const;
    const trunks = (level: EncryptionLevel) => levelOf(rowsOf('default', own(level, { ...pool, trunks: [lax] })), 'trunk/gw01');
    // Those that contradict each other: SRTP or no call.
    expect([trunks('Required'), trunks('Supported')]).toEqual(['Required', 'NotSupported']);
    const partners = (level: EncryptionLevel, theirs?: EncryptionLevel) => {
      const declared = theirs === undefined ? partner : { ...partner, encryptionLevel: theirs };
      return levelOf(rowsOf('access-edge-external', own(level, { ...edge, partners: [declared] })), 'partner/fabrikam');
    };
    expect([partners('Supported'), partners('Supported', 'Supported'), partners('Supported', 'NotSupported')]).toEqual([
      'Supported',
      'Supported',
      'NotSupported',
    ]);
    expect([partners('Required', 'Supported'), partners('Required', 'NotSupported')]).toEqual(['Required', 'Required']);
  });

  it('of peers that declare a level; the script has that of the others', () => {
    const peer = (encryptionLevel: EncryptionLevel): PeerEntry => ({ ...mediation, encryptionLevel });
    const domain = { media: { encryptionLevel: 'Supported' } };
    expect(levelOf(rowsOf('default', { domain }), 'medpool.contoso.com')).toBeUndefined();
    expect(levelOf(rowsOf('default', { domain, peers: [peer('Required')] }), 'medpool.contoso.com')).toBe('Required');
    expect(levelOf(rowsOf('default', { domain, peers: [peer('NotSupported')] }), 'medpool.contoso.com')).toBe('NotSupported');
    expect(file('Kamailio', 'kamailio-sip.cfg', { domain })).toContain('$var(trustmesh_media) = "Supported";');
    const strict = file('Kamailio', 'kamailio-sip.cfg', { domain, encryptionLevel: 'Required' });
    expect(strict).toContain('$var(trustmesh_media) = "Required";');
  });

  it('of partners behind one edge, which are one party, as the strictest of them has it', () => {
    const tenant = (name: string, encryptionLevel: EncryptionLevel) => ({
      ...{ name, sipDomains: [`${name}.com`], accessEdge: { fqdn: 'sip.provider.net', port: 5061 }, encryptionLevel },
      names: ['sip.provider.net', `${name}.com`],
    });
    const partners = [tenant('anna', 'NotSupported'), tenant('bert', 'Supported'), tenant('carl', 'NotSupported')];
    const rows = rowsOf('access-edge-external', { ...edge, encryptionLevel: 'Supported', partners });
    const found = partners.map(({ name }) => levelOf(rows, `partner/${name}`));
    expect(found).toEqual(['Supported', 'Supported', 'NotSupported']);
  });
});

describe('the script', () => {
  it('is of one size, however many peers there are', () => {
    const peers = Array.from({ length: 500 }, (_, index): PeerEntry => ({ ...mediation, pool: `pool${index}.contoso.com` }));
    const { 'kamailio-default-names': few, ...others } = filesOf('Kamailio');
    const { 'kamailio-default-names': many, ...same } = filesOf('Kamailio', { peers });
    expect(same).toEqual(others);
    expect(many?.length).toBeGreaterThan(few?.length ?? 0);
  });

  it('compares whole names alone, and none of a subject', () => {
    for (const listener of ['inside', 'outside']) {
      const code = file('Kamailio', `kamailio-${listener}.cfg`, edge).replaceAll(/^#.*$/gm, '');
      expect(code).not.toMatch(/=~|regex|subject|_cn\b/);
    }
  });

  it('says what Kamailio cannot check', () => {
    const text = file('Kamailio', 'kamailio-outside.cfg', edge);
    expect(text).toMatch(/^# Rendered by Trustmesh for TrustedServer voice\/pool01\./);
    for (const limit of ['For Kamailio 5.6.', 'It verifies no name of whom it calls', 'the first DNS name of a certificate']) {
      expect(text).toContain(limit);
    }
  });

  it('accepts no alias of a connection', () => {
    expect(file('Kamailio', 'kamailio-sip.cfg')).toContain('\ntcp_accept_aliases=no\n');
  });
});

it('allows within FIPS what is approved, and does not start without OpenSSL’s part of it', () => {
  const files = filesOf('Kamailio', { domain: { security: { fips: 'Required' } } });
  for (const [name, text] of Object.entries(files)) expect([name, text.match(/CHACHA20|X25519/g)]).toEqual([name, null]);
  expect(files['kamailio-openssl.cnf']).toContain('Groups = P-256:P-384:P-521\n');
  expect(files['kamailio-sip.cfg']).toContain('#!defenv OPENSSL_CONF\n');
  expect(files['kamailio-default-names']).toContain('cipher\\:TLS_AES_256_GCM_SHA384:0:0:approved\n');
});
