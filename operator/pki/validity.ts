// When certificates are valid. Certificates know whole seconds.

/** How far notBefore lies in the past, in ms, for peers whose clock is behind. */
export const backdating = 5 * 60 * 1000;

export interface Validity {
  /** Epoch ms, a whole second. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The second, in epoch ms, that a certificate says for an instant. */
export const wholeSecond = (epochMs: number): number => Math.floor(epochMs / 1000) * 1000;

/**
 * Valid from five minutes ago for `duration` ms from now, but never longer than its issuer.
 * Throws RangeError when the issuer has no second left.
 */
export function validity({
  now,
  duration,
  issuerNotAfter = Number.POSITIVE_INFINITY,
}: {
  readonly now: number;
  readonly duration: number;
  readonly issuerNotAfter?: number;
}): Validity {
  const notAfter = Math.min(wholeSecond(now + duration), issuerNotAfter);
  if (notAfter <= now) throw new RangeError(`nothing can be issued: it would expire at ${new Date(notAfter).toISOString()}`);
  return { notBefore: wholeSecond(now - backdating), notAfter };
}
