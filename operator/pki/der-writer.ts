// Writes DER (X.690): the few types that certificates and key stores are made of. Nothing is parsed here, and nothing
// is known of certificates. Every function returns complete octets (tag, length, content) that nest by concatenation.

/** Tag, definite length in the fewest octets, content (X.690, 8.1 and 10.1). */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of content) length += part.length;
  const lengthOctets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const der = Buffer.allocUnsafe(2 + lengthOctets + length);
  der[0] = tag;
  if (lengthOctets === 0) der[1] = length;
  else {
    der[1] = 0x80 | lengthOctets;
    der.writeUIntBE(length, 2, lengthOctets);
  }
  let offset = 2 + lengthOctets;
  for (const part of content) {
    der.set(part, offset);
    offset += part.length;
  }
  return der;
}

export const sequence = (...elements: readonly Uint8Array[]): Buffer => tlv(0x30, ...elements);

/** SET OF: elements in ascending order of their octets (X.690, 11.6). */
export const setOf = (...elements: readonly Uint8Array[]): Buffer => tlv(0x31, ...elements.toSorted(Buffer.compare));

export const octetString = (...content: readonly Uint8Array[]): Buffer => tlv(0x04, ...content);
export const nullValue: Buffer = tlv(0x05);
export const booleanTrue: Buffer = tlv(0x01, Buffer.of(0xff));

/** `[number]` around complete elements. */
export const explicit = (number: number, ...elements: readonly Uint8Array[]): Buffer => tlv(0xa0 | number, ...elements);

/** `[number]` in place of the tag of a primitive type: `content` comes without tag and length. */
export const implicit = (number: number, content: Uint8Array): Buffer => tlv(0x80 | number, content);

const zero = Buffer.of(0);

/** A non-negative INTEGER from its magnitude, big-endian: a sign octet where the high bit is set, no other leading zeros. */
export function unsignedInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const trimmed = magnitude.subarray(start);
  const first = trimmed[0] ?? 0;
  return first & 0x80 || trimmed.length === 0 ? tlv(0x02, zero, trimmed) : tlv(0x02, trimmed);
}

/** A non-negative INTEGER below 2^32. */
export function smallInteger(value: number): Buffer {
  const magnitude = Buffer.allocUnsafe(4);
  magnitude.writeUInt32BE(value);
  return unsignedInteger(magnitude);
}

/** A BIT STRING of whole octets. */
export const bitString = (content: Uint8Array): Buffer => tlv(0x03, zero, content);

/** A BIT STRING of named bits, bit 0 first, trailing zero bits removed (X.690, 11.2.2). `bits` are positions below 16. */
export function namedBits(bits: readonly number[]): Buffer {
  if (bits.length === 0) return tlv(0x03, zero);
  const highest = Math.max(...bits);
  const octets = Buffer.alloc((highest >> 3) + 1);
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return tlv(0x03, Buffer.of(7 - (highest & 7)), octets);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) groups.unshift((high & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return tlv(0x06, Buffer.from(octets));
}

export const utf8String = (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8'));
export const printableString = (text: string): Buffer => tlv(0x13, Buffer.from(text, 'latin1'));

/** A BMPString: UTF-16, big-endian (PKCS#12 friendly names). */
export const bmpString = (text: string): Buffer => tlv(0x1e, Buffer.from(text, 'utf16le').swap16());

const year2050 = Date.UTC(2050, 0);
const year10000 = Date.UTC(10000, 0);

/**
 * A certificate time from epoch ms, the fraction of a second dropped: UTCTime through 2049, GeneralizedTime
 * after (RFC 5280, 4.1.2.5). Throws RangeError before 1970 and for a year that four digits do not hold.
 */
export function time(epochMs: number): Buffer {
  if (!(epochMs >= 0 && epochMs < year10000)) throw new RangeError(`a certificate cannot carry the time ${epochMs} ms`);
  const digits = `${new Date(epochMs).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  const inUTCTime = epochMs < year2050;
  return inUTCTime ? tlv(0x17, Buffer.from(digits.slice(2), 'latin1')) : tlv(0x18, Buffer.from(digits, 'latin1'));
}
