// The table "Names by role and certificate use" of the trust model: every role, every use, exact names in their order.
import { roles, usesByRole } from '../../../operator/api/v1alpha1/index.ts';
import {
  certificateNeeds,
  declaredNames,
  memberName,
  reservedNames,
  spiffeID,
  spiffeTrustDomain,
} from '../../../operator/topology/names.ts';
import { trustDomain, trustedServer } from './objects.ts';

const domain = trustDomain('contoso', {
  sipDomains: ['contoso.com', 'contoso.net'],
  simpleURLs: { meet: 'meet.contoso.com', dialin: 'dialin.contoso.com', admin: 'admin.contoso.com' },
});

const pool = 'pool01.contoso.com';
const members = [{ fqdn: 'a.contoso.com' }, { fqdn: 'b.contoso.com', name: 'second' }];
const web = { internalFQDN: 'web-int.contoso.com', externalFQDN: 'web-ext.contoso.com' };
const edge = { accessFQDN: 'access.contoso.com', conferencingFQDN: 'webconf.contoso.com', audioVideoFQDN: 'av.contoso.com' };

const specOf = (role: (typeof roles)[number]) => ({
  poolFQDN: pool,
  members,
  ...(role === 'FrontEnd' || role === 'StandardEdition' ? { webServices: web } : {}),
  ...(role === 'Edge' ? { edge } : {}),
});

const sip = ['sip.contoso.com', 'sip.contoso.net'];

/** Role, use, profile, what stands before the members' names, whether they are there, and what comes after. */
type Row = readonly [
  (typeof roles)[number],
  string,
  'Server' | 'Client' | 'TokenSigning',
  readonly string[],
  boolean,
  readonly string[],
];

const frontEndRows = (role: 'FrontEnd' | 'StandardEdition'): readonly Row[] => [
  [role, 'Default', 'Server', [pool], true, sip],
  [
    role,
    'WebServicesInternal',
    'Server',
    ['web-int.contoso.com', pool],
    true,
    [
      'meet.contoso.com',
      'dialin.contoso.com',
      'admin.contoso.com',
      'lyncdiscoverinternal.contoso.com',
      'lyncdiscoverinternal.contoso.net',
    ],
  ],
  [
    role,
    'WebServicesExternal',
    'Server',
    ['web-ext.contoso.com'],
    false,
    ['meet.contoso.com', 'dialin.contoso.com', 'lyncdiscover.contoso.com', 'lyncdiscover.contoso.net'],
  ],
  [role, 'OAuthTokenIssuer', 'TokenSigning', ['contoso.com', 'contoso.net'], false, []],
];

const rows: readonly Row[] = [
  ...frontEndRows('FrontEnd'),
  ...frontEndRows('StandardEdition'),
  ['Director', 'Default', 'Server', [pool], true, sip],
  ['Mediation', 'Default', 'Server', [pool], true, []],
  ['Edge', 'AccessEdgeExternal', 'Server', ['access.contoso.com', 'webconf.contoso.com'], false, sip],
  ['Edge', 'AccessEdgeOutbound', 'Client', ['access.contoso.com', 'webconf.contoso.com'], false, sip],
  ['Edge', 'Internal', 'Server', [pool], true, []],
  ['Edge', 'AudioVideoAuthentication', 'Server', ['av.contoso.com'], false, []],
  ['SurvivableBranch', 'Default', 'Server', [pool], true, sip],
  ['PersistentChat', 'Default', 'Server', [pool], true, []],
  ['TrustedApplication', 'Default', 'Server', [pool], true, []],
  ['Server', 'Default', 'Server', [pool], true, []],
];

it('has a row for each use of each role', () => {
  expect(rows.map(([role, use]) => `${role}/${use}`)).toEqual(
    roles.flatMap((role) => usesByRole[role].map((use) => `${role}/${use}`)),
  );
});

