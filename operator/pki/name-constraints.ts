// Which names a CA's name constraints let the certificates below it have (RFC 5280, 4.2.1.10). What cannot be compared with
// a constraint is refused by it: a constraint that is passed over protects nobody.
import type { Certificate } from './certificate.ts';
import { nameOf } from './chain.ts';
import { DerError } from './der-reader.ts';
import { directoryName, isWithin } from './directory-name.ts';
import { alternativeNamesOf, describeName, type GeneralName, hostOfUri, isHostName, mailboxOf } from './general-name.ts';
import { partsOfName } from './name.ts';
import { attributeTypes, extensionIds } from './object-identifiers.ts';
import { type Problem, problem } from './problem.ts';
import { describeSubtree, type NameConstraints, nameConstraintsOf, type Subtree } from './subtree.ts';

/**
 * Every name that a certificate gives its subject: the subject itself, mail addresses in it (where old software has them,
 * RFC 5280, 4.1.2.6), and the alternative names. Throws DerError.
 */
export function subjectNamesOf(certificate: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [];
  if (certificate.subject !== '') {
    names.push({ kind: 'directory', name: directoryName(certificate.subjectDer), text: certificate.subject });
  }
  for (const { type, text } of partsOfName(certificate.subjectDer).flat()) {
    if (attributeTypes[type] === 'emailAddress') names.push({ kind: 'mail', value: text ?? '' });
  }
  const extension = certificate.extensions.get(extensionIds.subjectAltName);
  return extension === undefined ? names : [...names, ...alternativeNamesOf(extension.value)];
}

const isHostWithin = (host: string, base: string): boolean =>
  base.startsWith('.') || base === '' ? host.endsWith(base) : host === base;

const isDnsWithin = (name: string, base: string): boolean => isHostWithin(name, base) || name.endsWith(`.${base}`);

/** A name that constraints can be compared with: in lower case, without the parts they do not speak of. */
type Comparable =
  | { readonly kind: 'dns'; readonly host: string; readonly isWildcard: boolean }
  | { readonly kind: 'uri'; readonly host: string }
  | { readonly kind: 'mail'; readonly host: string; readonly local: string }
  | Exclude<GeneralName, { kind: 'dns' | 'mail' | 'uri' }>;

function comparableOf(name: GeneralName): Comparable | undefined {
  switch (name.kind) {
    case 'dns': {
      const isWildcard = name.value.startsWith('*.');
      const host = name.value.slice(isWildcard ? 2 : 0).toLowerCase();
      return isHostName(host) ? { kind: 'dns', host, isWildcard } : undefined;
    }
    case 'uri': {
      const host = hostOfUri(name.value);
      return host === undefined ? undefined : { kind: 'uri', host };
    }
    case 'mail': {
      const mailbox = mailboxOf(name.value);
      return mailbox === undefined ? undefined : { kind: 'mail', ...mailbox };
    }
    default:
      return name;
  }
}

/** Whether all that a name stands for lies in the subtree: of a wildcard, every name that it matches. */
function covers(subtree: Subtree, name: Comparable): boolean {
  switch (subtree.kind) {
    case 'dns':
      if (name.kind !== 'dns') return false;
      return isDnsWithin(name.host, subtree.host) || (name.isWildcard && `.${name.host}` === subtree.host);
    case 'uri':
      return name.kind === 'uri' && isHostWithin(name.host, subtree.host);
    case 'mail':
      if (name.kind !== 'mail') return false;
      return subtree.local === undefined
        ? isHostWithin(name.host, subtree.host)
        : name.host === subtree.host && name.local === subtree.local;
    case 'ip': {
      const { address, mask } = subtree;
      const masked = (octets: Buffer) => octets.map((octet, index) => octet & (mask[index] ?? 0));
      return (
        name.kind === 'ip' &&
        name.octets.length === mask.length &&
        masked(name.octets).every((octet, index) => octet === masked(address)[index])
      );
    }
    case 'directory':
      return name.kind === 'directory' && isWithin(name.name, subtree.base);
    case 'other':
      return false;
  }
}

/** Whether any of what a name stands for lies in the subtree: `*.contoso.com` matches `fe01.contoso.com`. */
function touches(subtree: Subtree, name: Comparable): boolean {
  if (covers(subtree, name)) return true;
  if (subtree.kind !== 'dns' || name.kind !== 'dns' || !name.isWildcard) return false;
  const [, ...above] = subtree.host.split('.');
  return above.join('.') === name.host;
}

const isAbout = (subtree: Subtree, name: GeneralName): boolean =>
  subtree.kind === name.kind && (subtree.kind !== 'other' || (name.kind === 'other' && subtree.form === name.form));

const listed = (subtrees: readonly Subtree[]): string => {
  const shown = subtrees.slice(0, 5).map(describeSubtree).join(', ');
  return subtrees.length > 5 ? `${shown} and ${subtrees.length - 5} more` : shown;
};

export interface Violation {
  readonly reason: 'NameExcluded' | 'NameNotPermitted' | 'UnsupportedNameConstraint';
  /** Completes a sentence that says whose constraints they are. */
  readonly because: string;
}

/** What keeps a name from being allowed; undefined: nothing does. Excluded wins over permitted. */
export function violationOf({ permitted, excluded }: NameConstraints, name: GeneralName): Violation | undefined {
  const [allowed, forbidden] = [permitted, excluded].map((subtrees) => subtrees.filter((subtree) => isAbout(subtree, name)));
  if (allowed === undefined || forbidden === undefined || allowed.length + forbidden.length === 0) return undefined;
  if (name.kind === 'other') {
    return { reason: 'UnsupportedNameConstraint', because: `constrain names of the form ${name.form}, which cannot be compared` };
  }
  const comparable = comparableOf(name);
  if (comparable === undefined) {
    return { reason: 'NameNotPermitted', because: `cannot be applied to it: its host cannot be told, or not by everybody alike` };
  }
  const hit = forbidden.find((subtree) => touches(subtree, comparable));
  if (hit !== undefined) return { reason: 'NameExcluded', because: `exclude ${describeSubtree(hit)}` };
  if (allowed.length === 0 || allowed.some((subtree) => covers(subtree, comparable))) return undefined;
  return { reason: 'NameNotPermitted', because: `permit only ${listed(allowed)}` };
}

/** How many comparisons it takes to judge these names: what a hostile CA and leaf together could make endless. */
export function comparisonsFor({ permitted, excluded }: NameConstraints, names: readonly GeneralName[]): number {
  return (permitted.length + excluded.length) * names.length;
}

const plainText = (name: GeneralName, leaf: Certificate): string => {
  if (name.kind === 'directory' && name.text === leaf.subject) return `the subject "${leaf.subject}"`;
  return 'value' in name ? name.value : describeName(name);
};

/** What of a leaf's names this authority does not permit; where its constraints cannot be read, that. */
export function nameConstraintProblems(authority: Certificate, leaf: Certificate): readonly Problem[] {
  const extension = authority.extensions.get(extensionIds.nameConstraints);
  if (extension === undefined) return [];
  try {
    const constraints = nameConstraintsOf(extension.value);
    return subjectNamesOf(leaf)
      .filter((name) => violationOf(constraints, name) !== undefined)
      .map((name) =>
        problem('NameNotPermitted', `the name constraints of ${nameOf(authority)} do not permit ${plainText(name, leaf)}`),
      );
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return [problem('NameNotPermitted', `the name constraints of ${nameOf(authority)} cannot be read, and so permit nothing`)];
  }
}
