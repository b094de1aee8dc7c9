// Bundles, renewal, the breaker and grace, by tables of values.
import fc from 'fast-check';
import type { TrustedServer, TrustedServerStatus } from '../../../operator/api/v1alpha1/index.ts';
import { backdating } from '../../../operator/pki/validity.ts';
import { enterpriseTrust, partnerTrust } from '../../../operator/trust/anchors.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';
import { graceEnd } from '../../../operator/trust/grace.ts';
import { type Issue, reissueBreaker } from '../../../operator/trust/reissue.ts';
import { renewalTime } from '../../../operator/trust/renewal.ts';
import { day, hierarchy, hour, now } from '../pki/authorities.ts';
import { trustedServer } from '../topology/objects.ts';

const minute = 60_000;
const { root } = hierarchy({ name: 'Contoso' });
const other = hierarchy({ name: 'Fabrikam' }).root;
const short = hierarchy({ name: 'Short', rootNotAfter: now + day }).root;

describe('a trust bundle', () => {
  it('is the same value whatever the order, and holds each anchor once', () => {
    const bundle = trustBundle([root, other, root], now);
    expect(trustBundle([other, root], now)).toEqual(bundle);
    expect(bundle.anchors).toHaveLength(2);
    expect(bundle.pem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(bundle.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('leaves out what has expired, and says so', () => {
    const before = trustBundle([root, short], now);
    const after = trustBundle([root, short], short.notAfter);
    expect([before.anchors.length, before.expired]).toEqual([2, []]);
    expect([after.anchors, after.expired]).toEqual([[root], [short]]);
    expect(after.hash).not.toBe(before.hash);
    expect(after.hash).toBe(trustBundle([root], now).hash);
  });

  it('may be empty', () => {
    expect(trustBundle([], now)).toMatchObject({ anchors: [], pem: '' });
  });
});

describe('the trust of an audience', () => {
  const sources = [
    { name: 'contoso', anchors: [root] },
    { name: 'public', anchors: undefined },
  ];

  it('is what the enterprise is trusted by, and names the CAs that nobody knows', () => {
    expect(enterpriseTrust(sources, now)).toEqual({ bundle: trustBundle([root], now), unknown: ['public'] });
  });

  it("is its partners on the Edge's external face, and not known before they were looked at", () => {
    const bundle = trustBundle([other], now);
    expect(partnerTrust({ bundle })).toEqual({ bundle, unknown: [] });
    expect(partnerTrust(undefined)).toEqual({ bundle: trustBundle([], now), unknown: ['the federated partners'] });
  });
});

describe('renewal', () => {
  const issuedFor = (life: number) => ({ notBefore: now - backdating, notAfter: now + life });

  it('falls at or up to a tenth of the life before its share of the life, counted from issue', () => {
    const life = fc.integer({ min: 2, max: 24 * 365 * 10 }).map((hours) => hours * hour);
    fc.assert(
      fc.property(life, fc.integer({ min: 1, max: 99 }), fc.string(), (span, percent, seed) => {
        const at = renewalTime(issuedFor(span), percent, seed);
        expect(at % 1000).toBe(0);
        expect(at).toBeLessThanOrEqual(now + (span * percent) / 100);
        expect(at).toBeGreaterThanOrEqual(now + (span * percent) / 100 - Math.min(span / 10, (span * percent) / 200) - 1000);
        expect(at).toBeGreaterThan(now);
        expect(at).toBeLessThan(now + span);
      }),
    );
  });

  it('is always the same for one certificate, and spread for those issued together', () => {
    const times = Array.from({ length: 1000 }, (_, index) => renewalTime(issuedFor(90 * day), 66, `uid/voice/pool${index}-tls`));
    expect(renewalTime(issuedFor(90 * day), 66, 'uid/voice/pool0-tls')).toBe(times[0]);
    const tenths = times.map((at) => Math.floor((now + 0.66 * 90 * day - at) / (0.9 * day)));
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = tenths.filter((each) => each === tenth).length;
      expect(share).toBeGreaterThan(50);
      expect(share).toBeLessThan(150);
    }
  });

  it('of a certificate that the end of its CA cut short follows the life that it has', () => {
    expect(renewalTime(issuedFor(hour), 66, 'a')).toBeLessThanOrEqual(now + 0.66 * hour);
  });
});

describe('the breaker on re-issuance', () => {
  /** Issues so many minutes ago, each good for long. */
  const ago = (...minutes: readonly number[]): readonly Issue[] =>
    minutes.map((each) => ({ at: now - each * minute, dueAt: now + 30 * day }));

  it.each<readonly [string, readonly Issue[], object]>([
    ['never issued', [], { recent: 0 }],
    ['issued four times within the hour', ago(30, 20, 10, 0), { recent: 4 }],
    ['issued five times', ago(40, 30, 20, 10, 0), { recent: 5, openUntil: now + minute }],
    ['issued six times', ago(40, 30, 20, 10, 5, 0), { recent: 6, openUntil: now + 2 * minute }],
    ['issued seven times', ago(40, 30, 20, 10, 5, 2, 0), { recent: 7, openUntil: now + 4 * minute }],
    ['issued five times, told in any order', ago(0, 10, 30, 40, 20), { recent: 5, openUntil: now + minute }],
    ['issued five times, the last a pause ago', ago(40, 30, 20, 10, 1), { recent: 5 }],
    ['issued as often, but longer ago', ago(90, 80, 70, 65, 62, 61), { recent: 0 }],
  ])('%s', (_what, issues, expected) => {
    expect(reissueBreaker(issues, now)).toEqual(expected);
  });

  it('does not count renewals in their time: a certificate of a minute renewed each minute', () => {
    const issues = Array.from({ length: 60 }, (_, index) => ({ at: now - index * minute, dueAt: now - (index - 1) * minute }));
    expect(reissueBreaker(issues, now).openUntil).toBeUndefined();
  });

  it('never pauses for more than an hour', () => {
    const issues = ago(...Array.from({ length: 40 }, (_, index) => index));
    expect(reissueBreaker(issues, now).openUntil).toBe(now + hour);
  });
});

describe('grace', () => {
  const grace = 10 * minute;
  const certificate = {
    use: 'Default',
    secretName: 's',
    serial: '',
    fingerprint: '',
    notBefore: '',
    notAfter: '',
    renewAt: '',
  } as const;
  const server = (status: Partial<TrustedServerStatus>): TrustedServer =>
    trustedServer('s', 'Server', {}, { status: { observedGeneration: 1, certificates: [certificate], ...status } });

  it('has not begun to end for a server that was admitted until now, whatever else is wrong with it since long', () => {
    const condition = { type: 'TopologyValid', status: 'False', message: '', observedGeneration: 1 } as const;
    const conflict = { ...condition, reason: 'NameConflict', lastTransitionTime: '2026-01-01T00:00:00Z' };
    expect(graceEnd(server({}), now, grace)).toBe(now + grace);
    expect(graceEnd(server({ conditions: [conflict] }), now, grace)).toBe(now + grace);
  });

  it('ends when the status says so', () => {
    const delistedAt = '2026-06-15T12:05:00Z';
    expect(graceEnd(server({ delistedAt }), now, grace)).toBe(Date.parse(delistedAt));
  });

  it('is not given to a server that never had a certificate', () => {
    expect(graceEnd(server({ certificates: [] }), now, grace)).toBeUndefined();
    expect(graceEnd(trustedServer('s', 'Server'), now, grace)).toBeUndefined();
  });
});
