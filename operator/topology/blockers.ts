// Who blocks whom: a partner itself, or others that block every SIP domain of its.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { ObservedPartner } from './observe.ts';

/** SIP domain to the partner that blocks it. */
export type Blockers = ReadonlyMap<string, string>;

export function blockersOf(partners: readonly ObservedPartner[]): Blockers {
  return new Map(
    partners.flatMap(({ partner: { metadata, spec } }) =>
      spec.mode === 'Blocked' ? spec.sipDomains.map((domain): [string, string] => [domain, metadata.name]) : [],
    ),
  );
}

export function isBlocked({ spec }: FederatedPartner, blockers: Blockers): boolean {
  return spec.mode === 'Blocked' || (spec.sipDomains.length > 0 && spec.sipDomains.every((domain) => blockers.has(domain)));
}

export function firstBlocker({ spec }: FederatedPartner, blockers: Blockers): string | undefined {
  const [first = ''] = spec.sipDomains;
  return blockers.get(first);
}
