// Who blocks whom: a partner itself, or others that block every SIP domain of its. Blocked wins over all.
import type { FederatedPartner } from '../api/v1alpha1/index.ts';

/** SIP domain to the partner that blocks it. */
export type Blockers = ReadonlyMap<string, string>;

export function blockersOf(partners: readonly FederatedPartner[]): Blockers {
  return new Map(
    partners.flatMap(({ metadata, spec }) =>
      spec.mode === 'Blocked' ? spec.sipDomains.map((domain): [string, string] => [domain, metadata.name]) : [],
    ),
  );
}

/** The name of the first that does; undefined where nobody blocks it. */
export function blockerOf({ metadata, spec }: FederatedPartner, blockers: Blockers): string | undefined {
  if (spec.mode === 'Blocked') return metadata.name;
  const [first] = spec.sipDomains;
  return first !== undefined && spec.sipDomains.every((domain) => blockers.has(domain)) ? blockers.get(first) : undefined;
}
