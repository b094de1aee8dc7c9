// The keys of what has to be looked at, each at most once: a key that is added while it is worked on comes back afterwards, and
// what a user changed goes before mass work. How often failures are retried is decided here and nowhere else.
import { DelayHeap } from './delay-heap.ts';

export type Priority = 'user' | 'background';

export interface QueueOptions {
  /** The first delay of `retry`, ms; it doubles with each failure of the key. Default: 500. */
  readonly firstRetryMs?: number;
  /** Default: 5 minutes. */
  readonly maxRetryMs?: number;
  /** Told of the number of keys that are ready to be taken, whenever it changes. */
  readonly onDepth?: (depth: number) => void;
  /** Told of each key taken and for how long it had been ready. */
  readonly onTaken?: (taken: { readonly priority: Priority; readonly waitedSeconds: number }) => void;
}

interface Ready {
  readonly priority: Priority;
  /** On the clock of performance.now(). */
  readonly since: number;
}

/** Up to a fifth longer, so that what failed together does not come back together. */
const JITTER = 0.2;

export class WorkQueue {
  readonly #options: QueueOptions;
  /** Oldest first. A key whose entry in `ready` names another line (or is gone) is a leftover and passed over. */
  readonly #lines: Readonly<Record<Priority, Line>> = { user: new Line(), background: new Line() };
  readonly #ready = new Map<string, Ready>();
  readonly #processing = new Set<string>();
  /** Added while being processed. */
  readonly #again = new Map<string, Priority>();
  readonly #delayed = new DelayHeap<Priority>((key, priority) => this.add(key, { priority }));
  readonly #failures = new Map<string, number>();
  readonly #takers = new Set<(key: string | undefined) => void>();
  #shut = false;

  constructor(options: QueueOptions = {}) {
    this.#options = options;
  }

  /** Ready at once. Adding a key again changes nothing but, at most, its priority from background to user. */
  add(key: string, { priority = 'user' }: { readonly priority?: Priority } = {}): void {
    if (this.#shut) return;
    if (this.#processing.has(key)) {
      if (this.#again.get(key) !== 'user') this.#again.set(key, priority);
      return;
    }
    const ready = this.#ready.get(key);
    if (ready !== undefined && (ready.priority === priority || priority === 'background')) return;
    this.#ready.set(key, { priority, since: ready?.since ?? performance.now() });
    this.#lines[priority].push(key);
    if (ready === undefined) this.#options.onDepth?.(this.#ready.size);
    this.#hand();
  }

  /** Ready after `delayMs`. Of several delays for a key the earliest counts; taking the key ends them all. */
  addAfter(key: string, delayMs: number, priority: Priority = 'background'): void {
    if (this.#shut) return;
    if (delayMs <= 0) this.add(key, { priority });
    else this.#delayed.add(key, performance.now() + delayMs, priority);
  }

  /**
   * Ready after a delay that doubles with each failure of this key until it is forgotten.
   * @param firstMs instead of the queue's own first delay
   * @param leastMs what the API server asked for
   */
  retry(key: string, { firstMs, leastMs = 0 }: { readonly firstMs?: number; readonly leastMs?: number } = {}): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const { firstRetryMs = 500, maxRetryMs = 5 * 60_000 } = this.#options;
    const delayMs = Math.max(leastMs, Math.min((firstMs ?? firstRetryMs) * 2 ** Math.min(failures, 40), maxRetryMs));
    this.addAfter(key, delayMs * (1 + Math.random() * JITTER));
  }

  /** It went well: the next failure starts from the first delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, to be given back with `done`; undefined once `signal` is aborted or the queue is shut down. */
  next(signal: AbortSignal): Promise<string | undefined> {
    if (this.#shut || signal.aborted) return Promise.resolve(undefined);
    const key = this.#take();
    if (key !== undefined) return Promise.resolve(key);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const end = () => taker(undefined);
    const taker = (taken: string | undefined) => {
      this.#takers.delete(taker);
      signal.removeEventListener('abort', end);
      resolve(taken);
    };
    this.#takers.add(taker);
    signal.addEventListener('abort', end);
    return promise;
  }

  /** Nobody works on the key any more; it is ready again where it was added meanwhile. */
  done(key: string): void {
    this.#processing.delete(key);
    const priority = this.#again.get(key);
    this.#again.delete(key);
    if (priority !== undefined) this.add(key, { priority });
  }

  /** Keys that are ready to be taken. */
  get size(): number {
    return this.#ready.size;
  }

  /** Takes nothing more in, hands nothing more out, and leaves no timer behind. */
  shutdown(): void {
    this.#shut = true;
    this.#delayed.clear();
    for (const taker of this.#takers) taker(undefined);
  }

  #hand(): void {
    const [taker] = this.#takers;
    if (taker === undefined) return;
    const key = this.#take();
    if (key !== undefined) taker(key);
  }

  #take(): string | undefined {
    for (const priority of ['user', 'background'] as const) {
      const line = this.#lines[priority];
      for (let key = line.shift(); key !== undefined; key = line.shift()) {
        const ready = this.#ready.get(key);
        if (ready?.priority !== priority) continue;
        this.#ready.delete(key);
        this.#processing.add(key);
        this.#delayed.remove(key);
        this.#options.onDepth?.(this.#ready.size);
        this.#options.onTaken?.({ priority, waitedSeconds: (performance.now() - ready.since) / 1000 });
        return key;
      }
    }
    return undefined;
  }
}

/** First in, first out, at constant cost: Array.shift moves everything. */
class Line {
  #keys: string[] = [];
  #head = 0;

  push(key: string): void {
    this.#keys.push(key);
  }

  shift(): string | undefined {
    const key = this.#keys[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#keys.length) {
      this.#keys = this.#keys.slice(this.#head);
      this.#head = 0;
    }
    return key;
  }
}
