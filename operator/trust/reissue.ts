// The circuit breaker on re-issuance: whatever keeps destroying a certificate, issuing it ever faster does not help.
// What was issued is read from the journal, so a restart does not close the breaker.

const window = 3_600_000;
/** Issues of one need within an hour that go through at once. */
const free = 5;
const firstPause = 60_000;

export interface Breaker {
  /** Epoch ms before which nothing more is issued for this need; absent while the breaker is closed. */
  readonly openUntil?: number;
  /** Issues of this need within the last hour. */
  readonly recent: number;
}

/** `issuedAt`: when certificates were issued for one need (epoch ms), in any order. */
export function reissueBreaker(issuedAt: readonly number[], now: number): Breaker {
  const recent = issuedAt.filter((at) => at > now - window).sort((a, b) => a - b);
  const last = recent.at(-1);
  if (last === undefined || recent.length < free) return { recent: recent.length };
  const openUntil = last + Math.min(firstPause * 2 ** (recent.length - free), window);
  return openUntil > now ? { openUntil, recent: recent.length } : { recent: recent.length };
}
