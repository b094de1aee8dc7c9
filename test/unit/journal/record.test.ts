import fc from 'fast-check';
import { encodeRecord, linesOf, parseRecord, parseRecords, textOf } from '../../../operator/journal/record.ts';
import { anyRecord, record } from './records.ts';

describe('a line of the journal', () => {
  it('says the record and nothing more', () => {
    fc.assert(
      fc.property(anyRecord, (given) => {
        const line = encodeRecord(given);
        expect(line).not.toContain('\n');
        expect(parseRecord(line)).toEqual(given);
        expect(encodeRecord(parseRecord(line))).toBe(line);
      }),
    );
  });

  it('leaves out whatever else the object carries', () => {
    const careless = { ...record(1), privateKey: 'a key' };
    expect(encodeRecord(careless)).not.toContain('key');
  });

  it('is read although a newer version has added to it', () => {
    const newer = JSON.stringify({ ...JSON.parse(encodeRecord(record(1))), profile: 'Server' });
    expect(parseRecord(newer)).toEqual(record(1));
  });

  it.each([
    ['{"kind":"issued"', 'not JSON'],
    ['', 'not JSON'],
    ['null', 'expected object'],
    [encodeRecord(record(1)).replace('issued', 'forgotten'), 'kind'],
    [encodeRecord(record(1, { serial: 'AB' })), 'serial: expected lower-case hex'],
    [encodeRecord(record(1, { fingerprint: 'ab' })), 'fingerprint'],
    [encodeRecord(record(1, { authority: '' })), 'authority'],
    [encodeRecord(record(1, { secret: 'fe1-tls' })), 'secret: expected namespace/name'],
    [encodeRecord(record(1, { uid: '' })), 'uid'],
    [encodeRecord(record(1, { notAfter: Number.NaN })), 'notAfter'],
    [encodeRecord(record(1, { notBefore: 0.5 })), 'notBefore'],
  ])('%s is refused: %s', (line, sentence) => {
    expect(() => parseRecord(line)).toThrow(sentence);
  });
});

describe("a segment's text", () => {
  it('is its lines', () => {
    fc.assert(
      fc.property(fc.array(anyRecord), (records) => {
        const lines = records.map(encodeRecord);
        expect(linesOf(textOf(lines))).toEqual(lines);
        expect(parseRecords('s', textOf(lines))).toEqual({ records, problems: [] });
      }),
    );
  });

  it('loses no record to a damaged neighbour, and says where the damage is', () => {
    const damaged = fc.constantFrom('', '{', 'null', '[]', '{"kind":"issued"}', '\u0000');
    const entries = fc.array(
      fc.oneof(
        anyRecord.map((given) => ({ given })),
        damaged.map((text) => ({ text })),
      ),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(entries, (all) => {
        const text = textOf(all.map((entry) => ('given' in entry ? encodeRecord(entry.given) : entry.text)));
        const { records, problems } = parseRecords('trustmesh-journal-0000000007', text);
        expect(records).toEqual(all.flatMap((entry) => ('given' in entry ? [entry.given] : [])));
        expect(problems.map(({ segment, line }) => [segment, line])).toEqual(
          all.flatMap((entry, index) => ('given' in entry ? [] : [['trustmesh-journal-0000000007', index + 1]])),
        );
      }),
    );
  });

  it('names the line that was cut off', () => {
    const text = textOf([encodeRecord(record(1)), encodeRecord(record(2))]).slice(0, -20);
    expect(parseRecords('s', text)).toEqual({ records: [record(1)], problems: [{ segment: 's', line: 2, message: 'not JSON' }] });
  });
});
