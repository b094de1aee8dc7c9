// At how many Edge pools what is decided about a partner is in place, and which objects keep it from being so elsewhere: their
// owners can freeze them, and then nobody could tell what the partner waits for.
import type { FederatedPartner, FederatedPartnerStatus } from '../../api/v1alpha1/index.ts';
import { inShort } from '../../topology/findings.ts';
import { conditionIn } from '../conditions.ts';
import { federationFiles, renderedHash } from '../federation-state.ts';
import { retryAfterWaiting } from '../requeue.ts';
import { settlingTime } from '../settling.ts';
import type { FederationObservation, ObservedEdge } from './observe.ts';
import type { FederationPlan } from './plan.ts';

export interface EdgesInPlace {
  readonly total: number;
  readonly inPlace: number;
  /** `Kind namespace/name` of what does not hold it yet. */
  readonly behind: readonly string[];
}

/**
 * `before`, where what is believed of the partner is what it was: then Edges that held it go on holding it while they get the
 * trust of others, and one partner's change moves no other's status.
 */
export function edgesInPlace(
  { edges }: Pick<FederationObservation, 'edges'>,
  { federation }: Pick<FederationPlan, 'federation'>,
  before: FederatedPartnerStatus | undefined,
): EdgesInPlace {
  const total = edges.length;
  const settled = before?.state === 'Trusted' || before?.state === 'Blocked';
  if (settled && before.edges?.total === total && before.edges.inPlace === total) return { total, inPlace: total, behind: [] };
  const { hash } = federation.bundle;
  const { hash: files } = federationFiles(federation);
  const lagging = edges.map(({ bundle, secrets, rendered }: ObservedEdge) => [
    ...(bundle.hash === hash && bundle.files === files ? [] : [bundle.object]),
    ...secrets.flatMap((secret) => (secret.hash === hash ? [] : [secret.object])),
    ...(rendered === undefined || rendered.hash === renderedHash(federation, rendered.listensForAnybody)
      ? []
      : [rendered.object]),
  ]);
  return {
    total,
    inPlace: lagging.filter((objects) => objects.length === 0).length,
    behind: [...new Set(lagging.flat())].sort(),
  };
}

/** Who holds up what should have come by itself, as a sentence; empty while it may still come at once. */
export function holdingUp(partner: FederatedPartner, { behind }: EdgesInPlace, now: number): string {
  if (behind.length === 0 || waitedFor(partner.status, now) < settlingTime) return '';
  const verb = behind.length === 1 ? 'holds' : 'hold';
  return ` ${inShort(behind)} still ${verb} something else: see the TrustedServers there, and delete what its owner has made immutable.`;
}

/** Epoch ms at which to look again at a partner that waits for Edges. */
export function lookAgainAt(status: FederatedPartnerStatus | undefined, now: number): number | undefined {
  return waitsForEdges(status) ? now + retryAfterWaiting(waitedFor(status, now)) : undefined;
}

function waitsForEdges(status: FederatedPartnerStatus | undefined): boolean {
  const reason = conditionIn(status, 'TrustEstablished')?.reason;
  return reason === 'Distributing' || reason === 'Blocking';
}

/** ms; by its last status, which has said so since then. */
function waitedFor(status: FederatedPartnerStatus | undefined, now: number): number {
  const condition = conditionIn(status, 'TrustEstablished');
  return condition === undefined || !waitsForEdges(status) ? 0 : now - Date.parse(condition.lastTransitionTime);
}
