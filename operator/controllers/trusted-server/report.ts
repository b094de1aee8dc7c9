// Turns what was seen and done for a server into its status and the events that go with a change of it.
import type { Condition } from '../../api/object.ts';
import type { CertificateStatus, TrustedServer, TrustedServerStatus } from '../../api/v1alpha1/index.ts';
import type { CertificateFacts } from '../../outputs/certificate-secret.ts';
import { timestamp } from '../../outputs/labels.ts';
import { serverTrustName } from '../../outputs/trust-bundle.ts';
import { type Aspect, summarise } from '../conditions.ts';
import type { Context } from '../context.ts';
import type { Obstacle } from '../policies.ts';
import type { Outcome } from './enact.ts';
import type { Observation } from './observe.ts';
import { type Plan, type PlannedNeed, warningTime } from './plan.ts';

export interface Report {
  readonly status: TrustedServerStatus;
  /** The longest wait is for something that comes by itself within moments: trust, a shared certificate, a CA at start. */
  readonly settling: boolean;
}

/** Obstacles to one certificate that are faults of the topology rather than of issuing. */
const topologyReasons = new Set([
  'NamespaceNotAdmitted',
  'NameNotAdmitted',
  'NameConflict',
  'EnterpriseCANotAllowed',
  'TrustDomainNotValid',
]);

interface Final {
  readonly planned: PlannedNeed;
  readonly facts?: CertificateFacts;
  readonly obstacle?: Obstacle;
}

export function report(observation: Observation, plan: Plan, outcome: Outcome, now: number): Report {
  const { server } = observation;
  const needs = plan.needs.map((planned): Final => {
    const name = planned.observed.need.secretName;
    const facts = outcome.certificates.get(name) ?? planned.facts;
    const obstacle = outcome.obstacles.get(name) ?? planned.obstacle;
    return { planned, ...(facts === undefined ? {} : { facts }), ...(obstacle === undefined ? {} : { obstacle }) };
  });
  const aspects = [
    topologyValid(observation, needs),
    certificatesIssued(needs, now),
    trustDistributed(observation, needs, outcome),
  ];
  // Without a domain nothing can be said of what was issued: it stays, and so does what is known of it.
  const held =
    observation.domain === undefined
      ? (server.status?.certificates ?? [])
      : needs.flatMap(({ planned, facts }) => (facts === undefined ? [] : [statusOf(planned, facts)]));
  const earliest = (times: readonly string[]) => [...times].sort().at(0);
  const notAfter = earliest(held.map((certificate) => certificate.notAfter));
  const renewAt = earliest(held.map((certificate) => certificate.renewAt));
  return {
    status: {
      observedGeneration: server.metadata.generation ?? 0,
      conditions: [...summarise(server, aspects, now), ...handshakes(server)],
      ...(notAfter === undefined ? {} : { notAfter }),
      ...(renewAt === undefined ? {} : { renewAt }),
      ...(held.length === 0 ? {} : { certificates: held }),
    },
    settling: aspects.every((aspect) => aspect.while !== 'Stalled') && needs.some(({ obstacle }) => isSettling(obstacle)),
  };
}

const settlingReasons = new Set(['TrustPending', 'SharedCertificatePending', 'EnterpriseCANotFound', 'WriteFailed']);

function isSettling(obstacle: Obstacle | undefined): boolean {
  return obstacle !== undefined && settlingReasons.has(obstacle.reason);
}

function topologyValid({ server, domain, domainProblem, admission, namespace }: Observation, needs: readonly Final[]): Aspect {
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
  const fault = needs.find(({ obstacle }) => obstacle !== undefined && topologyReasons.has(obstacle.reason))?.obstacle;
  if (fault !== undefined) return refuse(fault.reason, fault.message);
  return {
    type,
    status: 'True',
    reason: 'Admitted',
    message: `TrustDomain ${domain.metadata.name} names this server as ${server.spec.role}.`,
  };
}

