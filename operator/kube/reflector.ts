// Keeps a store equal to what the API server holds of one kind: list in pages, then watch from there on; watch again from the
// last resourceVersion when the connection ends, list again only when that is too old. One such loop for each namespace where
// the operator is limited to some.
import type { KubeObject } from '../api/object.ts';
import type { KubeClient, Selection, WatchEvent } from './client.ts';
import { isApiError } from './errors.ts';
import { type Log, messageOf, silent } from './log.ts';
import { pause } from './pause.ts';
import type { MetadataObject, Resource } from './resource.ts';
import { compareResourceVersions, keyOf, type Store } from './store.ts';

interface CommonOptions<T> {
  readonly client: KubeClient;
  /** Only in these, where given; of the kind Namespace, only those with these names. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Undefined for an object that cannot be read: what is known of it stays as it is. */
  readonly parse?: (object: T) => T | undefined;
  readonly log?: Log;
  /** The longest time without a byte before a watch is opened anew, ms. Bookmarks come every minute. Default: 3 minutes. */
  readonly silenceLimitMs?: number;
  /** Objects a page of a list. Default: 500. */
  readonly pageSize?: number;
}

interface WholeObjects<T extends KubeObject> extends CommonOptions<T> {
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  readonly metadataOnly?: false;
}

interface MetadataObjects extends CommonOptions<MetadataObject> {
  readonly resource: Resource;
  readonly store: Store<MetadataObject>;
  readonly metadataOnly: true;
}

export type ReflectorOptions<T extends KubeObject> = WholeObjects<T> | MetadataObjects;

/** What one list and watch covers. */
interface Scope {
  readonly selection: Selection;
  readonly covers: (object: KubeObject) => boolean;
}

const PAGE_SIZE = 500;
const SILENCE_LIMIT_MS = 3 * 60_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A watch that ends sooner than this has not worked, whatever the API server said. */
const WORKING_WATCH_MS = 1_000;

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #store: Store<KubeObject>;
  readonly #parse: (object: KubeObject) => KubeObject | undefined;
  readonly #log: Log;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    // Whether objects come whole or as metadata is one choice for list, watch, parse and store: within, they are just objects.
    this.#store = options.store as unknown as Store<KubeObject>;
    this.#parse = (options.parse ?? ((object: KubeObject) => object)) as (object: KubeObject) => KubeObject | undefined;
    this.#log = options.log ?? silent;
  }

  /** Resolves once `signal` is aborted and nothing is left running; never rejects for what the API server does. */
  async run(signal: AbortSignal): Promise<void> {
    const scopes = scopesOf(this.#options);
    let unlisted = scopes.length;
    const onListed = () => {
      unlisted--;
      if (unlisted === 0) this.#store.markSynced();
    };
    if (unlisted === 0) this.#store.markSynced();
    await Promise.all(scopes.map((scope) => this.#follow(scope, onListed, signal)));
  }

  async #follow(scope: Scope, onListed: () => void, signal: AbortSignal): Promise<void> {
    let resourceVersion: string | undefined;
    let everListed = false;
    let failures = 0;
    while (!signal.aborted) {
      const started = performance.now();
      try {
        if (resourceVersion === undefined) {
          resourceVersion = await this.#list(scope, signal);
          if (!everListed) onListed();
          everListed = true;
        }
        await this.#watch(scope, resourceVersion, signal, (reached) => {
          resourceVersion = reached;
          failures = 0;
        });
        failures = performance.now() - started < WORKING_WATCH_MS ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        if (isApiError(error, 'Gone')) resourceVersion = undefined;
        const tell = failures < 3 ? this.#log.info : this.#log.warn;
        tell('watch interrupted', { resource: this.#options.resource.plural, failures, error: messageOf(error) });
      }
      if (failures > 0) await pause(backoffMs(failures), signal);
    }
  }

  /** Each page goes into the store as it comes. Returns the resourceVersion to watch from. */
  async #list({ selection, covers }: Scope, signal: AbortSignal): Promise<string> {
    const { client, resource, metadataOnly = false, pageSize = PAGE_SIZE } = this.#options;
    const seen = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const page = await client.list<KubeObject>(resource, {
        ...selection,
        metadataOnly,
        limit: pageSize,
        ...(next === undefined ? undefined : { continue: next }),
        signal,
      });
      for (const object of page.items) {
        seen.add(keyOf(object));
        this.#take(object);
      }
      next = page.continue;
      if (next !== undefined) continue;
      for (const object of this.#store.list()) {
        const { uid, resourceVersion } = object.metadata;
        // What is newer than the list was written by ourselves while it was read.
        const older = compareResourceVersions(resourceVersion, page.resourceVersion) <= 0;
        if (older && covers(object) && !seen.has(keyOf(object))) {
          this.#store.remove(keyOf(object), { uid, resourceVersion: page.resourceVersion });
        }
      }
      return page.resourceVersion;
    }
  }

  #take(object: KubeObject): void {
    const parsed = this.#parse(object);
    if (parsed !== undefined) this.#store.apply(parsed);
  }

  async #watch(scope: Scope, from: string, signal: AbortSignal, onReached: (resourceVersion: string) => void): Promise<void> {
    const { client, resource, metadataOnly = false, silenceLimitMs = SILENCE_LIMIT_MS } = this.#options;
    const onEvent = (event: WatchEvent<KubeObject>) => {
      if (event.type === 'BOOKMARK') return onReached(event.resourceVersion);
      const { uid, resourceVersion } = event.object.metadata;
      if (event.type === 'DELETED') this.#store.remove(keyOf(event.object), { uid, resourceVersion });
      else this.#take(event.object);
      onReached(resourceVersion);
    };
    // At random, so that the watches of all replicas do not return at one moment.
    const timeoutSeconds = 300 + Math.floor(Math.random() * 300);
    const options = { ...scope.selection, metadataOnly, resourceVersion: from, timeoutSeconds, silenceLimitMs, signal };
    await client.watch<KubeObject>(resource, options, onEvent);
  }
}

function scopesOf<T extends KubeObject>({
  resource,
  namespaces,
  labelSelector,
  fieldSelector,
}: ReflectorOptions<T>): readonly Scope[] {
  const selection: Selection = {
    ...(labelSelector === undefined ? undefined : { labelSelector }),
    ...(fieldSelector === undefined ? undefined : { fieldSelector }),
  };
  const limitedByName = resource.group === '' && resource.kind === 'Namespace';
  if (namespaces === undefined || !(resource.namespaced || limitedByName)) return [{ selection, covers: () => true }];
  return namespaces.map((namespace) =>
    resource.namespaced
      ? { selection: { ...selection, namespace }, covers: (object) => object.metadata.namespace === namespace }
      : {
          selection: { ...selection, fieldSelector: [fieldSelector, `metadata.name=${namespace}`].filter(Boolean).join(',') },
          covers: (object) => object.metadata.name === namespace,
        },
  );
}

function backoffMs(failures: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS) * (0.5 + Math.random());
}
