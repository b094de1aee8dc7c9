// What is believed of each partner of a domain, and what must be made or written for it first: a pure function of what was
// observed and the time. A partner's fault costs that partner its trust, and no other.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import { type Certificate, CertificateError, parseCertificates } from '../../pki/certificate.ts';
import { targetRefusal } from '../../topology/federation-target.ts';
import { type TrustBundle, trustBundle } from '../../trust/bundle.ts';
import { checkPartnerAnchors, type PartnerAnchors } from '../../trust/partner-anchors.ts';
import { authorityIdentity } from '../../trust/partner-authority.ts';
import { tooManyAnchors } from '../../trust/partner-listener.ts';
import { checkPartnerNames, type NameRefusal, type PartnerNames } from '../../trust/partner-names.ts';
import { type Partner, partnerScopes, type ScopedAuthority } from '../../trust/partner-scope.ts';
import type { Federation, PartnerTrust } from '../federation-state.ts';
import type { FederationObservation, ObservedPartner } from './observe.ts';
import { type Data, recordName } from './records.ts';
import { recordOf, type SourceContent, type SourceObservation } from './sources.ts';

export type FederationAction =
  /** A federation root and its cross-certificate, new, in one write over those of before. */
  | { readonly kind: 'CrossCertify'; readonly record: string; readonly authority: ScopedAuthority }
  | { readonly kind: 'WriteSource'; readonly record: string; readonly data: Data }
  | { readonly kind: 'Remove'; readonly record: string };

/** One CA of a partner, and what stands for it at the Edges. */
export interface BelievedAuthority {
  readonly authority: ScopedAuthority;
  /** Where the partner names it. */
  readonly anchors: readonly Certificate[];
  readonly cross?: Certificate;
}

export interface PartnerDecision {
  readonly partner: FederatedPartner;
  /** Why nothing is believed of it. */
  readonly refusal?: Refusal;
  /** By itself, or by another partner that blocks all of its SIP domains. */
  readonly blockedBy?: string;
  readonly believed: readonly BelievedAuthority[];
  /** Of anchors that are not believed, though others may be: sentences. */
  readonly anchorProblems: readonly string[];
  /** Of sources that could not be read now: sentences. */
  readonly sourceProblems: readonly string[];
  /** Names on another partner's list: sentences. */
  readonly conflicts: readonly string[];
  readonly accessEdges: readonly { readonly fqdn: string; readonly port: number }[];
  /** Of looking its edge up. */
  readonly edgeProblems: readonly string[];
  readonly sources: readonly SourceObservation[];
}

export interface Refusal {
  readonly reason: 'SIPDomainRefused' | 'AnchorsRefused' | 'AnchorsUnavailable' | 'NothingPermitted' | 'TooManyAnchors';
  readonly message: string;
  readonly while: 'Reconciling' | 'Stalled';
}

export interface FederationPlan {
  /** To be carried out before anything is published; then it is looked at again. */
  readonly actions: readonly FederationAction[];
  readonly federation: Federation;
  readonly decisions: readonly PartnerDecision[];
  /** Epoch ms. */
  readonly expiry?: number;
}

