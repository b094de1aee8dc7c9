// `peers.json` of an audience: one document while it is small, else a list of shards, each a run of the 256 buckets that
// pools fall into by hash. One changed pool rewrites one shard.
import { createHash } from 'node:crypto';
import type { Role } from '../api/v1alpha1/index.ts';
import { meets } from '../topology/mesh.ts';
import { bucketCount, type PeerList } from '../topology/peer-list.ts';

/** Below this `peers.json` is one document (contract); no shard is larger. */
const wholeBytes = 256 * 1024;
/** Size of the largest shard above which their number doubles, and of two in one below which it halves. */
const fullShardBytes = 224 * 1024;
const sparseShardBytes = 96 * 1024;
const fewestShards = 4;

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

/**
 * How many shards the peers take: 1 for one document, else a power of two. `current` keeps a list near a limit from going
 * back and forth; it is read from an annotation, which anybody may have edited.
 */
export function shardCount(sources: readonly PeerSource[], current: number): number {
  const isSharded = Number.isInteger(Math.log2(current)) && current >= fewestShards && current <= bucketCount;
  const weights = bucketWeights(sources);
  const whole = largestShard(weights, 1);
  if (whole < (isSharded ? wholeBytes / 2 : wholeBytes * 0.9)) return 1;
  let count = isSharded ? current : fewestShards;
  while (count < bucketCount && largestShard(weights, count) > fullShardBytes) count *= 2;
  while (count > fewestShards && largestShard(weights, count / 2) < sparseShardBytes) count /= 2;
  return count;
}

/** Bytes that each bucket takes in a document. */
function bucketWeights(sources: readonly PeerSource[]): readonly number[] {
  const weights = new Array<number>(bucketCount).fill(0);
  for (const { list, reach } of sources) {
    const more = extra(reach);
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      weights[bucket] = (weights[bucket] ?? 0) + list.bytesOf(bucket) + list.sizeOf(bucket) * more;
    }
  }
  return weights;
}

/** Bytes of the largest document. */
function largestShard(weights: readonly number[], count: number): number {
  const width = bucketCount / count;
  let largest = 0;
  for (let begin = 0; begin < bucketCount; begin += width) {
    let bytes = 0;
    for (let bucket = begin; bucket < begin + width; bucket++) bytes += weights[bucket] ?? 0;
    largest = Math.max(largest, bytes);
  }
  return frameBytes + largest;
}

/** Identity of one shard's content, from digests that the lists keep: costs nothing for those that did not change. */
export function shardHash(sources: readonly PeerSource[], shard: number, count: number): string {
  const hash = createHash('sha256');
  const width = bucketCount / count;
  for (const { role, reach, list } of sources) {
    const digest = list.digestOfRun(shard * width, width);
    if (digest !== undefined) hash.update(`${role} ${reach}\n`).update(digest);
  }
  return hash.digest('hex');
}

const withinPool = ',"within":"SamePool"';
/** What surrounds the entries of a document. */
const frameBytes = '{"peers":[\n\n]}\n'.length;

/** Bytes that an entry takes in a document beside its JSON and a comma: the line feed, and what limits its reach. */
function extra(reach: PeerSource['reach']): number {
  return 1 + (reach === 'SamePool' ? withinPool.length : 0);
}

/** The document of one shard: `{"peers": [{"pool", "role", "names"}]}`. */
export function shardDocument(sources: readonly PeerSource[], shard: number, count: number): string {
  const entries = sources.flatMap(({ list, reach }) =>
    bucketsOf(shard, count)
      .flatMap((bucket) => list.entries(bucket))
      .map((entry) => (reach === 'SamePool' ? `${entry.slice(0, -1)}${withinPool}}` : entry)),
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
