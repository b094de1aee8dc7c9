// Whether what an authority issues, and the authority itself, keeps to FIPS 140.
import { isFIPSApproved, keyAlgorithmFor } from '../pki/algorithm.ts';
import { approvedKeys, fipsProblem } from '../pki/fips-problem.ts';
import type { Authority } from './authority.ts';

/**
 * What stands in the way, as sentences; undefined where all keys and signatures are approved. What a CA with an approved key
 * signs with is approved: ECDSA or RSA with SHA-2 (algorithm.ts).
 */
export function complianceProblem({ enterpriseCA, chain, anchors, leaf }: Authority): string | undefined {
  const remedy = `Use ${approvedKeys}.`;
  const leafKey = keyAlgorithmFor(leaf.privateKey);
  if (!isFIPSApproved(leafKey)) {
    return `EnterpriseCA ${enterpriseCA} issues ${leafKey} keys (spec.leaf.privateKey), which FIPS 140 does not approve. ${remedy}`;
  }
  for (const authority of [...chain, ...anchors]) {
    const problem = fipsProblem(authority);
    if (problem !== undefined) return `"${authority.subject}" of EnterpriseCA ${enterpriseCA} ${problem}. ${remedy}`;
  }
  return undefined;
}