export function plan(observation: FederationObservation, now: number): FederationPlan {
  const { name, partners, ourNames } = observation;
  const names = partners.map(namesOf);
  const nameRefusals = checkPartnerNames({ ourDomains: ourNames.domains, partners: names });
  const blockers = blockersOf(partners);
  const candidates = partners.filter(
    ({ partner }) => !isBlocked(partner, blockers) && refusalOfNames(partner, nameRefusals) === undefined,
  );
  const { anchors, refused, taken } = checkSources(candidates, observation, now);
  const scopes = partnerScopes({
    ours: ourNames,
    partners: partners.map(({ partner }) => asScoped(partner, blockers, anchors.get(partner.metadata.name) ?? [])),
  });
  const found = new Map(scopes.map((authority) => [authority, crossOf(name, authority, observation.records, now)]));
  const { kept, dropped } = fitting(scopes, (authority) => {
    const cross = found.get(authority);
    return cross?.material === undefined ? observation.failed.get(failureOf(cross?.record, authority)) : undefined;
  });
  const crosses = new Map(kept.map((authority) => [authority, found.get(authority)]));
  const needed = new Set([...crosses.values()].flatMap((cross) => cross?.record ?? []));
  const actions: readonly FederationAction[] = [
    ...kept.flatMap((authority): FederationAction[] => {
      const cross = crosses.get(authority);
      return cross === undefined || cross.material !== undefined
        ? []
        : [{ kind: 'CrossCertify', record: cross.record, authority }];
    }),
    ...taken.flatMap((content) => sourceActions(content, now)),
    ...[...observation.records.keys()].filter((record) => !needed.has(record) && !isSourceOf(record, partners)).map(removal),
  ];
  const decisions = partners.map((observed) => {
    const own = { observed, nameRefusals, blockers, refused, anchors, dropped };
    return decide(own, kept, crosses);
  });
  const believed = decisions.filter(({ believed: authorities }) => authorities.length > 0);
  const listed = believed.filter(({ partner }) => partner.spec.mode !== 'Discovered');
  const bundle = bundleOf(
    listed.flatMap((decision) => decision.believed),
    crosses,
    now,
  );
  return {
    actions,
    federation: {
      bundle,
      partners: believed
        .map((decision) => trustIn(decision, bundleOf(decision.believed, crosses, now), blockers))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    },
    decisions,
    ...expiryOf(believed),
  };
}

/** SIP domain to the partner that blocks it. */
type Blockers = ReadonlyMap<string, string>;

function blockersOf(partners: readonly ObservedPartner[]): Blockers {
  return new Map(
    partners.flatMap(({ partner: { metadata, spec } }) =>
      spec.mode === 'Blocked' ? spec.sipDomains.map((domain): [string, string] => [domain, metadata.name]) : [],
    ),
  );
}

function isBlocked({ spec }: FederatedPartner, blockers: Blockers): boolean {
  return spec.mode === 'Blocked' || (spec.sipDomains.length > 0 && spec.sipDomains.every((domain) => blockers.has(domain)));
}

function namesOf({ partner: { metadata, spec } }: ObservedPartner): PartnerNames {
  return {
    name: metadata.name,
    sipDomains: spec.sipDomains,
    ...(spec.accessEdge === undefined ? {} : { accessEdge: spec.accessEdge.fqdn }),
    permittedNames: spec.trust.permittedNames ?? [],
  };
}

function refusalOfNames({ metadata }: FederatedPartner, refusals: readonly NameRefusal[]): NameRefusal | undefined {
  return refusals.find(({ partner, reason }) => partner === metadata.name && reason !== 'DomainOnTwoLists');
}

function asScoped(partner: FederatedPartner, blockers: Blockers, anchors: readonly Certificate[]): Partner {
  const { trust, mode } = partner.spec;
  return {
    ...namesOf({ partner, sources: [], lookups: [] }),
    permittedIPs: trust.permittedIPs ?? [],
    scope: trust.scope,
    blocked: isBlocked(partner, blockers),
    anyName: mode === 'Discovered',
    anchors,
  };
}

interface Taken {
  readonly source: SourceObservation;
  readonly content: SourceContent | undefined;
}

