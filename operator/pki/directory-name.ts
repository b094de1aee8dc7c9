// Directory names as values that are compared: the same name in other letters, spacing or another string type is the same
// name (RFC 5280, 7.1). Whoever compares octets instead lets an excluded name through that is written otherwise.
import { type NameAttribute, partsOfName } from './name.ts';

/** Its parts, the most general first, each as a text that equals that of another part exactly where the two match. */
export type DirectoryName = readonly string[];

const folded = (text: string): string => text.normalize('NFKC').toLowerCase().trim().replace(/\s+/gu, ' ');

const comparable = ({ type, text, der }: NameAttribute): string =>
  text === undefined ? `${type}#${der.toString('hex')}` : `${type}=${folded(text)}`;

/** Of a Name, DER. Throws DerError. */
export function directoryName(der: Buffer): DirectoryName {
  return partsOfName(der).map((part) => JSON.stringify(part.map(comparable).sort()));
}

/** Whether `name` begins with all parts of `base`: lies in that subtree, or is its root. */
export function isWithin(name: DirectoryName, base: DirectoryName): boolean {
  return base.length <= name.length && base.every((part, index) => part === name[index]);
}

export function isSameName(one: DirectoryName, other: DirectoryName): boolean {
  return one.length === other.length && isWithin(one, other);
}
