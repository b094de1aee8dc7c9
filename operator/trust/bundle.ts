// A trust bundle is a value: anchors deduplicated, ordered, without expired ones; its hash is its identity.
import { createHash } from 'node:crypto';
import type { Certificate } from '../pki/certificate.ts';

export interface TrustBundle {
  readonly anchors: readonly Certificate[];
  /** Anchors left out because they have expired. */
  readonly expired: readonly Certificate[];
  /** PEM of the anchors, one after another; empty where nobody is trusted. */
  readonly pem: string;
  /** SHA-256 of `pem`, lower-case hex. */
  readonly hash: string;
}

export function trustBundle(anchors: readonly Certificate[], now: number): TrustBundle {
  const distinct = [...new Map(anchors.map((anchor) => [anchor.fingerprint, anchor])).values()].sort((a, b) =>
    a.fingerprint < b.fingerprint ? -1 : 1,
  );
  const current = distinct.filter((anchor) => anchor.notAfter > now);
  const pem = current.map((anchor) => anchor.pem).join('');
  return {
    anchors: current,
    expired: distinct.filter((anchor) => anchor.notAfter <= now),
    pem,
    hash: createHash('sha256').update(pem).digest('hex'),
  };
}