interface Checked {
  readonly anchors: ReadonlyMap<string, readonly Certificate[]>;
  /** Sentences, by partner. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
  readonly taken: readonly Taken[];
}

/** A source whose content brings no anchor that can be believed goes on with what was last taken from it. */
function checkSources(candidates: readonly ObservedPartner[], { records, ours }: FederationObservation, now: number): Checked {
  const check = (contentOf: (source: SourceObservation) => SourceContent | undefined) =>
    checkPartnerAnchors({
      ours,
      now,
      partners: candidates.map(
        ({ partner, sources }): PartnerAnchors => ({
          name: partner.metadata.name,
          sources: sources.flatMap((source) => {
            const content = contentOf(source);
            return content === undefined ? [] : [{ from: source.from, pem: content.pem }];
          }),
          inPlace: inPlaceOf(partner.metadata.name, records),
        }),
      ),
    });
  const first = check(newest);
  const spoilt = new Set(
    candidates.flatMap(({ partner, sources }) => {
      const accepted = new Set(first.accepted.get(partner.metadata.name)?.map(({ fingerprint }) => fingerprint));
      return sources.filter(
        (source) =>
          source.current !== undefined &&
          source.recorded !== undefined &&
          source.current.pem !== source.recorded.pem &&
          !fingerprintsIn(source.current.pem).some((fingerprint) => accepted.has(fingerprint)),
      );
    }),
  );
  const contentOf = (source: SourceObservation) => (spoilt.has(source) ? source.recorded : newest(source));
  const { accepted } = spoilt.size === 0 ? first : check(contentOf);
  const refused = new Map<string, readonly string[]>();
  for (const { partner, message } of first.refused) refused.set(partner, [...(refused.get(partner) ?? []), message]);
  return {
    anchors: accepted,
    refused,
    taken: candidates.flatMap(({ sources }) => sources.map((source) => ({ source, content: contentOf(source) }))),
  };
}

function newest({ current, recorded }: SourceObservation): SourceContent | undefined {
  return current ?? recorded;
}

export function fingerprintsIn(pem: string): readonly string[] {
  try {
    return parseCertificates(pem).map(({ fingerprint }) => fingerprint);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

function sourceActions({ source, content }: Taken, now: number): readonly FederationAction[] {
  const { record, recorded } = source;
  if (record === undefined || content === undefined) return [];
  if (recorded?.pem === content.pem && recorded.sequence === content.sequence) return [];
  return [{ kind: 'WriteSource', record, data: recordOf(content, now) }];
}

function isSourceOf(record: string, partners: readonly ObservedPartner[]): boolean {
  return partners.some(({ sources }) => sources.some((source) => source.record === record));
}

function removal(record: string): FederationAction {
  return { kind: 'Remove', record };
}

const crossKeys = { authority: 'partner-ca.crt', root: 'federation-root.crt', cross: 'cross-certificate.crt' } as const;

/** What the record of a cross-certificate holds. */
export function crossData(authority: ScopedAuthority, root: Certificate, cross: Certificate): Data {
  return {
    [crossKeys.authority]: authority.certificate.pem,
    [crossKeys.root]: root.pem,
    [crossKeys.cross]: cross.pem,
    partners: authority.partners.join(' '),
    'scope-hash': authority.hash,
  };
}

function inPlaceOf(partner: string, records: ReadonlyMap<string, Data>): ReadonlySet<string> {
  const own = [...records.values()].filter(({ partners = '' }) => partners.split(' ').includes(partner));
  return new Set(own.flatMap((data) => fingerprintsIn(data[crossKeys.authority] ?? '')));
}

interface Cross {
  readonly record: string;
  readonly material?: { readonly root: Certificate; readonly cross: Certificate };
}

/** Undefined where the authority needs none. Without material, there is none for its scope yet. */
function crossOf(
  domain: string,
  { certificate, scope, hash }: ScopedAuthority,
  records: ReadonlyMap<string, Data>,
  now: number,
): Cross | undefined {
  if (scope !== 'NameConstrained') return undefined;
  const record = recordName(domain, 'cross', authorityIdentity(certificate));
  const data = records.get(record);
  if (data?.['scope-hash'] !== hash) return { record };
  try {
    const [root] = parseCertificates(data[crossKeys.root] ?? '');
    const [cross] = parseCertificates(data[crossKeys.cross] ?? '');
    if (root === undefined || cross === undefined || cross.notAfter <= now) return { record };
    return { record, material: { root, cross } };
  } catch (error) {
    // Somebody edited it: another is made.
    if (error instanceof CertificateError) return { record };
    throw error;
  }
}

/** An authority that is left out as a whole. */
interface Dropped {
  readonly reason: 'TooManyAnchors' | 'AnchorsRefused';
  readonly message: string;
}

/** What one listener can have, the partners of old before the new ones. */
function fitting(
  scopes: readonly ScopedAuthority[],
  failureFor: (authority: ScopedAuthority) => string | undefined,
): {
  readonly kept: readonly ScopedAuthority[];
  readonly dropped: ReadonlyMap<ScopedAuthority, Dropped>;
} {
  const kept: ScopedAuthority[] = [];
  const dropped = new Map<ScopedAuthority, Dropped>();
  for (const authority of scopes.filter(({ scope }) => scope !== 'Nothing')) {
    const failure = failureFor(authority);
    const both = [...kept, authority].flatMap(({ certificate }) => [certificate, certificate]);
    const crowded = tooManyAnchors(both) ?? tooLarge([...kept, authority]);
    if (failure !== undefined) dropped.set(authority, { reason: 'AnchorsRefused', message: failure });
    else if (crowded !== undefined) dropped.set(authority, { reason: 'TooManyAnchors', message: crowded.message });
    else kept.push(authority);
  }
  return { kept, dropped };
}

/** What a failure to make a cross-certificate is remembered by: another scope is another attempt. */
export function failureOf(record: string | undefined, { hash }: ScopedAuthority): string {
  return `${record}/${hash}`;
}

/** Octets of PEM that the anchors of all partners may take, which lie in one ConfigMap twice: an object holds 1 MiB. */
const mostOctets = 320 * 1024;
/** What name constraints add to a certificate of the partner's. */
const constraintOctets = 1500;

function tooLarge(authorities: readonly ScopedAuthority[]): { readonly message: string } | undefined {
  const octets = authorities.reduce((sum, { certificate, permitted }) => {
    const names = permitted.length * 40;
    return sum + 2 * certificate.pem.length + constraintOctets + names;
  }, 0);
  if (octets <= mostOctets) return undefined;
  return {
    message:
      `The anchors of all partners would take ${Math.ceil(octets / 1024)} KiB, and a ConfigMap has room for ${mostOctets / 1024}: ` +
      'remove partners, or federate them by another TrustDomain with Edges of its own.',
  };
}

interface Own {
  readonly observed: ObservedPartner;
  readonly nameRefusals: readonly NameRefusal[];
  readonly blockers: Blockers;
  readonly refused: ReadonlyMap<string, readonly string[]>;
  readonly anchors: ReadonlyMap<string, readonly Certificate[]>;
  readonly dropped: ReadonlyMap<ScopedAuthority, Dropped>;
}

function decide(
  { observed, nameRefusals, blockers, refused, anchors, dropped }: Own,
  kept: readonly ScopedAuthority[],
  crosses: ReadonlyMap<ScopedAuthority, Cross | undefined>,
): PartnerDecision {
  const { partner, sources } = observed;
  const { name } = partner.metadata;
  const accepted = anchors.get(name) ?? [];
  const believed = kept
    .filter(({ partners }) => partners.includes(name))
    .map((authority): BelievedAuthority => {
      const cross = crosses.get(authority)?.material?.cross;
      const identity = authorityIdentity(authority.certificate);
      return {
        authority,
        anchors: accepted.filter((anchor) => authorityIdentity(anchor) === identity),
        ...(cross === undefined ? {} : { cross }),
      };
    });
  const blockedBy =
    partner.spec.mode === 'Blocked' ? name : isBlocked(partner, blockers) ? firstBlocker(partner, blockers) : undefined;
  const anchorProblems = refused.get(name) ?? [];
  const sourceProblems = sources.flatMap(({ problem }) => problem ?? []);
  const refusal =
    blockedBy === undefined && believed.length === 0
      ? refusalOf({ partner, nameRefusals, accepted, anchorProblems, sourceProblems, dropped })
      : undefined;
  return {
    partner,
    ...(refusal === undefined ? {} : { refusal }),
    ...(blockedBy === undefined ? {} : { blockedBy }),
    believed,
    anchorProblems,
    sourceProblems,
    conflicts: nameRefusals.flatMap(({ partner: of, reason, message }) =>
      of === name && reason === 'DomainOnTwoLists' ? [message] : [],
    ),
    ...edgesOf(observed),
    sources,
  };
}

function firstBlocker({ spec }: FederatedPartner, blockers: Blockers): string | undefined {
  const [first = ''] = spec.sipDomains;
  return blockers.get(first);
}

function refusalOf({
  partner,
  nameRefusals,
  accepted,
  anchorProblems,
  sourceProblems,
  dropped,
}: Pick<Own, 'nameRefusals' | 'dropped'> &
  Pick<PartnerDecision, 'partner' | 'anchorProblems' | 'sourceProblems'> & {
    readonly accepted: readonly Certificate[];
  }): Refusal {
  const stalled = (reason: Refusal['reason'], message: string): Refusal => ({ reason, message, while: 'Stalled' });
  const names = refusalOfNames(partner, nameRefusals);
  if (names !== undefined) return stalled('SIPDomainRefused', names.message);
  const [left] = [...dropped].filter(([{ partners }]) => partners.includes(partner.metadata.name));
  if (left !== undefined) return stalled(left[1].reason, left[1].message);
  if (accepted.length > 0) {
    const message = 'Every name of the partner is ours, blocked, or of another partner: nothing is left to believe it for.';
    return stalled('NothingPermitted', message);
  }
  if (anchorProblems.length > 0) return stalled('AnchorsRefused', anchorProblems.join(' '));
  const message = sourceProblems.length > 0 ? sourceProblems.join(' ') : 'No source has given an anchor yet.';
  return { reason: 'AnchorsUnavailable', message, while: 'Reconciling' };
}

/** Where it is called, as given or as DNS says within the domain. */
function edgesOf({ partner: { spec }, lookups }: ObservedPartner): Pick<PartnerDecision, 'accessEdges' | 'edgeProblems'> {
  if (spec.accessEdge !== undefined) return { accessEdges: [spec.accessEdge], edgeProblems: [] };
  const found = lookups.map(({ sipDomain, found: lookup }) => {
    if (lookup === undefined) return { edges: [], problems: [`The edge of ${sipDomain} was not looked up yet.`] };
    const targets = lookup.outcome === 'Failed' ? [] : lookup.targets;
    const refusals = targets.flatMap(({ fqdn }) => targetRefusal(sipDomain, fqdn)?.message ?? []);
    return {
      edges: targets.filter(({ fqdn }) => targetRefusal(sipDomain, fqdn) === undefined).map(({ fqdn, port }) => ({ fqdn, port })),
      problems: lookup.outcome === 'Found' ? refusals : [lookup.message, ...refusals],
    };
  });
  const distinct = new Map(found.flatMap(({ edges }) => edges).map((edge) => [`${edge.fqdn}:${edge.port}`, edge]));
  return { accessEdges: [...distinct.values()], edgeProblems: found.flatMap(({ problems }) => problems) };
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

/** RFC 5922, 7.1: a certificate of the partner holds its edge's name, or a SIP domain of its. */
function trustIn({ partner, believed, accessEdges }: PartnerDecision, bundle: TrustBundle, blockers: Blockers): PartnerTrust {
  const { mode } = partner.spec;
  const withheld = new Set(believed.flatMap(({ authority }) => authority.withheld));
  const sipDomains = partner.spec.sipDomains.filter((domain) => !blockers.has(domain) && !withheld.has(domain));
  const found = mode === 'AllowedDomain' ? sipDomains.map((domain) => `sip.${domain}`) : [];
  const edges = accessEdges.filter(({ fqdn }) => !withheld.has(fqdn));
  const [accessEdge] = edges;
  return {
    name: partner.metadata.name,
    sipDomains,
    ...(accessEdge === undefined ? {} : { accessEdge }),
    names: [...new Set([...edges.map(({ fqdn }) => fqdn), ...found, ...sipDomains])],
    bundle,
  };
}

function expiryOf(decisions: readonly PartnerDecision[]): Pick<FederationPlan, 'expiry'> {
  const ends = decisions.flatMap(({ believed }) => believed.map(({ authority }) => authority.certificate.notAfter));
  return ends.length === 0 ? {} : { expiry: Math.min(...ends) };
}
