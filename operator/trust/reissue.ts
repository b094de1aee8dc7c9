// The circuit breaker on re-issuance: whatever keeps destroying a certificate, issuing it ever faster does not help.
// What was issued is read from the journal, so a restart does not close the breaker.

const window = 3_600_000;
/** Issues of one need within an hour that go through at once. */
const free = 5;
const firstPause = 60_000;

/** One certificate that was issued for a need; times in epoch ms. */
export interface Issue {
  readonly at: number;
  /** From when on its successor is no surprise. */
  readonly dueAt: number;
}

export interface Breaker {
  /** Epoch ms before which nothing more is issued for this need; absent while the breaker is closed. */
  readonly openUntil?: number;
  /** Issues of this need within the last hour that came before they were due. */
  readonly recent: number;
}

/** `issues`: everything known to have been issued for one need, in any order. Renewals in their time do not count. */
export function reissueBreaker(issues: readonly Issue[], now: number): Breaker {
  const recent = [...issues]
    .sort((a, b) => a.at - b.at)
    .filter(({ at }, index, all) => at < (all[index - 1]?.dueAt ?? Number.POSITIVE_INFINITY))
    .filter(({ at }) => at > now - window);
  const last = recent.at(-1);
  if (last === undefined || recent.length < free) return { recent: recent.length };
  const openUntil = last.at + Math.min(firstPause * 2 ** (recent.length - free), window);
  return openUntil > now ? { openUntil, recent: recent.length } : { recent: recent.length };
}
