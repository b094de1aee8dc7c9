// DER both ways: what the writer writes is what X.690 says, and the reader takes nothing else.
import { bitsOf, DerError, dottedIdentifier, elementsOf, onlyElement, smallIntegerOf } from '../../../operator/pki/der-reader.ts';
import {
  bmpString,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  smallInteger,
  time,
  unsignedInteger,
} from '../../../operator/pki/der-writer.ts';

const hex = (der: Uint8Array): string => Buffer.from(der).toString('hex');
const octets = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('the writer', () => {
  it.each([
    ['', '020100'],
    ['00', '020100'],
    ['0000', '020100'],
    ['7f', '02017f'],
    ['80', '02020080'],
    ['00ff', '020200ff'],
    ['0100', '02020100'],
  ])('writes the magnitude %j as the INTEGER %s: a sign octet where needed, no other zeros', (magnitude, der) => {
    expect(hex(unsignedInteger(octets(magnitude)))).toBe(der);
  });

  it.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [10_000, '02022710'],
    [2 ** 32 - 1, '020500ffffffff'],
  ])('writes the number %d as %s', (value, der) => {
    expect(hex(smallInteger(value))).toBe(der);
  });

  it.each([
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_535, '0482ffff'],
    [65_536, '0483010000'],
    [16_777_216, '048401000000'],
  ])('writes the length %d in the fewest octets', (length, head) => {
    const der = octetString(Buffer.alloc(length));
    expect(hex(der.subarray(0, head.length / 2))).toBe(head);
    expect(der).toHaveLength(head.length / 2 + length);
  });

  it.each([
    ['2.5.4.3', '0603550403'],
    ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
    ['1.3.101.112', '06032b6570'],
    ['2.16.840.1.113894.746875.1.1', '060c6086480186f966adca7b0101'],
    ['2.999', '06028837'],
  ])('writes the object identifier %s', (dotted, der) => {
    expect(hex(objectIdentifier(dotted))).toBe(der);
    expect(dottedIdentifier(onlyElement(octets(der), 0x06).content)).toBe(dotted);
  });

  it.each([
    [[0], '03020780'],
    [[0, 2], '030205a0'],
    [[5, 6], '03020106'],
    [[8], '0303070080'],
    [[], '030100'],
  ])('writes the named bits %j without trailing zero bits', (bits, der) => {
    expect(hex(namedBits(bits))).toBe(der);
    expect(bitsOf(onlyElement(octets(der), 0x03).content)).toEqual(bits);
  });

  it.each([
    ['1970-01-01T00:00:00.000Z', '170d3730303130313030303030305a'],
    ['2026-06-15T12:34:56.999Z', '170d3236303631353132333435365a'],
    ['2049-12-31T23:59:59.999Z', '170d3439313233313233353935395a'],
    ['2050-01-01T00:00:00.000Z', '180f32303530303130313030303030305a'],
    ['9999-12-31T23:59:59.000Z', '180f39393939313233313233353935395a'],
  ])('writes %s as UTCTime through 2049 and GeneralizedTime after, in whole seconds', (instant, der) => {
    expect(hex(time(Date.parse(instant)))).toBe(der);
  });

  it.each([-1, Date.UTC(10_000, 0), Number.NaN, Number.POSITIVE_INFINITY])('refuses the time %d', (epochMs) => {
    expect(() => time(epochMs)).toThrow(RangeError);
  });

  it('sorts a SET OF', () => {
    expect(hex(setOf(octets('0402ff00'), octets('040101')))).toBe('31070401010402ff00');
  });

  it('writes UTF-16 big-endian for friendly names', () => {
    expect(hex(bmpString('aß'))).toBe('1e04006100df');
  });
});

describe('the reader', () => {
  it('delimits elements without copying', () => {
    const der = sequence(smallInteger(5), octetString(Buffer.alloc(300)));
    const elements = elementsOf(onlyElement(der, 0x30).content);
    expect(elements.map(({ tag, content }) => [tag, content.length])).toEqual([
      [0x02, 1],
      [0x04, 300],
    ]);
    expect(elements[1]?.der.buffer).toBe(der.buffer);
  });

  it.each([
    ['nothing', '', 'ends in the middle'],
    ['a tag alone', '30', 'ends in the middle'],
    ['half a length', '3082 01', 'ends in the middle'],
    ['less than it says', '3003 0201', 'shorter than it says'],
    ['an indefinite length', '3080 0000', 'does not allow'],
    ['a length of five octets', '3085 0000000001 00', 'does not allow'],
    ['a long form for a short length', '3081 03 020105', 'not minimal'],
    ['a length with a leading zero', '308200 83', 'not minimal'],
    ['a high tag number', '1f8101 00', 'tag number above 30'],
    ['something after it', '3000 00', 'something follows'],
    ['another type', '3100', 'tag 49 where tag 48 belongs'],
  ])('refuses %s', (_, der, sentence) => {
    expect(() => onlyElement(octets(der), 0x30)).toThrow(DerError);
    expect(() => onlyElement(octets(der), 0x30)).toThrow(sentence);
  });

  it('refuses object identifiers that are empty, unfinished or beyond measure', () => {
    for (const content of ['', '86', `2a${'ff'.repeat(9)}7f`]) expect(() => dottedIdentifier(octets(content))).toThrow(DerError);
  });

  it('refuses numbers that are empty, negative or too large', () => {
    for (const content of ['', 'ff', '0100000000']) expect(() => smallIntegerOf(octets(content))).toThrow(DerError);
  });
});
