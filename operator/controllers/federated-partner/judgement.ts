// Which CAs are believed of each partner, and for which names: what everything else follows from. A partner's fault costs that
// partner its trust, and no other.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { type Blockers, blockerOf, blockersOf } from '../../topology/blockers.ts';
import { type Holdings, holdingsOf } from '../../trust/name-holders.ts';
import { checkPartnerNames, type PartnerNames } from '../../trust/partner-names.ts';
import { type Partner, partnerScopes, type ScopedAuthority } from '../../trust/partner-scope.ts';
import { accessEdgesOf } from './access-edges.ts';
import { awaitedLists } from './awaited-lists.ts';
import { type Cross, crossOf, isInPlace } from './cross-records.ts';
import { decide, type PartnerDecision, refusalOfNames } from './decision.ts';
import { octetsOfEntry } from './listed.ts';
import { type Dropped, fitting } from './listener-room.ts';
import type { FederationObservation, ObservedPartner } from './observe.ts';
import { type PublishedList, type Publishing, publishedLists, publishingIn } from './revocation.ts';
import { checkSources, type Taken } from './taken-anchors.ts';

export interface Judgement {
  /** Every CA that a partner may be believed for. */
  readonly scopes: readonly ScopedAuthority[];
  readonly found: ReadonlyMap<ScopedAuthority, Cross | undefined>;
  /** Of those that there is room for. */
  readonly crosses: ReadonlyMap<ScopedAuthority, Cross | undefined>;
  readonly decisions: readonly PartnerDecision[];
  readonly holdings: Holdings;
  readonly taken: readonly Taken[];
  /** Partners that publish revocation lists, these lists, and what waits for them. */
  readonly publishing: Publishing;
  readonly published: ReadonlyMap<ScopedAuthority, PublishedList>;
  readonly awaited: ReadonlyMap<ScopedAuthority, Dropped>;
}

export function judge(observation: FederationObservation, now: number): Judgement {
  const { name, partners, ourNames } = observation;
  const nameRefusals = checkPartnerNames({ ourDomains: ourNames.domains, partners: partners.map(namesOf) });
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
  return { scopes, found, crosses, decisions, holdings, taken, publishing, published, awaited };
}

/** What a failure to make a cross-certificate is remembered by: another scope is another attempt. */
export function failureOf(record: string | undefined, { hash }: ScopedAuthority): string {
  return `${record}/${hash}`;
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
