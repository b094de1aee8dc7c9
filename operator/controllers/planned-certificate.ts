// What to do about one certificate in one Secret: a pure function of what was observed, the circumstances and the time.
import type { Authority } from '../authorities/authority.ts';
import type { MetadataObject } from '../kube/resource.ts';
import type { CertificateFacts } from '../outputs/certificate-secret.ts';
import type { CertificateNeed } from '../topology/names.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import type { Circumstances } from './circumstances.ts';
import type { ObservedNeed } from './observed-need.ts';
import { awaitingPartners, type Cause, causeOf, nextTurn, type Obstacle, obstacleTo } from './policies.ts';

export type CertificateAction =
  /** A new key and certificate, into a new Secret or in one write over the old one. */
  | {
      readonly kind: 'Issue';
      readonly need: CertificateNeed;
      readonly authority: Authority;
      readonly bundle: TrustBundle;
      readonly profileHash: string;
      readonly cause: Cause;
      readonly replaces?: MetadataObject;
    }
  /** The domain's or pool's shared key and certificate, into this owner's Secret. */
  | {
      readonly kind: 'Copy';
      readonly need: CertificateNeed;
      readonly source: MetadataObject;
      readonly facts: CertificateFacts;
      readonly bundle: TrustBundle;
      readonly profileHash: string;
      readonly cause: Cause;
      readonly replaces?: MetadataObject;
    }
  /** Trust and hints of a Secret whose certificate stays: the key is not touched. */
  | {
      readonly kind: 'Refresh';
      readonly need: CertificateNeed;
      readonly secret: MetadataObject;
      readonly facts: CertificateFacts;
      readonly bundle: TrustBundle;
    }
  | { readonly kind: 'Delete'; readonly secret: MetadataObject };

/** One need after planning: what stands in its way, if anything, and what its Secret holds now. */
export interface PlannedNeed {
  readonly observed: ObservedNeed;
  readonly cause?: Cause;
  readonly obstacle?: Obstacle;
  /** The certificate in force, if it can still be used. */
  readonly facts?: CertificateFacts;
}

export function planNeed(observed: ObservedNeed, circumstances: Circumstances, now: number): PlannedNeed {
  const cause = causeOf(observed, now);
  const obstacle =
    cause === undefined
      ? observed.succession && awaitingPartners(observed.succession)
      : obstacleTo(cause, observed, circumstances, now);
  const usable = observed.facts !== undefined && cause?.kind !== 'Edited' && observed.facts.notAfter > now;
  return {
    observed,
    ...(cause === undefined ? {} : { cause }),
    ...(obstacle === undefined ? {} : { obstacle }),
    ...(usable && observed.facts !== undefined ? { facts: observed.facts } : {}),
  };
}

export function actionsFor({ observed, cause, obstacle }: PlannedNeed): readonly CertificateAction[] {
  const { need, secret, facts, bundle, state, source } = observed;
  if (secret !== undefined && cause?.kind === 'Expired' && mayExpire(obstacle)) return [deletion(secret)];
  if (bundle === undefined) return [];
  const replaces = secret === undefined ? {} : { replaces: secret };
  // What stands in the way of a new certificate does not keep the anchors beside the old one from being current.
  if (cause === undefined || obstacle !== undefined) {
    if (secret === undefined || facts === undefined || !observed.stale) return [];
    return [{ kind: 'Refresh', need, secret, facts: { ...facts, renewAt: observed.renewAt ?? facts.renewAt }, bundle }];
  }
  if (need.shared !== undefined) {
    if (source === undefined) return [];
    const { profileHash } = observed;
    return [{ kind: 'Copy', need, source: source.secret, facts: source.facts, bundle, profileHash, cause, ...replaces }];
  }
  if (!state.available) return [];
  return [{ kind: 'Issue', need, authority: state.authority, bundle, profileHash: observed.profileHash, cause, ...replaces }];
}

/** What an owner that is not admitted any more holds stays until it expires. */
function mayExpire(obstacle: Obstacle | undefined): boolean {
  return obstacle?.reason === 'NamespaceNotAdmitted' || obstacle?.reason === 'NameNotAdmitted';
}

export function deletion(secret: MetadataObject): CertificateAction {
  return { kind: 'Delete', secret };
}

/** Epoch ms at which time alone makes another plan, or another report, of this need. */
export function turnsOf({ cause, obstacle, observed, facts }: PlannedNeed, now: number): readonly (number | undefined)[] {
  if (cause === undefined) return [nextTurn(observed, now), obstacle?.until];
  // What is issued now may be what partners know, and not yet what it is to be: its status says so at once.
  if (obstacle === undefined) return observed.succession === undefined ? [] : [now];
  return [obstacle.until, ...(facts === undefined ? [] : [warningTime(facts), facts.notAfter].filter((time) => time > now))];
}

/** When to warn of a certificate that cannot be renewed, epoch ms: half way from the time of renewal to its end. */
export function warningTime({ renewAt, notAfter }: CertificateFacts): number {
  return renewAt + (notAfter - renewAt) / 2;
}