describe.each(rows)('%s, use %s', (role, use, profile, before, withMembers, after) => {
  const needs = (scope: 'PerMember' | 'Pool') =>
    certificateNeeds(trustedServer('pool01', role, { ...specOf(role), certificates: { scope } }), domain).filter(
      (need) => need.use === use,
    );

  it('holds, for each member, the names of the table in their order', () => {
    expect(needs('PerMember').map(({ member, dnsNames }) => ({ member, dnsNames }))).toEqual([
      { member: 'a', dnsNames: [...before, ...(withMembers ? ['a.contoso.com'] : []), ...after] },
      { member: 'second', dnsNames: [...before, ...(withMembers ? ['b.contoso.com'] : []), ...after] },
    ]);
  });

  it('holds, for the pool, the names of all members', () => {
    const [need, ...others] = needs('Pool');
    expect(others).toEqual([]);
    expect(need?.dnsNames).toEqual([...before, ...(withMembers ? ['a.contoso.com', 'b.contoso.com'] : []), ...after]);
    expect(need).not.toHaveProperty('member');
  });

  it(`is made by the profile ${profile}`, () => {
    for (const need of [...needs('PerMember'), ...needs('Pool')]) expect(need.profile).toBe(profile);
  });
});

describe('the Secret of a certificate', () => {
  const names = (role: (typeof roles)[number], certificates: object, only = members) =>
    certificateNeeds(trustedServer('s', role, { ...specOf(role), members: only, certificates }), domain).map(
      (need) => need.secretName,
    );

  it('is <server>-<member>-tls for each member, with the use before -tls unless it is Default', () => {
    expect(names('FrontEnd', { scope: 'PerMember' })).toEqual([
      's-a-tls',
      's-second-tls',
      's-a-web-services-internal-tls',
      's-second-web-services-internal-tls',
      's-a-web-services-external-tls',
      's-second-web-services-external-tls',
      's-a-oauth-token-issuer-tls',
      's-second-oauth-token-issuer-tls',
    ]);
  });

  it('is <server>-tls for the pool', () => {
    expect(names('Edge', { scope: 'Pool' })).toEqual([
      's-access-edge-external-tls',
      's-access-edge-outbound-tls',
      's-internal-tls',
      's-audio-video-authentication-tls',
    ]);
    expect(names('Server', { scope: 'Pool' })).toEqual(['s-tls']);
  });

  it('has the name that the use gives it', () => {
    const uses = [{ use: 'Default', secretName: 'mine' }];
    expect(names('Server', { scope: 'Pool', uses })).toEqual(['mine']);
    expect(names('Server', { uses }, members.slice(0, 1))).toEqual(['mine']);
  });

  it('is one for each certificate', () => {
    for (const role of roles) {
      for (const scope of ['PerMember', 'Pool']) {
        const all = names(role, { scope });
        expect(new Set(all).size).toBe(all.length);
      }
    }
  });
});

describe('the uses of a server', () => {
  const usesOf = (role: (typeof roles)[number], spec: object) => [
    ...new Set(certificateNeeds(trustedServer('s', role, spec), domain).map((need) => need.use)),
  ];

  it('are, unless it says otherwise, those of its role whose FQDNs it gives', () => {
    expect(usesOf('FrontEnd', {})).toEqual(['Default', 'WebServicesInternal', 'OAuthTokenIssuer']);
    expect(usesOf('Edge', {})).toEqual(['Internal']);
    expect(usesOf('Edge', { edge: { accessFQDN: 'access.contoso.com' } })).toEqual([
      'AccessEdgeExternal',
      'AccessEdgeOutbound',
      'Internal',
    ]);
  });

  it('are exactly those that it asks for', () => {
    expect(usesOf('FrontEnd', { webServices: web, certificates: { uses: [{ use: 'WebServicesExternal' }] } })).toEqual([
      'WebServicesExternal',
    ]);
  });

  it('stand under the pool where there is no internal web FQDN', () => {
    const [need] = certificateNeeds(
      trustedServer('s', 'FrontEnd', { certificates: { scope: 'Pool', uses: [{ use: 'WebServicesInternal' }] } }),
      trustDomain('contoso'),
    );
    expect(need?.dnsNames).toEqual(['s.contoso.com', 's-a.contoso.com', 'lyncdiscoverinternal.contoso.com']);
  });
});

