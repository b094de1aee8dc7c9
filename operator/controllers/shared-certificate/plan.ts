// Whether a shared certificate must be made or rolled: by the same rules as any other.
import type { Authority } from '../../authorities/authority.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import type { CertificateNeed } from '../../topology/names.ts';
import { type Cause, causeOf, nextTurn, type Obstacle, obstacleTo } from '../policies.ts';
import type { SharedObservation } from './observe.ts';

export interface Roll {
  readonly need: CertificateNeed;
  readonly authority: Authority;
  readonly profileHash: string;
  readonly cause: Cause;
  readonly replaces?: MetadataObject;
}

export interface SharedPlan {
  readonly roll?: Roll;
  readonly obstacle?: Obstacle;
  /** Epoch ms. */
  readonly lookAgainAt?: number;
}

export function plan({ observed, circumstances }: SharedObservation, now: number): SharedPlan {
  const cause = causeOf(observed, now);
  if (cause === undefined) {
    const lookAgainAt = nextTurn(observed, now);
    return lookAgainAt === undefined ? {} : { lookAgainAt };
  }
  const obstacle = obstacleTo(cause, observed, circumstances, now);
  if (obstacle !== undefined) return { obstacle, ...(obstacle.until === undefined ? {} : { lookAgainAt: obstacle.until }) };
  const { need, state, profileHash, secret } = observed;
  if (!state.available) return {};
  return {
    roll: { need, authority: state.authority, profileHash, cause, ...(secret === undefined ? {} : { replaces: secret }) },
  };
}
