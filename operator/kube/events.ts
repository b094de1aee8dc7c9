// Tells users, by events.k8s.io/v1 events, what the operator did to their objects. Best effort and never in the way: `record`
// only notes; a few senders work the notes off. An event has a name made from what it says, so that a restart repeats none.
import { createHash } from 'node:crypto';
import type { KubeObject } from '../api/object.ts';
import type { Created, KubeClient } from './client.ts';
import { isApiError } from './errors.ts';
import { type Log, messageOf, silent } from './log.ts';
import { pause } from './pause.ts';
import { type Event, events, microTime, type ObjectName, type ObjectReference } from './resource.ts';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** The name of the operator, qualified: trustmesh.io/operator. */
  readonly reportingController: string;
  /** Which replica: its pod. */
  readonly reportingInstance: string;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log?: Log;
  /** Events that wait to be sent; more are dropped. Default: 10,000. */
  readonly queueLimit?: number;
  /** Requests at once. Default: 4. */
  readonly senders?: number;
}

export interface Occurrence {
  readonly regarding: KubeObject;
  /** What else it has to do with. */
  readonly related?: ObjectName;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What the operator was doing, as one word: Issue, Renew, Distribute. */
  readonly action: string;
  /** What happened, to what, and what to do. Cut to 1,024 bytes. */
  readonly note: string;
  /** What makes it the same event when it happens again, beside object and reason: a serial, say. */
  readonly key: string;
}

type NewEvent = Created<Event> & { readonly metadata: { readonly namespace: string; readonly name: string } };

/** An event that this process has recorded. */
interface Known {
  readonly event: NewEvent;
  /** How often it happened in this process. */
  count: number;
  /** How often before, where that is known. */
  before?: number;
  /** Epoch ms. */
  lastObserved: number;
  /** What the API server has of it. */
  told?: { readonly resourceVersion: string; readonly count: number };
  /** Waits to be sent, or is being sent. */
  pending: boolean;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was right, on the clock of performance.now(). */
  at: number;
}

