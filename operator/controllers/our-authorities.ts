// Every CA of ours, as far as it is known: what partners and gateways bring must not be taken for any of them.
import type { TrustDomain } from '../api/v1alpha1/index.ts';
import type { OurAuthorities } from '../trust/partner-anchors.ts';
import type { Context } from './context.ts';

/**
 * Of every EnterpriseCA and every mediation pool: that another domain uses it makes it no partner's. After a start a CA may be
 * unknown, since it cannot be read or is gone: while the domain itself names such a one, nothing new can be told from it.
 */
export function ourAuthorities(
  domain: TrustDomain | undefined,
  { authorities, trunks }: Pick<Context, 'authorities' | 'trunks'>,
): OurAuthorities {
  const known = authorities.known();
  const named = domain === undefined ? [] : [domain.spec.enterpriseCA, ...(domain.spec.additionalEnterpriseCAs ?? [])];
  return {
    certificates: [...known.flatMap(({ anchors, issuing }) => [...anchors, ...issuing]), ...trunks.roots()],
    keyIds: known.flatMap(({ keyIds }) => keyIds),
    unknown: [...new Set(named)].filter((name) => authorities.anchorsOf(name) === undefined),
  };
}
