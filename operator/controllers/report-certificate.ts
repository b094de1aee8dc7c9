// What the status and the events of an owner say of its certificates.
import type { KubeObject } from '../api/object.ts';
import type { CertificateFacts } from '../outputs/certificate-secret.ts';
import { timestamp } from '../outputs/labels.ts';
import type { Aspect } from './conditions.ts';
import type { Context } from './context.ts';
import type { CertificateOutcome } from './enact-certificate.ts';
import { type PlannedNeed, warningTime } from './planned-certificate.ts';
import type { Obstacle } from './policies.ts';

/** One need when everything is done: the certificate in force, and what still stands in the way of the right one. */
export interface FinalNeed {
  readonly planned: PlannedNeed;
  readonly facts?: CertificateFacts;
  readonly obstacle?: Obstacle;
}

export function finalNeeds(needs: readonly PlannedNeed[], outcome: CertificateOutcome): readonly FinalNeed[] {
  return needs.map((planned): FinalNeed => {
    const name = planned.observed.need.secretName;
    const facts = outcome.certificates.get(name) ?? planned.facts;
    const obstacle = outcome.obstacles.get(name) ?? planned.obstacle;
    return { planned, ...(facts === undefined ? {} : { facts }), ...(obstacle === undefined ? {} : { obstacle }) };
  });
}

/** Obstacles to one certificate that are faults of the topology rather than of issuing. */
const topologyReasons = new Set([
  'NamespaceNotAdmitted',
  'NameNotAdmitted',
  'NameConflict',
  'EnterpriseCANotAllowed',
  'TrustDomainNotValid',
]);

export function topologyFault(needs: readonly FinalNeed[]): Obstacle | undefined {
  return needs.find(({ obstacle }) => obstacle !== undefined && topologyReasons.has(obstacle.reason))?.obstacle;
}

const settlingReasons = new Set(['TrustPending', 'SharedCertificatePending', 'EnterpriseCANotFound', 'WriteFailed']);

/** Whether what stands in the way comes by itself within moments: trust, a shared certificate, a CA at start. */
export function isSettling(needs: readonly FinalNeed[]): boolean {
  return needs.some(({ obstacle }) => obstacle !== undefined && settlingReasons.has(obstacle.reason));
}

export function certificatesIssued(needs: readonly FinalNeed[], now: number): Aspect {
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
          ? 'No certificate is planned: the topology does not name it yet, or no use has its FQDN.'
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

/** The facts of a certificate as every status has them. */
export function certificateStatusOf({ planned }: FinalNeed, facts: CertificateFacts) {
  return {
    secretName: planned.observed.need.secretName,
    serial: facts.serial,
    fingerprint: facts.fingerprint,
    notBefore: timestamp(facts.notBefore),
    notAfter: timestamp(facts.notAfter),
    renewAt: timestamp(facts.renewAt),
  };
}

/** Warns of each certificate that is past half of the time that there was to renew it. */
export function announceExpiry(owner: KubeObject, needs: readonly PlannedNeed[], { events, now }: Context): void {
  for (const { observed, facts, obstacle } of needs) {
    if (obstacle === undefined || facts === undefined || now() < warningTime(facts)) continue;
    events.record({
      regarding: owner,
      type: 'Warning',
      reason: 'ExpiringSoon',
      action: 'Renew',
      note: `The certificate in Secret ${observed.need.secretName} expires at ${timestamp(facts.notAfter)} and is not renewed: ${obstacle.message}`,
      key: `${observed.need.secretName}/${facts.serial}`,
    });
  }
}
