// What is known of one kind: the newest version of each object that a list, a watch or the answer to an own write has brought,
// whichever came first. Changes are told in order and only where something changed.
import type { KubeObject, ObjectKey } from '../api/object.ts';
import { type Log, messageOf, silent } from './log.ts';

/** `old` alone: deleted. `new` alone: came to be. Both: changed, and both have one UID. */
export interface Change<T> {
  readonly old?: T;
  readonly new?: T;
}

export type Handler<T> = (change: Change<T>) => void;

export interface StoreOptions<T> {
  /** For each index, the values under which an object is found. */
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** Told of handlers that throw. */
  readonly log?: Log;
}

interface Tombstone {
  readonly uid: string;
  readonly resourceVersion: string;
  /** On the clock of performance.now(). */
  readonly until: number;
}

/** Longer than a watch event can lag behind the answer to a write. */
const TOMBSTONE_MS = 5 * 60_000;

/** 'namespace/name', or 'name' for what is cluster-scoped. */
export function keyOf(object: ObjectKey | { readonly metadata: ObjectKey }): string {
  const { namespace, name } = 'metadata' in object ? object.metadata : object;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** resourceVersions of one kind are decimal integers of any length and compare as such (since Kubernetes 1.35, by contract). */
export function compareResourceVersions(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers = new Set<Handler<T>>();
  readonly #sync = Promise.withResolvers<void>();
  readonly #log: Log;
  #synced = false;

  constructor({ indexes = {}, log = silent }: StoreOptions<T> = {}) {
    for (const [name, valuesOf] of Object.entries(indexes)) this.#indexes.set(name, new Index(valuesOf));
    this.#log = log;
  }

  get(key: ObjectKey | string): T | undefined {
    return this.#objects.get(typeof key === 'string' ? key : keyOf(key));
  }

  has(key: ObjectKey | string): boolean {
    return this.get(key) !== undefined;
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** A copy: it stays as it is while the store moves on. */
  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  get size(): number {
    return this.#objects.size;
  }

  /** @throws RangeError where there is no such index */
  byIndex(index: string, value: string): readonly T[] {
    const found: T[] = [];
    for (const key of this.#index(index).keysOf(value)) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /**
   * Takes in what a list, a watch event or the answer to an own write says of an object. Ignored is what is not newer than what
   * is known, a late word of a deleted object included. Returns whether anything changed.
   */
  apply(object: T): boolean {
    const key = keyOf(object);
    const { uid, resourceVersion } = object.metadata;
    const tombstone = this.#tombstones.get(key);
    if (tombstone?.uid === uid && compareResourceVersions(resourceVersion, tombstone.resourceVersion) <= 0) return false;
    const old = this.#objects.get(key);
    if (old !== undefined && compareResourceVersions(resourceVersion, old.metadata.resourceVersion) <= 0) return false;
    if (old !== undefined && old.metadata.uid !== uid) {
      // A namesake: handlers never see two objects as the versions of one.
      this.#delete(key, old, resourceVersion);
      this.#set(key, object, undefined);
    } else this.#set(key, object, old);
    return true;
  }

  /**
   * Forgets an object that is known to be deleted: by an own delete, or by the watch with the resourceVersion of the deletion.
   * Ignored where the key has since come to stand for another UID.
   */
  remove(
    key: ObjectKey | string,
    deletion: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } = {},
  ): boolean {
    const id = typeof key === 'string' ? key : keyOf(key);
    const old = this.#objects.get(id);
    if (old === undefined || (deletion.uid !== undefined && deletion.uid !== old.metadata.uid)) {
      if (deletion.uid !== undefined && deletion.resourceVersion !== undefined)
        this.#bury(id, deletion.uid, deletion.resourceVersion);
      return false;
    }
    this.#delete(id, old, deletion.resourceVersion ?? old.metadata.resourceVersion);
    return true;
  }

  /** Called with each change, in order, within the call that brought it. To be stopped by disposing of what is returned. */
  onChange(handler: Handler<T>): Disposable {
    const entry: Handler<T> = (change) => handler(change);
    this.#handlers.add(entry);
    return { [Symbol.dispose]: () => void this.#handlers.delete(entry) };
  }

  /** Whether everything that existed when the reflector started has been seen. */
  get synced(): boolean {
    return this.#synced;
  }

  /** For whoever fills the store. */
  markSynced(): void {
    this.#synced = true;
    this.#sync.resolve();
  }

  /** @throws the reason of `signal` */
  async whenSynced(signal: AbortSignal): Promise<void> {
    if (this.#synced) return;
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.race([this.#sync.promise, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #set(key: string, object: T, old: T | undefined): void {
    this.#tombstones.delete(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.move(key, old, object);
    this.#tell(old === undefined ? { new: object } : { old, new: object });
  }

  #delete(key: string, old: T, resourceVersion: string): void {
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.move(key, old, undefined);
    const known = old.metadata.resourceVersion;
    this.#bury(key, old.metadata.uid, compareResourceVersions(resourceVersion, known) < 0 ? known : resourceVersion);
    this.#tell({ old });
  }

  #bury(key: string, uid: string, resourceVersion: string): void {
    const now = performance.now();
    for (const [buried, { until }] of this.#tombstones) {
      if (until > now) break;
      this.#tombstones.delete(buried);
    }
    this.#tombstones.delete(key);
    this.#tombstones.set(key, { uid, resourceVersion, until: now + TOMBSTONE_MS });
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        const { kind, metadata } = (change.new ?? change.old) as T;
        this.#log.error('a handler of changes failed', { object: `${kind} ${keyOf({ metadata })}`, error: messageOf(error) });
      }
    }
  }

  #index(name: string): Index<T> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`The store has no index named ${name}.`);
    return index;
  }
}

class Index<T> {
  readonly #keys = new Map<string, Set<string>>();
  readonly #valuesOf: (object: T) => readonly string[];

  constructor(valuesOf: (object: T) => readonly string[]) {
    this.#valuesOf = valuesOf;
  }

  keysOf(value: string): Iterable<string> {
    return this.#keys.get(value) ?? [];
  }

  move(key: string, old: T | undefined, current: T | undefined): void {
    for (const value of old === undefined ? [] : this.#valuesOf(old)) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
    for (const value of current === undefined ? [] : this.#valuesOf(current)) {
      const keys = this.#keys.get(value);
      if (keys === undefined) this.#keys.set(value, new Set([key]));
      else keys.add(key);
    }
  }
}
