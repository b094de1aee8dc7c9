import fc from 'fast-check';
import {
  expired,
  fitting,
  lineBytes,
  mergeable,
  SEGMENT_BYTES,
  type Segment,
  type Stretch,
  separate,
} from '../../../operator/journal/segment.ts';
import { segmentName, segmentObject, stretchOf } from '../../../operator/journal/segment-object.ts';

const segment = (sequence: number, bytes: number, changes: Partial<Segment> = {}): Segment => ({
  sequence,
  from: sequence,
  to: sequence,
  bytes,
  records: 1,
  lastExpiry: 1_000,
  damaged: false,
  ...changes,
});

/** What writing the group as one makes of the journal. */
function merge(
  segments: readonly Segment[],
  group: readonly Segment[],
): { readonly segments: readonly Segment[]; readonly merged: Segment } {
  const merged = {
    ...segment(
      Math.max(...segments.map(({ sequence }) => sequence)) + 1,
      group.reduce((sum, { bytes }) => sum + bytes, 0),
    ),
    from: Math.min(...group.map(({ from }) => from)),
    to: Math.max(...group.map(({ to }) => to)),
    records: group.reduce((sum, { records }) => sum + records, 0),
  };
  const at = segments.indexOf(group[0] ?? merged);
  return { segments: [...segments.slice(0, at), merged, ...segments.slice(at + group.length)], merged };
}

function mergeAll(segments: readonly Segment[]): { readonly segments: readonly Segment[]; readonly written: number } {
  let written = 0;
  for (let group = mergeable(segments); group.length > 0; group = mergeable(segments)) {
    const result = merge(segments, group);
    segments = result.segments;
    written += result.merged.bytes;
  }
  return { segments, written };
}

