// Which CA an Edge's external certificates are from while partners may not know the one that they are to be from.

import type { Authority } from '../../../operator/authorities/authority.ts';
import { chooseAuthority, type Succession } from '../../../operator/controllers/external-authority.ts';
import type { ObservedNeed } from '../../../operator/controllers/observed-need.ts';
import { planNeed, turnsOf } from '../../../operator/controllers/planned-certificate.ts';
import { causeOf, obstacleTo } from '../../../operator/controllers/policies.ts';
import { timestamp } from '../../../operator/outputs/labels.ts';
import {
  decodePublishedSince,
  encodePublishedSince,
  knownToPartnersAt,
  publishedWith,
  refreshHint,
  spreadTime,
  withoutFuture,
} from '../../../operator/trust/published-since.ts';
import { day, hierarchy, now } from '../pki/authorities.ts';
import { absent, authority, current, domain, factsOf, need } from './observed.ts';

const minute = 60_000;

function generation(number: number, issuingNotAfter = now + 1000 * day): Authority {
  const { root, issuing } = hierarchy({ name: `Generation ${number}`, issuingNotAfter });
  return {
    ...authority,
    generation: number,
    keyId: issuing.subjectKeyId,
    certificate: issuing,
    chain: [issuing],
    anchors: [root],
  };
}
const [first, second, third] = [generation(1), generation(2), generation(3)];
const dying = generation(4, now + 5 * minute);

/** Minutes for which the roots of these have been published. */
function published(...minutes: readonly (readonly [Authority, number])[]) {
  return new Map(
    minutes.flatMap(([{ anchors }, ago]) => anchors.map(({ fingerprint }) => [fingerprint, now - ago * minute] as const)),
  );
}

const long = 24 * 60;
const newest = second;

describe('the CA of an external certificate', () => {
  it.each<[string, Parameters<typeof chooseAuthority>[0], Authority, number | 'published' | undefined]>([
    [
      'is the new one, once it has been published for two refresh hints',
      { newest, others: [first], shown: first.keyId, since: published([first, long], [second, 10]) },
      second,
      undefined,
    ],
    [
      'is the one that partners know, before',
      { newest, others: [first], shown: first.keyId, since: published([first, long], [second, 9]) },
      first,
      now + minute,
    ],
    [
      'is the one that partners know, while the new one is not published at all',
      { newest, others: [first], shown: first.keyId, since: published([first, long]) },
      first,
      'published',
    ],
    [
      'is the one that partners know where nothing is shown yet, as of an Edge that is new or lost its Secret',
      { newest, others: [first], since: published([first, long], [second, 1]) },
      first,
      now + 9 * minute,
    ],
    [
      'is the one that was published first where partners may know neither',
      { newest, others: [first], since: published([first, 2], [second, 1]) },
      first,
      now + 9 * minute,
    ],
    [
      'is the new one where both were published at once, as where the bundle was lost',
      { newest, others: [first], since: published([first, 1], [second, 1]) },
      second,
      now + 9 * minute,
    ],
    ['is the new one where nothing was ever published', { newest, others: [first], since: new Map() }, second, 'published'],
    [
      'stays the new one where that is shown already, as since before there were partners',
      { newest, others: [first], shown: second.keyId, since: published([first, long], [second, 1]) },
      second,
      undefined,
    ],
    [
      'is not exchanged for an older one, though partners may know that alone',
      { newest: third, others: [second, first], shown: second.keyId, since: published([first, long], [second, 5], [third, 1]) },
      second,
      now + 9 * minute,
    ],
    [
      'is exchanged for a newer one that they know, on the way to the newest',
      { newest: third, others: [second, first], shown: first.keyId, since: published([first, long], [second, 11], [third, 1]) },
      second,
      now + 9 * minute,
    ],
    [
      'is not one that ends before they know the next',
      { newest, others: [dying], since: published([dying, long], [second, 1]) },
      second,
      now + 9 * minute,
    ],
    [
      'has to be the new one where the keys of all others are gone',
      { newest, others: [], shown: first.keyId, since: published([first, long], [second, 1]) },
      second,
      now + 9 * minute,
    ],
  ])('%s', (_title, candidates, expected, until) => {
    const { state, succession } = chooseAuthority(candidates, now);
    expect(state.available && state.authority.generation).toBe(expected.generation);
    expect(succession === undefined ? undefined : (succession.knownAt ?? 'published')).toBe(until);
    expect(succession?.hasToLast ?? false).toBe(until !== undefined && expected === candidates.newest);
  });

  it('is said, with the time from when on partners know the next', () => {
    const candidates = { newest, others: [first], shown: first.keyId };
    const told = (since: ReadonlyMap<string, number>) => chooseAuthority({ ...candidates, since }, now).succession?.message;
    expect(told(published([first, long], [second, 0]))).toBe(
      `Partners do not know "${second.certificate.subject}" yet: certificates that they are shown come from it at ` +
        `${timestamp(now + 10 * minute)}, when they have fetched it.`,
    );
    expect(told(published([first, long]))).toMatch(/come from it once the bundle for them is published with it\.$/);
  });
});