describe('the names of a certificate', () => {
  it('end with the extra ones that the use asks for, each name once', () => {
    const uses = [{ use: 'Default', extraNames: ['x.contoso.com', 's.contoso.com', 'y.contoso.com'] }];
    const [need] = certificateNeeds(trustedServer('s', 'Server', { certificates: { uses } }), domain);
    expect(need?.dnsNames).toEqual(['s.contoso.com', 's-a.contoso.com', 'x.contoso.com', 'y.contoso.com']);
  });

  it('hold a name once where pool and member are the same', () => {
    const alone = { poolFQDN: 'branch.contoso.com', members: [{ fqdn: 'branch.contoso.com' }] };
    const [need] = certificateNeeds(trustedServer('s', 'SurvivableBranch', alone), domain);
    expect(need?.dnsNames).toEqual(['branch.contoso.com', ...sip]);
  });

  it('take a wildcard for the simple URLs, in the web services alone', () => {
    const wildcard = trustDomain('contoso', { simpleURLs: { meet: '*.contoso.com', dialin: '*.contoso.com' } });
    const needs = certificateNeeds(trustedServer('s', 'FrontEnd', { ...specOf('FrontEnd') }), wildcard);
    const withWildcard = needs.filter(({ dnsNames }) => dnsNames.some((name) => name.startsWith('*.')));
    expect(new Set(withWildcard.map(({ use }) => use))).toEqual(new Set(['WebServicesInternal', 'WebServicesExternal']));
    for (const { dnsNames } of withWildcard) expect(dnsNames.filter((name) => name === '*.contoso.com')).toHaveLength(1);
  });
});

describe('what is shared', () => {
  const shares = (role: (typeof roles)[number]) =>
    Object.fromEntries(certificateNeeds(trustedServer('s', role, specOf(role)), domain).map(({ use, shared }) => [use, shared]));

  it('is the token issuer by all registrar pools of the domain, and media relay authentication by a pool', () => {
    expect(shares('FrontEnd')).toMatchObject({ Default: undefined, OAuthTokenIssuer: 'Domain' });
    expect(shares('Edge')).toMatchObject({
      Internal: undefined,
      AccessEdgeExternal: undefined,
      AudioVideoAuthentication: 'Pool',
    });
  });
});

describe('the audience of a certificate', () => {
  const audiences = (role: (typeof roles)[number]) =>
    Object.fromEntries(
      certificateNeeds(trustedServer('s', role, specOf(role)), domain).map(({ use, audience }) => [use, audience]),
    );

  it('is the role, and for the Edge the face that shows it', () => {
    expect(audiences('Edge')).toEqual({
      AccessEdgeExternal: 'edge-external',
      AccessEdgeOutbound: 'edge-external',
      Internal: 'edge',
      AudioVideoAuthentication: 'edge',
    });
    expect(new Set(Object.values(audiences('FrontEnd')))).toEqual(new Set(['front-end']));
    expect(audiences('TrustedApplication')).toEqual({ Default: 'trusted-application' });
  });
});

describe('the SPIFFE ID', () => {
  const ids = (role: (typeof roles)[number], scope: string) =>
    Object.fromEntries(
      certificateNeeds(trustedServer('s', role, { ...specOf(role), certificates: { scope } }), domain).map((need) => [
        `${need.use}${need.member === undefined ? '' : `/${need.member}`}`,
        need.spiffeID,
      ]),
    );

  it('names role, pool and member, and no member for a certificate of the pool', () => {
    expect(ids('Director', 'PerMember')).toEqual({
      'Default/a': 'spiffe://contoso.com/director/pool01.contoso.com/a.contoso.com',
      'Default/second': 'spiffe://contoso.com/director/pool01.contoso.com/b.contoso.com',
    });
    expect(ids('Director', 'Pool')).toEqual({ Default: 'spiffe://contoso.com/director/pool01.contoso.com' });
  });

  it('is none on what signs tokens, and without member on what the members share', () => {
    expect(ids('FrontEnd', 'PerMember')['OAuthTokenIssuer/a']).toBeUndefined();
    expect(ids('Edge', 'PerMember')['AudioVideoAuthentication/a']).toBe('spiffe://contoso.com/edge/pool01.contoso.com');
  });

  it('begins with the first SIP domain, unless the domain names another', () => {
    expect(spiffeTrustDomain(domain)).toBe('contoso.com');
    const named = trustDomain('contoso', { spiffeTrustDomain: 'mesh.contoso.com' });
    expect(spiffeID(named, trustedServer('s', 'Server'))).toBe('spiffe://mesh.contoso.com/server/s.contoso.com');
  });
});

