// Finds a path from a leaf up to an anchor (RFC 4158): depth first, the most promising issuer first, each judged as soon as it
// is tried, so that whatever stands above a bad CA is never looked at. Peers choose the intermediates: what they can make
// this cost is bounded.
import type { Certificate } from './certificate.ts';
import { ContentError, contentOf } from './certificate-content.ts';
import { arePoliciesSatisfied, type PolicyInput } from './certificate-policies.ts';
import { abridged, isSignedBy, nameOf } from './chain.ts';
import { directoryName } from './directory-name.ts';
import { extensionIds } from './object-identifiers.ts';
import {
  authoritiesBelow,
  firstRefusal,
  isSelfIssued,
  type Position,
  type Refusal,
  type RefusalReason,
  type Rule,
  refusal,
  type Terms,
} from './path-refusal.ts';
import { type RevocationList, revocationOf } from './revocation-list.ts';

export interface Search {
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  /** For every CA. */
  readonly rules: readonly Rule[];
  readonly terms: Terms;
  /** How many CAs may lie between leaf and anchor, the self-issued aside. */
  readonly maximumDepth: number;
  readonly revocationLists?: readonly RevocationList[] | undefined;
  readonly policies?: PolicyInput | undefined;
}

/** Signatures verified, as many as Go allows: an honest peer needs one for each certificate. */
const signatureLimit = 100;
/** Issuers tried: CAs that sign each other make endless paths of few signatures. */
const stepLimit = 2_000;

interface Candidate {
  readonly certificate: Certificate;
  readonly role: 'intermediate' | 'anchor';
}

interface Progress {
  readonly candidates: ReadonlyMap<string, readonly Candidate[]>;
  /** By the fingerprints of child and issuer. */
  readonly signatures: Map<string, boolean>;
  steps: number;
  /** The refusal of the path that got furthest, and how far that was. */
  best: Refusal;
  furthest: number;
}

const isExhausted = ({ steps, signatures }: Progress): boolean => steps > stepLimit || signatures.size > signatureLimit;

const nameKey = (der: Buffer): string => JSON.stringify(directoryName(der));

/** By subject; anchors first, and each certificate once. */
function candidatesBySubject({ anchors, intermediates }: Search): Progress['candidates'] {
  const distinct = new Map<string, Candidate>();
  for (const certificate of intermediates) distinct.set(certificate.fingerprint, { certificate, role: 'intermediate' });
  for (const certificate of anchors) distinct.set(certificate.fingerprint, { certificate, role: 'anchor' });
  const candidates = [...distinct.values()].sort((one, other) => Number(other.role === 'anchor') - Number(one.role === 'anchor'));
  return Map.groupBy(candidates, ({ certificate }) => nameKey(certificate.subjectDer));
}

/** The same CA, whoever issued this certificate of it: twice in a path, it is a loop. */
const isSameAuthority = (one: Certificate, other: Certificate): boolean =>
  one.subjectDer.equals(other.subjectDer) && one.publicKey.equals(other.publicKey);

/** Who may have issued `child` by name: first those with the key that it names, then those that are valid. */
function issuersOf(child: Position, { terms: { now } }: Search, { candidates }: Progress): readonly Candidate[] {
  const { certificate } = child;
  const path = [...child.below, child];
  const promise = ({ certificate: { subjectKeyId, notBefore, notAfter } }: Candidate): number =>
    (subjectKeyId === certificate.authorityKeyId ? 2 : 0) + (notBefore <= now && now <= notAfter ? 1 : 0);
  return (candidates.get(nameKey(certificate.issuerDer)) ?? [])
    .filter((candidate) => !path.some((position) => isSameAuthority(position.certificate, candidate.certificate)))
    .sort((one, other) => promise(other) - promise(one));
}

function isSigned(child: Certificate, issuer: Certificate, { signatures }: Progress): boolean {
  const pair = `${child.fingerprint} ${issuer.fingerprint}`;
  const known = signatures.get(pair) ?? isSignedBy(child, issuer);
  signatures.set(pair, known);
  return known;
}

const reasons: Readonly<Record<string, RefusalReason>> = {
  subjectAltName: 'InvalidSubjectAltName',
  nameConstraints: 'InvalidNameConstraints',
  authorityKeyIdentifier: 'InvalidKeyIdentifier',
  authorityInfoAccess: 'InvalidAuthorityInfoAccess',
  certificatePolicies: 'InvalidPolicies',
  policyMappings: 'InvalidPolicies',
  policyConstraints: 'InvalidPolicies',
  inhibitAnyPolicy: 'InvalidPolicies',
};

