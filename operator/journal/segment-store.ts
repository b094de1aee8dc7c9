// The segments in the API server, for one leader: what is there, what a segment says, and the one way to add another. A write is
// settled before it is reported: it is there and counts, or it failed, or this leader has been replaced.
import { randomUUID } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, isApiError } from '../kube/errors.ts';
import { pause } from '../kube/pause.ts';
import { configMaps, type MetadataObject } from '../kube/resource.ts';
import { type Generation, takeGeneration, verifyGeneration } from './generation.ts';
import type { Stretch } from './segment.ts';
import { isWrite, recordsTextOf, SEGMENT_SELECTOR, segmentName, segmentObject, stretchOf } from './segment-object.ts';

export interface StoredSegment extends Stretch {
  readonly uid: string;
}

const PAGE = 500;
/** Half of the connections that a client has. */
const AT_A_TIME = 8;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;

export class SegmentStore {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #signal: AbortSignal;
  readonly generation: Generation;

  private constructor(client: KubeClient, namespace: string, signal: AbortSignal, generation: Generation) {
    this.#client = client;
    this.#namespace = namespace;
    this.#signal = signal;
    this.generation = generation;
  }

  /**
   * Takes the journal over: from here on no earlier leader's write counts.
   * @param signal ends with this leader's term; whatever is under way then fails
   * @throws ApiError Fenced where another leader did the same at the same moment
   */
  static async take(client: KubeClient, namespace: string, signal: AbortSignal): Promise<SegmentStore> {
    const generation = await persist(signal, () => takeGeneration(client, namespace, signal));
    return new SegmentStore(client, namespace, signal, generation);
  }

  /** @returns also the names of objects that bear our label and are none of ours */
  async list(): Promise<{ readonly segments: readonly StoredSegment[]; readonly strangers: readonly string[] }> {
    const objects = await persist(this.#signal, () => this.#listObjects());
    const segments: StoredSegment[] = [];
    const strangers: string[] = [];
    for (const object of objects) {
      const stretch = stretchOf(object);
      if (stretch === undefined) strangers.push(object.metadata.name);
      else segments.push({ ...stretch, uid: object.metadata.uid });
    }
    return { segments, strangers };
  }

  /**
   * What each segment says, in the given order; undefined where it has been deleted since. A few are read at a time, and no more
   * are ever in memory.
   */
  async *read<T extends StoredSegment>(
    segments: readonly T[],
  ): AsyncIterable<{ readonly segment: T; readonly text: string | undefined }> {
    for (const some of chunks(segments)) {
      const objects = await Promise.all(some.map(({ sequence }) => this.#find(sequence)));
      yield* some.map((segment, index) => {
        const object = objects[index];
        return { segment, text: object?.metadata.uid === segment.uid ? recordsTextOf(object) : undefined };
      });
    }
  }

  /**
   * Resolves once the segment is stored, and stored by the leader of the day.
   * @throws ApiError: Fenced where another has taken the journal over or our term has ended; AlreadyExists where the number is taken
   *   though the journal is ours, by a former leader who will learn that it does not count. The segment may be there all the same.
   */
  async write(stretch: Stretch, lines: readonly string[]): Promise<StoredSegment> {
    try {
      const uid = await this.#create(stretch, lines);
      await this.#verify();
      return { ...stretch, uid };
    } catch (error) {
      if (isApiError(error, 'AlreadyExists')) await this.#verify();
      throw error;
    }
  }

  /** To find them gone is well. */
  async remove(segments: readonly StoredSegment[]): Promise<void> {
    for (const some of chunks(segments)) await Promise.all(some.map((segment) => this.#remove(segment)));
  }

  async #remove({ sequence, uid }: StoredSegment): Promise<void> {
    try {
      await this.#client.delete(configMaps, this.#key(sequence), { uid }, this.#signal);
    } catch (error) {
      if (!isApiError(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  async #create(stretch: Stretch, lines: readonly string[]): Promise<string> {
    const write = randomUUID();
    const object = segmentObject(this.#namespace, stretch, lines, write);
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { metadata } = await this.#client.create(configMaps, object, this.#signal);
        return metadata.uid;
      } catch (error) {
        if (!isApiError(error, 'AlreadyExists', 'Transient')) throw error;
        const there = await this.#find(stretch.sequence);
        if (there !== undefined && isWrite(there, write)) return there.metadata.uid;
        if (error.reason === 'AlreadyExists') throw error;
        if (there !== undefined)
          throw new ApiError('AlreadyExists', `${object.metadata.name} was written by another`, { cause: error });
        // Not there, or still on its way: under the same name it cannot come to be twice.
        await pause(retryMs(attempt), this.#signal);
      }
    }
  }

  async #verify(): Promise<void> {
    await persist(this.#signal, () => verifyGeneration(this.#client, this.#namespace, this.generation, this.#signal));
  }

  async #find(sequence: number) {
    try {
      return await persist(this.#signal, () => this.#client.get(configMaps, this.#key(sequence), this.#signal));
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #listObjects(): Promise<readonly MetadataObject[]> {
    const objects: MetadataObject[] = [];
    let next: string | undefined;
    do {
      const page = await this.#client.list(configMaps, {
        namespace: this.#namespace,
        labelSelector: SEGMENT_SELECTOR,
        limit: PAGE,
        metadataOnly: true,
        signal: this.#signal,
        ...(next === undefined ? undefined : { continue: next }),
      });
      objects.push(...page.items);
      next = page.continue;
    } while (next !== undefined);
    return objects;
  }

  #key(sequence: number) {
    return { namespace: this.#namespace, name: segmentName(sequence) };
  }
}

/** Asks until there is an answer, or the term ends. Gone is a page of a list that has to be begun anew. */
async function persist<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !isApiError(error, 'Transient', 'Gone')) throw error;
    }
    await pause(retryMs(attempt), signal);
  }
}

function* chunks<T>(all: readonly T[]): Iterable<readonly T[]> {
  for (let at = 0; at < all.length; at += AT_A_TIME) yield all.slice(at, at + AT_A_TIME);
}

/** Half of it at random, so that what failed together does not come back together. */
function retryMs(attempt: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS) * (0.5 + Math.random() / 2);
}
