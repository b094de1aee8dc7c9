// Looks at what was issued before anybody relies on it, with other eyes than those that wrote it: node:crypto reads the
// certificate back, and each thing that was asked for is compared with what is there.
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { chainProblems, isIssuedBy, nameOf, validityProblems } from './chain.ts';
import { type LeafRequest, leafCommonName } from './leaf.ts';
import { nameConstraintProblems } from './name-constraints.ts';
import { extensionIds } from './object-identifiers.ts';
import { instant, type Problem, problem } from './problem.ts';
import { extendedKeyUsages, leafKeyUsages } from './profile.ts';
import { wholeSecond } from './validity.ts';

export type { Problem, ProblemReason } from './problem.ts';
export { checkProvided, type ProvidedAuthority } from './provided.ts';

export interface IssuedLeaf {
  readonly leaf: Certificate;
  /** The leaf's own key; the public half where nobody here has the other. */
  readonly key: KeyObject;
  /** The CA that issued the leaf, then each one's issuer, as in `tls.crt` after the leaf; or ending in the anchor itself. */
  readonly chain: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  /** What was asked for. */
  readonly expected: Omit<LeafRequest, 'publicKey'>;
  /** Epoch ms. */
  readonly now: number;
}

const list = (values: readonly string[] | undefined): string => (values ?? []).join(', ') || 'none';

/** The general names as node:crypto prints them. */
const printed = ({ dnsNames, uri }: IssuedLeaf['expected']): string =>
  [...dnsNames.map((name) => `DNS:${name}`), ...(uri === undefined ? [] : [`URI:${uri}`])].join(', ');

function nameProblems(read: X509Certificate, { expected }: IssuedLeaf): readonly Problem[] {
  const problems: Problem[] = [];
  const commonName = leafCommonName(expected);
  const subject = commonName === undefined ? undefined : `CN=${commonName}`;
  // OpenSSL gives an empty subject as an empty string or not at all, by version.
  if ((read.subject || undefined) !== subject) {
    problems.push(problem('NameMismatch', `the subject is "${read.subject ?? ''}" where "${subject ?? ''}" was asked for`));
  }
  if (read.subjectAltName !== printed(expected)) {
    problems.push(
      problem('NameMismatch', `the names are ${read.subjectAltName ?? 'none'} where ${printed(expected)} were asked for`),
    );
  }
  return problems;
}

const allowed: ReadonlySet<string> = new Set([
  extensionIds.basicConstraints,
  extensionIds.keyUsage,
  extensionIds.extendedKeyUsage,
  extensionIds.subjectKeyIdentifier,
  extensionIds.authorityKeyIdentifier,
  extensionIds.subjectAltName,
  extensionIds.crlDistributionPoints,
  extensionIds.authorityInfoAccess,
]);

function profileProblems(read: X509Certificate, { leaf, expected }: IssuedLeaf): readonly Problem[] {
  const problems: Problem[] = [];
  const { extensions } = leaf;
  const mismatch = (message: string) => problems.push(problem('ProfileMismatch', message));
  const keyUsage = list(leafKeyUsages(expected.profile, leaf.publicKey.asymmetricKeyType === 'rsa'));
  const extendedKeyUsage = list(extendedKeyUsages[expected.profile]);
  if (read.ca || leaf.isCA) mismatch('it is a CA where a leaf was asked for');
  if (list(leaf.keyUsage) !== keyUsage) mismatch(`the key usage is ${list(leaf.keyUsage)} where the profile has ${keyUsage}`);
  if (list(leaf.extendedKeyUsage) !== extendedKeyUsage) {
    mismatch(`the extended key usage is ${list(leaf.extendedKeyUsage)} where the profile has ${extendedKeyUsage}`);
  }
  const critical: string[] = [extensionIds.basicConstraints, extensionIds.keyUsage];
  if (leafCommonName(expected) === undefined) critical.push(extensionIds.subjectAltName);
  for (const id of critical) {
    if (!extensions.get(id)?.critical) mismatch(`the extension ${id} is missing or not critical`);
  }
  for (const [id, extension] of extensions) {
    if (!allowed.has(id)) mismatch(`it has the extension ${id}, which no profile has`);
    else if (extension.critical && !critical.includes(id)) mismatch(`the extension ${id} is critical`);
  }
  for (const id of [extensionIds.subjectKeyIdentifier, extensionIds.authorityKeyIdentifier]) {
    if (!extensions.has(id)) mismatch(`the extension ${id} is missing`);
  }
  return problems;
}

