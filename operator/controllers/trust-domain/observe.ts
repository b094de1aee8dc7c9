// Gathers what the status of a TrustDomain says: its CA, its members, and the counts of its servers.
import type { TrustDomain } from '../../api/v1alpha1/index.ts';
import type { AuthorityState } from '../../authorities/authority.ts';
import { complianceProblem } from '../../authorities/compliance.ts';
import type { NamedAuthority } from '../../topology/findings-of-domain.ts';
import type { Context } from '../context.ts';
import type { DomainCount, DomainCounts } from './counts.ts';

export interface DomainObservation {
  readonly domain: TrustDomain;
  readonly problem?: string;
  readonly authority: AuthorityState;
  /** Why the domain is not FIPS compliant, where it must be. */
  readonly complianceProblems: readonly string[];
  /** Every EnterpriseCA that it names, its own first. */
  readonly authorities: readonly NamedAuthority[];
  readonly memberNamespaces: number;
  readonly count: DomainCount;
}

export function observe(
  name: string,
  { topology, stores, authorities }: Context,
  counts: DomainCounts,
): DomainObservation | undefined {
  const domain = stores.trustDomains.get(name);
  if (domain === undefined) return undefined;
  const problem = topology.domainProblem(name);
  const names = [domain.spec.enterpriseCA, ...(domain.spec.additionalEnterpriseCAs ?? [])];
  const states = names.map((enterpriseCA) => authorities.get(enterpriseCA));
  return {
    domain,
    ...(problem === undefined ? {} : { problem }),
    authority: authorities.get(domain.spec.enterpriseCA),
    complianceProblems:
      domain.spec.security.fips === 'Required'
        ? states.flatMap((state) => (state.available ? (complianceProblem(state.authority) ?? []) : []))
        : [],
    authorities: names.map((enterpriseCA) => ({
      name: enterpriseCA,
      exists: stores.enterpriseCAs.get(enterpriseCA) !== undefined,
      anchors: authorities.anchorsOf(enterpriseCA) ?? [],
    })),
    memberNamespaces: topology.memberNamespaces(name).size,
    count: counts.of(name),
  };
}
