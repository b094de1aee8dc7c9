// What each audience trusts, as a value: the anchors of every authority whose certificates it may meet.
import type { Certificate } from '../pki/certificate.ts';
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

/** What everybody inside trusts, and every client: the enterprise. */
export function enterpriseTrust(enterprise: readonly AnchorSource[], now: number): AudienceTrust {
  return {
    bundle: trustBundle(
      enterprise.flatMap((source) => source.anchors ?? []),
      now,
    ),
    unknown: enterprise.filter((source) => source.anchors === undefined).map((source) => source.name),
  };
}

const nobody = trustBundle([], 0);

/** What an Edge trusts outside: partners alone, and no enterprise anchor, so that no enterprise certificate is accepted there. */
export function partnerTrust(federation: { readonly bundle: TrustBundle } | undefined): AudienceTrust {
  return federation === undefined
    ? { bundle: nobody, unknown: ['the federated partners'] }
    : { bundle: federation.bundle, unknown: [] };
}
