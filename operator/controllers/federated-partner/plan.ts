// What follows from what is believed of each partner of a domain: what is to be made or written, and what its Edges hold. A pure
// function of what was observed and the time.
import { type TrustBundle, trustBundle } from '../../trust/bundle.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
import type { Federation } from '../federation-state.ts';
import type { Cross } from './cross-records.ts';
import { type BelievedAuthority, type PartnerDecision, withoutUnmade } from './decision.ts';
import { edgeData, edgeRecord } from './edge-lookup.ts';
import { failureOf, type Judgement, judge } from './judgement.ts';
import { entryOf } from './listed.ts';
import type { FederationObservation } from './observe.ts';
import type { Data } from './records.ts';
import { planRevocation, type RevocationPlan, type RevocationStanding } from './revocation.ts';
import { isSourceOf } from './sources.ts';
import { sourceActions } from './taken-anchors.ts';
import { isUndecided, namingUnreadable } from './unreadable.ts';

export type FederationAction =
  /** A federation root and its cross-certificate, new, in one write over those of before. */
  | { readonly kind: 'CrossCertify'; readonly record: string; readonly authority: ScopedAuthority }
  /** Anchors, a revocation list, or access edges, as they were last taken from elsewhere. */
  | { readonly kind: 'WriteSource' | 'WriteList' | 'WriteEdges'; readonly record: string; readonly data: Data }
  | { readonly kind: 'Remove'; readonly record: string };

export interface FederationPlan {
  /** To be carried out; then it is looked at again. What could not be done keeps nothing else from being published. */
  readonly actions: readonly FederationAction[];
  readonly federation: Federation;
  /** Something that it depends on is not known yet. */
  readonly undecided: boolean;
  readonly decisions: readonly PartnerDecision[];
  /** Of the cross-certificates that cannot be made, those that are still wanted. */
  readonly failed: ReadonlyMap<string, string>;
  /** By partner, of those that publish revocation lists and are believed. */
  readonly revocation: ReadonlyMap<string, RevocationStanding>;
  /** When the first anchor expires, epoch ms. */
  readonly expiry?: number;
  /** When the first revocation list may be delivered, or may not be any more, epoch ms. */
  readonly listsTurn?: number;
}

export function plan(observation: FederationObservation, now: number): FederationPlan {
  const judged = judge(observation, now);
  const { crosses, decisions } = judged;
  const standing = decisions
    .map((decision) => withoutUnmade(decision, crosses, observation.unwritten))
    .map((decision) => namingUnreadable(decision, crosses, observation));
  const believed = decisions.filter(isBelieved);
  const revocation = planRevocation({ ...judged, listed: believed.filter(isListed) });
  return {
    actions: actionsOf(observation, judged, revocation, now),
    federation: federationOf(observation, judged, standing.filter(isBelieved), revocation, now),
    undecided: isUndecided(observation, revocation),
    decisions: standing,
    failed: failuresOf(observation, judged),
    revocation: revocation.standings,
    ...expiryOf(believed),
    ...(revocation.turn === undefined ? {} : { listsTurn: revocation.turn }),
  };
}

function actionsOf(
  observation: FederationObservation,
  { crosses, taken }: Judgement,
  revocation: RevocationPlan,
  now: number,
): readonly FederationAction[] {
  const { partners, records } = observation;
  const edges = edgesOf(observation);
  const needed = new Set([
    ...[...crosses.values()].flatMap((cross) => cross?.record ?? []),
    ...partners.flatMap(({ sources }) => sources.flatMap(({ record }) => record ?? [])),
    ...edges.map(({ record }) => record),
    ...revocation.records,
  ]);
  const blocked = new Set(
    partners.flatMap(({ partner: { metadata, spec } }) => (spec.mode === 'Blocked' ? [metadata.name] : [])),
  );
  return [
    ...[...crosses].flatMap(([authority, cross]) => crossActions(authority, cross)),
    ...sourceActions(taken, now),
    ...edges.flatMap(({ action }) => action ?? []),
    ...revocation.actions,
    ...[...records]
      // Once it is unblocked, an older bundle of its is no better than before.
      .filter(([record, data]) => !needed.has(record) && !isSourceOf(blocked, data))
      .map(([record]): FederationAction => ({ kind: 'Remove', record })),
  ];
}

function federationOf(
  { partners, ourNames }: FederationObservation,
  { crosses, holdings }: Judgement,
  inForce: readonly PartnerDecision[],
  { delivered }: RevocationPlan,
  now: number,
): Federation {
  const [listed, discovered] = [inForce.filter(isListed), inForce.filter((decision) => !isListed(decision))];
  const together = (of: readonly PartnerDecision[]): TrustBundle =>
    bundleOf(
      of.flatMap((decision) => decision.believed),
      crosses,
      now,
    );
  return {
    bundle: together(listed),
    discovered: together(discovered),
    discoveredMedia: discovered.map(({ partner }) => partner.spec.media ?? {}),
    closedDomains: [...new Set([...ourNames.domains, ...partners.flatMap(({ partner }) => partner.spec.sipDomains)])].sort(),
    partners: listed
      .map((decision) => entryOf(decision, bundleOf(decision.believed, crosses, now), holdings))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(delivered === undefined ? {} : { revocationLists: delivered }),
  };
}

function failuresOf({ failed }: FederationObservation, { scopes, found }: Judgement): ReadonlyMap<string, string> {
  return new Map(
    scopes.flatMap((authority): [string, string][] => {
      const key = failureOf(found.get(authority)?.record, authority);
      const failure = failed.get(key);
      return failure === undefined ? [] : [[key, failure]];
    }),
  );
}

/** What DNS says, once for each SIP domain that is looked up. */
function edgesOf({ name, partners, records }: FederationObservation): readonly { record: string; action?: FederationAction }[] {
  const lookups = new Map(partners.flatMap(({ lookups: own }) => own).map(({ sipDomain, found }) => [sipDomain, found]));
  return [...lookups].map(([sipDomain, { edges }]) => {
    const record = edgeRecord(name, sipDomain);
    const data = edgeData(records.get(record), edges);
    return { record, ...(data === undefined ? {} : { action: { kind: 'WriteEdges', record, data } }) };
  });
}

function isBelieved({ believed }: PartnerDecision): boolean {
  return believed.length > 0;
}

function isListed({ partner }: PartnerDecision): boolean {
  return partner.spec.mode !== 'Discovered';
}

function crossActions(authority: ScopedAuthority, cross: Cross | undefined): readonly FederationAction[] {
  return cross === undefined || cross.material !== undefined ? [] : [{ kind: 'CrossCertify', record: cross.record, authority }];
}

function bundleOf(
  believed: readonly BelievedAuthority[],
  crosses: ReadonlyMap<ScopedAuthority, Cross | undefined>,
  now: number,
): TrustBundle {
  const materials = believed.map(({ authority }) => ({ authority, material: crosses.get(authority)?.material }));
  return trustBundle(
    materials.flatMap(({ authority, material }) =>
      authority.scope === 'Unconstrained' ? [authority.certificate] : material === undefined ? [] : [material.root],
    ),
    now,
    materials.flatMap(({ material }) => material?.cross ?? []),
  );
}

function expiryOf(decisions: readonly PartnerDecision[]): Pick<FederationPlan, 'expiry'> {
  const ends = decisions.flatMap(({ believed }) => believed.map(({ authority }) => authority.certificate.notAfter));
  return ends.length === 0 ? {} : { expiry: Math.min(...ends) };
}
