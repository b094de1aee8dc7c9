// The typed client: one method a verb, over one connection, with the retries that are safe whoever asks. A write whose answer
// was lost is not repeated here: it surfaces as Transient, and the caller looks again before it does.
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubeObject, NewObject, ObjectKey, ObjectMeta } from '../api/object.ts';
import { Connection, type Route } from './connection.ts';
import { ApiError, errorOfAnswer, errorOfStatus, isApiError, type Status } from './errors.ts';
import { type Answer, type Exchange, exchange } from './exchange.ts';
import { messageOf } from './log.ts';
import { pause } from './pause.ts';
import type { MetadataObject, Resource } from './resource.ts';
import { apiVersionOf, dropManagedFields, metadataOnly, type ReceivedObject, type Transform } from './transform.ts';

export interface ClientOptions {
  /** Who the API server records as the writer of a field. Default: trustmesh. */
  readonly fieldManager?: string;
  /** Connections for everything but watches. Default: 16. */
  readonly connections?: number;
  /** For one attempt, waiting for a connection included, ms. Default: 30,000. */
  readonly requestTimeoutMs?: number;
  /** Told of every attempt; `code` is 0 when there was no answer. A watch is told of when it ends. */
  readonly onRequest?: (request: RequestMeasure) => void;
}

export interface RequestMeasure {
  readonly verb: string;
  /** The plural, with the subresource after a slash; empty for `request`. */
  readonly resource: string;
  readonly code: number;
  readonly seconds: number;
}

/** Says whether writes may still go out. `holds` is asked at each write, as the signal alone is late after a pause. */
export interface Fence {
  readonly signal: AbortSignal;
  readonly holds: () => boolean;
}

