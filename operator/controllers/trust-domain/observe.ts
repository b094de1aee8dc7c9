// Gathers what the status of a TrustDomain says: its CA, its members, and the counts of its servers.
import type { TrustDomain } from '../../api/v1alpha1/index.ts';
import type { AuthorityState } from '../../authorities/authority.ts';
import { complianceProblem } from '../../authorities/compliance.ts';
import { type OwnOpenSSL, ownOpenSSL } from '../../authorities/own-openssl.ts';
import { serversOf } from '../../topology/findings-of-compliance.ts';
import type { NamedAuthority } from '../../topology/findings-of-domain.ts';
import type { Context } from '../context.ts';
import type { DomainCount, DomainCounts } from './counts.ts';

export interface DomainObservation {
  readonly domain: TrustDomain;
  readonly problem?: string;
  readonly authority: AuthorityState;
  readonly compliance: Compliance;
  /** Every EnterpriseCA that it names, its own first. */
  readonly authorities: readonly NamedAuthority[];
  readonly memberNamespaces: number;
  readonly count: DomainCount;
}

/** What is known of a domain that must keep to FIPS 140; of another, nothing is looked at. */
export interface Compliance {
  /** Of each EnterpriseCA that stands in the way: what is wrong with it, and the servers (`namespace/name`) that it is to issue for. */
  readonly problems: readonly { readonly message: string; readonly servers: readonly string[] }[];
  /** EnterpriseCAs of which nobody knows, since they are not available. */
  readonly unknown: readonly string[];
  readonly openSSL: OwnOpenSSL;
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
  const states = names.map((enterpriseCA) => ({ enterpriseCA, state: authorities.get(enterpriseCA) }));
  return {
    domain,
    ...(problem === undefined ? {} : { problem }),
    authority: authorities.get(domain.spec.enterpriseCA),
    compliance: complianceOf(domain, states, stores),
    authorities: names.map((enterpriseCA) => ({
      name: enterpriseCA,
      exists: stores.enterpriseCAs.get(enterpriseCA) !== undefined,
      anchors: authorities.anchorsOf(enterpriseCA) ?? [],
    })),
    memberNamespaces: topology.memberNamespaces(name).size,
    count: counts.of(name),
  };
}

function complianceOf(
  domain: TrustDomain,
  states: readonly { readonly enterpriseCA: string; readonly state: AuthorityState }[],
  { trustedServers }: Context['stores'],
): Compliance {
  const openSSL = ownOpenSSL();
  if (domain.spec.security.fips !== 'Required') return { problems: [], unknown: [], openSSL };
  return {
    problems: states.flatMap(({ enterpriseCA, state }) => {
      const message = state.available ? complianceProblem(state.authority) : undefined;
      return message === undefined ? [] : [{ message, servers: serversOf(enterpriseCA, domain, trustedServers.list()) }];
    }),
    unknown: states.filter(({ state }) => !state.available).map(({ enterpriseCA }) => enterpriseCA),
    openSSL,
  };
}