/** A certificate in its place, or why it has none: it cannot be read. */
export function positionOf(certificate: Certificate, role: Position['role'], below: readonly Position[]): Position | Refusal {
  const content = contentOf(certificate);
  if (!(content instanceof ContentError)) return { certificate, content, role, below };
  const [extension] = Object.entries(extensionIds).find(([, id]) => id === content.extension) ?? [];
  return extension === undefined
    ? refusal(certificate, 'Malformed', `cannot be read: ${content.message}`)
    : refusal(
        certificate,
        reasons[extension] ?? 'Malformed',
        `has the extension ${extension}, which cannot be read: ${content.message}`,
      );
}

function isTooDeep(position: Position, maximumDepth: number): Refusal | undefined {
  const depth = authoritiesBelow(position) + (isSelfIssued(position) ? 0 : 1);
  if (position.role === 'anchor' || depth <= maximumDepth) return undefined;
  const what = `is the CA of rank ${depth} above the leaf: at most ${maximumDepth} may lie between leaf and anchor`;
  return refusal(position.certificate, 'ChainTooDeep', what);
}

/** Policies are a matter of the whole path. */
function isWithoutPolicy(anchor: Position, policies: PolicyInput | undefined): Refusal | undefined {
  const steps = anchor.below
    .toReversed()
    .map((position) => ({ ...position.content.policies, isSelfIssued: isSelfIssued(position) }));
  const [leaf] = anchor.below;
  if (leaf === undefined || arePoliciesSatisfied(steps, policies)) return undefined;
  const what = `was issued under no certificate policy that holds all the way from ${nameOf(anchor.certificate)}, and one is required`;
  return refusal(leaf.certificate, 'PolicyNotSatisfied', what);
}

/** The issuer of `child` in its place, or why it is none. */
function judged({ certificate, role }: Candidate, child: Position, search: Search): Position | Refusal {
  const issuer = positionOf(certificate, role, [...child.below, child]);
  if ('reason' in issuer) return issuer;
  const { rules, terms, maximumDepth, revocationLists, policies } = search;
  return (
    isTooDeep(issuer, maximumDepth) ??
    firstRefusal(rules, issuer, terms) ??
    (revocationLists && revocationOf(child, issuer, revocationLists, terms.now)) ??
    (role === 'anchor' ? isWithoutPolicy(issuer, policies) : undefined) ??
    issuer
  );
}

function noIssuer({ certificate }: Position): Refusal {
  const { issuer, issuerDer, subjectDer } = certificate;
  const what = issuerDer.equals(subjectDer)
    ? 'is issued by itself and is not among the anchors'
    : `was issued by "${abridged(issuer)}", which is neither among the anchors nor among the certificates at hand: its certificate is missing, or it is not trusted`;
  return refusal(certificate, 'UntrustedIssuer', what);
}

const notSigned = ({ certificate }: Position, issuer: Certificate): Refusal =>
  refusal(
    certificate,
    'SignatureInvalid',
    `is not signed by ${nameOf(issuer)}, though that is the name of its issuer: the key is another one`,
  );

function note(progress: Progress, distance: number, refused: Refusal): void {
  if (distance <= progress.furthest) return;
  progress.furthest = distance;
  progress.best = refused;
}

/** A path that ends at an anchor but for one fault is more promising than any that leads nowhere. */
const atAnchor = 1_000_000;

/** A path that continues the one up to `child`; undefined: there is none, or the search is exhausted. */
function extend(child: Position, search: Search, progress: Progress): readonly Position[] | undefined {
  const distance = child.below.length;
  const issuers = issuersOf(child, search, progress);
  if (issuers.length === 0) note(progress, distance, noIssuer(child));
  for (const candidate of issuers) {
    progress.steps += 1;
    if (isExhausted(progress)) return undefined;
    if (!isSigned(child.certificate, candidate.certificate, progress)) {
      note(progress, distance, notSigned(child, candidate.certificate));
      continue;
    }
    const issuer = judged(candidate, child, search);
    if ('reason' in issuer) {
      note(progress, distance + (candidate.role === 'anchor' ? atAnchor : 0.5), issuer);
      continue;
    }
    if (candidate.role === 'anchor') return [...issuer.below, issuer];
    const path = extend(issuer, search, progress);
    if (path !== undefined || isExhausted(progress)) return path;
  }
  return undefined;
}

/** The path, leaf first and anchor last, or why there is none. A leaf that is an anchor itself is its own path. */
export function findPath(leaf: Position, search: Search): readonly Position[] | Refusal {
  const { certificate } = leaf;
  if (search.anchors.some((anchor) => anchor.der.equals(certificate.der))) return [leaf];
  const candidates = candidatesBySubject(search);
  const progress: Progress = { candidates, signatures: new Map(), steps: 0, best: noIssuer(leaf), furthest: -1 };
  const path = extend(leaf, search, progress);
  if (path !== undefined) return path;
  if (!isExhausted(progress)) return progress.best;
  return refusal(
    certificate,
    'TooMuchWork',
    'came with CAs that can be chained in more ways than are tried: it must come with its own issuers only',
  );
}
