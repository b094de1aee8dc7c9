// What to do for one server: a pure function of what was observed and the time.
import type { Authority } from '../../authorities/authority.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import type { CertificateFacts } from '../../outputs/certificate-secret.ts';
import type { CertificateNeed } from '../../topology/names.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { type Cause, causeOf, nextTurn, type Obstacle, obstacleTo } from '../policies.ts';
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
  const times = [
    ...needs.map(
      ({ cause, obstacle, observed }) => obstacle?.until ?? (cause === undefined ? nextTurn(observed, now) : undefined),
    ),
    ...(observation.admission?.admitted === false && observation.graceEnd !== undefined && observation.graceEnd > now
      ? [observation.graceEnd]
      : []),
  ].filter((time) => time !== undefined);
  return { actions, needs, ...(times.length === 0 ? {} : { lookAgainAt: Math.min(...times) }) };
}

function actionsFor({ observed, cause, obstacle }: PlannedNeed): readonly Action[] {
  const { need, secret, facts, bundle, state, source } = observed;
  if (bundle === undefined) return [];
  const replaces = secret === undefined ? {} : { replaces: secret };
  // What stands in the way of a new certificate does not keep the anchors beside the old one from being current.
  if (cause === undefined || obstacle !== undefined) {
    if (cause?.kind === 'Edited') return [];
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

/** Secrets of members and uses that are gone go with them; those of a server that lost its admission stay until they expire. */
function mayGo(secret: MetadataObject, { admission }: Observation, now: number): boolean {
  if (secret.metadata.deletionTimestamp !== undefined) return false;
  if (admission?.admitted === true) return true;
  return Date.parse(secret.metadata.annotations?.['trustmesh.io/not-after'] ?? '') <= now;
}

function deletion(secret: MetadataObject): Action {
  return { kind: 'Delete', secret };
}

function trustActions({ ownTrust, admission }: Observation): readonly Action[] {
  const { wanted, existing } = ownTrust;
  if (wanted === undefined)
    return existing === undefined || admission?.admitted !== true ? [] : [{ kind: 'DeleteTrust', configMap: existing }];
  if (ownTrust.current) return [];
  return [{ kind: 'WriteTrust', ...wanted, ...(existing === undefined ? {} : { replaces: existing }) }];
}
