// Counts by key, without a trace of keys that count nothing.

/** Returns whether there was none before, or is none now. */
export function count(tally: Map<string, number>, key: string, by: 1 | -1): boolean {
  const now = (tally.get(key) ?? 0) + by;
  if (now === 0) tally.delete(key);
  else tally.set(key, now);
  return now === 0 || now === by;
}
