// The peer list of one role: what is put in comes out, in buckets that depend on the pool alone.
import fc from 'fast-check';
import { bucketCount, bucketOf, type PeerEntry, PeerList } from '../../../operator/topology/peer-list.ts';

const entry = (pool: string, ...names: readonly string[]): PeerEntry => ({ pool, role: 'FrontEnd', names: [pool, ...names] });

function contentOf(list: PeerList): Readonly<Record<string, PeerEntry>> {
  const entries = Array.from({ length: bucketCount }, (_, bucket) => list.entries(bucket)).flat();
  return Object.fromEntries(entries.map((json) => JSON.parse(json)).map((each: PeerEntry) => [each.pool, each]));
}

describe('a peer list', () => {
  it('holds what was put in last, and knows its size', () => {
    const pool = fc.integer({ min: 0, max: 20 }).map((number) => `pool${number}.contoso.com`);
    const change = fc.tuple(pool, fc.option(fc.array(fc.stringMatching(/^[a-z]{1,8}\.contoso\.com$/), { maxLength: 3 })));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const list = new PeerList();
        const model = new Map<string, PeerEntry>();
        for (const [name, names] of changes) {
          const before = model.get(name);
          const after = names === null ? undefined : entry(name, ...names);
          if (after === undefined) model.delete(name);
          else model.set(name, after);
          expect(list.set(name, after)).toBe(JSON.stringify(before) !== JSON.stringify(after));
        }
        const json = [...model.values()].map((each) => JSON.stringify(each));
        expect(contentOf(list)).toEqual(Object.fromEntries(model));
        expect(list.size).toBe(model.size);
        expect(list.bytes).toBe(json.reduce((sum, each) => sum + each.length + 1, 0));
        const buckets = Array.from({ length: bucketCount }, (_, bucket) => bucket);
        expect(buckets.reduce((sum, bucket) => sum + list.sizeOf(bucket), 0)).toBe(list.size);
        expect(buckets.reduce((sum, bucket) => sum + list.bytesOf(bucket), 0)).toBe(list.bytes);
      }),
    );
  });

  it('does not depend on the order in which pools came', () => {
    const pools = Array.from({ length: 600 }, (_, index) => `pool${index}.contoso.com`);
    const [forth, back] = [pools, [...pools].reverse()].map((order) => {
      const list = new PeerList();
      for (const pool of order) list.set(pool, entry(pool));
      return Array.from({ length: bucketCount }, (_, bucket) => [list.digest(bucket).toString('hex'), list.entries(bucket)]);
    });
    expect(forth).toEqual(back);
  });

  it('changes the digest of one bucket with one pool, and has it back with the pool', () => {
    const list = new PeerList();
    for (let index = 0; index < 1000; index++) list.set(`pool${index}.contoso.com`, entry(`pool${index}.contoso.com`));
    const digests = () => Array.from({ length: bucketCount }, (_, bucket) => list.digest(bucket).toString('hex'));
    const before = digests();
    list.set('pool7.contoso.com', entry('pool7.contoso.com', 'new.contoso.com'));
    const changed = digests().flatMap((digest, bucket) => (digest === before[bucket] ? [] : [bucket]));
    expect(changed).toEqual([bucketOf('pool7.contoso.com')]);
    list.set('pool7.contoso.com', entry('pool7.contoso.com'));
    expect(digests()).toEqual(before);
  });

  it('has a digest of each run of buckets, that changes with what is in it and with nothing else', () => {
    const list = new PeerList();
    for (let index = 0; index < 1000; index++) list.set(`pool${index}.contoso.com`, entry(`pool${index}.contoso.com`));
    const runs = () => Array.from({ length: 4 }, (_, run) => list.digestOfRun(run * 64, 64)?.toString('hex'));
    const before = runs();
    expect(new Set(before).size).toBe(4);
    list.set('pool7.contoso.com', entry('pool7.contoso.com', 'new.contoso.com'));
    const changed = runs().flatMap((digest, run) => (digest === before[run] ? [] : [run]));
    expect(changed).toEqual([Math.floor(bucketOf('pool7.contoso.com') / 64)]);
    list.set('pool7.contoso.com', entry('pool7.contoso.com'));
    expect(runs()).toEqual(before);
    expect(new PeerList().digestOfRun(0, 64)).toBeUndefined();
  });

  it('has nothing for a pool that it never knew', () => {
    const list = new PeerList();
    expect([list.has('a.contoso.com'), list.get('a.contoso.com'), list.set('a.contoso.com', undefined), list.size]).toEqual([
      false,
      undefined,
      false,
      0,
    ]);
    expect(list.digest(0)).toEqual(Buffer.alloc(32));
  });
});
