// Why a certificate is issued again, what stands in the way, and which of several comes first.

import type { Circumstances } from '../../../operator/controllers/circumstances.ts';
import type { ObservedNeed } from '../../../operator/controllers/observed-need.ts';
import { type Cause, causeOf, nextTurn, obstacleTo } from '../../../operator/controllers/policies.ts';
import { profileHash } from '../../../operator/controllers/profile-hash.ts';
import { certificateNeeds } from '../../../operator/topology/names.ts';
import { day, hierarchy, hour, now } from '../pki/authorities.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';
import { absent, authority, available, current, domain, factsOf, need, recordOf, secretOf, unavailable } from './observed.ts';

const { secret: _s, facts: _f, ...withoutFacts } = current();
const { recorded: _r, ...withoutRecord } = current();
const facts = factsOf(need);

const sharedNeed =
  certificateNeeds(trustedServer('pool01', 'FrontEnd'), domain).find(({ shared }) => shared === 'Domain') ?? need;
const copy = (changes: Partial<ObservedNeed> = {}) =>
  current({ source: { secret: secretOf(sharedNeed, factsOf(sharedNeed)), facts: factsOf(sharedNeed) }, ...changes }, sharedNeed);
const rolled = factsOf(sharedNeed, { fingerprint: 'cd'.repeat(32) });

describe('a certificate is issued again because', () => {
  it.each<readonly [string, ObservedNeed, Cause['kind'] | undefined, string]>([
    ['nothing is wrong', current(), undefined, ''],
    ['there is none', absent(), 'Missing', 'there was none'],
    [
      'its annotations are damaged',
      { ...withoutFacts, secret: secretOf(need, facts) },
      'Edited',
      'the annotations of Secret pool01-pool01-a-tls were changed',
    ],
    [
      'its annotations speak of another serial',
      current({ facts: factsOf(need, { serial: '0b' }) }),
      'Edited',
      'Secret pool01-pool01-a-tls does not hold the certificate that was issued for it last',
    ],
    [
      'its annotations speak of another end',
      current({ facts: factsOf(need, { notAfter: now + 800 * day }) }),
      'Edited',
      'issued for it last',
    ],
    ['the journal knows nothing of it', withoutRecord, 'Edited', 'issued for it last'],
    [
      'somebody wrote its key',
      current({ secret: secretOf(need, facts, ['tls.crt', 'ca.crt']) }),
      'Edited',
      'tls.key of Secret pool01-pool01-a-tls was edited',
    ],
    [
      'it has expired',
      current({ facts: factsOf(need, { notAfter: now }), recorded: { ...recordWith(now) } }),
      'Expired',
      'the certificate has expired',
    ],
    [
      'it has expired, and the journal has forgotten it',
      { ...withoutRecord, facts: factsOf(need, { notAfter: now - 1 }) },
      'Expired',
      'the certificate has expired',
    ],
    [
      'its CA has another key',
      current({ facts: factsOf(need, { authority: 'ff' }) }),
      'AuthorityReplaced',
      `"${authority.certificate.subject}" issues now`,
    ],
    ['a format was asked for', current({ profileHash: 'other' }), 'ProfileChanged', 'its key type, life or formats changed'],
    [
      'its names changed',
      current({ profileHash: 'other', need: { ...need, dnsNames: ['pool01.contoso.com', 'sip.contoso.net'] } }),
      'ProfileChanged',
      'its names changed: +sip.contoso.net, -pool01-a.contoso.com, -sip.contoso.com',
    ],
    [
      'many of its names changed',
      current({
        profileHash: 'other',
        need: { ...need, dnsNames: [...need.dnsNames, ...Array.from({ length: 10 }, (_, i) => `n${i}.contoso.com`)] },
      }),
      'ProfileChanged',
      '+n7.contoso.com and 2 more',
    ],
    ['it is due', current({ renewAt: now }), 'Due', 'it is due for renewal'],
    ['it is due in a moment', current({ renewAt: now + 1 }), undefined, ''],
    [
      'what it copies was rolled',
      copy({ source: { secret: secretOf(sharedNeed, rolled), facts: rolled } }),
      'SourceChanged',
      'the shared certificate was renewed',
    ],
    ['what it copies is the same', copy(), undefined, ''],
    ['what it copies is due, which is not its own concern', copy({ renewAt: now - 1 }), undefined, ''],
    ['what it copies has another authority, likewise', copy({ facts: factsOf(sharedNeed, { authority: 'ff' }) }), undefined, ''],
    ['what it copies is gone', copyWithoutSource(), undefined, ''],
  ])('%s', (_what, observed, kind, because) => {
    const cause = causeOf(observed, now);
    expect(cause?.kind).toBe(kind);
    expect(cause?.because ?? '').toContain(because);
  });

  it('not because its CA cannot be read, whatever the CA would say', () => {
    expect(causeOf(current({ state: unavailable, profileHash: 'other', facts }), now)).toBeUndefined();
  });

  it('not because it is due, where the CA ends no later than the certificate', () => {
    const dying = hierarchy({ issuingNotAfter: facts.notAfter }).issuing;
    const state = { available: true, authority: { ...authority, certificate: dying } } as const;
    expect(causeOf(current({ state, renewAt: now - 1 }), now)).toBeUndefined();
    expect(causeOf(current({ renewAt: now - 1 }), now)?.kind).toBe('Due');
  });

  it('the first of these, where several hold', () => {
    const everything = current({
      facts: factsOf(need, { notAfter: now, authority: 'ff' }),
      recorded: recordWith(now),
      profileHash: 'other',
      renewAt: now - 1,
    });
    expect(causeOf(everything, now)?.kind).toBe('Expired');
    expect(
      causeOf({ ...everything, facts: factsOf(need, { authority: 'ff' }), recorded: recordWith(facts.notAfter) }, now)?.kind,
    ).toBe('AuthorityReplaced');
    expect(causeOf({ ...everything, facts, recorded: recordWith(facts.notAfter) }, now)?.kind).toBe('ProfileChanged');
  });
});

