// Takes keys from a queue and has each reconciled, several at a time, never one key twice at once; turns what went wrong into
// the right kind of retry. What to do with a key is the business of controllers/.
import { type ErrorReason, isApiError } from './errors.ts';
import { type Log, messageOf, silent } from './log.ts';
import type { WorkQueue } from './queue.ts';

/** Nothing: all is as it should be until something changes. */
export interface Requeue {
  readonly requeueAfterMs?: number;
}

export interface Reconciled {
  readonly key: string;
  readonly seconds: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly error?: unknown;
}

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  /** Keys in hand at once. */
  readonly concurrency: number;
  /** `signal` is aborted only when what is in hand at shutdown takes longer than `drainLimitMs`. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Requeue | void>;
  readonly onReconciled?: (reconciled: Reconciled) => void;
  /** Default: 20,000. */
  readonly drainLimitMs?: number;
  readonly log?: Log;
}

/** What we saw was out of date, or somebody was faster: the store catches up within moments. */
const OUTDATED = ['Conflict', 'NotFound', 'AlreadyExists'] as const satisfies readonly ErrorReason[];
const OUTDATED_RETRY_MS = 50;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #log: Log;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#log = options.log ?? silent;
  }

  /** Works until `signal` is aborted, then finishes what is in hand, starts nothing new, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { concurrency, drainLimitMs = 20_000 } = this.#options;
    const inHand = new AbortController();
    let limit: NodeJS.Timeout | undefined;
    const onAbort = () => {
      limit = setTimeout(() => inHand.abort(new Error(`not finished ${drainLimitMs} ms after shutdown`)), drainLimitMs);
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.all(Array.from({ length: concurrency }, () => this.#work(signal, inHand.signal)));
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(limit);
    }
  }

  async #work(signal: AbortSignal, inHand: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    for (let key = await queue.next(signal); key !== undefined; key = await queue.next(signal)) {
      try {
        await this.#reconcile(key, inHand);
      } finally {
        queue.done(key);
      }
    }
  }

  async #reconcile(key: string, inHand: AbortSignal): Promise<void> {
    const { queue, reconcile, name } = this.#options;
    const started = performance.now();
    let failure: { readonly error: unknown } | undefined;
    try {
      const requeue = await reconcile(key, inHand);
      queue.forget(key);
      if (requeue?.requeueAfterMs !== undefined) queue.addAfter(key, requeue.requeueAfterMs);
    } catch (error) {
      failure = { error };
      this.#retry(key, error);
    }
    try {
      const seconds = (performance.now() - started) / 1000;
      this.#options.onReconciled?.({ key, seconds, outcome: failure === undefined ? 'succeeded' : 'failed', ...failure });
    } catch (error) {
      this.#log.error('onReconciled failed', { controller: name, object: key, error: messageOf(error) });
    }
  }

  #retry(key: string, error: unknown): void {
    const { queue, name } = this.#options;
    const fields = { controller: name, object: key, error: messageOf(error) };
    if (isApiError(error, ...OUTDATED)) {
      this.#log.debug('outdated, looking again', fields);
      queue.retry(key, { firstMs: OUTDATED_RETRY_MS });
    } else if (isApiError(error, 'Fenced')) {
      this.#log.debug('no longer leading', fields);
      queue.retry(key);
    } else if (isApiError(error)) {
      this.#log.warn('reconcile failed', { ...fields, reason: error.reason });
      queue.retry(key, { leastMs: error.retryAfterMs ?? 0 });
    } else {
      this.#log.error('reconcile failed', { ...fields, stack: error instanceof Error ? error.stack : undefined });
      queue.retry(key);
    }
  }
}
