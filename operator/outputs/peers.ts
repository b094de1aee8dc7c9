// `peers.json` of an audience: one document while it is small, else a list of shards, each a run of the 256 buckets that
// pools fall into by hash. One changed pool rewrites one shard.
import { createHash } from 'node:crypto';
import type { Role } from '../api/v1alpha1/index.ts';
import { meets } from '../topology/mesh.ts';
import { bucketCount, type PeerList } from '../topology/peer-list.ts';

/** Below this `peers.json` is one document (contract). */
const wholeBytes = 256 * 1024;
/** Mean size of a shard above which their number doubles, and below which it halves. */
const fullShardBytes = 128 * 1024;
const sparseShardBytes = 24 * 1024;

/** One role's pools as an audience sees them. */
export interface PeerSource {
  readonly role: Role;
  readonly list: PeerList;
  /** `SamePool`: listed for the members of that very pool only. */
  readonly reach: 'Any' | 'SamePool';
}

/** The pools that servers of `role` meet. */
export function peerSources(
  role: Role,
  mesh: 'ByRole' | 'Full',
  lists: (role: Role) => PeerList | undefined,
  roles: readonly Role[],
): readonly PeerSource[] {
  return roles.flatMap((other): PeerSource[] => {
    const reach = meets(role, other, mesh);
    const list = lists(other);
    return reach === undefined || list === undefined ? [] : [{ role: other, list, reach }];
  });
}

/** How many shards the peers take: 1 for one document. `current` keeps a list near a limit from going back and forth. */
export function shardCount(sources: readonly PeerSource[], current: number): number {
  const bytes = sources.reduce((sum, source) => sum + source.list.bytes, 0);
  if (bytes < (current > 1 ? wholeBytes / 2 : wholeBytes * 0.9)) return 1;
  let count = Math.max(current, 4);
  while (bytes / count > fullShardBytes && count < bucketCount) count *= 2;
  while (bytes / count < sparseShardBytes && count > 4) count /= 2;
  return count;
}

/** Identity of one shard's content, from the digests of its buckets: costs nothing for buckets that did not change. */
export function shardHash(sources: readonly PeerSource[], shard: number, count: number): string {
  const hash = createHash('sha256');
  for (const { role, reach, list } of sources) {
    hash.update(`${role} ${reach}\n`);
    for (const bucket of bucketsOf(shard, count)) hash.update(list.digest(bucket));
  }
  return hash.digest('hex');
}

/** The document of one shard: `{"peers": [{"pool", "role", "names"}]}`. */
export function shardDocument(sources: readonly PeerSource[], shard: number, count: number): string {
  const entries = sources.flatMap(({ list, reach }) =>
    bucketsOf(shard, count)
      .flatMap((bucket) => list.entries(bucket))
      .map((entry) => (reach === 'SamePool' ? `${entry.slice(0, -1)},"within":"SamePool"}` : entry)),
  );
  return entries.length === 0 ? '{"peers":[]}\n' : `{"peers":[\n${entries.join(',\n')}\n]}\n`;
}

/** What `peers.json` holds where the peers lie in shards of their own. */
export function shardIndex(names: readonly string[]): string {
  return `${JSON.stringify({ shards: names })}\n`;
}

function bucketsOf(shard: number, count: number): readonly number[] {
  const width = bucketCount / count;
  return Array.from({ length: width }, (_, i) => shard * width + i);
}
