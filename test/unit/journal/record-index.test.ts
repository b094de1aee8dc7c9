import fc from 'fast-check';
import type { JournalRecord } from '../../../operator/journal/record.ts';
import { type Holder, RecordIndex } from '../../../operator/journal/record-index.ts';
import { record } from './records.ts';

const among = (prefix: string, count: number) => fc.integer({ min: 1, max: count }).map((n) => `${prefix}${n}`);

/** Few objects, Secrets and names, so that they meet. */
const history: fc.Arbitrary<readonly JournalRecord[]> = fc
  .array(
    fc.record({
      uid: among('uid-', 4),
      secret: fc.tuple(among('ns', 2), among('secret', 3)).map((parts) => parts.join('/')),
      names: fc.array(among('name', 5), { maxLength: 4 }),
      authority: fc.constantFrom('ca01', 'ca02'),
      notBefore: fc.integer({ min: 0, max: 100 }),
      notAfter: fc.integer({ min: 0, max: 100 }),
    }),
    { maxLength: 40 },
  )
  .map((all) => all.map((fields, n) => record(n, fields)));

function indexOf(records: readonly JournalRecord[]): RecordIndex {
  const index = new RecordIndex();
  for (const each of records) index.add(each);
  return index;
}

function naiveHolders(records: readonly JournalRecord[], name: string, now: number): readonly Holder[] {
  const uids = new Set(records.map(({ uid }) => uid));
  return [...uids].flatMap((uid) => {
    const lasting = records.filter((each) => each.uid === uid && each.names.includes(name) && each.notAfter > now);
    const longest = lasting.reduce<JournalRecord | undefined>(
      (best, each) => (best && best.notAfter > each.notAfter ? best : each),
      undefined,
    );
    const [namespace = '', secret = ''] = longest?.secret.split('/') ?? [];
    return longest ? [{ uid, namespace, secret, notAfter: longest.notAfter }] : [];
  });
}

const byUid = (a: Holder, b: Holder): number => (a.uid < b.uid ? -1 : 1);
const uids = ['uid-1', 'uid-2', 'uid-3', 'uid-4', 'uid-5'];
const secrets = ['ns1/secret1', 'ns1/secret2', 'ns1/secret3', 'ns2/secret1', 'ns2/secret2', 'ns2/secret3'];
const names = ['name1', 'name2', 'name3', 'name4', 'name5', 'name6'];

describe('the journal in memory', () => {
  it('answers as a walk through all records would', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 100 }), (records, moment) => {
        const index = indexOf(records);
        expect(index.size).toBe(records.length);
        for (const uid of uids) {
          const ofObject = records.filter((each) => each.uid === uid);
          expect(index.recordsOf(uid)).toEqual(ofObject);
          for (const secret of secrets) {
            const since = ofObject.filter((each) => each.secret === secret && each.notBefore >= moment);
            expect(index.issuesSince(uid, secret, moment)).toBe(since.length);
          }
        }
        for (const secret of secrets) expect(index.latestOf(secret)).toEqual(records.findLast((each) => each.secret === secret));
        for (const name of names)
          expect([...index.holdersOf(name, moment)].sort(byUid)).toEqual([...naiveHolders(records, name, moment)].sort(byUid));
        for (const each of records) expect(index.bySerial(each.serial)).toEqual([each]);
      }),
    );
  });

  it('forgets what has expired and nothing else', () => {
    fc.assert(
      fc.property(history, history, fc.integer({ min: 0, max: 100 }), (before, after, now) => {
        const later = after.map((each, n) => ({ ...each, serial: `ff${n.toString(16).padStart(4, '0')}` }));
        const index = indexOf(before);
        const valid = before.filter(({ notAfter }) => notAfter > now);
        expect(index.prune(now)).toBe(before.length - valid.length);
        expect(index.prune(now)).toBe(0);
        for (const each of later) index.add(each);
        const known = [...valid, ...later];
        expect(index.size).toBe(known.length);
        for (const uid of uids) expect(index.recordsOf(uid)).toEqual(known.filter((each) => each.uid === uid));
        for (const name of names)
          expect([...index.holdersOf(name, now)].sort(byUid)).toEqual([...naiveHolders(known, name, now)].sort(byUid));
      }),
    );
  });

  it('knows nothing of a Secret any more once its last certificate has expired', () => {
    const index = indexOf([record(1, { notAfter: 10 })]);
    index.prune(10);
    expect(index.latestOf('voice/fe1-tls')).toBeUndefined();
    expect(index.holdersOf('fe1.contoso.com', 0)).toEqual([]);
  });

  it('counts a certificate once however often it is told of it', () => {
    const index = indexOf([record(1), record(2, { uid: 'uid-1' }), record(1), record(2, { uid: 'uid-1' })]);
    expect(index.size).toBe(2);
    expect(index.recordsOf('uid-1')).toHaveLength(2);
  });

  it('keeps equal serials of two authorities apart', () => {
    const index = indexOf([record(1), record(1, { authority: 'cb'.repeat(20) })]);
    expect(index.bySerial(record(1).serial)).toHaveLength(2);
  });
});
