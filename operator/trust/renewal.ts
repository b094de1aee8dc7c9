// When a certificate is renewed: after a share of its life, a little earlier by a hash of what it is for, so that
// certificates issued together do not fall due together.
import { createHash } from 'node:crypto';

/** The share of a certificate's life over which the renewals of certificates issued together are spread. */
const spread = 0.1;

/** Epoch ms, whole seconds: never later than `renewAfterPercent` of the life, and up to a tenth of the life earlier. */
export function renewalTime(
  certificate: { readonly notBefore: number; readonly notAfter: number },
  renewAfterPercent: number,
  seed: string,
): number {
  const life = certificate.notAfter - certificate.notBefore;
  const latest = (life * renewAfterPercent) / 100;
  const earlier = Math.min(life * spread, latest / 2) * fraction(seed);
  return Math.floor((certificate.notBefore + latest - earlier) / 1000) * 1000;
}

function fraction(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32;
}
