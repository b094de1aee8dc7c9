// Whether what an authority issues, and the authority itself, keeps to FIPS 140.
import { isFIPSApproved, isFIPSApprovedSignature, keyAlgorithmFor } from '../pki/algorithm.ts';
import { isSelfSigned } from '../pki/chain.ts';
import type { Authority } from './authority.ts';

/** What stands in the way, as a sentence; undefined where all keys and signatures are approved. */
export function complianceProblem({ enterpriseCA, chain, anchors, leaf }: Authority): string | undefined {
  const remedy = 'Use ECDSA P-256, P-384 or P-521, or RSA of 2048 bits or more.';
  const leafKey = keyAlgorithmFor(leaf.privateKey);
  if (!isFIPSApproved(leafKey)) {
    return `EnterpriseCA ${enterpriseCA} issues ${leafKey} keys (spec.leaf.privateKey), which FIPS 140 does not approve. ${remedy}`;
  }
  for (const authority of [...chain, ...anchors]) {
    if (!isFIPSApproved(authority.keyAlgorithm)) {
      return `"${authority.subject}" of EnterpriseCA ${enterpriseCA} has a ${authority.keyAlgorithm} key, which FIPS 140 does not approve. ${remedy}`;
    }
    // Nobody relies on the signature that an anchor puts on itself.
    if (!isSelfSigned(authority) && !isFIPSApprovedSignature(authority.signatureAlgorithm)) {
      return `"${authority.subject}" of EnterpriseCA ${enterpriseCA} is signed with ${authority.signatureAlgorithm}, which FIPS 140 does not approve. ${remedy}`;
    }
  }
  return undefined;
}
