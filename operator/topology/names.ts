// Which certificates a server needs and which names each holds: the table "Names by role and certificate use" of the
// trust model (Microsoft, "Certificate infrastructure requirements for Lync Server 2013"), as data and one function.
import { kebabCase, type Role, type TrustDomain, type TrustedServer, type Use } from '../api/v1alpha1/index.ts';
import type { LeafProfile } from '../pki/profile.ts';

/** Who reads a certificate's peer: the servers of a role, or whoever meets an Edge from outside. */
export type Audience = 'clients' | 'edge-external' | ReturnType<typeof kebabCase>;

/** One certificate that must exist, in one Secret, and everything that follows from the topology alone. */
export interface CertificateNeed {
  readonly use: Use;
  /** Name of the member it belongs to; absent for one certificate of the whole pool. */
  readonly member?: string;
  readonly secretName: string;
  readonly enterpriseCA: string;
  readonly profile: LeafProfile;
  /** The first is the subject's common name, where it fits 64 characters. */
  readonly dnsNames: readonly string[];
  readonly spiffeID?: string;
  readonly formats: readonly ('PKCS12' | 'CombinedPEM')[];
  /** Whose anchors this server must trust on the interface that shows this certificate. */
  readonly audience: Audience;
  /** One key for every registrar pool of the domain, or for every member of the pool: copied, not issued, into the Secret. */
  readonly shared?: 'Domain' | 'Pool';
}

interface UseRule {
  readonly use: Use;
  readonly profile: LeafProfile;
  readonly shared?: 'Domain' | 'Pool';
  readonly external?: true;
  /** Names in the order of the table; empty where the server does not give the FQDN that the use hangs on. */
  readonly names: (server: TrustedServer, domain: TrustDomain, members: readonly string[]) => readonly string[];
}

const sipNames = (domain: TrustDomain) => domain.spec.sipDomains.map((d) => `sip.${d}`);
const simpleURLs = (domain: TrustDomain, ...which: readonly ('meet' | 'dialin' | 'admin')[]) =>
  which.flatMap((name) => domain.spec.simpleURLs?.[name] ?? []);
const hangingOn = (fqdn: string | undefined, ...names: readonly string[]) => (fqdn === undefined ? [] : [fqdn, ...names]);

const poolAndMembers: UseRule = {
  use: 'Default',
  profile: 'Server',
  names: (server, _domain, members) => [server.spec.poolFQDN, ...members],
};

const registrar: UseRule = {
  use: 'Default',
  profile: 'Server',
  names: (server, domain, members) => [server.spec.poolFQDN, ...members, ...sipNames(domain)],
};

const frontEnd: readonly UseRule[] = [
  registrar,
  {
    use: 'WebServicesInternal',
    profile: 'Server',
    names: (server, domain, members) => [
      server.spec.webServices?.internalFQDN ?? server.spec.poolFQDN,
      server.spec.poolFQDN,
      ...members,
      ...simpleURLs(domain, 'meet', 'dialin', 'admin'),
      ...domain.spec.sipDomains.map((d) => `lyncdiscoverinternal.${d}`),
    ],
  },
  {
    use: 'WebServicesExternal',
    profile: 'Server',
    names: (server, domain) =>
      hangingOn(
        server.spec.webServices?.externalFQDN,
        ...simpleURLs(domain, 'meet', 'dialin'),
        ...domain.spec.sipDomains.map((d) => `lyncdiscover.${d}`),
      ),
  },
  { use: 'OAuthTokenIssuer', profile: 'TokenSigning', shared: 'Domain', names: (_server, domain) => domain.spec.sipDomains },
];

const accessEdgeNames: UseRule['names'] = (server, domain) =>
  hangingOn(
    server.spec.edge?.accessFQDN,
    ...(server.spec.edge?.conferencingFQDN === undefined ? [] : [server.spec.edge.conferencingFQDN]),
    ...sipNames(domain),
  );

const table: Readonly<Record<Role, readonly UseRule[]>> = {
  FrontEnd: frontEnd,
  StandardEdition: frontEnd,
  Director: [registrar],
  Mediation: [poolAndMembers],
  SurvivableBranch: [registrar],
  Edge: [
    { use: 'AccessEdgeExternal', profile: 'Server', external: true, names: accessEdgeNames },
    { use: 'AccessEdgeOutbound', profile: 'Client', external: true, names: accessEdgeNames },
    { ...poolAndMembers, use: 'Internal' },
    {
      use: 'AudioVideoAuthentication',
      profile: 'Server',
      shared: 'Pool',
      names: (server) => hangingOn(server.spec.edge?.audioVideoFQDN),
    },
  ],
  PersistentChat: [poolAndMembers],
  TrustedApplication: [poolAndMembers],
  Server: [poolAndMembers],
};

