// What of a partner the Edges list: the SIP domains and names that it is believed for, and nobody else's.
import type { Holdings } from './name-holders.ts';

export interface Listing {
  readonly sipDomains: readonly string[];
  /** Where it is called. */
  readonly edges: readonly { readonly fqdn: string; readonly port: number }[];
  /** RFC 5922, 7.1: a certificate of the partner holds one of these, its edge's name or a SIP domain of its. */
  readonly names: readonly string[];
}

export interface Claimed extends Pick<Listing, 'sipDomains' | 'edges'> {
  readonly name: string;
  /** Whether its edges are found by its domains: then each may be `sip.<domain>` as well. */
  readonly isFound: boolean;
}

/** All that the partner claims, whosever it is. */
export function claimedListing({ sipDomains, edges, isFound }: Claimed): Listing {
  const found = isFound ? sipDomains.map((domain) => `sip.${domain}`) : [];
  return { sipDomains, edges, names: [...new Set([...edges.map(({ fqdn }) => fqdn), ...found, ...sipDomains])] };
}

/** A SIP domain is of one partner; an edge may be of all behind it that share a CA with who holds its name: `sharing`, by name. */
export function listingOf(claimed: Claimed, sharing: ReadonlySet<string>, { holderOf }: Holdings): Listing {
  const isIts = (name: string, among: (holder: string) => boolean, isFree: boolean): boolean => {
    const holder = holderOf(name);
    return holder === undefined ? isFree : holder !== 'Ours' && !holder.blocked && among(holder.name);
  };
  const isItsDomain = (domain: string): boolean => isIts(domain, (holder) => holder === claimed.name, false);
  const isItsEdge = (fqdn: string): boolean => isIts(fqdn, (holder) => sharing.has(holder), true);
  const sipDomains = claimed.sipDomains.filter(isItsDomain);
  const edges = claimed.edges.filter(({ fqdn }) => isItsEdge(fqdn));
  const { names } = claimedListing({ ...claimed, sipDomains, edges });
  return { sipDomains, edges, names: names.filter(isItsEdge) };
}
