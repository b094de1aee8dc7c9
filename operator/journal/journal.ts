// The journal: the append-only record of everything issued, durable before it has any effect. Commits of a moment are written
// together, in one immutable object; merging and dropping go on when nothing else does. Any sign of another leader ends it: every
// commit fails with Fenced, and the leader has to stop, and load the journal anew should it lead again.
//
// A crash at any point leaves a journal that loads: what was not acknowledged may be there or not (a record without its Secret
// stands for a key that died in memory), and segments that a merged one replaces are skipped, and deleted later.
import { setImmediate } from 'node:timers/promises';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, isApiError } from '../kube/errors.ts';
import { type Log, messageOf, silent } from '../kube/log.ts';
import { pause } from '../kube/pause.ts';
import { encodeRecord, type JournalRecord, type LineProblem, linesOf, parseRecord, parseRecords } from './record.ts';
import { type Holder, RecordIndex } from './record-index.ts';
import { expired, fitting, lineBytes, measure, mergeable, SEGMENT_BYTES, type Segment, separate } from './segment.ts';
import { segmentName } from './segment-object.ts';
import { SegmentStore, type StoredSegment } from './segment-store.ts';

export interface JournalOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** Ends with the leader's term, not before its controllers have finished what they have in hand. */
  readonly signal: AbortSignal;
  readonly log?: Log;
  /** How long nothing must be committed before the journal tidies up, ms. Default: 5,000. */
  readonly idleMs?: number;
}

type HeldSegment = Segment & StoredSegment;

type Range = Pick<Segment, 'from' | 'to'>;

interface Commit {
  readonly line: string;
  readonly record: JournalRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** From here on merging no longer waits for a quiet moment. */
const MANY_SEGMENTS = 256;

export class Journal {
  readonly #store: SegmentStore;
  readonly #options: JournalOptions;
  readonly #log: Log;
  readonly #index = new RecordIndex();
  readonly #problems: LineProblem[] = [];
  /** In the order of issue. */
  #segments: readonly HeldSegment[] = [];
  /** Replaced or expired, still to be deleted. */
  #leftOver: readonly StoredSegment[] = [];
  #nextSequence = 1;
  #waiting: Commit[] = [];
  #committing = false;
  /** The end of the last write: two never run at once, as each needs the number after the other's. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #lastCommitAt = performance.now();
  readonly #ended = new AbortController();

  private constructor(store: SegmentStore, options: JournalOptions) {
    this.#store = store;
    this.#options = options;
    this.#log = options.log ?? silent;
  }

  /**
   * Takes the journal over and reads it, a few segments at a time.
   * @throws ApiError: Fenced where another leader took it at the same moment, or whatever keeps the API server from answering
   */
  static async load(options: JournalOptions): Promise<Journal> {
    const store = await SegmentStore.take(options.client, options.namespace, options.signal);
    const journal = new Journal(store, options);
    await journal.#read();
    return journal;
  }

  /** Lines that could not be read when the journal was loaded. Their segments are never merged and never dropped. */
  get problems(): readonly LineProblem[] {
    return this.#problems;
  }

  /** How many records are held. */
  get size(): number {
    return this.#index.size;
  }

  /** What was issued for an object, in the order of issue; what has expired may be missing. */
  recordsOf(uid: string): readonly JournalRecord[] {
    return this.#index.recordsOf(uid);
  }

  /** What was last issued for a Secret. @param secret `namespace/name` */
  latestOf(secret: string): JournalRecord | undefined {
    return this.#index.latestOf(secret);
  }

  /** Of whichever authority. Looks at every record. */
  bySerial(serial: string): readonly JournalRecord[] {
    return this.#index.bySerial(serial);
  }

  /** The objects with an unexpired certificate for `name`, each once. */
  holdersOf(name: string): readonly Holder[] {
    return this.#index.holdersOf(name, this.#options.now());
  }

  /** How many certificates for one need have a notBefore of `since` (epoch ms) or later. */
  issuesSince(uid: string, secret: string, since: number): number {
    return this.#index.issuesSince(uid, secret, since);
  }

