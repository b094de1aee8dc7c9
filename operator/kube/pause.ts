// Waiting that ends early: every long-lived thing here sleeps between attempts and must wake when it is told to stop.

/** Resolves after `ms`, or as soon as one of the signals is aborted: the caller looks which it was. Never rejects. */
export function pause(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(end, ms);
  function end() {
    clearTimeout(timer);
    for (const signal of signals) signal?.removeEventListener('abort', end);
    resolve();
  }
  for (const signal of signals) {
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end);
  }
  return promise;
}

/** Runs `task` with a signal that is aborted with `outer`, or by `late()` as its reason after `limitMs`. */
export async function within<T>(
  limitMs: number,
  outer: AbortSignal,
  late: () => Error,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer.reason);
  const timer = setTimeout(() => controller.abort(late()), limitMs);
  outer.addEventListener('abort', onAbort);
  if (outer.aborted) onAbort();
  try {
    return await task(controller.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onAbort);
  }
}