function recordWith(notAfter: number) {
  const { recorded } = current();
  if (recorded === undefined) throw new Error('a current certificate is recorded');
  return { ...recorded, notAfter };
}

function copyWithoutSource(): ObservedNeed {
  const { source: _, ...observed } = copy();
  return observed;
}

describe('the next turn', () => {
  it.each([
    ['is the renewal', current({ renewAt: now + 5 }), now + 5],
    ['is the end, where the renewal has passed and nothing came of it', current({ renewAt: now - 5 }), facts.notAfter],
    ['is never, where there is nothing', absent(), undefined],
  ])('%s', (_what, observed, at) => {
    expect(nextTurn(observed, now)).toBe(at);
  });
});

describe('what stands in the way', () => {
  const cause: Cause = { kind: 'Missing', because: 'Secret x does not exist' };
  const fine: Circumstances = { domain, admission: { admitted: true } };
  const often = Array.from({ length: 5 }, (_, index) => ({ at: now - index * 60_000, dueAt: now + day }));
  const refusal = { admitted: false, reason: 'NameNotAdmitted', message: 'not that name' } as const;

  const rows: readonly (readonly [string, Partial<ObservedNeed>, Partial<Circumstances>, object])[] = [
    ['no admission', {}, { admission: refusal }, { reason: 'NameNotAdmitted', message: 'not that name', while: 'Stalled' }],
    [
      'a domain that overlaps another',
      {},
      { domainProblem: 'overlaps' },
      { reason: 'TrustDomainNotValid', message: 'overlaps', while: 'Stalled' },
    ],
    [
      'a CA that the domain does not allow',
      { need: { ...need, enterpriseCA: 'public' } },
      {},
      {
        reason: 'EnterpriseCANotAllowed',
        message:
          'Use Default asks for EnterpriseCA public, which TrustDomain contoso does not allow. ' +
          'Use contoso, or add it to spec.additionalEnterpriseCAs.',
        while: 'Stalled',
      },
    ],
    [
      'a name of somebody else',
      { conflict: { message: 'held', until: now + hour } },
      {},
      { reason: 'NameConflict', message: 'held', until: now + hour, while: 'Stalled' },
    ],
    [
      'a Secret of somebody else',
      { foreign: true },
      {},
      { reason: 'SecretNotOwned', while: 'Stalled', until: expect.any(Number) },
    ],
    [
      'no authority',
      { state: unavailable },
      {},
      { reason: 'Expired', message: 'EnterpriseCA contoso has expired.', while: 'Reconciling' },
    ],
    [
      'an algorithm that is not approved',
      { complianceProblem: 'Ed25519' },
      {},
      { reason: 'NotFIPSCompliant', message: 'Ed25519', while: 'Stalled' },
    ],
    ['no shared certificate to copy', { need: sharedNeed }, {}, { reason: 'SharedCertificatePending', while: 'Reconciling' }],
    [
      'trust that is not in place',
      { trustPending: 'not yet' },
      {},
      { reason: 'TrustPending', message: 'not yet', while: 'Reconciling' },
    ],
    ['too many of them', { issues: often }, {}, { reason: 'ReissuedTooOften', while: 'Stalled', until: now + 60_000 }],
  ];

  it('is nothing, where all is well', () => {
    expect(obstacleTo(cause, absent(), fine, now)).toBeUndefined();
    expect(
      obstacleTo(
        cause,
        absent({ need: { ...need, enterpriseCA: 'public' } }),
        { ...fine, domain: trustDomain('contoso', { additionalEnterpriseCAs: ['public'] }) },
        now,
      ),
    ).toBeUndefined();
  });

  it.each(rows)('is %s', (_what, observed, circumstances, expected) => {
    expect(obstacleTo(cause, absent(observed), { ...fine, ...circumstances }, now)).toMatchObject(expected);
  });

  it('is the first of these, in this order, where several hold', () => {
    const reasons = rows.map(([, , , expected]) => ('reason' in expected ? expected.reason : undefined));
    for (const [index, reason] of reasons.entries()) {
      const later = rows.slice(index);
      // One need cannot be both of a CA that is not allowed and a copy: what a row says of the need counts for itself.
      const observed = Object.assign({}, ...later.map(([, each]) => each), rows[index]?.[1]);
      const circumstances = Object.assign({}, fine, ...later.map(([, , each]) => each));
      expect(obstacleTo(cause, absent(observed), circumstances, now)?.reason).toBe(reason);
    }
  });

  it('is a domain that has the SPIFFE IDs of another, for whoever is not known to have such an ID', () => {
    const shared = { ...fine, domainProblem: 'shared', sharesIds: true };
    const recorded = recordOf(need, factsOf(need));
    const reason = (changes: Partial<ObservedNeed>) => obstacleTo(cause, absent(changes), shared, now)?.reason;
    expect(reason({ recorded })).toBeUndefined();
    expect(obstacleTo(cause, absent({ recorded }), { ...shared, sharesIds: false }, now)?.reason).toBe('TrustDomainNotValid');
    expect(reason({})).toBe('TrustDomainNotValid');
    expect(reason({ recorded: { ...recorded, member: 'other.contoso.com' } })).toBe('TrustDomainNotValid');
  });

  it('says how often a Secret was destroyed, and why the last time', () => {
    expect(obstacleTo(cause, absent({ issues: often }), fine, now)?.message).toBe(
      'Secret pool01-pool01-a-tls needed 5 certificates within an hour, the last time because Secret x does not exist. ' +
        'Find out who deletes or edits it; issuing goes on after a pause.',
    );
  });
});

