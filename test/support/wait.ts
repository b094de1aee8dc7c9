// Waiting for a condition, never for a time: a limit, and on failure the sentence of what was seen instead.
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface WaitOptions {
  /** Milliseconds until it counts as failed. */
  readonly limitMs?: number;
  /** Milliseconds between two probes. */
  readonly everyMs?: number;
  /** What to show when the limit passes; by default what the last probe returned or threw. */
  readonly seen?: () => unknown;
  /** Ends the wait early, with its reason. */
  readonly signal?: AbortSignal;
}

type Pending = undefined | null | false;

/**
 * Probes until the probe returns something other than `undefined`, `null` or `false`, and returns that.
 * A probe that throws counts as not yet. Throws `<what>: not within <limit>; last seen: ...`.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Pending | Promise<T | Pending>,
  options: WaitOptions = {},
): Promise<T> {
  const { limitMs = 10_000, everyMs = 50, seen, signal } = options;
  const deadline = performance.now() + limitMs;
  for (;;) {
    let last: unknown;
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    signal?.throwIfAborted();
    if (performance.now() >= deadline) {
      throw new Error(`${what}: not within ${limitMs / 1000} s; last seen: ${describe(seen ? seen() : last)}`, { cause: last });
    }
    await pause(everyMs);
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'string' ? value : inspect(value, { depth: 6, breakLength: 120 });
}