describe('the CA of a certificate', () => {
  it("is the domain's, or the one that the use names", () => {
    const uses = [{ use: 'Default' }, { use: 'WebServicesExternal', enterpriseCA: 'public' }];
    const server = trustedServer('s', 'FrontEnd', { webServices: web, certificates: { scope: 'Pool', uses } });
    expect(certificateNeeds(server, domain).map(({ use, enterpriseCA }) => [use, enterpriseCA])).toEqual([
      ['Default', 'contoso'],
      ['WebServicesExternal', 'public'],
    ]);
  });
});

it('keeps the formats that a use asks for', () => {
  const uses = [{ use: 'Default', formats: ['PKCS12', 'CombinedPEM'] }];
  expect(certificateNeeds(trustedServer('s', 'Server', { certificates: { uses } }), domain)[0]?.formats).toEqual([
    'PKCS12',
    'CombinedPEM',
  ]);
});

it('names a member after the first label of its FQDN, unless it has a name', () => {
  expect(memberName({ fqdn: 'fe01.contoso.com' })).toBe('fe01');
  expect(memberName({ fqdn: 'fe01.contoso.com', name: 'one' })).toBe('one');
});

describe('names that an object declares', () => {
  it('are pool, members, web, edge and extra names, each once', () => {
    const certificates = { uses: [{ use: 'Default', extraNames: ['x.contoso.com', 'a.contoso.com'] }] };
    expect(declaredNames(trustedServer('s', 'FrontEnd', { ...specOf('FrontEnd'), certificates }))).toEqual([
      pool,
      'a.contoso.com',
      'b.contoso.com',
      'web-int.contoso.com',
      'web-ext.contoso.com',
      'x.contoso.com',
    ]);
    expect(declaredNames(trustedServer('s', 'Edge', specOf('Edge')))).toEqual([
      pool,
      'a.contoso.com',
      'b.contoso.com',
      'access.contoso.com',
      'webconf.contoso.com',
      'av.contoso.com',
    ]);
  });
});

describe('names that a domain reserves', () => {
  const frontEnds = ['FrontEnd', 'StandardEdition'];
  const registrarsAndEdge = [...frontEnds, 'Director', 'SurvivableBranch', 'Edge'];

  it('are its SIP domains, and what roles derive from them, for those roles', () => {
    expect(Object.fromEntries(reservedNames(trustDomain('contoso', { sipDomains: ['contoso.com', 'contoso.net'] })))).toEqual({
      'contoso.com': [],
      'contoso.net': [],
      'sip.contoso.com': registrarsAndEdge,
      'sip.contoso.net': registrarsAndEdge,
      'lyncdiscover.contoso.com': frontEnds,
      'lyncdiscover.contoso.net': frontEnds,
      'lyncdiscoverinternal.contoso.com': frontEnds,
      'lyncdiscoverinternal.contoso.net': frontEnds,
    });
  });

  it('are the simple URLs too, but no wildcard', () => {
    const simpleURLs = { meet: '*.contoso.com', dialin: 'dialin.contoso.com' };
    const names = reservedNames(trustDomain('contoso', { simpleURLs }));
    expect(names.get('dialin.contoso.com')).toEqual(frontEnds);
    expect(names.has('*.contoso.com')).toBe(false);
  });
});
