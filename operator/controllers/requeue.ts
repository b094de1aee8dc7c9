// When time alone brings a key back.
import type { Requeue } from '../kube/controller.ts';

/** Timers hold at most 24.8 days: whatever is further off is looked at once on the way. */
const longest = 12 * 3_600_000;

export function requeueAt(at: number | undefined, now: number): Requeue | undefined {
  if (at === undefined) return undefined;
  return { requeueAfterMs: Math.min(Math.max(at - now, 1000), longest) };
}

/** A name that somebody else's object has is tried again after this, ms: what lacks our label is not watched. */
export const notOwnedRetry = 20_000;

/**
 * When to look again at what should come by itself and is told of when it does, ms: soon at first, and ever more rarely
 * while it does not come. `waited`: for how long it has not, ms.
 */
export function retryAfterWaiting(waited: number): number {
  return Math.min(Math.max(waited / 4, 1000), 60_000);
}

export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
