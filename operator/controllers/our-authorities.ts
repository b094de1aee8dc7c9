// Every CA of ours, as far as it is known: what partners and gateways bring must not be taken for any of them.
import type { TrustDomain } from '../api/v1alpha1/index.ts';
import type { OurAuthorities } from '../trust/partner-anchors.ts';
import type { Context } from './context.ts';

/**
 * Of every EnterpriseCA and every mediation pool: that another domain uses it makes it no partner's. After a start a CA may be
 * unknown, since it cannot be read or is gone: while the domain waits for one, nothing new can be told from it. It does not wait
 * for one that it only names, and that nothing in use is from.
 */
export function ourAuthorities(
  domain: TrustDomain | undefined,
  { authorities, trunks, trust }: Pick<Context, 'authorities' | 'trunks' | 'trust'>,
): OurAuthorities {
  const known = authorities.known();
  return {
    certificates: [...known.flatMap(({ anchors, issuing }) => [...anchors, ...issuing]), ...trunks.roots()],
    keyIds: known.flatMap(({ keyIds }) => keyIds),
    unknown: domain === undefined ? [] : (trust.of(domain.metadata.name, 'clients')?.unknown ?? []),
  };
}
