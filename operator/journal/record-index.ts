// The journal in memory: who was issued what, and who holds a name. It is asked in every reconcile and holds tens of thousands of
// records, so what records have in common (uid, Secret, names) is one string for all of them, and a key that leads to one record
// leads there without a collection in between.
import type { JournalRecord } from './record.ts';

/** An object that has a certificate for a name. */
export interface Holder {
  readonly uid: string;
  /** The Secret that the certificate was issued for. */
  readonly namespace: string;
  readonly secret: string;
  /** Of the certificate that lasts longest, epoch ms. */
  readonly notAfter: number;
}

export class RecordIndex {
  readonly #byUid = new Map<string, JournalRecord | JournalRecord[]>();
  readonly #latestBySecret = new Map<string, JournalRecord>();
  /** For each name and each object the record that lasts longest; the map by uid only where there are two. */
  readonly #byName = new Map<string, JournalRecord | Map<string, JournalRecord>>();
  readonly #authorities = new Map<string, string>();
  readonly #uses = new Map<string, string>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** In the order of issue. A certificate that is known already is not added again. */
  add(given: JournalRecord): void {
    const known = severalOf(this.#byUid.get(given.uid));
    if (known.some((record) => record.serial === given.serial && record.authority === given.authority)) return;
    const record = this.#sharing(given, known[0]);
    this.#size += 1;
    if (known.length === 0) this.#byUid.set(record.uid, record);
    else if (known.length === 1) this.#byUid.set(record.uid, [...known, record]);
    else known.push(record);
    this.#latestBySecret.set(record.secret, record);
    for (const name of record.names) this.#hold(name, record);
  }

  /** In the order of issue. */
  recordsOf(uid: string): readonly JournalRecord[] {
    return severalOf(this.#byUid.get(uid));
  }

  /** What was last issued for a Secret. @param secret `namespace/name` */
  latestOf(secret: string): JournalRecord | undefined {
    return this.#latestBySecret.get(secret);
  }

  /** Serials are unique for one authority only. Looks at every record. */
  bySerial(serial: string): readonly JournalRecord[] {
    return [...this.records()].filter((record) => record.serial === serial);
  }

  /** Who has an unexpired certificate for `name`: each object once, in the order in which they first got one. */
  holdersOf(name: string, now: number): readonly Holder[] {
    const held = this.#byName.get(name);
    if (held === undefined) return [];
    return (held instanceof Map ? [...held.values()] : [held]).filter(({ notAfter }) => notAfter > now).map(holderOf);
  }

  /** How many certificates for one need began at `since` (epoch ms) or later: their notBefore is what is compared. */
  issuesSince(uid: string, secret: string, since: number): number {
    return this.recordsOf(uid).filter((record) => record.secret === secret && record.notBefore >= since).length;
  }

  *records(): Iterable<JournalRecord> {
    for (const held of this.#byUid.values()) yield* severalOf(held);
  }

  /** Forgets what has expired. Returns how many records that were. */
  prune(now: number): number {
    const before = this.#size;
    const lives = (record: JournalRecord): boolean => record.notAfter > now;
    for (const [uid, held] of this.#byUid) {
      const known = severalOf(held);
      const kept = known.filter(lives);
      if (kept.length === known.length) continue;
      this.#size -= known.length - kept.length;
      set(this.#byUid, uid, kept.length > 1 ? kept : kept[0]);
    }
    if (this.#size === before) return 0;
    for (const [secret, record] of this.#latestBySecret) if (!lives(record)) this.#latestBySecret.delete(secret);
    for (const [name, held] of this.#byName) {
      if (!(held instanceof Map)) {
        if (!lives(held)) this.#byName.delete(name);
        continue;
      }
      for (const [uid, record] of held) if (!lives(record)) held.delete(uid);
      if (held.size < 2) set(this.#byName, name, held.values().next().value);
    }
    return before - this.#size;
  }

  #hold(name: string, record: JournalRecord): void {
    const held = this.#byName.get(name);
    if (held === undefined) {
      this.#byName.set(name, record);
    } else if (held instanceof Map) {
      held.set(record.uid, longer(held.get(record.uid), record));
    } else if (held.uid === record.uid) {
      this.#byName.set(name, longer(held, record));
    } else {
      this.#byName.set(
        name,
        new Map([
          [held.uid, held],
          [record.uid, record],
        ]),
      );
    }
  }

  /** The same record with strings that are held already. */
  #sharing(record: JournalRecord, ofSameObject: JournalRecord | undefined): JournalRecord {
    const previous = this.#latestBySecret.get(record.secret);
    const names =
      previous !== undefined && sameNames(previous.names, record.names)
        ? previous.names
        : record.names.map((name) => this.#sharedName(name));
    return {
      serial: record.serial,
      fingerprint: record.fingerprint,
      authority: shared(this.#authorities, record.authority),
      names,
      uid: ofSameObject?.uid ?? record.uid,
      secret: previous?.secret ?? record.secret,
      use: shared(this.#uses, record.use),
      ...(record.member === undefined
        ? undefined
        : { member: previous?.member === record.member ? previous.member : record.member }),
      notBefore: record.notBefore,
      notAfter: record.notAfter,
    };
  }

  #sharedName(name: string): string {
    const held = this.#byName.get(name);
    const record = held instanceof Map ? held.values().next().value : held;
    return record?.names.find((each) => each === name) ?? name;
  }
}

function holderOf({ uid, secret, notAfter }: JournalRecord): Holder {
  const slash = secret.indexOf('/');
  return { uid, namespace: secret.slice(0, slash), secret: secret.slice(slash + 1), notAfter };
}

/** The later one where both end together. */
function longer(held: JournalRecord | undefined, record: JournalRecord): JournalRecord {
  return held !== undefined && held.notAfter > record.notAfter ? held : record;
}

function severalOf(held: JournalRecord | JournalRecord[] | undefined): JournalRecord[] {
  if (held === undefined) return [];
  return Array.isArray(held) ? held : [held];
}

function set<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, index) => name === others[index]);
}

function shared(pool: Map<string, string>, text: string): string {
  const held = pool.get(text);
  if (held !== undefined) return held;
  pool.set(text, text);
  return text;
}
