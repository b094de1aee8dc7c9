// What to do for one gateway: a pure function of what was observed and the time.
import type { Authority } from '../../authorities/authority.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import type { CertificateRequest } from '../../pki/certificate-request.ts';
import type { CertificateNeed } from '../../topology/names.ts';
import { actionsFor, type CertificateAction, deletion, type PlannedNeed, planNeed, turnsOf } from '../planned-certificate.ts';
import { type Cause, type Obstacle, obstacleTo } from '../policies.ts';
import { earliest } from '../requeue.ts';
import type { Observation, Way } from './observe.ts';
import { requestCause, requestObstacle } from './request.ts';

/** A certificate for the key of the request, into the status. */
export interface Grant {
  readonly need: CertificateNeed;
  readonly request: CertificateRequest;
  readonly authority: Authority;
  readonly cause: Cause;
}

export interface Plan {
  readonly certificates: readonly CertificateAction[];
  readonly needs: readonly PlannedNeed[];
  readonly grant?: Grant;
  /** What stands in the way of a grant that there should be. */
  readonly withheld?: Obstacle;
  /** Epoch ms at which time alone may change the plan. */
  readonly lookAgainAt?: number;
}

export function plan(observation: Observation, now: number): Plan {
  const { gateway, standing, way } = observation;
  const nothing: Plan = { certificates: [], needs: [] };
  if (gateway.metadata.deletionTimestamp !== undefined) return nothing;
  const until = [standing.stands ? undefined : standing.until, observation.graceEnd].filter((at) => at !== undefined && at > now);
  // Where it has no place in the topology, what was issued stays as it is.
  if (way === undefined) return { ...nothing, ...lookingAgain(until) };
  const leftovers = leftoversToGo(observation, now).map(deletion);
  switch (way.kind) {
    case 'None':
    case 'OwnAuthority':
      return { ...nothing, certificates: leftovers, ...lookingAgain(until) };
    case 'Secret': {
      const need = planNeed(way.need, observation, now);
      // Until the Secret that is asked for is there, the one under a former name serves.
      const serves = need.facts === undefined;
      return {
        certificates: [...actionsFor(need), ...(serves ? [] : leftovers)],
        needs: [need],
        ...lookingAgain([...until, ...turnsOf(need, now)]),
      };
    }
    case 'Request':
      return planRequest(observation, way, [...until], leftovers, now);
  }
}

function planRequest(
  observation: Observation,
  way: Extract<Way, { kind: 'Request' }>,
  until: readonly (number | undefined)[],
  leftovers: readonly CertificateAction[],
  now: number,
): Plan {
  const { need, asked, held, renewAt } = way;
  const base: Plan = { certificates: leftovers, needs: [] };
  const refused = requestObstacle(observation.gateway, way);
  if (refused !== undefined || 'refusals' in asked) {
    return { ...base, ...(refused === undefined ? {} : { withheld: refused }), ...lookingAgain(until) };
  }
  const cause = requestCause(way, now);
  if (cause === undefined)
    return { ...base, ...lookingAgain([...until, renewAt, held?.notAfter].filter((at) => (at ?? 0) > now)) };
  const obstacle = obstacleTo(cause, need, observation, now);
  if (obstacle !== undefined) {
    const withheld =
      obstacle.reason === 'ReissuedTooOften'
        ? {
            ...obstacle,
            message: `status.certificate was issued again and again, the last time because ${cause.because}. Find out who edits the status; issuing goes on after a pause.`,
          }
        : obstacle;
    return { ...base, withheld, ...lookingAgain([...until, obstacle.until]) };
  }
  if (!need.state.available || need.bundle === undefined) return base;
  return { ...base, grant: { need: need.need, request: asked, authority: need.state.authority, cause } };
}

/** Secrets that it asks for no more go, unless it lost its admission: then they stay until they expire. */
function leftoversToGo({ leftovers, admission }: Observation, now: number): readonly MetadataObject[] {
  return leftovers.filter(({ metadata }) => {
    if (metadata.deletionTimestamp !== undefined) return false;
    if (admission?.admitted === true) return true;
    return Date.parse(metadata.annotations?.[annotation.notAfter] ?? '') <= now;
  });
}

function lookingAgain(times: readonly (number | undefined)[]): Pick<Plan, 'lookAgainAt'> {
  const lookAgainAt = earliest(times);
  return lookAgainAt === undefined ? {} : { lookAgainAt };
}