export interface Selection {
  /** All namespaces where absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends Selection {
  /** Objects a page; everything in one answer where absent. */
  readonly limit?: number;
  readonly continue?: string;
  /** Absent: the most recent state. */
  readonly resourceVersion?: string;
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** To be given to the next `list` for the next page. */
  readonly continue?: string;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  readonly metadataOnly?: boolean;
  /** After which the API server ends the watch, s. */
  readonly timeoutSeconds: number;
  /** The longest time without a byte before the watch counts as dead, ms. */
  readonly silenceLimitMs: number;
  readonly signal: AbortSignal;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing changed up to this resourceVersion. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export type Created<T extends KubeObject> = Omit<T, 'metadata' | 'status'> & NewObject;

/** An RFC 7386 merge patch that only applies to the object as it was observed. */
export interface MergePatch {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string | null>>;
  } & Partial<Omit<ObjectMeta, 'annotations'>>;
  readonly [field: string]: unknown;
}

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface RawOptions {
  readonly accept?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

interface Call {
  readonly verb: string;
  readonly resource: string;
  /** What was asked, for errors: "patch secrets media/fe01-tls". */
  readonly about: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const ATTEMPTS = 5;
/** Where the API server says 429 without saying for how long. */
const DEFAULT_RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 30_000;
const READ_RETRY_MS = 100;

export class KubeClient implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #ownsConnection: boolean;
  readonly #options: ClientOptions;
  readonly #fence: Fence | undefined;
  readonly #fieldManager: string;
  readonly #requestTimeoutMs: number;

  /** @throws where the configuration names no usable cluster */
  constructor(config: KubeConfig | Connection, options: ClientOptions = {}, fence?: Fence) {
    this.#ownsConnection = !(config instanceof Connection);
    this.#connection = config instanceof Connection ? config : new Connection(config, options.connections ?? 16);
    this.#options = options;
    this.#fence = fence;
    this.#fieldManager = options.fieldManager ?? 'trustmesh';
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  }

  /**
   * The same client for as long as somebody leads: once the fence falls, writes fail with Fenced, those on their way included
   * (which may still have been carried out). Reads go on. To dispose of the view is to do nothing.
   */
  fenced(fence: AbortSignal | Fence): KubeClient {
    const given = fence instanceof AbortSignal ? { signal: fence, holds: () => true } : fence;
    return new KubeClient(this.#connection, this.#options, given);
  }

  async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, signal?: AbortSignal): Promise<T> {
    const answer = await this.#call({ ...this.#named('get', resource, key), method: 'GET', signal });
    return dropManagedFields(resource)(parse<ReceivedObject>(answer));
  }

  list<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions & { readonly metadataOnly: true },
  ): Promise<ListPage<MetadataObject>>;
  list<T extends KubeObject>(
    resource: Resource<T>,
    options?: ListOptions & { readonly metadataOnly?: false },
  ): Promise<ListPage<T>>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ListPage<T | MetadataObject>>;
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ListPage<T | MetadataObject>> {
    const query = selectionOf(options);
    if (options.limit !== undefined) query.set('limit', String(options.limit));
    if (options.continue !== undefined) query.set('continue', options.continue);
    if (options.resourceVersion !== undefined) query.set('resourceVersion', options.resourceVersion);
    const answer = await this.#call({
      verb: 'list',
      resource: resource.plural,
      about: `list ${resource.plural}${options.namespace === undefined ? '' : ` in ${options.namespace}`}`,
      method: 'GET',
      path: `${collectionPath(resource, options.namespace)}?${query}`,
      ...(options.metadataOnly ? { accept: METADATA_LIST } : undefined),
      signal: options.signal,
    });
    const { items, metadata } = parse<{
      readonly items?: readonly ReceivedObject[];
      readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
    }>(answer);
    return {
      items: (items ?? []).map(this.#transform(resource, options.metadataOnly)),
      resourceVersion: metadata.resourceVersion,
      ...(metadata.continue ? { continue: metadata.continue } : undefined),
    };
  }

  /**
   * Resolves when the API server ends the watch, as it does after `timeoutSeconds`.
   * @throws ApiError: Gone where the resourceVersion is too old, Transient where the connection broke or fell silent; the reason
   *   of `signal`; what `onEvent` throws
   */
  async watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
    onEvent: (event: WatchEvent<T | MetadataObject>) => void,
  ): Promise<void> {
    const query = selectionOf(options);
    query.set('watch', 'true');
    query.set('allowWatchBookmarks', 'true');
    query.set('resourceVersion', options.resourceVersion);
    query.set('timeoutSeconds', String(options.timeoutSeconds));
    const about = `watch ${resource.plural}${options.namespace === undefined ? '' : ` in ${options.namespace}`}`;
    const transform = this.#transform<T>(resource, options.metadataOnly);
    const call: Call = {
      verb: 'watch',
      resource: resource.plural,
      about,
      method: 'GET',
      path: `${collectionPath(resource, options.namespace)}?${query}`,
      ...(options.metadataOnly ? { accept: METADATA } : undefined),
      signal: options.signal,
    };
    await this.#attempt(call, {
      // The API server ends the watch itself; this is for the one that it forgot.
      timeLimitMs: options.timeoutSeconds * 1000 + this.#requestTimeoutMs,
      silenceLimitMs: options.silenceLimitMs,
      onLine(line) {
        const event: { readonly type: string; readonly object: ReceivedObject & Status } = JSON.parse(line);
        switch (event.type) {
          case 'ADDED':
          case 'MODIFIED':
          case 'DELETED':
            return onEvent({ type: event.type, object: transform(event.object) });
          case 'BOOKMARK':
            return onEvent({ type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion });
          default:
            throw errorOfStatus(about, event.object);
        }
      },
    });
  }

  /** POST. Fails with AlreadyExists rather than touch what is there. */
  async create<T extends KubeObject>(resource: Resource<T>, object: Created<T>, signal?: AbortSignal): Promise<MetadataObject> {
    const { name, namespace } = object.metadata;
    const answer = await this.#call({
      verb: 'create',
      resource: resource.plural,
      about: `create ${resource.plural} ${namespace === undefined ? name : `${namespace}/${name}`}`,
      method: 'POST',
      path: `${collectionPath(resource, namespace)}?fieldManager=${this.#fieldManager}`,
      accept: METADATA,
      contentType: 'application/json',
      body: JSON.stringify(object),
      signal,
    });
    return metadataOnly(resource, this.#fieldManager)(parse<ReceivedObject>(answer));
  }

  /** Conflict where the object is no longer the one observed, NotFound where it is gone. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    mergePatch: MergePatch,
    options: { readonly subresource?: 'status' } = {},
    signal?: AbortSignal,
  ): Promise<MetadataObject> {
    const named = this.#named('patch', resource, key, options.subresource);
    const answer = await this.#call({
      ...named,
      method: 'PATCH',
      path: `${named.path}?fieldManager=${this.#fieldManager}`,
      accept: METADATA,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify(mergePatch),
      signal,
    });
    return metadataOnly(resource, this.#fieldManager)(parse<ReceivedObject>(answer));
  }

  /** Server-side apply. It re-creates what was deleted and silently replaces our own earlier fields: never for key material. */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Created<T>,
    options: { readonly force?: boolean; readonly subresource?: 'status' } = {},
    signal?: AbortSignal,
  ): Promise<MetadataObject> {
    const named = this.#named('apply', resource, object.metadata, options.subresource);
    const answer = await this.#call({
      ...named,
      method: 'PATCH',
      path: `${named.path}?fieldManager=${this.#fieldManager}${options.force ? '&force=true' : ''}`,
      accept: METADATA,
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify({ ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }),
      signal,
    });
    return metadataOnly(resource, this.#fieldManager)(parse<ReceivedObject>(answer));
  }

  /** Conflict where the preconditions do not hold, NotFound where the object is gone. */
  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    preconditions: Preconditions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#call({
      ...this.#named('delete', resource, key),
      method: 'DELETE',
      accept: METADATA,
      contentType: 'application/json',
      body: JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions }),
      signal,
    });
  }

  /** For what has no resource. Returns the parsed answer where it is JSON, else its text. */
  async request<T>(method: Call['method'], path: string, body?: unknown, options: RawOptions = {}): Promise<T> {
    const { accept, contentType = 'application/json', signal } = options;
    const answer = await this.#call({
      verb: method.toLowerCase(),
      resource: '',
      about: `${method} ${path}`,
      method,
      path,
      ...(accept === undefined ? undefined : { accept }),
      ...(body === undefined ? undefined : { contentType, body: JSON.stringify(body) }),
      signal,
    });
    const json = String(answer.headers['content-type']).includes('json');
    return (json ? parse<T>(answer) : answer.text) as T;
  }

  /** Ends every request and watch in hand. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownsConnection) await this.#connection[Symbol.asyncDispose]();
  }

  #named(verb: string, resource: Resource, key: ObjectKey, subresource?: string) {
    const suffix = subresource === undefined ? '' : `/${subresource}`;
    return {
      verb,
      resource: `${resource.plural}${suffix}`,
      about: `${verb} ${resource.plural}${suffix} ${key.namespace === undefined ? key.name : `${key.namespace}/${key.name}`}`,
      path: `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}${suffix}`,
    };
  }

  #transform<T extends KubeObject>(resource: Resource<T>, metadata: boolean | undefined): Transform<T | MetadataObject> {
    return metadata ? metadataOnly(resource, this.#fieldManager) : dropManagedFields(resource);
  }

  async #call(call: Call): Promise<Answer> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(call, { timeLimitMs: this.#requestTimeoutMs });
      } catch (error) {
        if (!isApiError(error) || error.reason === 'Fenced' || attempt >= ATTEMPTS) throw error;
        if (error.status === 401 && !renewed) {
          renewed = true;
          await this.#connection.refresh(true);
          continue;
        }
        const waitMs = waitBeforeRetry(call, error, attempt);
        if (waitMs === undefined) throw error;
        await pause(waitMs, call.signal, this.#fence?.signal);
      }
    }
  }

  async #attempt(call: Call, limits: Pick<Exchange, 'timeLimitMs' | 'silenceLimitMs' | 'onLine'>): Promise<Answer> {
    const fence = call.method === 'GET' ? undefined : this.#fence;
    const route = this.#connection.current ?? (await this.#connection.refresh());
    if (fence !== undefined && (fence.signal.aborted || !fence.holds())) throw fencedError(call);
    const started = performance.now();
    let code = 0;
    try {
      const answer = await exchange(limits.onLine === undefined ? route.requests : route.watches, {
        ...limits,
        method: call.method,
        path: this.#connection.prefix + call.path,
        headers: headersOf(call, route),
        ...(call.body === undefined ? undefined : { body: call.body }),
        signals: [call.signal, fence?.signal],
      });
      code = answer.status;
      if (code >= 200 && code < 300) return answer;
      throw errorOfAnswer(call.about, code, answer.text, headerOf(answer, 'retry-after'));
    } catch (error) {
      if (isApiError(error)) throw error;
      call.signal?.throwIfAborted();
      if (fence?.signal.aborted) throw fencedError(call, error);
      throw new ApiError('Transient', `${call.about}: ${messageOf(error)}`, { cause: error });
    } finally {
      this.#options.onRequest?.({
        verb: call.verb,
        resource: call.resource,
        code,
        seconds: (performance.now() - started) / 1000,
      });
    }
  }
}

/** In ms; undefined where the call must not be repeated here. */
function waitBeforeRetry(call: Call, error: ApiError, attempt: number): number | undefined {
  // The API server turned these away before it looked at them, so that even a write may be sent again.
  if (error.status === 429 || (error.status === 503 && error.retryAfterMs !== undefined)) {
    const askedMs = Math.min(error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS, MAX_RETRY_AFTER_MS);
    return askedMs * (1 + Math.random() / 4);
  }
  const lost = error.status === 0 && error.reason === 'Transient';
  return lost && call.method === 'GET' ? READ_RETRY_MS * 2 ** attempt * (0.5 + Math.random()) : undefined;
}

function fencedError(call: Call, cause?: unknown): ApiError {
  return new ApiError('Fenced', `${call.about}: not sent or cut off, as this replica no longer leads`, { cause });
}

function collectionPath(resource: Resource, namespace: string | undefined): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  return namespace === undefined || !resource.namespaced
    ? `${root}/${resource.plural}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
}

function selectionOf({ labelSelector, fieldSelector }: Selection): URLSearchParams {
  const query = new URLSearchParams();
  if (labelSelector !== undefined) query.set('labelSelector', labelSelector);
  if (fieldSelector !== undefined) query.set('fieldSelector', fieldSelector);
  return query;
}

function headersOf(call: Call, route: Route): Record<string, string> {
  const headers: Record<string, string> = { ...route.headers, accept: call.accept ?? 'application/json' };
  if (call.contentType !== undefined) headers['content-type'] = call.contentType;
  return headers;
}

function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function parse<T>(answer: Answer): T {
  try {
    return JSON.parse(answer.text);
  } catch (error) {
    throw new ApiError('Transient', `unreadable answer: ${messageOf(error)}`, { status: answer.status, cause: error });
  }
}