describe('packing', () => {
  it('fills segments to their size, in order, and leaves none empty', () => {
    const lines = fc.array(
      fc.integer({ min: 1, max: SEGMENT_BYTES / 3 }).map((length) => 'x'.repeat(length)),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(lines, (all) => {
        for (let rest = all; rest.length > 0; ) {
          const count = fitting(rest);
          const size = (n: number): number => rest.slice(0, n).reduce((sum, line) => sum + lineBytes(line), 0);
          expect(count).toBeGreaterThan(0);
          expect(size(count)).toBeLessThanOrEqual(SEGMENT_BYTES);
          if (count < rest.length) expect(size(count + 1)).toBeGreaterThan(SEGMENT_BYTES);
          rest = rest.slice(count);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('counts bytes, not characters', () => {
    expect(lineBytes('é')).toBe(3);
  });
});

describe('merging', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 200, max: 2_000 }), fc.integer({ min: 200, max: SEGMENT_BYTES })), {
    maxLength: 120,
  });

  it('loses nothing, keeps the order, stays within the size and comes to an end', () => {
    fc.assert(
      fc.property(sizes, (all) => {
        const before = all.map((bytes, index) => segment(index + 1, bytes));
        const { segments } = mergeAll(before);
        expect(mergeable(segments)).toEqual([]);
        expect(segments.reduce((sum, { records }) => sum + records, 0)).toBe(before.length);
        expect(segments.every(({ bytes }) => bytes <= SEGMENT_BYTES)).toBe(true);
        for (const [index, { from, to }] of segments.entries()) {
          expect(from).toBe((segments[index - 1]?.to ?? 0) + 1);
          expect(to).toBeGreaterThanOrEqual(from);
        }
      }),
    );
  });

  it('leaves a few dozen segments for whatever lies in the journal, beside the full ones', () => {
    fc.assert(
      fc.property(sizes, (all) => {
        const { segments } = mergeAll(all.map((bytes, index) => segment(index + 1, bytes)));
        const total = segments.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(segments.length).toBeLessThanOrEqual(4 * Math.ceil(total / SEGMENT_BYTES) + 40);
      }),
    );
  });

  it.each([1, 7, 8, 9, 30, 200])(
    'writes no record more often than its segment can double, when commits come in bursts of %i',
    (burst) => {
      const recordBytes = 440;
      const commits = 2_000;
      let segments: readonly Segment[] = [];
      let next = 1;
      let rewritten = 0;
      for (let committed = 0; committed < commits; committed += 1) {
        segments = [...segments, segment(next, recordBytes)];
        next += 1;
        if (committed % burst !== burst - 1) continue;
        const after = mergeAll(segments);
        segments = after.segments;
        next = Math.max(...segments.map(({ sequence }) => sequence)) + 1;
        rewritten += after.written;
      }
      expect(rewritten).toBeLessThanOrEqual(commits * recordBytes * Math.log2(SEGMENT_BYTES / recordBytes));
    },
  );

  it('is not worth a write for a few small ones', () => {
    expect(mergeable([1, 2, 3, 4, 5, 6, 7].map((n) => segment(n, 440)))).toEqual([]);
    expect(mergeable([1, 2, 3, 4, 5, 6, 7, 8].map((n) => segment(n, 440)))).toHaveLength(8);
  });

  it('never touches a damaged segment, nor reaches across it', () => {
    const all = Array.from({ length: 20 }, (_, index) => segment(index + 1, 440, { damaged: index === 9 }));
    const { segments } = mergeAll(all);
    expect(segments.map(({ from, to }) => [from, to])).toEqual([
      [1, 9],
      [10, 10],
      [11, 20],
    ]);
  });
});

describe('dropping', () => {
  it('takes what has expired, but no damaged segment and not the last number', () => {
    const all = [
      segment(1, 440, { lastExpiry: 10 }),
      segment(2, 440, { lastExpiry: 11 }),
      segment(3, 440, { lastExpiry: 10, damaged: true }),
      segment(4, 440, { lastExpiry: 10 }),
    ];
    expect(expired(all, 10).map(({ sequence }) => sequence)).toEqual([1]);
  });
});

describe('after a crash', () => {
  const stretch = (sequence: number, from = sequence, to = sequence): Stretch => ({ sequence, from, to });
  const numbers = (stretches: readonly Stretch[]): readonly number[] => stretches.map(({ sequence }) => sequence);

  it.each<[string, readonly Stretch[], readonly number[], readonly number[]]>([
    ['nothing merged', [stretch(1), stretch(2)], [1, 2], []],
    ['merged, none deleted', [stretch(1), stretch(2), stretch(3), stretch(4, 1, 2)], [4, 3], [1, 2]],
    ['merged, some deleted', [stretch(2), stretch(3), stretch(4, 1, 2)], [4, 3], [2]],
    ['merged again, none deleted', [stretch(1), stretch(2), stretch(3, 1, 2), stretch(4), stretch(5, 1, 4)], [5], [1, 2, 3, 4]],
    ['one rewritten alone', [stretch(1), stretch(2, 1, 1)], [2], [1]],
    ['a former leader wrote under a number that merging had freed', [stretch(2), stretch(4, 1, 3)], [4], [2]],
    ['a former leader merged beside its successor', [stretch(5, 1, 4), stretch(6, 3, 5), stretch(7)], [5, 6, 7], []],
  ])('%s', (_, segments, current, replaced) => {
    const separated = separate(segments);
    expect(numbers(separated.current)).toEqual(current);
    expect(numbers(separated.replaced)).toEqual(replaced);
  });

  it('whatever was left undone, each record is found, in the order of issue', () => {
    const steps = fc.array(fc.record({ commits: fc.integer({ min: 1, max: 12 }), deleted: fc.nat() }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(steps, (all) => {
        let stored: readonly Segment[] = [];
        let count = 0;
        for (const { commits, deleted } of all) {
          const next = (): number => Math.max(0, ...stored.map(({ sequence }) => sequence)) + 1;
          for (let i = 0; i < commits; i += 1) stored = [...stored, segment(next(), 440)];
          count += commits;
          const { current } = separate(stored);
          const group = mergeable(current);
          if (group.length > 0) {
            const { merged } = merge(stored, group);
            const left = group.slice(deleted % (group.length + 1));
            stored = [...stored.filter((each) => !group.includes(each) || left.includes(each)), merged];
          }
          const after = separate(stored).current;
          expect(after.reduce((sum, { records }) => sum + records, 0)).toBe(count);
          expect(after.every(({ from }, index) => index === 0 || from > (after[index - 1]?.to ?? 0))).toBe(true);
        }
      }),
    );
  });
});

describe('a segment as an object', () => {
  const metadataOf = (sequence: number, from: number, to: number) => ({
    metadata: {
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...segmentObject('trustmesh-system', { sequence, from, to }, [], 'w').metadata,
    },
  });

  it('tells its number and its stretch', () => {
    expect(segmentName(42)).toBe('trustmesh-journal-0000000042');
    expect(stretchOf(metadataOf(42, 42, 42))).toEqual({ sequence: 42, from: 42, to: 42 });
    expect(stretchOf(metadataOf(42, 3, 17))).toEqual({ sequence: 42, from: 3, to: 17 });
  });

  it.each(['1-42', '0-3', '5-3', '3', 'all', ''])('an edited stretch (%s) swallows no neighbour', (replaces) => {
    const { metadata } = metadataOf(42, 3, 17);
    const edited = { metadata: { ...metadata, annotations: { 'trustmesh.io/journal-replaces': replaces } } };
    expect(stretchOf(edited)).toEqual({ sequence: 42, from: 42, to: 42 });
  });

  it.each(['trustmesh-journal-1', 'trustmesh-journal-0000000000', 'other-0000000001'])('%s is not one', (name) => {
    const { metadata } = metadataOf(42, 42, 42);
    expect(stretchOf({ metadata: { ...metadata, name } })).toBeUndefined();
  });
});
