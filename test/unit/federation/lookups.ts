// Look-ups for the tests of this folder.
import type { DNSServer } from '../../../operator/federation/dns-exchange.ts';
import { type SRVLookup, SRVResolver } from '../../../operator/federation/resolver.ts';

export const service = '_sipfederationtls._tcp.fabrikam.com';
export const second = 1_000;
const { signal } = new AbortController();

/** A resolver whose clock a test sets. */
export function resolverFor(servers: readonly DNSServer[], serverLimitMs = 5 * second) {
  const clock = { now: Date.UTC(2026, 5, 15) };
  const resolver = new SRVResolver({ servers, now: () => clock.now, serverLimitMs });
  return { clock, find: (domain = 'fabrikam.com') => resolver.lookup(domain, signal), resolver };
}

/** What was found, or why nothing was. */
export const told = (found: SRVLookup): string =>
  'targets' in found ? found.targets.map(({ fqdn, port }) => `${fqdn}:${port}`).join(' ') : `${found.reason}: ${found.message}`;
