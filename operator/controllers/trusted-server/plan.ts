// What to do for one server: a pure function of what was observed and the time.
import type { MetadataObject } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import { actionsFor, type CertificateAction, deletion, type PlannedNeed, planNeed, turnsOf } from '../planned-certificate.ts';
import { earliest } from '../requeue.ts';
import type { Observation } from './observe.ts';

export type TrustAction =
  | {
      readonly kind: 'WriteTrust';
      readonly data: Readonly<Record<string, string>>;
      readonly hash: string;
      readonly partnersHash?: string;
      readonly replaces?: MetadataObject;
    }
  | { readonly kind: 'DeleteTrust'; readonly configMap: MetadataObject };

export interface Plan {
  readonly certificates: readonly CertificateAction[];
  readonly trust: readonly TrustAction[];
  readonly needs: readonly PlannedNeed[];
  /** Epoch ms at which time alone may change the plan. */
  readonly lookAgainAt?: number;
}

/** How soon to look whether what takes a Secret's place is there, ms. */
const successorRetry = 5000;

export function plan(observation: Observation, now: number): Plan {
  const { server, domain, namespace } = observation;
  if (server.metadata.deletionTimestamp !== undefined || namespace === undefined || namespace.terminating) {
    return { certificates: [], trust: [], needs: [] };
  }
  const needs = observation.needs.map((observed) => planNeed(observed, observation, now));
  const certificates = [
    ...needs.flatMap((need) => actionsFor(need)),
    ...(domain === undefined ? [] : observation.leftovers.filter((secret) => mayGo(secret, observation, now)).map(deletion)),
  ];
  const lookAgainAt = earliest([
    ...(observation.awaited.size === 0 ? [] : [now + successorRetry]),
    ...needs.flatMap((need) => turnsOf(need, now)),
    ...(observation.admission?.admitted === false ? [observation.graceEnd].filter((end) => end !== undefined && end > now) : []),
  ]);
  return { certificates, trust: trustActions(observation), needs, ...(lookAgainAt === undefined ? {} : { lookAgainAt }) };
}

/** Secrets of members and uses that are gone go with them, unless something takes their place that is not there yet; those of a server that lost its admission stay until they expire. */
function mayGo(secret: MetadataObject, { admission, awaited }: Observation, now: number): boolean {
  if (secret.metadata.deletionTimestamp !== undefined || awaited.has(secret.metadata.name)) return false;
  if (admission?.admitted === true) return true;
  return Date.parse(secret.metadata.annotations?.[annotation.notAfter] ?? '') <= now;
}

function trustActions({ ownTrust, admission }: Observation): readonly TrustAction[] {
  const { asked, wanted, existing, current } = ownTrust;
  if (!asked && existing !== undefined && admission?.admitted === true) return [{ kind: 'DeleteTrust', configMap: existing }];
  // Asked for and not known yet, as while the CA cannot be read: what is there stays.
  if (wanted === undefined || current) return [];
  return [{ kind: 'WriteTrust', ...wanted, ...(existing === undefined ? {} : { replaces: existing }) }];
}
