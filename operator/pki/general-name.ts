// General names (RFC 5280, 4.2.1.6): what subject alternative names and name constraints are made of, and what the parts
// of each kind are that rules are about. A name that its kind's syntax does not allow has no such part.
import { DerError, type Element, elementsOf, onlyElement, tags } from './der-reader.ts';
import { type DirectoryName, directoryName } from './directory-name.ts';
import { ipAddressText } from './ip-address.ts';
import { formatName } from './name.ts';

export type GeneralName =
  | { readonly kind: 'dns' | 'mail' | 'uri'; readonly value: string }
  /** Four or sixteen octets in a name, eight or thirty-two (address and mask) in a constraint. */
  | { readonly kind: 'ip'; readonly octets: Buffer }
  | { readonly kind: 'directory'; readonly name: DirectoryName; readonly text: string }
  | { readonly kind: 'other'; readonly form: string };

const ia5Kinds = new Map<number, 'dns' | 'mail' | 'uri'>([
  [0x81, 'mail'],
  [0x82, 'dns'],
  [0x86, 'uri'],
]);
const otherForms = new Map([
  [0xa0, 'otherName'],
  [0xa3, 'x400Address'],
  [0xa5, 'ediPartyName'],
  [0x88, 'registeredID'],
]);

/** Throws DerError for an unknown kind, and for octets beyond ASCII, of which readers make different texts. */
export function generalNameOf({ tag, content }: Element): GeneralName {
  const kind = ia5Kinds.get(tag);
  if (kind !== undefined) {
    if (content.some((octet) => octet >= 0x80)) throw new DerError(`it has a ${kind} name that is not ASCII`);
    return { kind, value: content.toString('latin1') };
  }
  if (tag === 0x87) return { kind: 'ip', octets: content };
  if (tag === 0xa4) return { kind: 'directory', name: directoryName(content), text: formatName(content) };
  const form = otherForms.get(tag);
  if (form === undefined) throw new DerError(`it has a name of the unknown kind ${tag}`);
  return { kind: 'other', form };
}

/** Of a subjectAltName's value: one name at least (RFC 5280, 4.2.1.6). Throws DerError. */
export function alternativeNamesOf(value: Buffer): readonly GeneralName[] {
  const names = elementsOf(onlyElement(value, tags.sequence).content).map(generalNameOf);
  if (names.length === 0) throw new DerError('it has no name');
  for (const name of names) {
    if (name.kind === 'ip' && name.octets.length !== 4 && name.octets.length !== 16) {
      throw new DerError(`it has an IP address of ${name.octets.length} octets`);
    }
  }
  return names;
}

/** Text from a certificate as messages show it: quoted, no control characters, not endless. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text).replace(/\x7f/g, '\\u007f');

/** A name as messages call it. */
export function describeName(name: GeneralName): string {
  switch (name.kind) {
    case 'dns':
      return `the DNS name ${quoted(name.value)}`;
    case 'mail':
      return `the mail address ${quoted(name.value)}`;
    case 'uri':
      return `the URI ${quoted(name.value)}`;
    case 'ip':
      return `the IP address ${ipAddressText(name.octets)}`;
    case 'directory':
      return `the directory name ${quoted(name.text)}`;
    case 'other':
      return `a name of the form ${name.form}`;
  }
}

const label = '[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?';
const hostPattern = new RegExp(`^${label}(\\.${label})*$`, 'i');

/**
 * A host name in ASCII: labels of letters, digits and hyphens, no final dot, and no IPv4 address (RFC 1123, 2.1). Underscores
 * pass here: they are no letters of the preferred name syntax, and common in private networks.
 */
export function isHostName(text: string): boolean {
  return text.length <= 253 && hostPattern.test(text) && !/(^|\.)[0-9]+$/.test(text);
}

export interface Mailbox {
  /** Its letters count (RFC 5321, 2.4). */
  readonly local: string;
  /** In lower case. */
  readonly host: string;
}

const atom = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+";
const mailboxPattern = new RegExp(`^(?:(${atom}(?:\\.${atom})*)|"((?:[ !#-\\[\\]-~]|\\\\[ -~])*)")@([^@]+)$`, 'i');

/** The parts of a mailbox (RFC 5321, 4.1.2) at a host name; undefined for what is none. */
export function mailboxOf(text: string): Mailbox | undefined {
  const [, dotted, inQuotes, host = ''] = mailboxPattern.exec(text) ?? [];
  const local = dotted ?? inQuotes?.replace(/\\(.)/g, '$1');
  return local !== undefined && isHostName(host) ? { local, host: host.toLowerCase() } : undefined;
}

/**
 * The host of a URI, in lower case: a host name in an authority (RFC 3986, 3.2). Undefined for a URI without one, with
 * an IP address, and with userinfo, at which readers disagree on where the host begins.
 */
export function hostOfUri(uri: string): string | undefined {
  const [, host = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@:]*)(?::[0-9]*)?(?:[/?#]|$)/i.exec(uri) ?? [];
  return isHostName(host) ? host.toLowerCase() : undefined;
}
