// peers.json and its shards: together they are the whole list, each is small, and one pool rewrites one of them.
import { type Role, roles } from '../../../operator/api/v1alpha1/index.ts';
import {
  type PeerSource,
  peerSources,
  shardCount,
  shardDocument,
  shardHash,
  shardIndex,
} from '../../../operator/outputs/peers.ts';
import { bucketCount, PeerList } from '../../../operator/topology/peer-list.ts';

const limit = 256 * 1024;

const poolName = (index: number) => `pool${index}.contoso.com`;

function put(list: PeerList, index: number, members = 2, role: Role = 'FrontEnd'): void {
  const names = Array.from({ length: members }, (_, member) => `member${member}.pool${index}.contoso.com`);
  list.set(poolName(index), { pool: poolName(index), role, names: [poolName(index), ...names] });
}

function listOf(size: number, members?: number, role?: Role): PeerList {
  const list = new PeerList();
  for (let index = 0; index < size; index++) put(list, index, members, role);
  return list;
}

const any = (list: PeerList, role: Role = 'FrontEnd'): PeerSource => ({ role, list, reach: 'Any' });

const documents = (sources: readonly PeerSource[], count: number) =>
  Array.from({ length: count }, (_, shard) => shardDocument(sources, shard, count));
const hashes = (sources: readonly PeerSource[], count: number) =>
  Array.from({ length: count }, (_, shard) => shardHash(sources, shard, count));
const peersIn = (document: string): readonly { readonly pool: string }[] => JSON.parse(document).peers;

describe('the peers of an audience', () => {
  const lists = new Map<Role, PeerList>(roles.map((role) => [role, listOf(1, 1, role)]));
  const reachOf = (role: Role, mesh: 'ByRole' | 'Full') =>
    Object.fromEntries(peerSources(role, mesh, (other) => lists.get(other), roles).map((source) => [source.role, source.reach]));

  it('are the lists of the roles that it meets, its own for members of one pool where these do not meet', () => {
    expect(reachOf('Mediation', 'ByRole')).toEqual({
      FrontEnd: 'Any',
      StandardEdition: 'Any',
      Director: 'Any',
      Mediation: 'SamePool',
      Edge: 'Any',
      SurvivableBranch: 'Any',
    });
    expect(reachOf('Server', 'ByRole')).toEqual({ Server: 'Any' });
    expect(reachOf('Server', 'Full')).toEqual(Object.fromEntries(roles.map((role) => [role, 'Any'])));
  });

  it('leave out roles that have no pool', () => {
    expect(peerSources('Server', 'Full', () => undefined, roles)).toEqual([]);
  });
});

describe('a document', () => {
  it('is JSON with one line a peer', () => {
    expect(shardDocument([any(listOf(1, 1))], 0, 1)).toBe(
      '{"peers":[\n{"pool":"pool0.contoso.com","role":"FrontEnd","names":["pool0.contoso.com","member0.pool0.contoso.com"]}\n]}\n',
    );
  });

  it('is an empty list where there are none', () => {
    expect(shardDocument([], 0, 1)).toBe('{"peers":[]}\n');
  });

  it('says of a pool that it is for its own members alone', () => {
    const [peer] = peersIn(shardDocument([{ role: 'Mediation', list: listOf(1, 1, 'Mediation'), reach: 'SamePool' }], 0, 1));
    expect(peer).toEqual({
      pool: 'pool0.contoso.com',
      role: 'Mediation',
      names: ['pool0.contoso.com', 'member0.pool0.contoso.com'],
      within: 'SamePool',
    });
  });

  it('lists its shards by name where they are several', () => {
    expect(JSON.parse(shardIndex(['a', 'b']))).toEqual({ shards: ['a', 'b'] });
  });
});

