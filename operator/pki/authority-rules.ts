// What is asked of a CA about what lies below it in a path (RFC 5280, 6.1.4): that it may sign it, and allows its names.
import { nameOf } from './chain.ts';
import { isSameName } from './directory-name.ts';
import { describeName } from './general-name.ts';
import { comparisonsFor, violationOf } from './name-constraints.ts';
import { extensionIds } from './object-identifiers.ts';
import { authoritiesBelow, isSelfIssued, type Rule, refusal } from './path-refusal.ts';

/** 6.1.4, k. */
const isAuthority: Rule = ({ certificate, role }) =>
  role === 'leaf' || certificate.isCA
    ? undefined
    : refusal(certificate, 'NotACA', 'is not a CA: its basic constraints do not say cA=TRUE');

/** 6.1.4, n. */
const maySignCertificates: Rule = ({ certificate, role }) => {
  const { keyUsage } = certificate;
  if (role === 'leaf' || keyUsage === undefined || keyUsage.includes('keyCertSign')) return undefined;
  return refusal(
    certificate,
    'WrongKeyUsage',
    `may not sign certificates: its key usage is ${keyUsage.join(', ') || 'empty'}, without keyCertSign`,
  );
};

/** 6.1.4, l and m. */
const allowsThePathBelow: Rule = (position) => {
  const { certificate, role } = position;
  const { pathLength } = certificate;
  const below = authoritiesBelow(position);
  if (role === 'leaf' || pathLength === undefined || below <= pathLength) return undefined;
  return refusal(certificate, 'PathTooLong', `allows ${pathLength} CAs below it (path length), and there are ${below}`);
};

/** Of names with constraints, as many as Go allows: no honest path comes near. */
const comparisonLimit = 250_000;

/** 6.1.3, b and c, and 6.1.4, g. Self-issued CAs are let off, so that a CA can change its key (4.2.1.10). */
const permitsNamesBelow: Rule = ({ certificate, content: { nameConstraints }, below }, { work }) => {
  if (nameConstraints === undefined) return undefined;
  for (const [index, position] of below.entries()) {
    if (index > 0 && isSelfIssued(position)) continue;
    const { subjectNames } = position.content;
    work.comparisons += comparisonsFor(nameConstraints, subjectNames);
    if (work.comparisons > comparisonLimit) {
      const what = `has name constraints that take more than ${comparisonLimit} comparisons with the names below it: it must have fewer`;
      return refusal(certificate, 'TooMuchWork', what);
    }
    for (const name of subjectNames) {
      const violation = violationOf(nameConstraints, name);
      if (violation !== undefined) {
        const has = `${describeName(name)} of ${nameOf(position.certificate)}`;
        return refusal(certificate, violation.reason, `does not allow ${has}: its name constraints ${violation.because}`);
      }
    }
  }
  return undefined;
};

/** In the order in which they are asked. */
export const authorityRules: readonly Rule[] = [isAuthority, maySignCertificates, allowsThePathBelow, permitsNamesBelow];

/**
 * What the authority key identifier says of the issuer is right (4.2.1.1). RFC 5280 takes it for a help in finding issuers
 * only; OpenSSL, and what is built on it, refuses a path in which it is not right.
 */
export const isTheIssuerNamed: Rule = ({ certificate, content, below }) => {
  const child = below.at(-1);
  const { keyId, issuer, serial } = child?.content.authorityKey ?? {};
  const named = issuer?.find((name) => name.kind === 'directory');
  const hasKeyId = certificate.extensions.has(extensionIds.subjectKeyIdentifier);
  const isRight =
    (keyId === undefined || !hasKeyId || keyId === certificate.subjectKeyId) &&
    (serial === undefined || serial === certificate.serial) &&
    (named === undefined || isSameName(named.name, content.issuer));
  if (isRight || child === undefined) return undefined;
  const what = `names another certificate than ${nameOf(certificate)} as its issuer's`;
  return refusal(
    child.certificate,
    'IssuerMismatch',
    `${what}: the key identifier, or issuer and serial, in its authority key identifier must be those of its issuer`,
  );
};
