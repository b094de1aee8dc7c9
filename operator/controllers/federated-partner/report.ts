// The status of each partner, and the events that go with a change of it.
import type { FederatedPartner, FederatedPartnerStatus } from '../../api/v1alpha1/index.ts';
import { timestamp } from '../../outputs/labels.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { Finding } from '../../topology/findings.ts';
import { anchorFindings } from '../../topology/findings-of-anchors.ts';
import { partnerMedia } from '../../topology/link-media.ts';
import { type Aspect, conditionIn, summarise } from '../conditions.ts';
import type { Context } from '../context.ts';
import { announceFindings, findingAspects } from '../shown-findings.ts';
import type { PartnerDecision } from './decision.ts';
import { type EdgesInPlace, edgesInPlace, holdingUp } from './edges-in-place.ts';
import type { FederationObservation } from './observe.ts';
import type { FederationPlan } from './plan.ts';
import { certificatesIn } from './read-certificates.ts';
import type { RevocationStanding } from './revocation.ts';
import type { SourceContent } from './sources.ts';

/** How long before an anchor expires it is told of, ms. */
export const expiryWarning = 30 * 24 * 3_600_000;

/** `planned` is a plan with nothing left to do. */
export function report(
  observation: FederationObservation,
  planned: FederationPlan,
  decision: PartnerDecision,
  now: number,
): FederatedPartnerStatus {
  const { partner, believed, blockedBy, accessEdges, sources } = decision;
  const anchors = anchorsOf(decision);
  const before = partner.status;
  const unchanged = JSON.stringify(before?.anchors ?? []) === JSON.stringify(anchors);
  const edges = edgesInPlace(observation, planned, unchanged ? before : undefined);
  const aspects = [
    topologyValid(observation, decision),
    trustEstablished(decision, edges, now),
    namesConstrained(decision),
    ...anchorsAccepted(decision),
    ...edgeFound(decision),
    ...revocationCurrent(planned.revocation.get(partner.metadata.name)),
    ...mediaEncrypted(observation, decision),
    ...findingAspects(expiring(decision, now)),
  ];
  const notAfter = anchors
    .map((anchor) => anchor.notAfter)
    .sort()
    .at(0);
  const lastChange = unchanged ? before?.lastChange : timestamp(now);
  const bundle = sources
    .flatMap(({ record, current }) => (record !== undefined && current?.since !== undefined ? [current] : []))
    .at(0);
  return {
    observedGeneration: partner.metadata.generation ?? 0,
    conditions: [...summarise(partner, aspects, now), ...handshake(partner)],
    state: stateOf(decision, edges),
    ...(accessEdges.length === 0 ? {} : { accessEdges: accessEdges.slice(0, 512).map(({ fqdn, port }) => `${fqdn}:${port}`) }),
    ...(anchors.length === 0 ? {} : { anchors }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(believed.length === 0 && blockedBy === undefined ? {} : { edges: { total: edges.total, inPlace: edges.inPlace } }),
    ...(bundle?.since === undefined
      ? {}
      : {
          bundle: {
            ...(bundle.sequence === undefined ? {} : { sequence: bundle.sequence }),
            fetchedAt: timestamp(bundle.since),
          },
        }),
    ...(lastChange === undefined ? {} : { lastChange }),
  };
}

function anchorsOf({ believed, sources }: PartnerDecision) {
  return believed
    .flatMap(({ anchors, cross }) =>
      anchors.map((anchor) => ({
        subject: anchor.subject,
        fingerprint: anchor.fingerprint,
        notAfter: timestamp(anchor.notAfter),
        source: sources.find(({ current, recorded }) => holds(current ?? recorded, anchor))?.from ?? 'a former source',
        ...(cross === undefined ? {} : { crossCertificate: cross.fingerprint }),
      })),
    )
    .slice(0, 8);
}

function expiring({ partner, believed }: PartnerDecision, now: number): readonly Finding[] {
  const self = { kind: 'FederatedPartner', name: partner.metadata.name } as const;
  return anchorFindings(
    believed.flatMap(({ anchors }) => anchors),
    self,
    self,
    now,
  );
}

function holds(content: SourceContent | undefined, { fingerprint }: Certificate): boolean {
  return content !== undefined && certificatesIn(content.pem).some((certificate) => certificate.fingerprint === fingerprint);
}

function stateOf({ blockedBy, refusal }: PartnerDecision, { total, inPlace }: EdgesInPlace): FederatedPartnerStatus['state'] {
  if (blockedBy !== undefined) return inPlace === total ? 'Blocked' : 'Pending';
  if (refusal !== undefined) return refusal.while === 'Stalled' ? 'Refused' : 'Pending';
  return total > 0 && inPlace === total ? 'Trusted' : 'Pending';
}

function topologyValid({ domain, domainProblem }: FederationObservation, { partner, conflicts }: PartnerDecision): Aspect {
  const type = 'TopologyValid';
  const refuse = (reason: string, message: string): Aspect => ({ type, status: 'False', reason, message, while: 'Stalled' });
  if (domain === undefined) {
    const message =
      `TrustDomain ${partner.spec.trustDomain} does not exist. Create it, or make this partner again with another in spec.trustDomain. ` +
      'What was distributed stays as it is.';
    return refuse('TrustDomainNotFound', message);
  }
  if (domainProblem !== undefined) return refuse('TrustDomainNotValid', domainProblem);
  if (conflicts.length > 0) return refuse('PartnerConflict', conflicts.join(' '));
  return { type, status: 'True', reason: 'Valid', message: `It is a partner of TrustDomain ${domain.metadata.name}.` };
}

function trustEstablished({ partner, blockedBy, refusal, believed }: PartnerDecision, edges: EdgesInPlace, now: number): Aspect {
  const { total, inPlace } = edges;
  const type = 'TrustEstablished';
  if (blockedBy !== undefined) {
    const who = blockedBy === partner.metadata.name ? 'It is blocked' : `FederatedPartner ${blockedBy} blocks its SIP domains`;
    if (inPlace < total) {
      const message = `${who}. ${inPlace} of ${total} Edge pools believe nothing of it any more.${holdingUp(partner, edges, now)}`;
      return { type, status: 'False', reason: 'Blocking', message, while: 'Reconciling' };
    }
    return { type, status: 'False', reason: 'Blocked', message: `${who}: nothing is believed of it, whatever its certificate.` };
  }
  if (refusal !== undefined) return { type, status: 'False', ...refusal };
  if (total === 0) {
    const message =
      'The domain has no Edge with an accessFQDN, which alone could hold its trust. Declare a TrustedServer of the role Edge.';
    return { type, status: 'False', reason: 'NoEdge', message, while: 'Stalled' };
  }
  if (inPlace < total) {
    const message = `Its trust is in place at ${inPlace} of ${total} Edge pools.${holdingUp(partner, edges, now)}`;
    return { type, status: 'False', reason: 'Distributing', message, while: 'Reconciling' };
  }
  const count = believed.length === 1 ? 'Its CA is' : `Its ${believed.length} CAs are`;
  return {
    type,
    status: 'True',
    reason: 'Established',
    message: `${count} in place at ${total === 1 ? 'the Edge pool' : `all ${total} Edge pools`}.`,
  };
}

/** Warnings: they keep no partner from being Ready. */
function namesConstrained({ partner, believed, blockedBy }: PartnerDecision): Aspect {
  const type = 'NamesConstrained';
  const { name } = partner.metadata;
  if (blockedBy !== undefined || believed.length === 0) {
    return { type, status: 'Unknown', reason: 'NothingBelieved', message: 'Nothing is believed of it.' };
  }
  const unlimitedBy = [...new Set(believed.flatMap(({ authority }) => authority.unlimitedBy))];
  if (unlimitedBy.length > 0) {
    const where = 'Its CA is believed for any name at the external face of the Edges';
    const message = unlimitedBy.includes(name)
      ? `${where} (trust.scope Unconstrained), also for other partners’. Prefer NameConstrained.`
      : `${where}, also for other partners’, on account of the partner ${unlimitedBy.join(', ')} (trust.scope Unconstrained), ` +
        'which has it in common, or a CA that issued it. Prefer NameConstrained there.';
    return { type, status: 'False', reason: 'Unconstrained', message };
  }
  if (partner.spec.mode === 'Discovered') {
    const message =
      'Its CAs are believed for every name that is not ours, another partner’s or blocked. They are in discovered.crt alone, for ' +
      'a listener of its own on an Edge (partners: Discovered), with software that checks names and limits rates.';
    return { type, status: 'False', reason: 'AnyName', message };
  }
  const others = new Set(believed.flatMap(({ authority }) => authority.partners).filter((other) => other !== name));
  const vouching = new Set(believed.flatMap(({ authority }) => authority.vouching));
  if (others.size > 0 || vouching.size > 0) {
    const shared = `It has a CA in common with the partner ${[...others].join(', ')}: that CA is believed for the names of both.`;
    const issued =
      `A CA of the partner ${[...vouching].join(', ')} issued its CA: certificates of that partner may come from there, so that its ` +
      'CA is believed for the names of both.';
    const message = [...(others.size === 0 ? [] : [shared]), ...(vouching.size === 0 ? [] : [issued])].join(' ');
    return { type, status: 'True', reason: 'SharedAuthority', message };
  }
  return { type, status: 'True', reason: 'Constrained', message: 'Its CA is believed for its own names alone.' };
}

/** Some of what its sources hold may be refused, and the rest believed. */
function anchorsAccepted({ blockedBy, refusal, anchorProblems, contested, sourceProblems }: PartnerDecision): readonly Aspect[] {
  const problems = [...anchorProblems, ...contested, ...sourceProblems];
  if (blockedBy !== undefined || refusal !== undefined) return [];
  const type = 'AnchorsAccepted';
  if (problems.length === 0)
    return [{ type, status: 'True', reason: 'Accepted', message: 'Everything that its sources hold is believed.' }];
  const base = { type, status: 'False', message: `${problems.join(' ')} What is in place stays.` } as const;
  if (anchorProblems.length > 0) return [{ ...base, reason: 'SomeAnchorsRefused' }];
  return [{ ...base, reason: contested.length > 0 ? 'AuthorityContested' : 'SourceUnavailable' }];
}

/** It may call us whether or not we know where to call it. */
function edgeFound({ partner, accessEdges, edgeProblems, blockedBy }: PartnerDecision): readonly Aspect[] {
  if (partner.spec.mode !== 'AllowedDomain' || blockedBy !== undefined) return [];
  const type = 'EdgeFound';
  const [problem] = edgeProblems;
  if (accessEdges.length === 0 || problem !== undefined) {
    const reason = accessEdges.length === 0 ? 'EdgeNotFound' : 'EdgeFoundInPart';
    return [{ type, status: accessEdges.length === 0 ? 'False' : 'True', reason, message: edgeProblems.join(' ') }];
  }
  const names = accessEdges.map(({ fqdn, port }) => `${fqdn}:${port}`).join(', ');
  return [{ type, status: 'True', reason: 'EdgeFound', message: `DNS says that its edge is ${names}.` }];
}

/** A warning: without lists, revoking a partner is blocking it. */
function revocationCurrent(standing: RevocationStanding | undefined): readonly Aspect[] {
  if (standing === undefined) return [];
  return [{ type: 'RevocationCurrent', status: standing.reason === 'Delivered' ? 'True' : 'False', ...standing }];
}

/** From what is declared alone: a warning, too. */
function mediaEncrypted({ domain, edges }: FederationObservation, { partner, blockedBy }: PartnerDecision): readonly Aspect[] {
  if (domain === undefined || blockedBy !== undefined) return [];
  const { condition, message } = partnerMedia(partner, edges, domain);
  return [{ type: 'MediaEncrypted', ...condition, message }];
}

/** What probes found is theirs to say. */
function handshake({ status }: FederatedPartner) {
  return (status?.conditions ?? []).filter((condition) => condition.type === 'HandshakeVerified');
}

/** Events for what the new status says and the old one did not. */
export function announce(partner: FederatedPartner, status: FederatedPartnerStatus, { events, log, now }: Context): void {
  const before = partner.status;
  const object = `FederatedPartner ${partner.metadata.name}`;
  const established = conditionIn(status, 'TrustEstablished');
  const record = (type: 'Normal' | 'Warning', reason: string, note: string, key: string) => {
    log.info('partner', { object, reason, note });
    events.record({ regarding: partner, type, reason, action: 'Federate', note: note.slice(0, 1024), key });
  };
  if (status.state !== before?.state || status.lastChange !== before?.lastChange) {
    const fingerprints = (status.anchors ?? [])
      .map(({ crossCertificate, fingerprint }) => crossCertificate ?? fingerprint)
      .join(' ');
    if (status.state === 'Trusted') {
      const subjects = (status.anchors ?? []).map(({ subject }) => subject).join('; ');
      record('Normal', 'PartnerTrusted', `Certificates of ${subjects} are believed. ${established?.message ?? ''}`, fingerprints);
    }
  }
  if (established?.reason === 'Blocked' && conditionIn(before, 'TrustEstablished')?.reason !== 'Blocked') {
    const note = `${established.message} Sessions that are up stay up until the Edge ends them.`;
    record('Warning', 'PartnerBlocked', note, `${partner.metadata.generation}`);
  }
  const revocation = conditionIn(status, 'RevocationCurrent');
  if (revocation?.status === 'False' && conditionIn(before, 'RevocationCurrent')?.status === 'True')
    record('Warning', 'RevocationListsWithdrawn', revocation.message, revocation.lastTransitionTime);
  for (const { subject, fingerprint, notAfter } of status.anchors ?? []) {
    if (Date.parse(notAfter) - expiryWarning > now()) continue;
    const note = `The anchor ${subject} of the partner expires at ${notAfter}. Ask it for its next CA, and name that in spec.trust.anchors.`;
    events.record({ regarding: partner, type: 'Warning', reason: 'PartnerExpiring', action: 'Federate', note, key: fingerprint });
  }
  const current = new Set(status.anchors?.map(({ fingerprint }) => fingerprint));
  for (const { subject, fingerprint, notAfter } of before?.anchors ?? []) {
    if (current.has(fingerprint) || Date.parse(notAfter) > now()) continue;
    const note = `The anchor ${subject} of the partner expired at ${notAfter}, and nothing of it is believed any more. Ask it for its next CA.`;
    record('Warning', 'PartnerExpired', note, fingerprint);
  }
  // Of each anchor near its end, PartnerExpiring has just said so.
  const found = status.conditions?.filter(({ reason }) => reason !== 'AnchorExpiring');
  announceFindings(partner, found, { events });
}