describe('shards', () => {
  it.each([
    [0, 2],
    [1, 2],
    [1500, 2],
    [10_000, 2],
    [10_000, 16],
    [2000, 100],
    [300, 128],
  ])('of %d pools of %d members are together the whole, each once, and none is over 256 KiB', (size, members) => {
    const list = listOf(size, members);
    const sources = [any(list)];
    const count = shardCount(sources, 1);
    const all = documents(sources, count);
    for (const document of all) expect(Buffer.byteLength(document)).toBeLessThan(limit);
    const pools = all.flatMap((document) => peersIn(document).map(({ pool }) => pool));
    expect(pools.length).toBe(size);
    expect(new Set(pools)).toEqual(new Set(Array.from({ length: size }, (_, index) => poolName(index))));
    expect(peersIn(shardDocument(sources, 0, 1))).toHaveLength(size);
    const sorted = (entries: readonly object[]) => entries.map((each) => JSON.stringify(each)).sort();
    expect(sorted(all.flatMap(peersIn))).toEqual(sorted([...peersIn(shardDocument(sources, 0, 1))]));
  });

  it('count what limits the reach of a peer, too', () => {
    const list = new PeerList();
    let index = 0;
    const source = { role: 'Mediation', list, reach: 'SamePool' } as const;
    while (shardCount([source], 1) === 1) {
      expect(Buffer.byteLength(shardDocument([source], 0, 1))).toBeLessThan(limit);
      for (let more = 0; more < 50; more++) put(list, index++, 0, 'Mediation');
    }
    expect(list.size).toBeGreaterThan(500);
  });

  it.each(['changes', 'goes', 'comes'] as const)('change in exactly one place when one pool %s', (what) => {
    const list = listOf(10_000);
    const sources = [any(list)];
    const count = shardCount(sources, 1);
    expect(count).toBeGreaterThan(1);
    const before = [hashes(sources, count), documents(sources, count)];
    if (what === 'changes') put(list, 77, 3);
    if (what === 'goes') list.set(poolName(77), undefined);
    if (what === 'comes') put(list, 10_000);
    expect(shardCount(sources, count)).toBe(count);
    const after = [hashes(sources, count), documents(sources, count)];
    const changed = after.map((each, kind) => each.flatMap((value, shard) => (value === before[kind]?.[shard] ? [] : [shard])));
    expect(changed[0]).toHaveLength(1);
    expect(changed[0]).toEqual(changed[1]);
  });

  it('change in one place even when the pool is the first of its role', () => {
    const [frontEnds, directors] = [listOf(10_000), new PeerList()];
    const count = shardCount([any(frontEnds)], 1);
    const before = hashes([any(frontEnds)], count);
    put(directors, 1, 2, 'Director');
    const after = hashes([any(frontEnds), any(directors, 'Director')], count);
    expect(after.filter((hash, shard) => hash !== before[shard])).toHaveLength(1);
  });

  it('have other hashes where a pool is of another role, or reaches less far', () => {
    const list = listOf(1);
    const variants = [any(list), any(list, 'Director'), { ...any(list), reach: 'SamePool' } as const];
    expect(new Set(variants.map((source) => shardHash([source], 0, 1))).size).toBe(3);
  });
});

describe('the number of shards', () => {
  const large = listOf(10_000);

  /** The numbers that a list goes through as it grows and shrinks by steps, without repeats. */
  function course(sizes: readonly number[]): readonly number[] {
    const list = new PeerList();
    const seen = [1];
    let known = 0;
    for (const size of sizes) {
      for (; known < size; known++) put(list, known);
      for (; known > size; known--) list.set(poolName(known - 1), undefined);
      const count = shardCount([any(list)], seen.at(-1) ?? 1);
      if (count !== seen.at(-1)) seen.push(count);
    }
    return seen;
  }

  const steps = (from: number, to: number) =>
    Array.from({ length: Math.abs(to - from) / 500 + 1 }, (_, step) => from + step * 500 * Math.sign(to - from));

  it('goes up by doubling and down by halving, each once', () => {
    expect(course([...steps(0, 12_000), ...steps(12_000, 0)])).toEqual([1, 4, 8, 16, 8, 4, 1]);
  });

  it('does not go back and forth with a list that grows and shrinks by a tenth around any size', () => {
    for (let size = 500; size <= 9000; size = Math.round(size * 1.5)) {
      const around = [size, Math.round(size * 1.1), Math.round(size * 0.95)];
      const settled = course([...around, ...around]);
      expect({ size, changes: settled.length }).toEqual({ size, changes: Math.min(settled.length, 3) });
      expect([...settled].sort((a, b) => a - b)).toEqual(settled);
    }
  });

  it.each([Number.NaN, 0, -4, 3, 5.5, 1e9, Number.POSITIVE_INFINITY])(
    'takes %d, which somebody wrote into an annotation, for none',
    (current) => {
      expect(shardCount([any(large)], current)).toBe(shardCount([any(large)], 1));
      expect(shardCount([any(listOf(3))], current)).toBe(1);
    },
  );

  it('is a power of two within the number of buckets', () => {
    for (const size of [3000, 10_000]) {
      const count = shardCount([any(listOf(size, 20))], 1);
      expect(bucketCount % count).toBe(0);
    }
  });
});
