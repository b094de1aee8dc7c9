// The name constraints that hold a partner's CA to its scope: what the scope and the CA's own constraints both allow. They
// are closed: of DNS names, URIs, mail addresses and IP addresses nothing passes that was not permitted by name.
import type { Certificate } from './certificate.ts';
import { elementsOf, onlyElement, tags } from './der-reader.ts';
import { nameConstraints, subtreeBase } from './extensions.ts';
import { extensionIds } from './object-identifiers.ts';
import { nameConstraintsOf, type Subtree } from './subtree.ts';
import { commonSubtree, isSubtreeIn, type ScopeSubtree } from './subtree-nesting.ts';

export interface NameScope {
  /** Of a kind with an empty host every name; without any of a kind no name of that kind. */
  readonly permitted: readonly ScopeSubtree[];
  /** Wins over `permitted`. Addresses that are not permitted are excluded without being named. */
  readonly excluded: readonly ScopeSubtree[];
}

const hostKinds = ['dns', 'uri', 'mail'] as const;

/** Nobody's name, ever (RFC 6761, 6.4). An excluded "everything" would say the same, and Java does not read it. */
const nobody = 'invalid';

interface AddressFamily {
  readonly every: ScopeSubtree;
  /** The unspecified address, which is nobody's (RFC 1122, 3.2.1.3; RFC 4291, 2.5.2). */
  readonly nobody: ScopeSubtree;
}

const families: readonly AddressFamily[] = [4, 16].map((length) => {
  const address = Buffer.alloc(length);
  return {
    every: { kind: 'ip', address, mask: address },
    nobody: { kind: 'ip', address, mask: Buffer.alloc(length, 0xff) },
  };
});

interface OwnSubtree {
  readonly subtree: Subtree;
  /** GeneralName, DER. */
  readonly base: Buffer;
}

interface OwnConstraints {
  readonly permitted: readonly OwnSubtree[];
  readonly excluded: readonly OwnSubtree[];
}

function ownConstraintsOf({ extensions }: Certificate): OwnConstraints {
  const value = extensions.get(extensionIds.nameConstraints)?.value;
  if (value === undefined) return { permitted: [], excluded: [] };
  const read = nameConstraintsOf(value);
  const parts = elementsOf(onlyElement(value, tags.sequence).content);
  const withBases = (tag: number, subtrees: readonly Subtree[]): readonly OwnSubtree[] => {
    const written = elementsOf(parts.find((part) => part.tag === tag)?.content ?? Buffer.alloc(0));
    return subtrees.map((subtree, index) => ({
      subtree,
      base: elementsOf(written[index]?.content ?? Buffer.alloc(0))[0]?.der ?? Buffer.alloc(0),
    }));
  };
  return { permitted: withBases(0xa0, read.permitted), excluded: withBases(0xa1, read.excluded) };
}

const isOfScope = (subtree: Subtree): subtree is ScopeSubtree => subtree.kind !== 'directory' && subtree.kind !== 'other';

const inScope = (own: readonly OwnSubtree[]): readonly ScopeSubtree[] => own.map(({ subtree }) => subtree).filter(isOfScope);

/** Of the kinds that a scope does not speak of: these hold as they are. */
const beyondScope = (own: readonly OwnSubtree[]): readonly Buffer[] =>
  own.filter(({ subtree }) => !isOfScope(subtree)).map(({ base }) => base);

/** What both lists permit, kind by kind; a list that does not speak of a kind permits all of it. */
function permittedByBoth(scope: readonly ScopeSubtree[], own: readonly ScopeSubtree[]): readonly ScopeSubtree[] {
  return scope.flatMap((subtree) => {
    const alike = own.filter(({ kind }) => kind === subtree.kind);
    if (alike.length === 0) return [subtree];
    return alike.map((other) => commonSubtree(subtree, other)).filter((common) => common !== undefined);
  });
}

const distinct = (bases: readonly Buffer[]): readonly Buffer[] => [
  ...new Map(bases.map((base) => [base.toString('hex'), base])).values(),
];

/** What closes the kinds of which nothing is permitted. Java cannot compare an address with an excluded block of the other family. */
function closure(permitted: readonly ScopeSubtree[]): NameScope {
  const hosts = hostKinds
    .filter((kind) => !permitted.some((subtree) => subtree.kind === kind))
    .map((kind) => ({ kind, host: nobody }));
  const closed = families.filter(({ every }) => !permitted.some((subtree) => isSubtreeIn(subtree, every)));
  return closed.length === families.length
    ? { permitted: hosts, excluded: closed.map(({ every }) => every) }
    : { permitted: [...hosts, ...closed.map((family) => family.nobody)], excluded: [] };
}

/** Of a kind of which everything is permitted nothing is written. */
const isLimiting = (subtree: ScopeSubtree): boolean => subtree.kind === 'ip' || subtree.host !== '';

/**
 * The nameConstraints extension, DER, for a certificate that stands in for `partnerCA`. An exclusion that lies outside of what
 * is permitted is left out. Throws DerError where the CA's own constraints cannot be read.
 */
export function scopedConstraints(partnerCA: Certificate, scope: NameScope): Buffer {
  const own = ownConstraintsOf(partnerCA);
  const permitted = permittedByBoth(scope.permitted, inScope(own.permitted));
  const excluded = [...scope.excluded, ...inScope(own.excluded)].filter((subtree) =>
    permitted.some((allowed) => commonSubtree(allowed, subtree) !== undefined),
  );
  const closing = closure(permitted);
  const bases = (subtrees: readonly ScopeSubtree[], beyond: readonly OwnSubtree[]) =>
    distinct([...subtrees.map(subtreeBase), ...beyondScope(beyond)]);
  return nameConstraints(
    bases([...permitted.filter(isLimiting), ...closing.permitted], own.permitted),
    bases([...excluded, ...closing.excluded], own.excluded),
  );
}
