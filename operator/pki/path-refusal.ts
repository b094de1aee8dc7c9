// Why a path is refused, as a value, and what a rule of path validation is.
import type { Certificate } from './certificate.ts';
import type { Content } from './certificate-content.ts';
import { nameOf } from './chain.ts';
import { isSameName } from './directory-name.ts';

/** Machine-readable: documented, and stable. */
export type RefusalReason =
  // What is known of the path
  | 'UntrustedIssuer' // it leads to no anchor
  | 'SignatureInvalid'
  | 'IssuerMismatch' // the authority key identifier names another certificate
  | 'ChainTooDeep'
  | 'TooMuchWork' // nobody honest makes a path this costly to judge
  // What a CA may sign, and for how long
  | 'NotYetValid'
  | 'Expired'
  | 'NotACA'
  | 'WrongKeyUsage'
  | 'WrongExtendedKeyUsage'
  | 'PathTooLong'
  | 'NameExcluded'
  | 'NameNotPermitted'
  | 'UnsupportedNameConstraint'
  | 'PolicyNotSatisfied'
  | 'UnknownCriticalExtension'
  | 'Revoked'
  | 'RevocationUnknown'
  // What is not safe to rely on
  | 'WeakKey'
  | 'UnsupportedKey'
  | 'WeakSignature'
  | 'UnsupportedSignature'
  // What is not as a certificate must be
  | 'Malformed'
  | 'InvalidVersion'
  | 'InvalidSerial'
  | 'InvalidIssuer'
  | 'InvalidSubject'
  | 'InvalidSignatureAlgorithm'
  | 'InvalidKeyIdentifier'
  | 'InvalidBasicConstraints'
  | 'InvalidKeyUsage'
  | 'InvalidExtendedKeyUsage'
  | 'InvalidNameConstraints'
  | 'InvalidSubjectAltName'
  | 'InvalidPolicies'
  | 'InvalidAuthorityInfoAccess'
  | 'InvalidCommonName'
  // Whose certificate it is
  | 'NameMismatch';

export interface Refusal {
  readonly reason: RefusalReason;
  /** A sentence for a person: which certificate, what was seen, what belongs there. */
  readonly message: string;
}

/** `what` is the sentence that begins with the certificate's name. */
export const refusal = (certificate: Certificate, reason: RefusalReason, what: string): Refusal => ({
  reason,
  message: `${nameOf(certificate)} ${what}`,
});

/** A certificate where a path has it. */
export interface Position {
  readonly certificate: Certificate;
  readonly content: Content;
  readonly role: 'leaf' | 'intermediate' | 'anchor';
  /** From the leaf up to what this certificate issued, each with its content; empty for the leaf. */
  readonly below: readonly Position[];
}

export interface Terms {
  /** Epoch ms, a whole second. */
  readonly now: number;
  readonly purpose: 'server' | 'client';
  /** What the rules have spent so far on this request, counted where a hostile peer could make it endless. */
  readonly work: { comparisons: number };
}

/** One thing that is asked of every certificate of a path, or of those in one role. Undefined: it is as it should be. */
export type Rule = (position: Position, terms: Terms) => Refusal | undefined;

/** Issued by itself, in name (RFC 5280, 3.2): a CA that changes its key or its terms. */
export const isSelfIssued = ({ content }: Position): boolean => isSameName(content.issuer, content.subject);

/** How many CAs lie between this certificate and the leaf, as path lengths count them: not the self-issued (4.2.1.9). */
export const authoritiesBelow = ({ below }: Position): number =>
  below.slice(1).filter((position) => !isSelfIssued(position)).length;

/** What the first rule that refuses has to say. */
export function firstRefusal(rules: readonly Rule[], position: Position, terms: Terms): Refusal | undefined {
  for (const rule of rules) {
    const refused = rule(position, terms);
    if (refused !== undefined) return refused;
  }
  return undefined;
}
