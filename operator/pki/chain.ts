// Whether CAs lead to an anchor: from the CA that issues leaves, upwards, in the order in which a server presents them.
// It validates the one path it is given and looks for no other (RFC 5280, 6.1, for chains of our own).
import { isWeakKey, isWeakSignature } from './algorithm.ts';
import type { Certificate } from './certificate.ts';
import { extensionIds } from './object-identifiers.ts';
import { instant, type Problem, problem } from './problem.ts';

/** A CA as messages call it. */
export function nameOf({ subject, serial }: Certificate): string {
  return subject === '' ? `the certificate ${serial}` : `"${abridged(subject)}"`;
}

/** Names from certificates have no end. */
export const abridged = (name: string): string => (name.length > 256 ? `${name.slice(0, 256)}...` : name);

/**
 * Signatures that verified once, child to issuers. Chains and anchors are few and long-lived, leaves are many and each is
 * seen once: without this, every leaf would pay for the signatures above it again.
 */
const verified = new WeakMap<Certificate, WeakSet<Certificate>>();

/** Whether its signature is by that key; names are not looked at. */
export function isSignedBy(child: Certificate, issuer: Certificate): boolean {
  if (verified.get(child)?.has(issuer)) return true;
  if (!child.x509.verify(issuer.publicKey)) return false;
  const issuers = verified.get(child) ?? new WeakSet();
  verified.set(child, issuers.add(issuer));
  return true;
}

/**
 * Whether `issuer` issued `child`: its name by octets (re-encoded names pass in OpenSSL and fail in Go), its key
 * identifier, its signature.
 */
export function isIssuedBy(child: Certificate, issuer: Certificate): boolean {
  return (
    child.issuerDer.equals(issuer.subjectDer) &&
    (child.authorityKeyId === undefined || child.authorityKeyId === issuer.subjectKeyId) &&
    isSignedBy(child, issuer)
  );
}

/** Whether it is a root: issued by itself. */
export function isSelfSigned(certificate: Certificate): boolean {
  return certificate.issuerDer.equals(certificate.subjectDer) && isIssuedBy(certificate, certificate);
}

/** What a server presents after its leaf: every CA but roots, which the peer must have anyway (RFC 8446, 4.4.2). */
export function withoutRoots(chain: readonly Certificate[]): readonly Certificate[] {
  return chain.filter((certificate) => !isSelfSigned(certificate));
}

export function validityProblems(certificate: Certificate, now: number): readonly Problem[] {
  if (now < certificate.notBefore) {
    return [problem('NotYetValid', `${nameOf(certificate)} is not valid before ${instant(certificate.notBefore)}`)];
  }
  if (now > certificate.notAfter) {
    return [problem('Expired', `${nameOf(certificate)} expired at ${instant(certificate.notAfter)}`)];
  }
  return [];
}

/** Critical extensions that every verifier of interest processes. */
const processed: ReadonlySet<string> = new Set([
  extensionIds.basicConstraints,
  extensionIds.keyUsage,
  extensionIds.extendedKeyUsage,
  extensionIds.nameConstraints,
  extensionIds.subjectAltName,
  extensionIds.certificatePolicies,
  extensionIds.policyConstraints,
  extensionIds.policyMappings,
  extensionIds.inhibitAnyPolicy,
]);

const leafUsages = ['serverAuth', 'clientAuth'];

