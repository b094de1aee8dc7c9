// Since when the bundle that we publish to partners has held each anchor. Whoever fetches it as often as it asks to knows what
// has been there for long enough.
import { z } from 'zod';
import type { Certificate } from '../pki/certificate.ts';
import { isIssuedBy } from '../pki/chain.ts';

/** How often partners are to look again, s: so soon they know a new CA of ours. */
export const refreshHint = 300;

/** After this, ms, partners know an anchor: one may have fetched just before it was there, and one fetch may fail. */
export const spreadTime = 2 * refreshHint * 1000;

/** Epoch ms, by fingerprint of the anchor. */
export type PublishedSince = ReadonlyMap<string, number>;

const record = z.record(z.string(), z.int());

/** As it is kept beside the bundle, in whole seconds. */
export function encodePublishedSince(since: PublishedSince): string {
  return JSON.stringify(Object.fromEntries([...since].map(([fingerprint, at]) => [fingerprint, Math.floor(at / 1000)])));
}

/** What somebody damaged says nothing: the times begin anew. */
export function decodePublishedSince(text: string | undefined): PublishedSince {
  try {
    const read = record.parse(JSON.parse(text ?? ''));
    return new Map(Object.entries(read).map(([fingerprint, seconds]) => [fingerprint, seconds * 1000]));
  } catch {
    return new Map();
  }
}

/** The times of a bundle with these anchors, which is published now. */
export function publishedWith(before: PublishedSince, anchors: readonly Certificate[], now: number): PublishedSince {
  return new Map(anchors.map(({ fingerprint }) => [fingerprint, Math.min(before.get(fingerprint) ?? now, now)]));
}

/** What was written by a clock that was ahead has been there since now at the latest: who waits for it waits no longer than for what is new. */
export function withoutFuture(since: PublishedSince, now: number): PublishedSince {
  return new Map([...since].map(([fingerprint, at]) => [fingerprint, Math.min(at, now)]));
}

/**
 * Epoch ms from when on partners know what a CA issues; undefined while none of the anchors that it leads to is published. One
 * is enough to believe it by.
 */
export function knownToPartnersAt(
  { chain, anchors }: { readonly chain: readonly Certificate[]; readonly anchors: readonly Certificate[] },
  since: PublishedSince,
): number | undefined {
  const leadingTo = anchors.filter((anchor) =>
    chain.some((each) => each.fingerprint === anchor.fingerprint || isIssuedBy(each, anchor)),
  );
  const times = leadingTo.flatMap(({ fingerprint }) => since.get(fingerprint) ?? []);
  return times.length === 0 ? undefined : Math.min(...times) + spreadTime;
}
