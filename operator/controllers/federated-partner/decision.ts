// What is decided about one partner: which of its CAs are believed, or the reason why nothing is.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { nameOf } from '../../pki/chain.ts';
import { type Blockers, blockerOf } from '../../topology/blockers.ts';
import { authorityIdentity } from '../../trust/partner-authority.ts';
import type { NameRefusal } from '../../trust/partner-names.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
import { type AccessEdges, accessEdgesOf } from './access-edges.ts';
import type { Cross } from './cross-records.ts';
import type { Dropped } from './listener-room.ts';
import type { ObservedPartner } from './observe.ts';
import type { SourceObservation } from './sources.ts';

/** One CA of a partner, and what stands for it at the Edges. */
export interface BelievedAuthority {
  readonly authority: ScopedAuthority;
  /** Where the partner names it. */
  readonly anchors: readonly Certificate[];
  readonly cross?: Certificate;
}

export interface PartnerDecision extends AccessEdges {
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
  /** Of CAs of its that another partner claims: sentences. */
  readonly contested: readonly string[];
  /** Names on another partner's list: sentences. */
  readonly conflicts: readonly string[];
  readonly sources: readonly SourceObservation[];
}

export interface Refusal {
  readonly reason: 'SIPDomainRefused' | 'AnchorsUnavailable' | 'NothingPermitted' | Dropped['reason'];
  readonly message: string;
  readonly while: 'Reconciling' | 'Stalled';
}

/** What was found about all partners. */
export interface Findings {
  readonly nameRefusals: readonly NameRefusal[];
  readonly blockers: Blockers;
  readonly refused: ReadonlyMap<string, readonly string[]>;
  readonly contested: ReadonlyMap<string, readonly string[]>;
  readonly anchors: ReadonlyMap<string, readonly Certificate[]>;
  readonly dropped: ReadonlyMap<ScopedAuthority, Dropped>;
}

export function decide(
  observed: ObservedPartner,
  { nameRefusals, blockers, refused, contested, anchors, dropped }: Findings,
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
  const blockedBy = blockerOf(partner, blockers);
  const anchorProblems = refused.get(name) ?? [];
  const sourceProblems = sources.flatMap(({ problem }) => problem ?? []);
  const ownDropped = [...dropped].filter(([{ partners }]) => partners.includes(name));
  // Of one that is believed in part: the CAs that are not in force. Of any other they are the refusal.
  const leftOut = believed.length === 0 ? [] : ownDropped;
  const refusal =
    blockedBy === undefined && believed.length === 0
      ? refusalOf({ partner, nameRefusals, accepted, anchorProblems, sourceProblems, dropped: ownDropped })
      : undefined;
  return {
    partner,
    ...(refusal === undefined ? {} : { refusal }),
    ...(blockedBy === undefined ? {} : { blockedBy }),
    believed,
    anchorProblems: [...anchorProblems, ...leftOut.flatMap(([authority, why]) => crowdedOut(authority, why))],
    sourceProblems: [...sourceProblems, ...new Set(leftOut.flatMap(([, why]) => awaitingList(why)))],
    contested: contested.get(name) ?? [],
    conflicts: [
      ...nameRefusals.flatMap(({ partner: of, reason, message }) =>
        of === name && reason === 'DomainOnTwoLists' ? [message] : [],
      ),
      ...conflictOfEdge(partner, believed),
    ],
    ...accessEdgesOf(observed),
    sources,
  };
}

function conflictOfEdge({ spec }: FederatedPartner, believed: readonly BelievedAuthority[]): readonly string[] {
  const { fqdn } = spec.accessEdge ?? {};
  if (fqdn === undefined || believed.length === 0) return [];
  if (!believed.every(({ authority }) => authority.withheld.includes(fqdn))) return [];
  return [
    `The access edge ${fqdn} is ours, or of another partner that is blocked or has another CA: this one is not called there, and ` +
      'believed for its other names alone. Name an edge of its own, or the CA of that edge.',
  ];
}

function crowdedOut({ certificate }: ScopedAuthority, { reason, message }: Dropped): readonly string[] {
  return reason === 'ListUnavailable' ? [] : [`"${certificate.subject}" is left out: ${message}`];
}

function awaitingList({ reason, message }: Dropped): readonly string[] {
  return reason === 'ListUnavailable' ? [message] : [];
}

function refusalOf({
  partner,
  nameRefusals,
  accepted,
  anchorProblems,
  sourceProblems,
  dropped,
}: Pick<Findings, 'nameRefusals'> &
  Pick<PartnerDecision, 'partner' | 'anchorProblems' | 'sourceProblems'> & {
    readonly accepted: readonly Certificate[];
    /** Of its own CAs. */
    readonly dropped: readonly (readonly [ScopedAuthority, Dropped])[];
  }): Refusal {
  const stalled = (reason: Refusal['reason'], message: string): Refusal => ({ reason, message, while: 'Stalled' });
  const names = refusalOfNames(partner, nameRefusals);
  if (names !== undefined) return stalled('SIPDomainRefused', names.message);
  const [left] = dropped;
  if (left !== undefined) {
    const [, { reason, message }] = left;
    return { reason, message, while: reason === 'ListUnavailable' ? 'Reconciling' : 'Stalled' };
  }
  if (accepted.length > 0) {
    const message = 'Every name of the partner is ours, blocked, or of another partner: nothing is left to believe it for.';
    return stalled('NothingPermitted', message);
  }
  if (anchorProblems.length > 0) return stalled('AnchorsRefused', anchorProblems.join(' '));
  const message = sourceProblems.length > 0 ? sourceProblems.join(' ') : 'No source has given an anchor yet.';
  return { reason: 'AnchorsUnavailable', message, while: 'Reconciling' };
}

/** What stands once everything was tried: a CA whose cross-certificate could not be written is believed for nothing. */
export function withoutUnmade(
  decision: PartnerDecision,
  crosses: ReadonlyMap<ScopedAuthority, Cross | undefined>,
  unwritten: ReadonlyMap<string, string>,
): PartnerDecision {
  const unmade = decision.believed.flatMap(({ authority }) => {
    const cross = crosses.get(authority);
    return cross === undefined || cross.material !== undefined ? [] : [{ authority, why: unwritten.get(cross.record) }];
  });
  if (unmade.length === 0) return decision;
  const believed = decision.believed.filter(({ authority }) => !unmade.some((each) => each.authority === authority));
  const sentences = unmade.map(
    ({ authority: { certificate }, why }) =>
      `${nameOf(certificate)} has no cross-certificate yet${why === undefined ? '' : `: ${why}`}.`,
  );
  if (believed.length > 0) return { ...decision, believed, sourceProblems: [...decision.sourceProblems, ...sentences] };
  const refusal: Refusal = { reason: 'AnchorsUnavailable', message: sentences.join(' '), while: 'Reconciling' };
  return { ...decision, believed, refusal };
}

export function refusalOfNames({ metadata }: FederatedPartner, refusals: readonly NameRefusal[]): NameRefusal | undefined {
  return refusals.find(({ partner, reason }) => partner === metadata.name && reason !== 'DomainOnTwoLists');
}
