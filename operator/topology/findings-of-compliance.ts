// What is found about a server whose certificates come from a CA that FIPS 140 does not approve, in a domain that requires it;
// and which servers stand in the domain's way on account of such a CA.
import type { TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import { concernedByKey, type Finding } from './findings.ts';
import { type CertificateNeed, certificateNeeds } from './names.ts';

/** A certificate that a server needs, and what is not approved about the CA that it is to come from. */
export interface JudgedNeed {
  readonly need: Pick<CertificateNeed, 'use' | 'enterpriseCA'>;
  readonly complianceProblem?: string;
}

/** One finding for each CA. `key`: of the server, `namespace/name`. */
export function findingsOfCompliance(key: string, needs: readonly JudgedNeed[]): readonly Finding[] {
  const problems = new Map(
    needs.flatMap(({ need, complianceProblem: problem }) => (problem === undefined ? [] : [[need.enterpriseCA, problem]])),
  );
  return [...problems].map(([enterpriseCA, problem]): Finding => {
    const uses = [...new Set(needs.filter(({ need }) => need.enterpriseCA === enterpriseCA).map(({ need }) => need.use))];
    return {
      reason: 'NotFIPSCompliant',
      message: `${problem} The certificates for ${uses.join(', ')} come from there.`,
      concerns: [concernedByKey('TrustedServer', key), { kind: 'EnterpriseCA', name: enterpriseCA }],
    };
  });
}

/** Keys of the servers with a certificate use that this CA is to issue for, in order. */
export function serversOf(enterpriseCA: string, domain: TrustDomain, servers: Iterable<TrustedServer>): readonly string[] {
  const keys: string[] = [];
  for (const server of servers) {
    if (server.spec.trustDomain !== domain.metadata.name) continue;
    const isUsed = certificateNeeds(server, domain).some((need) => need.enterpriseCA === enterpriseCA);
    if (isUsed) keys.push(`${server.metadata.namespace}/${server.metadata.name}`);
  }
  return keys.sort();
}
