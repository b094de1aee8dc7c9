// Keys that become due at a time, with one timer for all of them: a binary heap by time. A key is in it once, at its earliest.

interface Entry<V> {
  readonly key: string;
  readonly value: V;
  /** On the clock of performance.now(). */
  readonly at: number;
}

/** setTimeout fires at once beyond 2^31 - 1 ms; waking once a day for nothing is cheap. */
const MAX_TIMER_MS = 24 * 3600_000;

export class DelayHeap<V> {
  /** Entries that are no longer the one in `current` are leftovers and dropped when they come up. */
  #heap: Entry<V>[] = [];
  readonly #current = new Map<string, Entry<V>>();
  readonly #onDue: (key: string, value: V) => void;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(onDue: (key: string, value: V) => void) {
    this.#onDue = onDue;
  }

  add(key: string, at: number, value: V): void {
    const current = this.#current.get(key);
    if (current !== undefined && current.at <= at) return;
    const entry = { key, value, at };
    this.#current.set(key, entry);
    this.#push(entry);
    this.#schedule();
  }

  remove(key: string): void {
    this.#current.delete(key);
    // Without this, a key that is put off again and again fills the heap with leftovers.
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#current.size) {
      this.#heap = [...this.#current.values()].sort((a, b) => a.at - b.at);
    }
    if (this.#current.size === 0) this.clear();
  }

  clear(): void {
    this.#heap = [];
    this.#current.clear();
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #schedule(): void {
    const [first] = this.#heap;
    if (first === undefined || first.at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = first.at;
    const delayMs = Math.min(Math.max(0, Math.ceil(first.at - performance.now())), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#due(), delayMs);
  }

  #due(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (let [first] = this.#heap; first !== undefined && first.at <= now; [first] = this.#heap) {
      this.#pop();
      if (this.#current.get(first.key) !== first) continue;
      this.#current.delete(first.key);
      this.#onDue(first.key, first.value);
    }
    this.#schedule();
  }

  #push(entry: Entry<V>): void {
    const heap = this.#heap;
    let child = heap.length;
    heap.push(entry);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      const left = heap[2 * parent + 1];
      const right = heap[2 * parent + 2];
      const [child, below] =
        right !== undefined && left !== undefined && right.at < left.at ? [2 * parent + 2, right] : [2 * parent + 1, left];
      if (below === undefined || below.at >= last.at) break;
      heap[parent] = below;
      parent = child;
    }
    heap[parent] = last;
  }
}
