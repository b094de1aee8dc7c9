// One certificate that must exist, with everything that decides what to do about it: what the policies look at.
import type { AuthorityState } from '../authorities/authority.ts';
import type { JournalRecord } from '../journal/record.ts';
import type { MetadataObject } from '../kube/resource.ts';
import type { CertificateFacts } from '../outputs/certificate-secret.ts';
import type { CertificateNeed } from '../topology/names.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import type { Issue } from '../trust/reissue.ts';
import type { Succession } from './external-authority.ts';

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
  /** Partners do not know yet whom it is to be from. */
  readonly succession?: Succession;
  /** The Secret's anchors or its renewal time are not what they should be. */
  readonly stale: boolean;
  /** A name of it is somebody else's; until when, epoch ms, where that ends by itself. */
  readonly conflict?: { readonly message: string; readonly until?: number };
  readonly complianceProblem?: string;
  /** The shared certificate that is to be copied. */
  readonly source?: { readonly secret: MetadataObject; readonly facts: CertificateFacts };
}
