// One certificate that must exist, with everything that decides what to do about it: what the policies look at.
import type { TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import type { AuthorityState } from '../authorities/authority.ts';
import type { JournalRecord } from '../journal/record.ts';
import type { MetadataObject } from '../kube/resource.ts';
import type { CertificateFacts } from '../outputs/certificate-secret.ts';
import type { Admission } from '../topology/admission.ts';
import type { Device } from '../topology/devices.ts';
import type { CertificateNeed } from '../topology/names.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import { graceEnd } from '../trust/grace.ts';
import type { Issue } from '../trust/reissue.ts';
import type { Context } from './context.ts';

export interface ObservedNeed {
  readonly need: CertificateNeed;
  readonly state: AuthorityState;
  /** Everything that the certificate's content follows from but its key: a change means a new certificate. */
  readonly profileHash: string;
  /** Our Secret of that name, if it belongs to this need. */
  readonly secret?: MetadataObject;
  /** Somebody else's object has the name of the Secret. */
  readonly foreign: boolean;
  readonly facts?: CertificateFacts;
  /** The last certificate that the journal knows for this Secret. */
  readonly recorded?: JournalRecord;
  readonly issues: readonly Issue[];
  /** Epoch ms. */
  readonly renewAt?: number;
  /** The anchors of this face; undefined while they are not known in full. */
  readonly bundle?: TrustBundle;
  readonly trustPending?: string;
  /** The Secret's anchors or its renewal time are not what they should be. */
  readonly stale: boolean;
  /** A name of it is somebody else's; until when, epoch ms, where that ends by itself. */
  readonly conflict?: { readonly message: string; readonly until?: number };
  readonly complianceProblem?: string;
  /** The shared certificate that is to be copied. */
  readonly source?: { readonly secret: MetadataObject; readonly facts: CertificateFacts };
}

/** What the rules ask beside the need itself. */
export interface Circumstances {
  readonly domain: TrustDomain | undefined;
  readonly domainProblem?: string;
  readonly admission: Admission | undefined;
  /** Epoch ms until which an object that lost its admission stays listed. */
  readonly graceEnd?: number;
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
    ...(domainProblem === undefined ? {} : { domainProblem }),
    admission,
    ...(end === undefined ? {} : { graceEnd: end }),
  };
}
