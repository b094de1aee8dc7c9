// Whom a server of the role Server names in `peers`: pools by FQDN, or TrustedServers of its namespace by name. What it names
// narrows its own list alone; members of its own pool are always on it.
import { roles, type TrustedServer } from '../api/v1alpha1/index.ts';
import { meets } from './mesh.ts';
import type { Topology } from './topology.ts';

export interface NamedPeer {
  /** As `peers` has it. */
  readonly name: string;
  readonly pool: string;
  /** Its entry of the peer list, JSON; absent where no pool of that name is one that the server may talk to. */
  readonly entry?: string;
}

/** Undefined where the server does not narrow whom it talks to. */
export function namedPeers(server: TrustedServer, topology: Topology): readonly NamedPeer[] | undefined {
  const entryOf = entriesFor(server, topology);
  return server.spec.peers?.map((name) => {
    const own = entryOf(name);
    const beside = topology.placement(`${server.metadata.namespace}/${name}`)?.server.spec.poolFQDN;
    const pool = own === undefined ? (beside ?? name) : name;
    const entry = own ?? entryOf(pool);
    return { name, pool, ...(entry === undefined ? {} : { entry }) };
  });
}

/** The entries of a narrowed peer list, JSON, ordered by pool. Undefined where the server does not narrow whom it talks to. */
export function narrowedEntries(server: TrustedServer, topology: Topology): readonly string[] | undefined {
  const named = namedPeers(server, topology);
  if (named === undefined) return undefined;
  const { poolFQDN } = server.spec;
  const entries = new Map(
    [...named, { pool: poolFQDN, entry: entriesFor(server, topology)(poolFQDN) }].map((each) => [each.pool, each.entry]),
  );
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, entry]) => entry ?? []);
}

/** The entry of a pool on the lists of the roles that the server meets. */
function entriesFor({ spec: { trustDomain, role } }: TrustedServer, topology: Topology): (pool: string) => string | undefined {
  const mesh = topology.domain(trustDomain)?.spec.security.mesh ?? 'ByRole';
  const lists = roles.filter((other) => meets(role, other, mesh) === 'Any').map((other) => topology.peerList(trustDomain, other));
  return (pool) => lists.map((list) => list?.get(pool)).find((entry) => entry !== undefined);
}