function issuerProblems(read: X509Certificate, { leaf, chain }: IssuedLeaf): readonly Problem[] {
  const [issuer] = chain;
  if (issuer === undefined) return [problem('ChainIncomplete', `there is no CA in the chain: "${leaf.issuer}" issued the leaf`)];
  const problems: Problem[] = [];
  if (!leaf.issuerDer.equals(issuer.subjectDer) || leaf.authorityKeyId !== issuer.subjectKeyId) {
    problems.push(
      problem(
        'IssuerMismatch',
        `it names "${leaf.issuer}", key ${leaf.authorityKeyId ?? 'none'}, as its issuer where ${nameOf(issuer)}, key ${issuer.subjectKeyId}, issued it`,
      ),
    );
  } else if (!read.verify(issuer.publicKey)) {
    problems.push(problem('SignatureInvalid', `its signature is not that of ${nameOf(issuer)}`));
  } else if (!read.checkIssued(issuer.x509)) {
    problems.push(problem('IssuerMismatch', `${nameOf(issuer)} may not have issued it, by its own extensions`));
  }
  if (leaf.notAfter > issuer.notAfter) {
    problems.push(
      problem(
        'ValidityMismatch',
        `it ends at ${instant(leaf.notAfter)}, after its issuer, which ends at ${instant(issuer.notAfter)}`,
      ),
    );
  }
  return problems;
}

/** By every CA of the path, its anchor included: OpenSSL and Go hold anchors to their own constraints. */
function constraintProblems({ leaf, chain, anchors }: IssuedLeaf): readonly Problem[] {
  const last = chain.at(-1);
  const above = last === undefined ? [] : anchors.filter((anchor) => isIssuedBy(last, anchor));
  return [...chain, ...above].flatMap((authority) => nameConstraintProblems(authority, leaf));
}

/** Everything that differs between a leaf and what was asked for, or keeps it from being trusted now; nothing: fit for use. */
export function checkIssued(issued: IssuedLeaf): readonly Problem[] {
  const { leaf, key, expected, now } = issued;
  const read = leaf.x509;
  const problems: Problem[] = [];
  const serial = Buffer.from(expected.serial)
    .toString('hex')
    .replace(/^(00)+/, '');
  if (read.serialNumber.toLowerCase() !== serial) {
    problems.push(
      problem('SerialMismatch', `the serial number is ${read.serialNumber.toLowerCase()} where ${serial} was asked for`),
    );
  }
  const seen = [read.validFromDate.getTime(), read.validToDate.getTime()] as const;
  const asked = [wholeSecond(expected.notBefore), wholeSecond(expected.notAfter)] as const;
  if (seen[0] !== asked[0] || seen[1] !== asked[1]) {
    const [is, was] = [seen, asked].map(([from, to]) => `${instant(from)} to ${instant(to)}`);
    problems.push(problem('ValidityMismatch', `it is valid ${is} where ${was} was asked for`));
  }
  if (key.type === 'public' ? !read.publicKey.equals(key) : !read.checkPrivateKey(key)) {
    const asked = key.type === 'public' ? 'is not the one that was asked for' : 'does not belong to the private key';
    problems.push(problem('KeyMismatch', `its public key ${asked}`));
  }
  return [
    ...problems,
    ...nameProblems(read, issued),
    ...profileProblems(read, issued),
    ...issuerProblems(read, issued),
    ...constraintProblems(issued),
    ...validityProblems(leaf, now),
    ...chainProblems(issued),
  ];
}