/** What keeps a certificate from being a CA with `below` more CAs between it and the leaf. */
export function authorityProblems(certificate: Certificate, below: number): readonly Problem[] {
  const name = nameOf(certificate);
  const problems: Problem[] = [];
  const { keyUsage, extendedKeyUsage, pathLength, keyAlgorithm } = certificate;
  if (!certificate.isCA) {
    problems.push(problem('NotACA', `${name} is not a CA: its basic constraints do not say cA=TRUE`));
  }
  if (keyUsage !== undefined && !keyUsage.includes('keyCertSign')) {
    problems.push(
      problem('WrongKeyUsage', `${name} may not sign certificates: its key usage is ${keyUsage.join(', ')}, without keyCertSign`),
    );
  }
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes('anyExtendedKeyUsage')) {
    const missing = leafUsages.filter((usage) => !extendedKeyUsage.includes(usage));
    if (missing.length > 0) {
      problems.push(
        problem(
          'WrongKeyUsage',
          `${name} limits what is below it to ${extendedKeyUsage.join(', ')}: ${missing.join(' and ')} must be among them, or the extended key usage absent`,
        ),
      );
    }
  }
  if (pathLength !== undefined && pathLength < below) {
    problems.push(problem('PathTooLong', `${name} allows ${pathLength} CAs below it (path length), and there are ${below}`));
  }
  if (isWeakKey(keyAlgorithm)) {
    problems.push(
      problem('WeakKey', `${name} has a key of ${keyAlgorithm}: peers want RSA of 2048 bits or more, ECDSA, or Ed25519`),
    );
  }
  if (isWeakSignature(certificate.signatureAlgorithm) && !isSelfSigned(certificate)) {
    problems.push(
      problem('WeakSignature', `${name} is signed with ${certificate.signatureAlgorithm}: peers want SHA-256 or better`),
    );
  }
  for (const [id, extension] of certificate.extensions) {
    if (extension.critical && !processed.has(id)) {
      problems.push(
        problem('UnknownCriticalExtension', `${name} has the critical extension ${id}, which peers do not know and so refuse`),
      );
    }
  }
  return problems;
}

/**
 * What keeps `chain` from leading to one of `anchors` at `now`. `chain` begins with the CA that issues leaves, and each is
 * issued by the next; the last may be an anchor itself. Nothing wrong: an empty list.
 */
export function chainProblems({
  chain,
  anchors,
  now,
}: {
  readonly chain: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly now: number;
}): readonly Problem[] {
  const problems: Problem[] = [];
  chain.forEach((certificate, index) => {
    const next = chain[index + 1];
    problems.push(...authorityProblems(certificate, countedCAs(chain.slice(0, index))), ...validityProblems(certificate, now));
    if (next !== undefined && !isIssuedBy(certificate, next)) {
      const issuer = chain.find((candidate) => candidate !== certificate && isIssuedBy(certificate, candidate));
      problems.push(
        issuer === undefined
          ? problem(
              'ChainIncomplete',
              `${nameOf(certificate)} is not issued by ${nameOf(next)}, which follows it: its issuer is "${certificate.issuer}"`,
            )
          : problem(
              'ChainOrder',
              `${nameOf(certificate)} must be followed by its issuer ${nameOf(issuer)}, not by ${nameOf(next)}`,
            ),
      );
    }
  });
  const last = chain.at(-1);
  if (last === undefined || anchors.some((anchor) => anchor.der.equals(last.der))) return problems;
  const candidates = anchors.filter((anchor) => isIssuedBy(last, anchor));
  if (candidates.length === 0) {
    problems.push(problem('Untrusted', `${nameOf(last)} does not lead to an anchor: ${untrustedBecause(last, anchors)}`));
    return problems;
  }
  const verdicts = candidates.map((anchor) => [
    ...authorityProblems(anchor, countedCAs(chain)),
    ...validityProblems(anchor, now),
  ]);
  if (!verdicts.some((verdict) => verdict.length === 0)) problems.push(...verdicts.flat());
  return problems;
}

/** How many of these count towards a path length: not those issued by themselves in name (RFC 5280, 4.2.1.9). */
function countedCAs(chain: readonly Certificate[]): number {
  return chain.filter((certificate) => !certificate.issuerDer.equals(certificate.subjectDer)).length;
}

function untrustedBecause(last: Certificate, anchors: readonly Certificate[]): string {
  const named = anchors.filter((anchor) => last.issuerDer.equals(anchor.subjectDer));
  if (named.length > 0) return `an anchor has its issuer's name "${last.issuer}", but with another key`;
  return `its issuer is "${last.issuer}", the anchors are ${anchors.map(nameOf).join(', ') || 'none'}`;
}
