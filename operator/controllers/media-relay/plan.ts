// What to do for one relay: a pure function of what was observed and the time. The record comes first: whatever a copy gets
// follows from what is on record by then, so that a crash between any two writes leaves only copies to be caught up.
import { isDeepStrictEqual } from 'node:util';
import type { MetadataObject } from '../../kube/resource.ts';
import {
  acceptedSecrets,
  advance,
  type CredentialRoll,
  firstRoll,
  nextTurn,
  type SecretId,
} from '../../trust/credential-roll.ts';
import { actionsFor, type CertificateAction, deletion, type PlannedNeed, planNeed, turnsOf } from '../planned-certificate.ts';
import { earliest } from '../requeue.ts';
import type { Content, Credentials, ObservedRegistrar } from './copies.ts';
import type { Observation } from './observe.ts';

export type CredentialAction =
  /** The record of the roll, with a new value for each secret that is `made`. */
  | {
      readonly kind: 'Record';
      readonly roll: CredentialRoll;
      readonly made: readonly SecretId[];
      readonly dropped: readonly SecretId[];
      readonly namespaceUID: string;
      readonly replaces?: MetadataObject;
    }
  | {
      readonly kind: 'WriteRelay';
      readonly name: string;
      readonly content: Content;
      readonly added: readonly SecretId[];
      readonly dropped: readonly SecretId[];
      readonly replaces?: MetadataObject;
    }
  | { readonly kind: 'WriteRegistrar'; readonly registrar: ObservedRegistrar; readonly id: SecretId }
  | { readonly kind: 'DeleteCopy'; readonly secret: MetadataObject };

export interface CredentialPlan {
  /** Absent where none was begun, and none may be. */
  readonly roll?: CredentialRoll;
  readonly actions: readonly CredentialAction[];
  /** Registrars, by UID, that do not present the active secret yet. */
  readonly laggards: readonly string[];
}

export interface Plan {
  readonly certificates: readonly CertificateAction[];
  readonly needs: readonly PlannedNeed[];
  readonly credentials: CredentialPlan;
  /** Epoch ms at which time alone may change the plan. */
  readonly lookAgainAt?: number;
}

const nothing: CredentialPlan = { actions: [], laggards: [] };

export function plan(observation: Observation, now: number): Plan {
  const { relay, namespace, admission, certificate, formerSecrets, credentials: observed } = observation;
  if (relay.metadata.deletionTimestamp !== undefined || namespace === undefined || namespace.terminating) {
    return { certificates: [], needs: [], credentials: nothing };
  }
  const needs = certificate === undefined ? [] : [planNeed(certificate, observation, now)];
  const certificates = [
    ...needs.flatMap((need) => actionsFor(need)),
    ...(needs.some(({ facts }) => facts !== undefined) ? formerSecrets.map(deletion) : []),
  ];
  const credentials = observed === undefined ? nothing : planCredentials(observed, isWithheld(observation), now);
  const { roll } = credentials;
  const lookAgainAt = earliest([
    ...needs.flatMap((need) => turnsOf(need, now)),
    roll === undefined || observed === undefined || isWithheld(observation) ? undefined : nextTurn(roll, observed.policy),
    admission?.admitted === false && (observation.graceEnd ?? 0) > now ? observation.graceEnd : undefined,
  ]);
  return { certificates, needs, credentials, ...(lookAgainAt === undefined ? {} : { lookAgainAt }) };
}

/** What has no place in the topology, or a name that is another's, gets nothing new: what it has stays as it is. */
export function isWithheld({ admission, domainProblem, certificate, credentials }: Observation): boolean {
  return (
    admission?.admitted !== true ||
    domainProblem !== undefined ||
    certificate?.conflict !== undefined ||
    credentials?.crowdedOut === true
  );
}

function planCredentials(observed: Credentials, withheld: boolean, now: number): CredentialPlan {
  const { roll: recorded, policy, seen, registrars, leftovers } = observed;
  const deletions = leftovers
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((secret): CredentialAction => ({ kind: 'DeleteCopy', secret }));
  if (withheld) return { ...(recorded === undefined ? {} : { roll: recorded }), actions: deletions, laggards: [] };

  const roll = advance(recorded ?? firstRoll(seen.relay, policy, now), seen, policy, now);
  const accepted = acceptedSecrets(roll);
  const before = recorded === undefined ? [...seen.relay] : acceptedSecrets(recorded);
  const made = accepted.filter((id) => !before.includes(id));
  const atHand = new Set([...seen.kept, ...made]);
  // Until the relay has it no registrar gets it, and one whose value was lost can be given to nobody.
  const mayPresent = seen.relay.has(roll.active.id) && atHand.has(roll.active.id);
  const behind = registrars.filter(({ presents, current }) => presents !== roll.active.id || !current);
  return {
    roll,
    actions: [
      ...recordActions(observed, roll, made),
      ...relayActions(observed, accepted, atHand),
      ...(mayPresent ? behind : []).map(
        (registrar): CredentialAction => ({ kind: 'WriteRegistrar', registrar, id: roll.active.id }),
      ),
      ...deletions,
    ],
    laggards: registrars.flatMap(({ server, presents, foreign }) =>
      presents === roll.active.id || foreign ? [] : [server.metadata.uid],
    ),
  };
}

function recordActions(
  { record, roll: recorded, claimed, namespaceUID, seen }: Credentials,
  roll: CredentialRoll,
  made: readonly SecretId[],
): readonly CredentialAction[] {
  const accepted = acceptedSecrets(roll);
  const dropped = [...seen.kept].filter((id) => !accepted.includes(id));
  if (claimed && isDeepStrictEqual(recorded, roll) && dropped.length === 0) return [];
  return [{ kind: 'Record', roll, made, dropped, namespaceUID, ...(record === undefined ? {} : { replaces: record }) }];
}

function relayActions(
  { relay: { name, content, current, secret }, seen }: Credentials,
  accepted: readonly SecretId[],
  atHand: ReadonlySet<SecretId>,
): readonly CredentialAction[] {
  const added = accepted.filter((id) => atHand.has(id) && !seen.relay.has(id));
  const dropped = [...seen.relay].filter((id) => !accepted.includes(id));
  if (current && added.length === 0 && dropped.length === 0) return [];
  return [{ kind: 'WriteRelay', name, content, added, dropped, ...(secret === undefined ? {} : { replaces: secret }) }];
}
