// When the status of a TrustDomain may be written: what it says of itself at once, its counts at most every ten seconds.
import type { TrustDomain, TrustDomainStatus } from '../../api/v1alpha1/index.ts';
import { sameStatus } from '../conditions.ts';

const countInterval = 10_000;
const counts: ReadonlySet<string> = new Set([
  'memberNamespaces',
  'servers',
  'readyServers',
  'certificates',
  'findings',
  'findingsTotal',
] satisfies readonly (keyof TrustDomainStatus)[]);

export type DomainPlan =
  | { readonly kind: 'Write' }
  | { readonly kind: 'Nothing' }
  /** Only counts changed, and they were written a short while ago. */
  | { readonly kind: 'Wait'; readonly until: number };

/** `writtenAt`: when this process wrote the status last, epoch ms. */
export function plan(domain: TrustDomain, status: TrustDomainStatus, writtenAt: number | undefined, now: number): DomainPlan {
  if (sameStatus(domain.status, status)) return { kind: 'Nothing' };
  const until = (writtenAt ?? 0) + countInterval;
  const onlyCounts = sameStatus(withoutCounts(domain.status), withoutCounts(status));
  return onlyCounts && until > now ? { kind: 'Wait', until } : { kind: 'Write' };
}

function withoutCounts(status: TrustDomainStatus | undefined): object {
  const known = status ?? { observedGeneration: -1 };
  return Object.fromEntries(Object.entries(known).filter(([field]) => !counts.has(field)));
}
