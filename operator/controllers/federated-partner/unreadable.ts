// What follows from records of ours that cannot be read. What they hold is had from elsewhere: another cross-certificate is made,
// a source, DNS or a publisher of revocation lists is asked. It is told on the partner that a record is of, and concerns no other.
import type { SRVLookup } from '../../federation/resolver.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
import type { Cross } from './cross-records.ts';
import type { PartnerDecision } from './decision.ts';
import { edgeRecord } from './edge-lookup.ts';
import type { FederationObservation } from './observe.ts';
import type { RevocationPlan } from './revocation.ts';

/** The same decision, which says what of its partner cannot be read. */
export function namingUnreadable(
  decision: PartnerDecision,
  crosses: ReadonlyMap<ScopedAuthority, Cross | undefined>,
  { name, unreadable }: Pick<FederationObservation, 'name' | 'unreadable'>,
): PartnerDecision {
  if (unreadable.size === 0) return decision;
  const { believed, partner, sources, refusal } = decision;
  const records = [
    ...believed.flatMap(({ authority }) => crosses.get(authority)?.record ?? []),
    ...sources.flatMap(({ record }) => record ?? []),
    ...partner.spec.sipDomains.map((sipDomain) => edgeRecord(name, sipDomain)),
  ];
  const sentences = [...new Set(records)].flatMap((record) => unreadable.get(record) ?? []);
  if (sentences.length === 0) return decision;
  return {
    ...decision,
    sourceProblems: [...decision.sourceProblems, ...sentences],
    ...(refusal === undefined ? {} : { refusal: { ...refusal, message: [refusal.message, ...sentences].join(' ') } }),
  };
}

/**
 * Whether what a record held can be had from nowhere yet. Where nothing was distributed since the start, what is in place at
 * the Edges is then left as it is: it may be by that record.
 */
export function isUndecided(
  { name, partners, unreadable }: Pick<FederationObservation, 'name' | 'partners' | 'unreadable'>,
  { delivered, records }: Pick<RevocationPlan, 'delivered' | 'records'>,
): boolean {
  if (unreadable.size === 0) return false;
  const isMissing = (record: string | undefined) => record !== undefined && unreadable.has(record);
  return (
    partners.some(
      ({ sources, lookups }) =>
        sources.some(({ record, current, recorded }) => isMissing(record) && (current ?? recorded) === undefined) ||
        lookups.some(
          ({ sipDomain, found }) =>
            isMissing(edgeRecord(name, sipDomain)) && found.edges.length === 0 && !isAnswered(found.lookup),
        ),
    ) ||
    (delivered === undefined && records.some(isMissing))
  );
}

/** No answer at all is none, and that there is no edge is one. */
function isAnswered(lookup: SRVLookup | undefined): boolean {
  if (lookup?.outcome !== 'Failed') return lookup !== undefined;
  return lookup.reason !== 'DNSServerFailed' && lookup.reason !== 'DNSTimeout';
}
