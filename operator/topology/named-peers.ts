// Whom a server of the role Server names in `peers`: pools by FQDN, or TrustedServers of its namespace by name.
import { roles, type TrustedServer } from '../api/v1alpha1/index.ts';
import { meets } from './mesh.ts';
import type { Topology } from './topology.ts';

export interface NamedPeer {
  /** As `peers` has it. */
  readonly name: string;
  readonly pool: string;
  /** Its entry of the peer list, JSON; absent where no pool of that name is one that the server may talk to. */
  readonly entry?: string;
  readonly listed: boolean;
}

/** Undefined where the server does not narrow whom it talks to. */
export function namedPeers({ metadata, spec }: TrustedServer, topology: Topology): readonly NamedPeer[] | undefined {
  const { trustDomain, role, peers } = spec;
  const mesh = topology.domain(trustDomain)?.spec.security.mesh ?? 'ByRole';
  const lists = roles.filter((other) => meets(role, other, mesh) === 'Any').map((other) => topology.peerList(trustDomain, other));
  const entryOf = (pool: string) => lists.map((list) => list?.get(pool)).find((entry) => entry !== undefined);
  return peers?.map((name) => {
    const own = entryOf(name);
    const pool = own === undefined ? (topology.placement(`${metadata.namespace}/${name}`)?.server.spec.poolFQDN ?? name) : name;
    const entry = own ?? entryOf(pool);
    return { name, pool, listed: entry !== undefined, ...(entry === undefined ? {} : { entry }) };
  });
}
