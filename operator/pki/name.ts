// Distinguished names: the one that our subjects have (a common name or nothing), and any name as one line of text.
// Names of issuers are never built here: they are copied by octets from the CA's own certificate.
import { DerError, dottedIdentifier, type Element, elementsOf, expectTag, onlyElement, tags } from './der-reader.ts';
import { objectIdentifier, printableString, sequence, setOf, utf8String } from './der-writer.ts';
import { attributeTypes } from './object-identifiers.ts';

const commonNameType = objectIdentifier('2.5.4.3');
const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/** ub-common-name (RFC 5280, appendix A.1), in characters. */
const commonNameLimit = 64;

/** Whether a common name may carry this text: it fits, it is not empty, it has no control character. */
export function fitsCommonName(text: string): boolean {
  return text !== '' && [...text].length <= commonNameLimit && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** A Name, DER, of one common name, or of nothing at all. PrintableString where it can be, else UTF8String (RFC 5280, 4.1.2.4). */
export function distinguishedName(commonName?: string): Buffer {
  if (commonName === undefined) return sequence();
  const value = printable.test(commonName) ? printableString(commonName) : utf8String(commonName);
  return sequence(setOf(sequence(commonNameType, value)));
}

/** Text that two readers could take for different names is none. */
function textOf({ tag, content }: Element): string | undefined {
  switch (tag) {
    case 0x0c: {
      // UTF8String
      const text = content.toString('utf8');
      return Buffer.from(text).equals(content) ? text : undefined;
    }
    case 0x12: // NumericString, PrintableString, TeletexString, IA5String
    case 0x13:
    case 0x14:
    case 0x16:
      return content.toString('latin1');
    case 0x1e: // BMPString
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
    default:
      return undefined;
  }
}

/** RFC 4514, 2.4: what would change the meaning of the line is escaped. */
function escaped(text: string): string {
  return text
    .replace(/[\\"+,;<>=]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/(?<!^\\) $/, '\\ ')
    .replace(/\p{Cc}/gu, (character) => Buffer.from(character).toString('hex').replace(/../g, '\\$&'));
}

export interface NameAttribute {
  /** Dotted. */
  readonly type: string;
  /** Absent for a value that is no text. */
  readonly text?: string;
  /** The value, DER. */
  readonly der: Buffer;
}

function attributeOf(element: Element): NameAttribute {
  const [type, value] = elementsOf(expectTag(element, tags.sequence).content);
  if (value === undefined) throw new DerError('it has a name attribute without a value');
  const text = textOf(value);
  return {
    type: dottedIdentifier(expectTag(type, tags.objectIdentifier).content),
    ...(text === undefined ? {} : { text }),
    der: value.der,
  };
}

/** The parts of a Name, the most general first, each with its attributes (RFC 5280, 4.1.2.4). Throws DerError. */
export function partsOfName(der: Buffer): readonly (readonly NameAttribute[])[] {
  return elementsOf(onlyElement(der, tags.sequence).content).map((part) =>
    elementsOf(expectTag(part, tags.set).content).map(attributeOf),
  );
}

const line = ({ type, text, der }: NameAttribute): string =>
  `${attributeTypes[type] ?? type}=${text === undefined ? `#${der.toString('hex')}` : escaped(text)}`;

/** A Name as one line, the most specific part first (RFC 4514, 2.1); empty for an empty name. Throws DerError. */
export function formatName(der: Buffer): string {
  return partsOfName(der)
    .map((part) => part.map(line).join('+'))
    .reverse()
    .join(',');
}
