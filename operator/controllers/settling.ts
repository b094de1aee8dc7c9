// Since when objects wait for what comes by itself, so that a status says so only where it takes long: else each new object
// took two writes.

/** How long what comes by itself is waited for in silence, ms. */
export const settlingTime = 5000;

export class Settling {
  /** Epoch ms. */
  readonly #since = new Map<string, number>();

  /** Returns for how long (ms) it has waited; undefined where it does not. */
  follow(key: string, waits: boolean, now: number): number | undefined {
    if (!waits) {
      this.#since.delete(key);
      return undefined;
    }
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    return now - since;
  }

  forget(key: string): void {
    this.#since.delete(key);
  }

  has(key: string): boolean {
    return this.#since.has(key);
  }

  keys(): readonly string[] {
    return [...this.#since.keys()];
  }
}
