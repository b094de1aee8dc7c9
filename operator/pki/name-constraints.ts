// Which names a CA's name constraints let its certificates have (RFC 5280, 4.2.1.10), for the kinds of names that our
// leaves have: DNS names, URIs and the subject. A leaf outside of them would be refused by every peer.
import type { Certificate } from './certificate.ts';
import { nameOf } from './chain.ts';
import { DerError, type Element, elementsOf, expectTag, onlyElement, tags } from './der-reader.ts';
import { extensionIds } from './object-identifiers.ts';
import { type Problem, problem } from './problem.ts';

interface Subtrees {
  readonly permitted: readonly Element[];
  readonly excluded: readonly Element[];
}

const general = { dns: 0x82, directory: 0xa4, uri: 0x86 };

/** Undefined where the certificate has none. Throws DerError where they are malformed. */
function subtreesOf(authority: Certificate): Subtrees | undefined {
  const extension = authority.extensions.get(extensionIds.nameConstraints);
  if (extension === undefined) return undefined;
  const parts = elementsOf(onlyElement(extension.value, tags.sequence).content);
  const bases = (tag: number) =>
    elementsOf(parts.find((part) => part.tag === tag)?.content ?? Buffer.alloc(0)).map((subtree) => {
      const [base] = elementsOf(expectTag(subtree, tags.sequence).content);
      if (base === undefined) throw new DerError('it has a name constraint without a name');
      return base;
    });
  return { permitted: bases(0xa0), excluded: bases(0xa1) };
}

/** A DNS name lies in a subtree when labels may be added on the left; with a leading dot, when at least one is. */
function isBelow(name: string, base: string): boolean {
  return base === '' || name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`);
}

/** A URI constraint is about the host: exactly this one, or with a leading dot any below it. */
function isHostIn(uri: string, base: string): boolean {
  const host = URL.canParse(uri) ? new URL(uri).hostname : '';
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

/** A directory name lies in a subtree that begins with the same parts. */
function isUnder(subject: Buffer, base: Element): boolean {
  const parts = elementsOf(onlyElement(subject, tags.sequence).content);
  const wanted = elementsOf(onlyElement(base.content, tags.sequence).content);
  return wanted.every((part, index) => parts[index]?.der.equals(part.der));
}

/** What of a leaf's names this authority does not permit; nothing, where its constraints cannot be understood. */
export function nameConstraintProblems(authority: Certificate, leaf: Certificate): readonly Problem[] {
  try {
    return problemsWithin(subtreesOf(authority), authority, leaf);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return [problem('NameNotPermitted', `the name constraints of ${nameOf(authority)} cannot be read, and so permit nothing`)];
  }
}

function problemsWithin(subtrees: Subtrees | undefined, authority: Certificate, leaf: Certificate): readonly Problem[] {
  if (subtrees === undefined) return [];
  const problems: Problem[] = [];
  const judge = (tag: number, name: string, isIn: (base: Element) => boolean) => {
    const permitted = subtrees.permitted.filter((base) => base.tag === tag);
    const forbidden = subtrees.excluded.some((base) => base.tag === tag && isIn(base));
    if (forbidden || (permitted.length > 0 && !permitted.some(isIn))) {
      problems.push(problem('NameNotPermitted', `the name constraints of ${nameOf(authority)} do not permit ${name}`));
    }
  };
  const text = ({ content }: Element) => content.toString('latin1').toLowerCase();
  for (const name of leaf.dnsNames) judge(general.dns, name, (base) => isBelow(name, text(base)));
  for (const uri of leaf.uris) judge(general.uri, uri, (base) => isHostIn(uri, text(base)));
  if (leaf.subject !== '') judge(general.directory, `the subject "${leaf.subject}"`, (base) => isUnder(leaf.subjectDer, base));
  return problems;
}