/** The uses that a role has, in the order of the table. */
export function usesOf(role: Role): readonly Use[] {
  return table[role].map((rule) => rule.use);
}

/** A member's name: given, or the first label of its FQDN. */
export function memberName(member: { readonly fqdn: string; readonly name?: string | undefined }): string {
  return member.name ?? member.fqdn.slice(0, member.fqdn.indexOf('.'));
}

/** The trust domain of every SPIFFE ID of the network (SPIFFE ID specification, section 2.1). */
export function spiffeTrustDomain(domain: TrustDomain): string {
  return domain.spec.spiffeTrustDomain ?? domain.spec.sipDomains[0] ?? domain.metadata.name;
}

/** `spiffe://<trust domain>/<role>/<pool>[/<member>]`. */
export function spiffeID(
  domain: TrustDomain,
  server: { readonly spec: Pick<TrustedServer['spec'], 'role' | 'poolFQDN'> },
  memberFQDN?: string,
): string {
  const path = [kebabCase(server.spec.role), server.spec.poolFQDN, ...(memberFQDN === undefined ? [] : [memberFQDN])];
  return `spiffe://${spiffeTrustDomain(domain)}/${path.join('/')}`;
}

/** Every certificate that the server needs, in the order of the table and of its members. Secret names are unique. */
export function certificateNeeds(server: TrustedServer, domain: TrustDomain): readonly CertificateNeed[] {
  const asked = server.spec.certificates.uses;
  return table[server.spec.role].flatMap((rule) => {
    const wish = asked?.find((entry) => entry.use === rule.use);
    if (asked !== undefined && wish === undefined) return [];
    const perMember = server.spec.certificates.scope === 'PerMember';
    const holders = perMember ? server.spec.members.map((member) => [member]) : [server.spec.members];
    return holders.flatMap((members): CertificateNeed[] => {
      const dnsNames = rule.names(
        server,
        domain,
        members.map((member) => member.fqdn),
      );
      if (dnsNames.length === 0) return [];
      const [only] = members;
      const member = perMember && only !== undefined ? only : undefined;
      return [
        {
          use: rule.use,
          ...(member === undefined ? {} : { member: memberName(member) }),
          secretName: wish?.secretName ?? secretName(server.metadata.name, rule.use, member && memberName(member)),
          enterpriseCA: wish?.enterpriseCA ?? domain.spec.enterpriseCA,
          profile: rule.profile,
          dnsNames: [...new Set([...dnsNames, ...(wish?.extraNames ?? [])])],
          ...(rule.profile === 'TokenSigning'
            ? {}
            : { spiffeID: spiffeID(domain, server, rule.shared === undefined ? member?.fqdn : undefined) }),
          formats: wish?.formats ?? [],
          audience: rule.external === true ? 'edge-external' : kebabCase(server.spec.role),
          ...(rule.shared === undefined ? {} : { shared: rule.shared }),
        },
      ];
    });
  });
}

function secretName(server: string, use: Use, member: string | undefined): string {
  return [server, ...(member === undefined ? [] : [member]), ...(use === 'Default' ? [] : [kebabCase(use)]), 'tls'].join('-');
}

/** Names that the object itself declares, and so claims: pool, members, web, edge and extra names. */
export function declaredNames(server: TrustedServer): readonly string[] {
  const { poolFQDN, members, webServices, edge, certificates } = server.spec;
  return [
    ...new Set(
      [
        poolFQDN,
        ...members.map((member) => member.fqdn),
        webServices?.internalFQDN,
        webServices?.externalFQDN,
        edge?.accessFQDN,
        edge?.conferencingFQDN,
        edge?.audioVideoFQDN,
        ...(certificates.uses ?? []).flatMap((entry) => entry.extraNames ?? []),
      ].filter((name) => name !== undefined),
    ),
  ];
}

/** Names that roles derive from a domain, each with the roles that may hold it. Nobody else may declare them. */
export function reservedNames(domain: TrustDomain): ReadonlyMap<string, readonly Role[]> {
  const frontEnds: readonly Role[] = ['FrontEnd', 'StandardEdition'];
  const registrarsAndEdge: readonly Role[] = [...frontEnds, 'Director', 'SurvivableBranch', 'Edge'];
  return new Map([
    ...domain.spec.sipDomains.flatMap((d): [string, readonly Role[]][] => [
      [d, []],
      [`sip.${d}`, registrarsAndEdge],
      [`lyncdiscover.${d}`, frontEnds],
      [`lyncdiscoverinternal.${d}`, frontEnds],
    ]),
    ...simpleURLs(domain, 'meet', 'dialin', 'admin')
      .filter((name) => !name.startsWith('*.'))
      .map((name): [string, readonly Role[]] => [name, frontEnds]),
  ]);
}
