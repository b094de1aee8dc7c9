// What to do for one server: a pure function of what was observed and the time.
import type { Authority } from '../../authorities/authority.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import type { CertificateFacts } from '../../outputs/certificate-secret.ts';
import type { CertificateNeed } from '../../topology/names.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { type Cause, causeOf, nextTurn, type Obstacle, obstacleTo } from '../policies.ts';
import { earliest } from '../requeue.ts';
import type { Observation } from './observe.ts';

export type Action =
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
  /** The domain's or pool's shared key and certificate, into this server's Secret. */
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
  | { readonly kind: 'Delete'; readonly secret: MetadataObject }
  | {
      readonly kind: 'WriteTrust';
      readonly data: Readonly<Record<string, string>>;
      readonly hash: string;
      readonly replaces?: MetadataObject;
    }
  | { readonly kind: 'DeleteTrust'; readonly configMap: MetadataObject };

/** One need after planning: what stands in its way, if anything, and what its Secret holds now. */
export interface PlannedNeed {
  readonly observed: ObservedNeed;
  readonly cause?: Cause;
  readonly obstacle?: Obstacle;
  /** The certificate in force, if it can still be used. */
  readonly facts?: CertificateFacts;
}

export interface Plan {
  readonly actions: readonly Action[];
  readonly needs: readonly PlannedNeed[];
  /** Epoch ms at which time alone may change the plan. */
  readonly lookAgainAt?: number;
}

/** How soon to look whether what takes a Secret's place is there, ms. */
const successorRetry = 5000;

export function plan(observation: Observation, now: number): Plan {
  const { server, domain, namespace } = observation;
  if (server.metadata.deletionTimestamp !== undefined || namespace === undefined || namespace.terminating) {
    return { actions: [], needs: [] };
  }
  const needs = observation.needs.map((observed): PlannedNeed => {
    const cause = causeOf(observed, now);
    const obstacle = cause === undefined ? undefined : obstacleTo(cause, observed, observation, now);
    const usable = observed.facts !== undefined && cause?.kind !== 'Edited' && observed.facts.notAfter > now;
    return {
      observed,
      ...(cause === undefined ? {} : { cause }),
      ...(obstacle === undefined ? {} : { obstacle }),
      ...(usable && observed.facts !== undefined ? { facts: observed.facts } : {}),
    };
  });
  const actions = [
    ...needs.flatMap((need) => actionsFor(need)),
    ...(domain === undefined ? [] : observation.leftovers.filter((secret) => mayGo(secret, observation, now)).map(deletion)),
    ...trustActions(observation),
  ];
  const lookAgainAt = earliest([
    ...(observation.awaited.size === 0 ? [] : [now + successorRetry]),
    ...needs.flatMap((need) => turnsOf(need, now)),
    ...(observation.admission?.admitted === false ? [observation.graceEnd].filter((end) => end !== undefined && end > now) : []),
  ]);
  return { actions, needs, ...(lookAgainAt === undefined ? {} : { lookAgainAt }) };
}

/** Epoch ms at which time alone makes another plan, or another report, of this need. */
function turnsOf({ cause, obstacle, observed, facts }: PlannedNeed, now: number): readonly (number | undefined)[] {
  if (cause === undefined) return [nextTurn(observed, now)];
  if (obstacle === undefined) return [];
  return [obstacle.until, ...(facts === undefined ? [] : [warningTime(facts), facts.notAfter].filter((time) => time > now))];
}

/** When to warn of a certificate that cannot be renewed, epoch ms: half way from the time of renewal to its end. */
export function warningTime({ renewAt, notAfter }: CertificateFacts): number {
  return renewAt + (notAfter - renewAt) / 2;
}

function actionsFor({ observed, cause, obstacle }: PlannedNeed): readonly Action[] {
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

/** What a server that is not admitted any more holds stays until it expires. */
function mayExpire(obstacle: Obstacle | undefined): boolean {
  return obstacle?.reason === 'NamespaceNotAdmitted' || obstacle?.reason === 'NameNotAdmitted';
}

/** Secrets of members and uses that are gone go with them, unless something takes their place that is not there yet; those of a server that lost its admission stay until they expire. */
function mayGo(secret: MetadataObject, { admission, awaited }: Observation, now: number): boolean {
  if (secret.metadata.deletionTimestamp !== undefined || awaited.has(secret.metadata.name)) return false;
  if (admission?.admitted === true) return true;
  return Date.parse(secret.metadata.annotations?.['trustmesh.io/not-after'] ?? '') <= now;
}

function deletion(secret: MetadataObject): Action {
  return { kind: 'Delete', secret };
}

function trustActions({ ownTrust, admission }: Observation): readonly Action[] {
  const { asked, wanted, existing, current } = ownTrust;
  if (!asked && existing !== undefined && admission?.admitted === true) return [{ kind: 'DeleteTrust', configMap: existing }];
  // Asked for and not known yet, as while the CA cannot be read: what is there stays.
  if (wanted === undefined || current) return [];
  return [{ kind: 'WriteTrust', ...wanted, ...(existing === undefined ? {} : { replaces: existing }) }];
}
