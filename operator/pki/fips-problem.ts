// Whether FIPS 140 approves a certificate: of a CA of ours, a gateway or a partner.
import { isFIPSApproved, isFIPSApprovedSignature } from './algorithm.ts';
import type { Certificate } from './certificate.ts';
import { isSelfSigned } from './chain.ts';

export const approvedKeys = 'ECDSA P-256, P-384 or P-521, or RSA of 2048 bits or more';

/** What is not approved, to follow the certificate's name in a sentence; undefined where all of it is. */
export function fipsProblem(certificate: Certificate): string | undefined {
  const { keyAlgorithm, signatureAlgorithm } = certificate;
  if (!isFIPSApproved(keyAlgorithm)) return `has a key of ${keyAlgorithm}, which FIPS 140 does not approve`;
  // Nobody relies on the signature that an anchor puts on itself.
  if (isSelfSigned(certificate) || isFIPSApprovedSignature(signatureAlgorithm)) return undefined;
  return `is signed with ${signatureAlgorithm}, which FIPS 140 does not approve`;
}
