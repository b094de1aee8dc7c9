// Reads DER (X.690) strictly and without copying. It shares nothing with the writer, so that reading back what was
// written can find the writer's faults.

/** The octets are not DER, or not of the type that was asked for. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

export interface Element {
  readonly tag: number;
  /** The content octets, a view. */
  readonly content: Buffer;
  /** Tag, length and content, a view. */
  readonly der: Buffer;
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The element that starts at `offset`. Throws DerError for a length that is indefinite, not minimal or past the end. */
function elementAt(octets: Buffer, offset: number): Element {
  const tag = octets[offset];
  const lead = octets[offset + 1];
  if (tag === undefined || lead === undefined) throw new DerError('it ends in the middle of an element');
  if ((tag & 0x1f) === 0x1f) throw new DerError('it uses a tag number above 30');
  let start = offset + 2;
  let length = lead;
  if (lead >= 0x80) {
    const count = lead & 0x7f;
    if (count === 0 || count > 4) throw new DerError('it has a length that DER does not allow');
    if (start + count > octets.length) throw new DerError('it ends in the middle of an element');
    length = octets.readUIntBE(start, count);
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError('it has a length that is not minimal');
    start += count;
  }
  const end = start + length;
  if (end > octets.length) throw new DerError('it is shorter than it says');
  return { tag, content: octets.subarray(start, end), der: octets.subarray(offset, end) };
}

/** The elements that `octets` consist of, in order. */
export function elementsOf(octets: Buffer): readonly Element[] {
  const elements: Element[] = [];
  for (let offset = 0; offset < octets.length; ) {
    const element = elementAt(octets, offset);
    elements.push(element);
    offset += element.der.length;
  }
  return elements;
}

/** The one element that `octets` consist of. Throws DerError when the tag differs or anything follows. */
export function onlyElement(octets: Buffer, tag: number): Element {
  const element = expectTag(elementAt(octets, 0), tag);
  if (element.der.length !== octets.length) throw new DerError('something follows it');
  return element;
}

/** `element`, known to exist and to be of `tag`. */
export function expectTag(element: Element | undefined, tag: number): Element {
  if (element?.tag !== tag) throw new DerError(`it has ${element ? `tag ${element.tag}` : 'nothing'} where tag ${tag} belongs`);
  return element;
}

/** The dotted form of an OBJECT IDENTIFIER's content. */
export function dottedIdentifier(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  let open = false;
  for (const octet of content) {
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError('it has an object identifier beyond measure');
    open = octet >= 0x80;
    if (open) continue;
    if (arcs.length === 0) {
      const root = Math.min(Math.floor(arc / 40), 2);
      arcs.push(root, arc - root * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  if (open || arcs.length === 0) throw new DerError('it has a broken object identifier');
  return arcs.join('.');
}

/** The positions of the bits that are set in a BIT STRING's content, bit 0 first. */
export function bitsOf(content: Buffer): readonly number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < (content.length - 1) * 8; bit++) {
    if ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) bits.push(bit);
  }
  return bits;
}

/** A small non-negative INTEGER's content as a number. Throws DerError for a negative one or one above 2^31. */
export function smallIntegerOf(content: Buffer): number {
  if (content.length === 0 || content.length > 4 || (content[0] ?? 0) >= 0x80) throw new DerError('it has a number out of range');
  return content.readUIntBE(0, content.length);
}