function certificatesIssued(needs: readonly Final[], now: number): Aspect {
  const type = 'CertificatesIssued';
  const open = needs.filter(({ obstacle }) => obstacle !== undefined);
  const [first] = [...open].sort((a, b) => weight(a.obstacle) - weight(b.obstacle));
  if (first?.obstacle !== undefined) {
    const { reason, message } = first.obstacle;
    const count = open.length > 1 ? `${open.length} of ${needs.length} certificates wait. ` : '';
    // With it the status changes once, and so the event comes once.
    const expiring = open.flatMap(({ facts }) => (facts !== undefined && warningTime(facts) <= now ? [facts.notAfter] : []));
    const warning = expiring.length === 0 ? '' : ` What is in place expires at ${timestamp(Math.min(...expiring))}.`;
    return { type, status: 'False', reason, message: `${count}${message}${warning}`, while: first.obstacle.while };
  }
  const missing = needs.filter(({ facts }) => facts === undefined);
  if (missing.length > 0 || needs.length === 0) {
    return {
      type,
      status: needs.length === 0 ? 'Unknown' : 'False',
      reason: needs.length === 0 ? 'NothingPlanned' : 'Pending',
      message:
        needs.length === 0
          ? 'No certificate is planned: the topology does not name this server yet, or no use has its FQDN.'
          : `${missing.length} of ${needs.length} certificates are not issued yet.`,
      while: 'Reconciling',
    };
  }
  const count = needs.length === 1 ? '1 certificate is' : `${needs.length} certificates are`;
  return { type, status: 'True', reason: 'Issued', message: `${count} in place.` };
}

function weight(obstacle: Obstacle | undefined): number {
  return obstacle?.while === 'Stalled' ? 0 : 1;
}

function trustDistributed({ server, ownTrust }: Observation, needs: readonly Final[], outcome: Outcome): Aspect {
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
  return { type, status: 'True', reason: 'Distributed', message: 'The anchors of its peers are in place.' };
}

/** What probes found is theirs to say. */
function handshakes(server: TrustedServer): readonly Condition[] {
  return (server.status?.conditions ?? []).filter((condition) => condition.type === 'HandshakesVerified');
}

function statusOf({ observed: { need } }: PlannedNeed, facts: CertificateFacts): CertificateStatus {
  return {
    use: need.use,
    ...(need.member === undefined ? {} : { member: need.member }),
    secretName: need.secretName,
    serial: facts.serial,
    fingerprint: facts.fingerprint,
    notBefore: timestamp(facts.notBefore),
    notAfter: timestamp(facts.notAfter),
    renewAt: timestamp(facts.renewAt),
  };
}

/** Reasons of conditions that users get an event for when they come up. */
const announced = new Set(['NameConflict', 'NameNotAdmitted', 'SecretNotOwned']);

/** Events for what the new status says and the old one did not. */
export function announce(server: TrustedServer, status: TrustedServerStatus, plan: Plan, context: Context): void {
  const { events, now } = context;
  const before = new Map((server.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const told = new Set<string>();
  for (const { type, reason, message } of status.conditions ?? []) {
    if (!announced.has(reason) || told.has(reason) || before.get(type)?.reason === reason) continue;
    told.add(reason);
    events.record({ regarding: server, type: 'Warning', reason, action: 'Reconcile', note: message, key: message });
  }
  for (const { observed, facts, obstacle } of plan.needs) {
    if (obstacle === undefined || facts === undefined || now() < warningTime(facts)) continue;
    events.record({
      regarding: server,
      type: 'Warning',
      reason: 'ExpiringSoon',
      action: 'Renew',
      note: `The certificate in Secret ${observed.need.secretName} expires at ${timestamp(facts.notAfter)} and is not renewed: ${obstacle.message}`,
      key: `${observed.need.secretName}/${facts.serial}`,
    });
  }
}
