// The peer list of one role of one domain, kept in 256 buckets by a hash of the pool, so that one changed pool costs one
// bucket, and a list too large for one object falls into shards that are runs of buckets.
import { createHash } from 'node:crypto';
import type { EncryptionLevel, Role } from '../api/v1alpha1/index.ts';

/** What peers know of a pool: the names that its certificates may show. */
export interface PeerEntry {
  readonly pool: string;
  readonly role: Role;
  readonly names: readonly string[];
  /** Of its media, where it declares one. */
  readonly encryptionLevel?: EncryptionLevel;
}

export const bucketCount = 256;

interface Bucket {
  readonly entries: Map<string, string>;
  bytes: number;
  /** Hash of the content; absent after a change until somebody asks. */
  digest?: Buffer | undefined;
}

/** The bucket of a pool: the first octet of SHA-256 of its FQDN, so that it is the same in every process. */
export function bucketOf(pool: string): number {
  return createHash('sha256').update(pool).digest()[0] ?? 0;
}

const emptyDigest = Buffer.alloc(32);

export class PeerList {
  readonly #buckets = new Map<number, Bucket>();
  /** Digests of runs of buckets by `first/width`; none after a change. */
  readonly #runs = new Map<string, Buffer>();
  #size = 0;
  #bytes = 0;

  /** Pools in the list. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of all entries as JSON, with a separator each. */
  get bytes(): number {
    return this.#bytes;
  }

  has(pool: string): boolean {
    return this.get(pool) !== undefined;
  }

  /** The entry of one pool, as JSON. */
  get(pool: string): string | undefined {
    return this.#buckets.get(bucketOf(pool))?.entries.get(pool);
  }

  /** Puts a pool's entry in, replaces it, or (undefined) takes it out. Returns whether anything changed. */
  set(pool: string, entry: PeerEntry | undefined): boolean {
    const index = bucketOf(pool);
    const bucket = this.#buckets.get(index) ?? { entries: new Map<string, string>(), bytes: 0 };
    const before = bucket.entries.get(pool);
    const after = entry === undefined ? undefined : JSON.stringify(entry);
    if (before === after) return false;
    if (after === undefined) bucket.entries.delete(pool);
    else bucket.entries.set(pool, after);
    const grown = weight(after) - weight(before);
    bucket.bytes += grown;
    bucket.digest = undefined;
    this.#runs.clear();
    this.#bytes += grown;
    this.#size += (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    if (bucket.entries.size === 0) this.#buckets.delete(index);
    else this.#buckets.set(index, bucket);
    return true;
  }

  /** Pools in one bucket. */
  sizeOf(index: number): number {
    return this.#buckets.get(index)?.entries.size ?? 0;
  }

  /** Bytes of the entries of one bucket as JSON, with a separator each. */
  bytesOf(index: number): number {
    return this.#buckets.get(index)?.bytes ?? 0;
  }

  /** SHA-256 over the entries of one bucket; 32 zero octets where it is empty. */
  digest(index: number): Buffer {
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) return emptyDigest;
    bucket.digest ??= createHash('sha256').update(this.entries(index).join('\n')).digest();
    return bucket.digest;
  }

  /** SHA-256 over a run of buckets, worked out once however many objects hold it; undefined where all of them are empty. */
  digestOfRun(first: number, width: number): Buffer | undefined {
    const id = `${first}/${width}`;
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const filled = Array.from({ length: width }, (_, offset) => first + offset).filter((index) => this.#buckets.has(index));
    if (filled.length === 0) return undefined;
    const hash = createHash('sha256');
    for (const index of filled) hash.update(`${index}\n`).update(this.digest(index));
    const digest = hash.digest();
    this.#runs.set(id, digest);
    return digest;
  }

  /** The JSON of each entry of one bucket, ordered by pool. */
  entries(index: number): readonly string[] {
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) return [];
    return [...bucket.entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, json]) => json);
  }
}

/** The entry that `PeerList` keeps as JSON. */
export function parsePeer(json: string): PeerEntry {
  return JSON.parse(json);
}

function weight(json: string | undefined): number {
  return json === undefined ? 0 : Buffer.byteLength(json) + 1;
}
