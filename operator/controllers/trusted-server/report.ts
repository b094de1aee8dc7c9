// Turns what was seen and done for a server into its status and the events that go with a change of it.
import type { Condition } from '../../api/object.ts';
import type { CertificateStatus, TrustedServer, TrustedServerStatus } from '../../api/v1alpha1/index.ts';
import type { CertificateFacts } from '../../outputs/certificate-secret.ts';
import { serverTrustName } from '../../outputs/trust-bundle.ts';
import { type Finding, findingReasons } from '../../topology/findings.ts';
import { belowDomain } from '../../topology/link-media.ts';
import { delisted } from '../circumstances.ts';
import { type Aspect, summarise } from '../conditions.ts';
import type { Context } from '../context.ts';
import {
  announceExpiry,
  certificateStatusOf,
  certificatesIssued,
  type FinalNeed,
  finalNeeds,
  isSettling,
  topologyFault,
} from '../report-certificate.ts';
import { announceReasons, concernedBy, findingAspects } from '../shown-findings.ts';
import type { Outcome } from './enact.ts';
import type { Observation } from './observe.ts';
import type { Plan } from './plan.ts';

export interface Report {
  readonly status: TrustedServerStatus;
  /** The longest wait is for something that comes by itself within moments: trust, a shared certificate, a CA at start. */
  readonly settling: boolean;
}

export function report(observation: Observation, plan: Plan, outcome: Outcome, now: number): Report {
  const { server } = observation;
  const needs = finalNeeds(plan.needs, outcome);
  const aspects = [
    topologyValid(observation, needs),
    certificatesIssued(needs, now),
    trustDistributed(observation, needs, outcome),
    ...findingAspects(observation.findings),
    ...mediaException(observation),
  ];
  // Without a domain nothing can be said of what was issued: it stays, and so does what is known of it.
  const held =
    observation.domain === undefined
      ? (server.status?.certificates ?? [])
      : needs.flatMap((need) => (need.facts === undefined ? [] : [statusOf(need, need.facts)]));
  const earliest = (times: readonly string[]) => [...times].sort().at(0);
  const notAfter = earliest(held.map((certificate) => certificate.notAfter));
  const renewAt = earliest(held.map((certificate) => certificate.renewAt));
  return {
    status: {
      observedGeneration: server.metadata.generation ?? 0,
      conditions: [...summarise(server, aspects, now), ...handshakes(server)],
      ...delisted(observation),
      ...(notAfter === undefined ? {} : { notAfter }),
      ...(renewAt === undefined ? {} : { renewAt }),
      ...(held.length === 0 ? {} : { certificates: held }),
    },
    settling: aspects.every((aspect) => aspect.while !== 'Stalled') && isSettling(needs),
  };
}

function topologyValid(
  { server, domain, domainProblem, admission, namespace, findings }: Observation,
  needs: readonly FinalNeed[],
): Aspect {
  const type = 'TopologyValid';
  const refuse = (reason: string, message: string): Aspect => ({ type, status: 'False', reason, message, while: 'Stalled' });
  if (domain === undefined) {
    return refuse(
      'TrustDomainNotFound',
      `TrustDomain ${server.spec.trustDomain} does not exist. Create it, or name another in spec.trustDomain. ` +
        'What was issued stays as it is.',
    );
  }
  if (domainProblem !== undefined) return refuse('TrustDomainNotValid', domainProblem);
  if (namespace === undefined) {
    const message = `Namespace ${server.metadata.namespace} is not known yet.`;
    return { type, status: 'Unknown', reason: 'NamespaceNotFound', message, while: 'Reconciling' };
  }
  if (namespace.terminating) return refuse('NamespaceTerminating', `Namespace ${namespace.name} is being deleted.`);
  if (admission?.admitted === false) return refuse(admission.reason, admission.message);
  const fault = topologyFault(needs);
  if (fault !== undefined) return refuse(fault.reason, fault.message);
  return {
    type,
    status: 'True',
    reason: 'Admitted',
    message: `TrustDomain ${domain.metadata.name} names this server as ${server.spec.role}.${foundAbout(findings)}`,
  };
}

/** What their own conditions say in full. */
function foundAbout(findings: readonly Finding[]): string {
  const reasons = [...new Set(findings.map(({ reason }) => reason))];
  return reasons.length === 0 ? '' : ` What is found about it: ${reasons.join(', ')}.`;
}

/** Less than the domain has is said; where SRTP is not possible and required, it is a finding. */
function mediaException({ server, domain, findings }: Observation): readonly Aspect[] {
  const below = domain && belowDomain(server, domain);
  if (below === undefined || findings.some(({ reason }) => reason === 'SRTPNotPossible')) return [];
  return [{ type: 'MediaEncrypted', ...below.condition, message: below.message }];
}

function trustDistributed({ server, ownTrust }: Observation, needs: readonly FinalNeed[], outcome: Outcome): Aspect {
  const type = 'TrustDistributed';
  const pending = needs.find(({ planned }) => planned.observed.trustPending !== undefined)?.planned.observed.trustPending;
  if (pending !== undefined) return { type, status: 'False', reason: 'TrustPending', message: pending, while: 'Reconciling' };
  if (outcome.trustNotOwned) {
    const message =
      `ConfigMap ${serverTrustName(server.metadata.name)} exists and is not of this server. It is left as it is: ` +
      'delete or rename it, or rename the server.';
    return { type, status: 'False', reason: 'SecretNotOwned', message, while: 'Stalled' };
  }
  if (needs.length === 0 || (ownTrust.asked && ownTrust.wanted === undefined && ownTrust.existing === undefined)) {
    return { type, status: 'Unknown', reason: 'NothingPlanned', message: 'The anchors are not known yet.', while: 'Reconciling' };
  }
  if (ownTrust.refused.length > 0) {
    return { type, status: 'False', reason: 'OutputNotRendered', message: ownTrust.refused.join(' '), while: 'Stalled' };
  }
  return { type, status: 'True', reason: 'Distributed', message: `The anchors of its peers are in place.${unchecked(ownTrust)}` };
}

function unchecked({ withoutRevocation = [] }: Observation['ownTrust']): string {
  if (withoutRevocation.length === 0) return '';
  return ` CRLs of partners are not checked by ${withoutRevocation.join(', ')}: whom they revoke is let in there.`;
}

/** What probes found is theirs to say. */
function handshakes(server: TrustedServer): readonly Condition[] {
  return (server.status?.conditions ?? []).filter((condition) => condition.type === 'HandshakesVerified');
}

function statusOf(need: FinalNeed, facts: CertificateFacts): CertificateStatus {
  const { use, member } = need.planned.observed.need;
  return { use, ...(member === undefined ? {} : { member }), ...certificateStatusOf(need, facts) };
}

/** Reasons of conditions that users get an event for when they come up. */
const announced: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...findingReasons, 'NameNotAdmitted', 'SecretNotOwned'].map((reason) => [reason, reason])),
  MediaUnencrypted: 'UnencryptedLink',
  EncryptedWherePossible: 'UnencryptedLink',
};

/** Events for what the new status says and the old one did not. */
export function announce({ server, findings }: Observation, status: TrustedServerStatus, plan: Plan, context: Context): void {
  announceReasons(server, status.conditions, announced, context, concernedBy(findings));
  announceExpiry(server, plan.needs, context);
}
