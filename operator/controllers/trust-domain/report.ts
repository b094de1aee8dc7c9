// The status of a TrustDomain: what holds of itself, and the counts of what belongs to it.
import type { TrustDomainStatus } from '../../api/v1alpha1/index.ts';
import { findingReasons, inShort } from '../../topology/findings.ts';
import { findingsOfDomain } from '../../topology/findings-of-domain.ts';
import { type Aspect, summarise } from '../conditions.ts';
import { findingAspects, findingsShown } from '../shown-findings.ts';
import type { DomainCount } from './counts.ts';
import type { DomainObservation } from './observe.ts';

export function report(observation: DomainObservation, now: number): TrustDomainStatus {
  const { domain, authorities, memberNamespaces, count } = observation;
  const { findings, ...counts } = count;
  const own = findingAspects(findingsOfDomain(domain, authorities, now));
  const conditions = [...summarise(domain, [topologyValid(observation), fipsCompliant(observation), ...own], now)];
  return {
    observedGeneration: domain.metadata.generation ?? 0,
    conditions,
    memberNamespaces,
    ...counts,
    ...findingCounts(findings, new Set(findingsShown(conditions))),
  };
}

/** Of whatever belongs to the domain, and of the domain itself. */
function findingCounts(
  counted: DomainCount['findings'],
  own: ReadonlySet<string>,
): Pick<TrustDomainStatus, 'findings' | 'findingsTotal'> {
  const findings = findingReasons
    .map((reason) => ({ reason, count: (counted.get(reason) ?? 0) + (own.has(reason) ? 1 : 0) }))
    .filter(({ count }) => count > 0);
  const findingsTotal = findings.reduce((sum, { count }) => sum + count, 0);
  return { findingsTotal, ...(findings.length === 0 ? {} : { findings }) };
}

function topologyValid({ domain, problem, authority }: DomainObservation): Aspect {
  const type = 'TopologyValid';
  if (problem !== undefined) return { type, status: 'False', reason: 'SIPDomainsOverlap', message: problem, while: 'Stalled' };
  if (!authority.available) {
    return { type, status: 'False', reason: authority.reason, message: authority.message, while: 'Reconciling' };
  }
  return { type, status: 'True', reason: 'Valid', message: `Certificates come from EnterpriseCA ${domain.spec.enterpriseCA}.` };
}

function fipsCompliant({ domain, compliance }: DomainObservation): Aspect {
  const type = 'FIPSCompliant';
  const { problems, unknown, openSSL } = compliance;
  if (domain.spec.security.fips === 'Disabled') {
    return { type, status: 'Unknown', reason: 'NotRequired', message: 'FIPS 140 is not required (spec.security.fips).' };
  }
  const provider = `The operator itself runs OpenSSL ${openSSL.version} ${openSSL.fipsProvider ? 'with' : 'without'} the FIPS provider.`;
  if (problems.length > 0) {
    const sentences = problems.map(({ message, servers }) =>
      servers.length === 0 ? message : `${message} TrustedServers outside FIPS on its account: ${inShort(servers)}.`,
    );
    return { type, status: 'False', reason: 'NotFIPSCompliant', message: [...sentences, provider].join(' '), while: 'Stalled' };
  }
  if (unknown.length > 0) {
    const message = `Whether FIPS 140 approves it is not known of EnterpriseCA ${inShort(unknown)}, which is not available. ${provider}`;
    return { type, status: 'Unknown', reason: 'ComplianceUnknown', message };
  }
  return { type, status: 'True', reason: 'Compliant', message: `Every key and signature is approved by FIPS 140. ${provider}` };
}
