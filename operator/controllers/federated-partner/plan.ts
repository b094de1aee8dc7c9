// What is believed of each partner of a domain, and what is to be made or written for it: a pure function of what was observed
// and the time. A partner's fault costs that partner its trust, and no other.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { type Blockers, blockerOf, blockersOf } from '../../topology/blockers.ts';
import { type TrustBundle, trustBundle } from '../../trust/bundle.ts';
import { holdingsOf } from '../../trust/name-holders.ts';
import { checkPartnerNames, type PartnerNames } from '../../trust/partner-names.ts';
import { type Partner, partnerScopes, type ScopedAuthority } from '../../trust/partner-scope.ts';
import type { Federation } from '../federation-state.ts';
import { accessEdgesOf } from './access-edges.ts';
import { awaitedLists } from './awaited-lists.ts';
import { type Cross, crossOf, isInPlace } from './cross-records.ts';
import { type BelievedAuthority, decide, type PartnerDecision, refusalOfNames, withoutUnmade } from './decision.ts';
import { edgeData, edgeRecord } from './edge-lookup.ts';
import { entryOf, octetsOfEntry } from './listed.ts';
import { fitting } from './listener-room.ts';
import type { FederationObservation, ObservedPartner } from './observe.ts';
import type { Data } from './records.ts';
import { planRevocation, publishedLists, publishingIn, type RevocationStanding } from './revocation.ts';
import { isSourceOf } from './sources.ts';
import { checkSources, sourceActions } from './taken-anchors.ts';
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
  const { name, partners, ourNames } = observation;
  const names = partners.map(namesOf);
  const nameRefusals = checkPartnerNames({ ourDomains: ourNames.domains, partners: names });
  const blockers = blockersOf(partners.map(({ partner }) => partner));
  const candidates = partners.filter(
    ({ partner }) => blockerOf(partner, blockers) === undefined && refusalOfNames(partner, nameRefusals) === undefined,
  );
  const { anchors, refused, contested, taken } = checkSources(candidates, observation, now);
  const scoped = partners.map(({ partner }) => asScoped(partner, blockers, anchors.get(partner.metadata.name) ?? []));
  const holdings = holdingsOf(ourNames, scoped);
  const scopes = partnerScopes(scoped, holdings);
  const found = new Map(scopes.map((authority) => [authority, crossOf(name, authority, observation.records, now)]));
  const entries = new Map(partners.map((each) => [each.partner.metadata.name, octetsOfEntry(each.partner, accessEdgesOf(each))]));
  const publishing = publishingIn(partners);
  const published = publishedLists(scopes, publishing, observation, now);
  const inPlace = (authority: ScopedAuthority) => isInPlace(name, authority, observation);
  const awaited = awaitedLists({ scopes, published, publishes: (partner) => publishing.has(partner), isInPlace: inPlace });
  const { kept, dropped } = fitting({
    scopes: scopes.filter((authority) => !awaited.has(authority)),
    failureFor: (authority) => {
      const cross = found.get(authority);
      return cross?.material === undefined ? observation.failed.get(failureOf(cross?.record, authority)) : undefined;
    },
    isInPlace: inPlace,
    entryOctets: (partner) => entries.get(partner) ?? 0,
  });
  const crosses = new Map(kept.map((authority) => [authority, found.get(authority)]));
  const findings = { nameRefusals, blockers, refused, contested, anchors, dropped: new Map([...dropped, ...awaited]) };
  const decisions = partners.map((observed) => decide(observed, findings, kept, crosses));
  const standing = decisions
    .map((decision) => withoutUnmade(decision, crosses, observation.unwritten))
    .map((decision) => namingUnreadable(decision, crosses, observation));
  const inForce = standing.filter(({ believed: authorities }) => authorities.length > 0);
  const believed = decisions.filter(({ believed: authorities }) => authorities.length > 0);
  const listed = believed.filter(isListed);
  const revocation = planRevocation({ publishing, published, awaited, listed, crosses });
  const blocked = new Set(
    partners.flatMap(({ partner: { metadata, spec } }) => (spec.mode === 'Blocked' ? [metadata.name] : [])),
  );
  const edges = edgesOf(observation);
  const needed = new Set([
    ...[...crosses.values()].flatMap((cross) => cross?.record ?? []),
    ...partners.flatMap(({ sources }) => sources.flatMap(({ record }) => record ?? [])),
    ...edges.map(({ record }) => record),
    ...revocation.records,
  ]);
  const together = (of: readonly PartnerDecision[]): TrustBundle =>
    bundleOf(
      of.flatMap((decision) => decision.believed),
      crosses,
      now,
    );
  return {
    actions: [
      ...kept.flatMap((authority) => crossActions(authority, crosses.get(authority))),
      ...sourceActions(taken, now),
      ...edges.flatMap(({ action }) => action ?? []),
      ...revocation.actions,
      ...[...observation.records]
        // Once it is unblocked, an older bundle of its is no better than before.
        .filter(([record, data]) => !needed.has(record) && !isSourceOf(blocked, data))
        .map(([record]): FederationAction => ({ kind: 'Remove', record })),
    ],
    federation: {
      bundle: together(inForce.filter(isListed)),
      discovered: together(inForce.filter((decision) => !isListed(decision))),
      discoveredMedia: inForce.flatMap((decision) => (isListed(decision) ? [] : [decision.partner.spec.media ?? {}])),
      closedDomains: [...new Set([...ourNames.domains, ...names.flatMap(({ sipDomains }) => sipDomains)])].sort(),
      partners: inForce
        .filter(isListed)
        .map((decision) => entryOf(decision, bundleOf(decision.believed, crosses, now), holdings))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      ...(revocation.delivered === undefined ? {} : { revocationLists: revocation.delivered }),
    },
    undecided: isUndecided(observation, revocation),
    decisions: standing,
    failed: new Map(
      scopes.flatMap((authority): [string, string][] => {
        const key = failureOf(found.get(authority)?.record, authority);
        const failure = observation.failed.get(key);
        return failure === undefined ? [] : [[key, failure]];
      }),
    ),
    revocation: revocation.standings,
    ...expiryOf(believed),
    ...(revocation.turn === undefined ? {} : { listsTurn: revocation.turn }),
  };
}

/** What a failure to make a cross-certificate is remembered by: another scope is another attempt. */
export function failureOf(record: string | undefined, { hash }: ScopedAuthority): string {
  return `${record}/${hash}`;
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

function isListed({ partner }: PartnerDecision): boolean {
  return partner.spec.mode !== 'Discovered';
}

function crossActions(authority: ScopedAuthority, cross: Cross | undefined): readonly FederationAction[] {
  return cross === undefined || cross.material !== undefined ? [] : [{ kind: 'CrossCertify', record: cross.record, authority }];
}

function namesOf({ partner: { metadata, spec } }: Pick<ObservedPartner, 'partner'>): PartnerNames {
  return {
    name: metadata.name,
    sipDomains: spec.sipDomains,
    ...(spec.accessEdge === undefined ? {} : { accessEdge: spec.accessEdge.fqdn }),
    permittedNames: spec.trust.permittedNames ?? [],
  };
}

function asScoped(partner: FederatedPartner, blockers: Blockers, anchors: readonly Certificate[]): Partner {
  const { trust, mode } = partner.spec;
  return {
    ...namesOf({ partner }),
    permittedIPs: trust.permittedIPs ?? [],
    scope: trust.scope,
    blocked: blockerOf(partner, blockers) !== undefined,
    anyName: mode === 'Discovered',
    anchors,
  };
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