  /**
   * Resolves once the record is durable, and then it is found by every question above.
   * @throws ApiError: Fenced where this leader has been replaced or its term has ended, otherwise what the API server said;
   *   Error for a record that could not be read back. The record may be there all the same, except where it never was one.
   */
  commit(record: JournalRecord): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    try {
      this.#ended.signal.throwIfAborted();
      const line = encodeRecord(record);
      if (lineBytes(line) > SEGMENT_BYTES) throw new Error(`not a journal record: longer than ${SEGMENT_BYTES} bytes`);
      // What is remembered is what a later leader will read, and none of the strings that it was made from.
      this.#waiting.push({ line, record: parseRecord(line), resolve, reject });
      if (!this.#committing) void this.#commitWaiting();
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /**
   * Merges and drops segments whenever nothing has been committed for a while. Resolves when `signal` is aborted or the term ends.
   * @throws ApiError Fenced once another leader has taken over
   */
  async run(signal: AbortSignal): Promise<void> {
    const { idleMs = 5_000 } = this.#options;
    const stop = AbortSignal.any([signal, this.#options.signal]);
    const mayTidy = (): boolean => !stop.aborted && (this.#idleForMs() >= idleMs || this.#segments.length > MANY_SEGMENTS);
    while (!stop.aborted && !this.#ended.signal.aborted) {
      try {
        await this.#tidy(mayTidy);
      } catch (error) {
        if (isApiError(error, 'Fenced')) break;
        this.#log.warn('journal: could not tidy up, will try again', { error: messageOf(error) });
      }
      await pause(idleMs, stop, this.#ended.signal);
    }
    if (!stop.aborted) this.#ended.signal.throwIfAborted();
  }

  async #read(): Promise<void> {
    const started = performance.now();
    const { segments, strangers } = await this.#store.list();
    for (const name of strangers) this.#log.warn('journal: an object with our label is no segment, left alone', { name });
    const { current, replaced } = separate(segments);
    const held: HeldSegment[] = [];
    for await (const { segment: stored, text } of this.#store.read(current)) {
      // Only a former leader's last act: what it deletes holds nothing that is still valid.
      if (text === undefined) continue;
      const { records, problems } = parseRecords(segmentName(stored.sequence), text);
      for (const record of records) this.#index.add(record);
      this.#problems.push(...problems);
      held.push({ ...stored, ...measure(linesOf(text), records), damaged: problems.length > 0 });
    }
    this.#segments = held;
    this.#leftOver = replaced;
    this.#nextSequence = segments.reduce((highest, { sequence }) => Math.max(highest, sequence), 0) + 1;
    for (const problem of this.#problems)
      this.#log.error('journal: a line cannot be read, its segment is kept as it is', { ...problem });
    this.#log.info('journal loaded', {
      generation: this.#store.generation.number,
      segments: held.length,
      records: this.#index.size,
      ms: Math.round(performance.now() - started),
    });
  }

  /** Commits gather while the write before theirs is under way; to linger for more was measured to save no segments. */
  async #commitWaiting(): Promise<void> {
    this.#committing = true;
    // What is asked for in one go goes together.
    await setImmediate();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, fitting(this.#waiting.map(({ line }) => line)));
      try {
        await this.#append(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      this.#lastCommitAt = performance.now();
    }
    this.#committing = false;
  }

  async #append(batch: readonly Commit[]): Promise<void> {
    const records = batch.map(({ record }) => record);
    const segment = await this.#write(
      batch.map(({ line }) => line),
      records,
    );
    this.#segments = [...this.#segments, segment];
    for (const record of records) this.#index.add(record);
    this.#log.debug('journal written', { segment: segmentName(segment.sequence), records: records.length });
  }

  /** @param stretch absent for a commit, which holds the number it is written under */
  #write(lines: readonly string[], records: readonly JournalRecord[], stretch?: Range): Promise<HeldSegment> {
    const written = this.#lastWrite.then(() => this.#writeNext(lines, records, stretch));
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #writeNext(
    lines: readonly string[],
    records: readonly JournalRecord[],
    stretch: Range | undefined,
  ): Promise<HeldSegment> {
    for (;;) {
      this.#ended.signal.throwIfAborted();
      // Never used twice, as what failed may still arrive.
      const sequence = this.#nextSequence;
      this.#nextSequence += 1;
      try {
        this.#options.signal.throwIfAborted();
        const stored = await this.#store.write({ sequence, ...(stretch ?? { from: sequence, to: sequence }) }, lines);
        return { ...stored, ...measure(lines, records), damaged: false };
      } catch (error) {
        // Under that number a former leader wrote in vain: go on with the next.
        if (!isApiError(error, 'AlreadyExists')) throw this.#endIfFenced(error);
      }
    }
  }

  #endIfFenced(error: unknown): unknown {
    const fenced = this.#options.signal.aborted
      ? new ApiError('Fenced', `journal in ${this.#options.namespace}: this leader's term has ended`, { cause: error })
      : error;
    if (isApiError(fenced, 'Fenced')) this.#ended.abort(fenced);
    return fenced;
  }

  async #tidy(mayGoOn: () => boolean): Promise<void> {
    if (!mayGoOn()) return;
    const now = this.#options.now();
    this.#index.prune(now);
    const gone = new Set(expired(this.#segments, now));
    this.#segments = this.#segments.filter((segment) => !gone.has(segment));
    this.#leftOver = [...this.#leftOver, ...gone];
    await this.#deleteLeftOver();
    for (let group = mergeable(this.#segments); group.length > 0 && mayGoOn(); group = mergeable(this.#segments)) {
      await this.#merge(group, now);
      await this.#deleteLeftOver();
    }
  }

  #idleForMs(): number {
    return this.#committing ? 0 : performance.now() - this.#lastCommitAt;
  }

  async #merge(group: readonly HeldSegment[], now: number): Promise<void> {
    const [first, last] = [group[0], group.at(-1)];
    if (first === undefined || last === undefined) return;
    const lines = new Map<string, JournalRecord>();
    for await (const { segment, text } of this.#store.read(group)) {
      if (text === undefined) {
        throw this.#endIfFenced(new ApiError('Fenced', `journal: ${segmentName(segment.sequence)} was deleted by another`));
      }
      for (const line of linesOf(text)) {
        const record = parseRecord(line);
        if (record.notAfter > now) lines.set(line, record);
      }
    }
    const merged = await this.#write([...lines.keys()], [...lines.values()], { from: first.from, to: last.to });
    const replaced = new Set(group);
    this.#segments = this.#segments.flatMap((segment) => (segment === first ? [merged] : replaced.has(segment) ? [] : [segment]));
    this.#leftOver = [...this.#leftOver, ...group];
    this.#log.debug('journal merged', { segment: segmentName(merged.sequence), replaced: group.length, records: merged.records });
  }

  async #deleteLeftOver(): Promise<void> {
    try {
      await this.#store.remove(this.#leftOver);
      this.#leftOver = [];
    } catch (error) {
      throw this.#endIfFenced(error);
    }
  }
}
