// When a shared certificate is made and rolled: by the same rules as any other, and no obstacle is passed over.
import type { SharedObservation } from '../../../operator/controllers/shared-certificate/observe.ts';
import { plan } from '../../../operator/controllers/shared-certificate/plan.ts';
import { certificateNeeds } from '../../../operator/topology/names.ts';
import { now } from '../pki/authorities.ts';
import { trustedServer } from '../topology/objects.ts';
import { absent, authority, current, domain, factsOf, need, secretOf, unavailable } from './observed.ts';

const copied = certificateNeeds(trustedServer('pool01', 'FrontEnd'), domain).find(({ shared }) => shared === 'Domain') ?? need;
const { shared: _, member: __, ...own } = copied;
const shared = { ...own, secretName: 'contoso.oauth-token-issuer' };

const observation = (
  observed: SharedObservation['observed'],
  circumstances: Partial<SharedObservation['circumstances']> = {},
) => ({
  owner: domain,
  observed,
  circumstances: { domain, admission: { admitted: true } as const, ...circumstances },
});

it('is made where there is none', () => {
  expect(plan(observation(absent({}, shared)), now)).toEqual({
    roll: {
      need: shared,
      authority,
      profileHash: absent({}, shared).profileHash,
      cause: expect.objectContaining({ kind: 'Missing' }),
    },
  });
});

it('is left until it is due, and rolled over the one in force then', () => {
  const facts = factsOf(shared);
  expect(plan(observation(current({}, shared)), now)).toEqual({ lookAgainAt: facts.renewAt });
  expect(plan(observation(current({ renewAt: now }, shared)), now)).toMatchObject({
    roll: { cause: { kind: 'Due' }, replaces: secretOf(shared, facts) },
  });
});

it('is not made past an obstacle', () => {
  expect(plan(observation(absent({}, shared), { domainProblem: 'overlaps' }), now)).toMatchObject({
    obstacle: { reason: 'TrustDomainNotValid' },
  });
  expect(plan(observation(absent({ complianceProblem: 'Ed25519' }, shared)), now)).toMatchObject({
    obstacle: { reason: 'NotFIPSCompliant' },
  });
  expect(plan(observation(absent({ state: unavailable }, shared)), now)).toMatchObject({ obstacle: { reason: 'Expired' } });
});
