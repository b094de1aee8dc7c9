// Which records lie in which segment: how commits are packed, which segments still count, which are merged and which dropped.
//
// The journal is a line of numbers, one for each write. A segment has the number it was written under and holds a stretch of the
// line: a commit its own number alone, a merged segment everything from the first to the last segment that it replaces. Only
// neighbours are merged, so the segments in the order of their stretches tell the records in the order of issue.
import type { JournalRecord } from './record.ts';

/** What a segment is filled to. With its metadata an object stays far under the 512 KiB that no object of ours may pass. */
export const SEGMENT_BYTES = 384 * 1024;
/** From here on a merged segment is large enough for however few it replaces. */
const LARGE_BYTES = SEGMENT_BYTES / 2;
/** As many small ones are worth the write. */
const WORTH_MERGING = 8;

export interface Stretch {
  /** The number it was written under: a merged segment's lies beyond its stretch. */
  readonly sequence: number;
  /** First and last number held. */
  readonly from: number;
  readonly to: number;
}

export interface Segment extends Stretch {
  /** Of the lines, as UTF-8. */
  readonly bytes: number;
  readonly records: number;
  /** When the last of its certificates expires, epoch ms. */
  readonly lastExpiry: number;
  /** Some line could not be read: it stays as it is, for someone to look at. */
  readonly damaged: boolean;
}

export function lineBytes(line: string): number {
  return Buffer.byteLength(line) + 1;
}

/** What a segment with these lines is, before it is written. */
export function measure(
  lines: readonly string[],
  records: readonly JournalRecord[],
): Pick<Segment, 'bytes' | 'records' | 'lastExpiry'> {
  return {
    bytes: lines.reduce((sum, line) => sum + lineBytes(line), 0),
    records: records.length,
    lastExpiry: records.reduce((latest, { notAfter }) => Math.max(latest, notAfter), Number.NEGATIVE_INFINITY),
  };
}

/** How many of the first of `lines` fill one segment: at least one. */
export function fitting(lines: Iterable<string>): number {
  let count = 0;
  let bytes = 0;
  for (const line of lines) {
    bytes += lineBytes(line);
    if (count > 0 && bytes > SEGMENT_BYTES) break;
    count += 1;
  }
  return count;
}

/**
 * Tells the segments that count, in the order of issue, from those that a merged one replaces: what a crash between writing the
 * merged segment and deleting the others leaves behind.
 */
export function separate<T extends Stretch>(
  segments: readonly T[],
): { readonly current: readonly T[]; readonly replaced: readonly T[] } {
  const isReplaced = (segment: T): boolean => segments.some((other) => replaces(other, segment));
  return {
    current: segments.filter((segment) => !isReplaced(segment)).sort((a, b) => a.from - b.from || a.sequence - b.sequence),
    replaced: segments.filter(isReplaced),
  };
}

function replaces(other: Stretch, segment: Stretch): boolean {
  if (other.from > segment.from || other.to < segment.to) return false;
  const wider = other.from < segment.from || other.to > segment.to;
  return wider || other.sequence > segment.sequence;
}

/** Those that hold expired certificates only. The last written one stays: the next number follows from it. */
export function expired<T extends Segment>(segments: readonly T[], now: number): readonly T[] {
  const last = segments.reduce((highest, { sequence }) => Math.max(highest, sequence), 0);
  return segments.filter((segment) => segment.lastExpiry <= now && !segment.damaged && segment.sequence !== last);
}

/**
 * Neighbours that become one segment, or none. None of them is larger than half of the result, so that each merge at least
 * doubles what a record lies in: no record is written more often than log2(SEGMENT_BYTES / its own size) times.
 * @param segments those that count, in the order of issue
 */
export function mergeable<T extends Segment>(segments: readonly T[]): readonly T[] {
  let best: readonly T[] = [];
  for (let first = 0; first < segments.length; first += 1) {
    let bytes = 0;
    let largest = 0;
    for (let last = first; last < segments.length; last += 1) {
      const segment = segments[last];
      if (segment === undefined || segment.damaged || bytes + segment.bytes > SEGMENT_BYTES) break;
      bytes += segment.bytes;
      largest = Math.max(largest, segment.bytes);
      const count = last - first + 1;
      if (count > best.length && count > 1 && bytes >= 2 * largest && (count >= WORTH_MERGING || bytes >= LARGE_BYTES)) {
        best = segments.slice(first, last + 1);
      }
    }
  }
  return best;
}
