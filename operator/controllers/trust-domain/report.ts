// The status of a TrustDomain.
import type { TrustDomainStatus } from '../../api/v1alpha1/index.ts';
import { type Aspect, summarise } from '../conditions.ts';
import type { DomainObservation } from './observe.ts';

export function report(observation: DomainObservation, now: number): TrustDomainStatus {
  const { domain, memberNamespaces, count } = observation;
  return {
    observedGeneration: domain.metadata.generation ?? 0,
    conditions: [...summarise(domain, [topologyValid(observation), fipsCompliant(observation)], now)],
    memberNamespaces,
    ...count,
  };
}

function topologyValid({ domain, problem, authority }: DomainObservation): Aspect {
  const type = 'TopologyValid';
  if (problem !== undefined) return { type, status: 'False', reason: 'SIPDomainsOverlap', message: problem, while: 'Stalled' };
  if (!authority.available) {
    return { type, status: 'False', reason: authority.reason, message: authority.message, while: 'Reconciling' };
  }
  return { type, status: 'True', reason: 'Valid', message: `Certificates come from EnterpriseCA ${domain.spec.enterpriseCA}.` };
}

function fipsCompliant({ domain, complianceProblems }: DomainObservation): Aspect {
  const type = 'FIPSCompliant';
  const [problem] = complianceProblems;
  if (domain.spec.security.fips === 'Disabled') {
    return { type, status: 'Unknown', reason: 'NotRequired', message: 'FIPS 140 is not required (spec.security.fips).' };
  }
  if (problem !== undefined) return { type, status: 'False', reason: 'NotFIPSCompliant', message: problem, while: 'Stalled' };
  return { type, status: 'True', reason: 'Compliant', message: 'Every key and signature is approved by FIPS 140.' };
}
