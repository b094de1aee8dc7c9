// What stands around an object that gets certificates: its domain, and whether that admits it.
import type { TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import { timestamp } from '../outputs/labels.ts';
import type { Admission } from '../topology/admission.ts';
import type { Device } from '../topology/devices.ts';
import { graceEnd } from '../trust/grace.ts';
import type { Context } from './context.ts';

/** What the rules ask beside the need itself. */
export interface Circumstances {
  readonly domain: TrustDomain | undefined;
  readonly domainProblem?: string;
  /** That is of SPIFFE IDs alone. */
  readonly sharesIds?: boolean;
  readonly admission: Admission | undefined;
  /** Epoch ms until which an object that lost its admission stays listed. */
  readonly graceEnd?: number;
}

/** What the status says of an object that lost its admission. */
export function delisted({ graceEnd: end }: Pick<Circumstances, 'graceEnd'>): { readonly delistedAt?: string } {
  return end === undefined ? {} : { delistedAt: timestamp(end) };
}

export function circumstancesOf(
  object: TrustedServer | Device,
  admission: Admission | undefined,
  { topology, now, grace }: Context,
): Circumstances {
  const { trustDomain } = object.spec;
  const domainProblem = topology.domainProblem(trustDomain);
  const end = admission?.admitted === false ? graceEnd(object, now(), grace) : undefined;
  return {
    domain: topology.domain(trustDomain),
    ...(domainProblem === undefined ? {} : { domainProblem, sharesIds: topology.sharesIds(trustDomain) }),
    admission,
    ...(end === undefined ? {} : { graceEnd: end }),
  };
}
