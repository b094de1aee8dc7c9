// What each audience trusts, as a value: the anchors of every authority whose certificates it may meet.
import type { Certificate } from '../pki/certificate.ts';
import type { Audience } from '../topology/names.ts';
import { type TrustBundle, trustBundle } from './bundle.ts';

export interface AnchorSource {
  /** The EnterpriseCA, for messages. */
  readonly name: string;
  /** Undefined while nobody knows them: the CA is missing or broken. */
  readonly anchors: readonly Certificate[] | undefined;
}

export interface AudienceTrust {
  readonly bundle: TrustBundle;
  /** Sources whose anchors are not known: what is in place is not replaced by a bundle that lacks them. */
  readonly unknown: readonly string[];
}

const nobody = trustBundle([], 0);

/**
 * The Edge's external face trusts partners alone, and no enterprise anchor: an enterprise certificate is not accepted
 * there. Everybody else trusts the enterprise.
 */
export function audienceTrust(audience: Audience, enterprise: readonly AnchorSource[], now: number): AudienceTrust {
  if (audience === 'edge-external') return { bundle: nobody, unknown: [] };
  return {
    bundle: trustBundle(
      enterprise.flatMap((source) => source.anchors ?? []),
      now,
    ),
    unknown: enterprise.filter((source) => source.anchors === undefined).map((source) => source.name),
  };
}