describe('the profile of a certificate', () => {
  const hash = (changes: Partial<typeof need> = {}, leaf = {}) =>
    profileHash({ ...need, ...changes }, { available: true, authority: { ...authority, leaf: { ...authority.leaf, ...leaf } } });

  it('is the same for the same content', () => {
    expect(hash()).toBe(profileHash(need, available));
  });

  it.each([
    ['names', hash({ dnsNames: ['other.contoso.com'] })],
    ['order of names, whose first is the common name', hash({ dnsNames: [...need.dnsNames].reverse() })],
    ['profile', hash({ profile: 'Client' })],
    ['SPIFFE ID', hash({ spiffeID: 'spiffe://contoso.com/other' })],
    ['formats', hash({ formats: ['PKCS12'] })],
    ['kind of key', hash({}, { privateKey: { algorithm: 'RSA', size: 2048 } })],
    ['life', hash({}, { duration: day })],
  ])('changes with its %s', (_what, changed) => {
    expect(changed).not.toBe(hash());
  });

  it('does not change with the order of its further names or of its formats', () => {
    const names = (...further: readonly string[]) => ({ dnsNames: ['pool01.contoso.com', ...further] });
    expect(hash(names('sip.contoso.net', 'sip.contoso.com'))).toBe(hash(names('sip.contoso.com', 'sip.contoso.net')));
    expect(hash({ formats: ['PKCS12', 'CombinedPEM'] })).toBe(hash({ formats: ['CombinedPEM', 'PKCS12'] }));
  });

  it('does not change with when it is renewed, nor with the name of its Secret', () => {
    expect(hash({ secretName: 'other' }, { renewAfterPercent: 10 })).toBe(hash());
  });

  it('of a copy is its formats alone: what it copies has a profile of its own', () => {
    const before = profileHash(sharedNeed, available);
    expect(profileHash({ ...sharedNeed, dnsNames: ['other.contoso.com'] }, unavailable)).toBe(before);
    expect(profileHash({ ...sharedNeed, formats: ['CombinedPEM'] }, available)).not.toBe(before);
  });
});