const NOTE_BYTES = 1024;
/** For each object and reason 25 at once, then one in 5 minutes: what is said often of an object hides nothing else of it. */
const BURST = 25;
const REFILL_MS = 5 * 60_000;
/** Of what is remembered to recognise repetitions. */
const MEMORY = 4096;
const ATTEMPTS = 3;
const RETRY_MS = 500;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #log: Log;
  readonly #known = new Map<string, Known>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #queue: Known[] = [];
  readonly #sending = new Set<Promise<void>>();
  #senders = 0;
  readonly #stop = new AbortController();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#log = options.log ?? silent;
  }

  /** Returns at once and never throws. */
  record(occurrence: Occurrence): void {
    try {
      this.#note(occurrence);
    } catch (error) {
      this.#log.error('event not recorded', { reason: occurrence.reason, error: messageOf(error) });
    }
  }

  /** Resolves when everything is sent. Once `signal` is aborted, what is left is dropped and nothing more is taken in. */
  async drain(signal?: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.#queue.length = 0;
      this.#stop.abort(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    try {
      while (this.#sending.size > 0) await Promise.all(this.#sending);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #note(occurrence: Occurrence): void {
    const at = this.#options.now();
    const name = nameOf(occurrence);
    const id = `${occurrence.regarding.metadata.namespace ?? ''}/${name}`;
    const known: Known = this.#known.get(id) ?? {
      event: this.#eventOf(occurrence, name, at),
      count: 0,
      lastObserved: at,
      pending: false,
    };
    known.count++;
    known.lastObserved = at;
    remember(this.#known, id, known);
    this.#enqueue(known);
  }

  #enqueue(known: Known): void {
    if (known.pending || this.#stop.signal.aborted || !this.#permitted(known.event)) return;
    if (this.#queue.length >= (this.#options.queueLimit ?? 10_000)) {
      this.#log.debug('event dropped: too many wait', { event: known.event.metadata.name });
      return;
    }
    known.pending = true;
    this.#queue.push(known);
    this.#startSender();
  }

  /** Takes a token of the bucket for this object and reason. */
  #permitted({ regarding, reason }: NewEvent): boolean {
    const now = performance.now();
    const id = `${regarding.uid}/${reason}`;
    const bucket = this.#buckets.get(id) ?? { tokens: BURST, at: now };
    bucket.tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    bucket.at = now;
    remember(this.#buckets, id, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #startSender(): void {
    if (this.#senders >= (this.#options.senders ?? 4)) return;
    this.#senders++;
    const sender = this.#send().finally(() => this.#sending.delete(sender));
    this.#sending.add(sender);
  }

  async #send(): Promise<void> {
    for (let known = this.#queue.shift(); known !== undefined; known = this.#queue.shift()) {
      for (let attempt = 1; attempt <= ATTEMPTS && !this.#stop.signal.aborted; attempt++) {
        try {
          await this.#tell(known);
          break;
        } catch (error) {
          const lost = attempt === ATTEMPTS || !isApiError(error, 'Transient');
          this.#log.debug(lost ? 'event dropped' : 'event delayed', {
            event: known.event.metadata.name,
            error: messageOf(error),
          });
          if (lost) break;
          await pause(RETRY_MS * 2 ** attempt, this.#stop.signal);
        }
      }
      known.pending = false;
      if (known.told !== undefined && known.told.count < (known.before ?? 0) + known.count) this.#enqueue(known);
    }
    // In one step with finding the queue empty: what is queued next gets a new sender.
    this.#senders--;
  }

  async #tell(known: Known): Promise<void> {
    const { client } = this.#options;
    const { signal } = this.#stop;
    const key = known.event.metadata;
    if (known.told === undefined) {
      try {
        const { metadata } = await client.create(events, known.event, signal);
        known.told = { resourceVersion: metadata.resourceVersion, count: 1 };
      } catch (error) {
        if (!isApiError(error, 'AlreadyExists')) throw error;
        // Told by our predecessor, or by ourselves and the answer was lost: what we saw first is what it says.
        if (known.count === 1) return;
        const { metadata, series } = await client.get(events, key, signal);
        known.told = { resourceVersion: metadata.resourceVersion, count: series?.count ?? 1 };
        known.before ??= known.told.count - 1;
      }
    }
    const count = (known.before ?? 0) + known.count;
    if (count <= known.told.count) return;
    const series = { count, lastObservedTime: microTime(known.lastObserved) };
    try {
      const { metadata } = await client.patch(
        events,
        key,
        { metadata: { resourceVersion: known.told.resourceVersion }, series },
        {},
        signal,
      );
      known.told = { resourceVersion: metadata.resourceVersion, count };
    } catch (error) {
      // Events expire: the next time it happens it is told anew.
      if (isApiError(error, 'NotFound', 'Conflict')) delete known.told;
      throw error;
    }
  }

  #eventOf(occurrence: Occurrence, name: string, at: number): NewEvent {
    const { reportingController, reportingInstance } = this.#options;
    const { regarding, related, type, reason, action, note } = occurrence;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: regarding.metadata.namespace ?? 'default', name },
      eventTime: microTime(at),
      type,
      reason,
      action,
      note: cutToBytes(note, NOTE_BYTES),
      regarding: referenceTo(regarding),
      ...(related === undefined ? undefined : { related }),
      reportingController,
      reportingInstance,
    };
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid } = metadata;
  return { apiVersion, kind, ...(namespace === undefined ? undefined : { namespace }), name, uid };
}

function nameOf({ regarding, reason, key }: Occurrence): string {
  const hash = createHash('sha256').update([regarding.metadata.uid, reason, key].join('\0')).digest('hex').slice(0, 20);
  return `${regarding.metadata.name.slice(0, 200).replace(/[.-]+$/, '')}.${hash}`;
}

/** At most `limit` bytes of UTF-8, ended by an ellipsis where cut, never within a character. */
export function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let end = limit - Buffer.byteLength('…');
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}

/** The most recently used last; the least recently used is forgotten. */
function remember<V>(memory: Map<string, V>, key: string, value: V): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= MEMORY) return;
  for (const oldest of memory.keys()) {
    memory.delete(oldest);
    return;
  }
}
