// What a name constraints extension says (RFC 5280, 4.2.1.10), parsed once into subtrees that can be compared with names.
import { DerError, type Element, elementsOf, expectTag, onlyElement, tags } from './der-reader.ts';
import type { DirectoryName } from './directory-name.ts';
import { type GeneralName, generalNameOf, isHostName, mailboxOf, quoted } from './general-name.ts';
import { ipAddressText } from './ip-address.ts';

export type HostSubtree =
  /** A host in lower case with what is below it; empty, every host; with a leading dot, only what is below. */
  | { readonly kind: 'dns'; readonly host: string }
  /** One host, with a leading dot every host below it, empty every host. */
  | { readonly kind: 'uri'; readonly host: string }
  /** As `uri`; with `local`, that one mailbox. */
  | { readonly kind: 'mail'; readonly host: string; readonly local?: string };

export interface IPSubtree {
  readonly kind: 'ip';
  /** Four or sixteen octets each. */
  readonly address: Buffer;
  readonly mask: Buffer;
}

export type Subtree =
  | HostSubtree
  | IPSubtree
  | { readonly kind: 'directory'; readonly base: DirectoryName; readonly text: string }
  | { readonly kind: 'other'; readonly form: string };

export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

function hostIn(text: string, kind: string): string {
  const host = text.startsWith('.') ? text.slice(1) : text;
  if (text !== '' && !isHostName(host))
    throw new DerError(`it has the ${kind} constraint ${quoted(text)}, which is no host name`);
  return text.toLowerCase();
}

function mailSubtree(text: string): Subtree {
  if (!text.includes('@')) return { kind: 'mail', host: hostIn(text, 'mail') };
  const mailbox = mailboxOf(text);
  if (mailbox === undefined) throw new DerError(`it has the mail constraint ${quoted(text)}, which is no mailbox`);
  return { kind: 'mail', ...mailbox };
}

/** Ones, then zeros (RFC 4632, 5.1). */
const isMask = (mask: Buffer): boolean => /^1*0*$/.test([...mask].map((octet) => octet.toString(2).padStart(8, '0')).join(''));

function ipSubtree(octets: Buffer): Subtree {
  const half = octets.length / 2;
  const [address, mask] = [octets.subarray(0, half), octets.subarray(half)];
  if ((half !== 4 && half !== 16) || !isMask(mask)) {
    throw new DerError(`it has an IP constraint of ${octets.length} octets that is no address with its mask`);
  }
  return { kind: 'ip', address, mask };
}

function subtreeOf(name: GeneralName): Subtree {
  switch (name.kind) {
    case 'dns':
    case 'uri':
      return { kind: name.kind, host: hostIn(name.value, name.kind) };
    case 'mail':
      return mailSubtree(name.value);
    case 'ip':
      return ipSubtree(name.octets);
    case 'directory':
      return { kind: 'directory', base: name.name, text: name.text };
    case 'other':
      return name;
  }
}

/** Written by some although DER leaves out a default. */
const isZeroMinimum = ({ tag, content }: Element): boolean => tag === 0x80 && content.equals(Buffer.of(0));

/** GeneralSubtrees: at least one, each with a base alone (RFC 5280: minimum is zero, and maximum absent). */
function subtreesOf(subtrees: Element | undefined): readonly Subtree[] {
  if (subtrees === undefined) return [];
  const read = elementsOf(subtrees.content).map((subtree) => {
    const [base, ...limits] = elementsOf(expectTag(subtree, tags.sequence).content);
    if (base === undefined) throw new DerError('it has a subtree without a name');
    if (!limits.every(isZeroMinimum)) throw new DerError('it has a subtree with a minimum or maximum');
    return subtreeOf(generalNameOf(base));
  });
  if (read.length === 0) throw new DerError('it has an empty list of subtrees');
  return read;
}

/** Of the extension's value. Throws DerError for what is malformed, or constrains nothing. */
export function nameConstraintsOf(value: Buffer): NameConstraints {
  const parts = elementsOf(onlyElement(value, tags.sequence).content);
  const kinds = parts.map(({ tag }) => tag);
  if (!['160', '161', '160,161'].includes(String(kinds))) throw new DerError('it has neither permitted nor excluded subtrees');
  const ofTag = (tag: number) => subtreesOf(parts.find((part) => part.tag === tag));
  return { permitted: ofTag(0xa0), excluded: ofTag(0xa1) };
}

/** A subtree as messages call it. */
export function describeSubtree(subtree: Subtree): string {
  switch (subtree.kind) {
    case 'ip':
      return `${ipAddressText(subtree.address)}/${ipAddressText(subtree.mask)}`;
    case 'directory':
      return quoted(subtree.text);
    case 'mail':
      return quoted(subtree.local === undefined ? subtree.host : `${subtree.local}@${subtree.host}`);
    case 'dns':
    case 'uri':
      return quoted(subtree.host);
    case 'other':
      return subtree.form;
  }
}
