// When a certificate is renewed: after a share of its life, a little earlier by a hash of what it is for, so that
// certificates issued together do not fall due together.
import { createHash } from 'node:crypto';
import { backdating } from '../pki/validity.ts';

/** The share of a certificate's life over which the renewals of certificates issued together are spread. */
const spread = 0.1;

/**
 * Epoch ms, whole seconds: never later than `renewAfterPercent` of the life, and up to a tenth of the life earlier. A life
 * begins when the certificate was made, which is later than its notBefore: else a short one would be due as it is made.
 */
export function renewalTime(
  certificate: { readonly notBefore: number; readonly notAfter: number },
  renewAfterPercent: number,
  seed: string,
): number {
  const from = certificate.notBefore + backdating;
  const life = certificate.notAfter - from;
  const latest = (life * renewAfterPercent) / 100;
  const earlier = Math.min(life * spread, latest / 2) * fraction(seed);
  return Math.floor((from + latest - earlier) / 1000) * 1000;
}

function fraction(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32;
}