describe('a certificate that partners know the CA of', () => {
  const succession: Succession = { knownAt: now + minute, hasToLast: true, message: 'Partners do not know it yet.' };
  const fine = { domain, admission: { admitted: true } } as const;
  const former = (notAfter: number) => {
    const facts = factsOf(need, { authority: 'ff', notAfter });
    const { recorded } = current();
    return current({ facts, ...(recorded === undefined ? {} : { recorded: { ...recorded, notAfter } }), succession });
  };

  const unpublished: Succession = { hasToLast: true, message: 'The bundle for partners is not written yet.' };

  it.each<[string, ObservedNeed, string | undefined]>([
    ['stays until they know the CA of the next', former(now + day), 'TrustPending'],
    ['does not stay where it would end before', former(now + minute), undefined],
    ['stays until that is published', { ...former(now + day), succession: unpublished }, 'TrustPending'],
    ['does not stay where it would end before that', { ...former(now + spreadTime), succession: unpublished }, undefined],
    ['is made from the CA that there is, where there is none', absent({ succession }), undefined],
  ])('%s', (_title, observed, reason) => {
    const cause = causeOf(observed, now);
    expect(cause).toBeDefined();
    expect(cause && obstacleTo(cause, observed, fine, now)?.reason).toBe(reason);
  });

  it('is looked at again when they know the CA of the next', () => {
    const planned = planNeed(former(now + day), fine, now);
    expect(planned.obstacle).toMatchObject({ reason: 'TrustPending', while: 'Reconciling', until: now + minute });
    expect(turnsOf(planned, now)).toContain(now + minute);
  });

  it('is told of while all is right with it, and looked at again then', () => {
    const planned = planNeed(current({ succession: { ...succession, hasToLast: false } }), fine, now);
    expect(planned).toMatchObject({ obstacle: { reason: 'TrustPending', message: succession.message } });
    expect(planned.cause).toBeUndefined();
    expect(turnsOf(planned, now)).toContain(now + minute);
  });

  it('is told of as soon as it is made', () => {
    const planned = planNeed(absent({ succession: { ...succession, hasToLast: false } }), fine, now);
    expect(planned.obstacle).toBeUndefined();
    expect(turnsOf(planned, now)).toEqual([now]);
  });
});

describe('since when an anchor is published', () => {
  const anchorsOf = (...authorities: readonly Authority[]) => authorities.flatMap(({ anchors }) => anchors);
  const [key = ''] = first.anchors.map(({ fingerprint }) => fingerprint);

  it('stays while it is, and begins anew where it comes back', () => {
    const both = publishedWith(published([first, long]), anchorsOf(first, second), now);
    expect(both).toEqual(published([first, long], [second, 0]));
    const without = publishedWith(both, anchorsOf(second), now + minute);
    expect(without).toEqual(published([second, 0]));
    expect(publishedWith(without, anchorsOf(first, second), now + day).get(key)).toBe(now + day);
  });

  it('is never in the future, where a clock was ahead', () => {
    const ahead = published([first, long], [second, -long]);
    expect(publishedWith(ahead, anchorsOf(first, second), now)).toEqual(published([first, long], [second, 0]));
    const since = withoutFuture(ahead, now);
    expect(since).toEqual(published([first, long], [second, 0]));
    const ending = { ...first, certificate: { ...first.certificate, notAfter: now + (long / 2) * minute } };
    const { state, succession } = chooseAuthority({ newest, others: [ending], shown: ending.keyId, since }, now);
    expect(state.available && state.authority.generation).toBe(first.generation);
    expect(succession?.knownAt).toBe(now + spreadTime);
  });

  it('is kept in whole seconds, and begins anew where somebody spoilt it', () => {
    const since = published([first, 3], [second, 0]);
    expect(decodePublishedSince(encodePublishedSince(since))).toEqual(since);
    expect(decodePublishedSince(encodePublishedSince(new Map([[key, now + 999]]))).get(key)).toBe(now);
    for (const text of [undefined, '', 'x', '[]x', '{"a":"b"}', 'null']) expect(decodePublishedSince(text).size).toBe(0);
  });

  it('makes a CA known by any anchor that it leads to, and by none of another generation', () => {
    const all = { ...second, anchors: anchorsOf(first, second) };
    expect(knownToPartnersAt(all, published([first, long]))).toBeUndefined();
    expect(knownToPartnersAt(all, published([first, long], [second, 0]))).toBe(now + 2 * refreshHint * 1000);
  });
});
