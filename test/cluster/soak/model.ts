// What a topology means, told a second time and as simply as can be: which Secrets with which names, which bundles with
// which peers. It shares no code with the operator, so that the two agree only where both are right.

export const domain = 'contoso';
const sipDomain = 'contoso.com';

export const namespaces = ['voice-0', 'voice-1', 'voice-2', 'apps', 'perimeter'] as const;
export type Namespace = (typeof namespaces)[number];

const kinds = {
  FrontEnd: 'front-end',
  Director: 'director',
  Mediation: 'mediation',
  Edge: 'edge',
  PersistentChat: 'persistent-chat',
  Server: 'server',
} as const;
export type Role = keyof typeof kinds;
export const roles = Object.keys(kinds) as readonly Role[];

/** A server as the test declared it. */
export interface Pool {
  readonly name: string;
  readonly namespace: Namespace;
  readonly role: Role;
  readonly scope: 'PerMember' | 'Pool';
  /** First labels; never used again for another member. */
  readonly members: readonly string[];
  readonly uses: readonly Use[];
  /** Pool FQDNs; role Server only. */
  readonly peers?: readonly string[];
}

const uses = {
  Default: '',
  WebServicesInternal: 'web-services-internal-',
  WebServicesExternal: 'web-services-external-',
  OAuthTokenIssuer: 'oauth-token-issuer-',
  AccessEdgeExternal: 'access-edge-external-',
  AccessEdgeOutbound: 'access-edge-outbound-',
  Internal: 'internal-',
  AudioVideoAuthentication: 'audio-video-authentication-',
} as const;
export type Use = keyof typeof uses;

export const usesOf: Readonly<Record<Role, readonly Use[]>> = {
  FrontEnd: ['Default', 'WebServicesInternal', 'WebServicesExternal', 'OAuthTokenIssuer'],
  Director: ['Default'],
  Mediation: ['Default'],
  Edge: ['AccessEdgeExternal', 'AccessEdgeOutbound', 'Internal', 'AudioVideoAuthentication'],
  PersistentChat: ['Default'],
  Server: ['Default'],
};

/** Uses whose key and certificate several Secrets hold. */
export const sharedUses: ReadonlySet<Use> = new Set(['OAuthTokenIssuer', 'AudioVideoAuthentication']);

const host = ({ namespace }: Pool, label: string) => `${label}.${namespace}.${sipDomain}`;
export const poolFQDN = (pool: Pool) => host(pool, pool.name);

export function manifestOf(pool: Pool) {
  const { name, namespace, role, scope, peers } = pool;
  return {
    apiVersion: 'trustmesh.io/v1alpha1',
    kind: 'TrustedServer',
    metadata: { name, namespace },
    spec: {
      trustDomain: domain,
      role,
      poolFQDN: poolFQDN(pool),
      members: pool.members.map((label) => ({ fqdn: host(pool, label), name: label })),
      ...(role === 'FrontEnd' ? { webServices: { externalFQDN: host(pool, `web-${name}`) } } : {}),
      ...(role === 'Edge'
        ? {
            edge: {
              accessFQDN: host(pool, `access-${name}`),
              conferencingFQDN: host(pool, `conf-${name}`),
              audioVideoFQDN: host(pool, `av-${name}`),
            },
          }
        : {}),
      certificates: { scope, uses: pool.uses.map((use) => ({ use })) },
      ...(peers === undefined ? {} : { peers }),
    },
  };
}

/** One certificate that must exist. */
export interface Expected {
  readonly secret: string;
  readonly use: Use;
  /** DNS names and the URI, sorted. */
  readonly names: readonly string[];
}

export function certificatesOf(pool: Pool): readonly Expected[] {
  const holders = pool.scope === 'Pool' ? [undefined] : pool.members;
  return pool.uses.flatMap((use) =>
    holders.map((member): Expected => {
      const members = (member === undefined ? pool.members : [member]).map((label) => host(pool, label));
      const own = member === undefined || sharedUses.has(use) ? '' : `/${host(pool, member)}`;
      const uri = `spiffe://${sipDomain}/${kinds[pool.role]}/${poolFQDN(pool)}${own}`;
      return {
        secret: `${pool.name}-${member === undefined ? '' : `${member}-`}${uses[use]}tls`,
        use,
        names: [...dnsNames(pool, use, members), ...(use === 'OAuthTokenIssuer' ? [] : [uri])].sort(),
      };
    }),
  );
}

function dnsNames(pool: Pool, use: Use, members: readonly string[]): readonly string[] {
  switch (use) {
    case 'Default': {
      const isRegistrar = pool.role === 'FrontEnd' || pool.role === 'Director';
      return [poolFQDN(pool), ...members, ...(isRegistrar ? [`sip.${sipDomain}`] : [])];
    }
    case 'Internal':
      return [poolFQDN(pool), ...members];
    case 'WebServicesInternal':
      return [poolFQDN(pool), ...members, `lyncdiscoverinternal.${sipDomain}`];
    case 'WebServicesExternal':
      return [host(pool, `web-${pool.name}`), `lyncdiscover.${sipDomain}`];
    case 'OAuthTokenIssuer':
      return [sipDomain];
    case 'AccessEdgeExternal':
    case 'AccessEdgeOutbound':
      return [host(pool, `access-${pool.name}`), host(pool, `conf-${pool.name}`), `sip.${sipDomain}`];
    case 'AudioVideoAuthentication':
      return [host(pool, `av-${pool.name}`)];
  }
}

/** Whose pools the servers of a role are told of, besides their own. */
const talksTo: Readonly<Record<Role, readonly Role[]>> = {
  FrontEnd: ['FrontEnd', 'Director', 'Mediation', 'Edge', 'PersistentChat'],
  Director: ['FrontEnd', 'Director', 'Mediation', 'Edge', 'PersistentChat'],
  Mediation: ['FrontEnd', 'Director', 'Edge'],
  Edge: ['FrontEnd', 'Director', 'Mediation'],
  PersistentChat: ['FrontEnd', 'Director'],
  Server: ['Server'],
};

/** The peers of a list by pool: their names, sorted. */
export type Peers = ReadonlyMap<string, readonly string[]>;

const entry = (pool: Pool) =>
  [poolFQDN(pool), [poolFQDN(pool), ...pool.members.map((label) => host(pool, label))].sort()] as const;

/** Every ConfigMap of the operator's in the namespaces of the servers, as `namespace/name`, and the peers it lists. */
export function bundlesOf(pools: readonly Pool[]): ReadonlyMap<string, Peers> {
  const bundles = new Map<string, Peers>(namespaces.map((namespace) => [`${namespace}/trustmesh-${domain}`, new Map()]));
  for (const { role, namespace } of pools) {
    const known = pools.filter((other) => other.role === role || talksTo[role].includes(other.role));
    bundles.set(`${namespace}/trustmesh-${domain}-${kinds[role]}`, new Map(known.map(entry)));
    if (role === 'Edge') bundles.set(`${namespace}/trustmesh-${domain}-edge-external`, new Map());
  }
  for (const pool of pools) {
    const { name, namespace, peers } = pool;
    if (peers === undefined) continue;
    const named = pools.filter((other) => other === pool || (other.role === 'Server' && peers.includes(poolFQDN(other))));
    bundles.set(`${namespace}/${name}-trust`, new Map(named.map(entry)));
  }
  return bundles;
}
