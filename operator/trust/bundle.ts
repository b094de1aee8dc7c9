// A trust bundle is a value: anchors deduplicated, ordered, without expired ones; its hash is its identity.
import { createHash } from 'node:crypto';
import type { Certificate } from '../pki/certificate.ts';

export interface TrustBundle {
  /** Roots, federation roots among them: all that a Java trust store gets. */
  readonly anchors: readonly Certificate[];
  /** What federation roots have signed, for software that finds them beside the anchors. */
  readonly crossCertificates: readonly Certificate[];
  /** Anchors and cross-certificates left out because they have expired. */
  readonly expired: readonly Certificate[];
  /** PEM of both, one after another; empty where nobody is trusted. */
  readonly pem: string;
  /** SHA-256 of `pem`, lower-case hex. */
  readonly hash: string;
}

const ordered = (certificates: readonly Certificate[]): readonly Certificate[] =>
  [...new Map(certificates.map((certificate) => [certificate.fingerprint, certificate])).values()].sort((a, b) =>
    a.fingerprint < b.fingerprint ? -1 : 1,
  );

/**
 * Cross-certificates come first in the PEM: a federation root may have the subject of its cross-certificate, and for a
 * certificate that does not name its issuer's key OpenSSL tries only the first that has the subject.
 */
export function trustBundle(
  anchors: readonly Certificate[],
  now: number,
  crossCertificates: readonly Certificate[] = [],
): TrustBundle {
  const isCurrent = ({ notAfter }: Certificate): boolean => notAfter > now;
  const [roots, crossed] = [ordered(anchors), ordered(crossCertificates)];
  const [currentRoots, currentCrossed] = [roots.filter(isCurrent), crossed.filter(isCurrent)];
  const pem = [...currentCrossed, ...currentRoots].map((certificate) => certificate.pem).join('');
  return {
    anchors: currentRoots,
    crossCertificates: currentCrossed,
    expired: [...roots, ...crossed].filter((certificate) => !isCurrent(certificate)),
    pem,
    hash: createHash('sha256').update(pem).digest('hex'),
  };
}
