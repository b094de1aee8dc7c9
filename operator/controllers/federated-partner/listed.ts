// What a partner has in the lists of the Edges: the SIP domains and names that it is believed for, and nobody else's.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import type { Holdings } from '../../trust/name-holders.ts';
import type { PartnerTrust } from '../federation-state.ts';
import type { AccessEdges } from './access-edges.ts';
import type { PartnerDecision } from './plan.ts';

type Entry = Pick<PartnerTrust, 'sipDomains' | 'accessEdge' | 'names'>;

/**
 * RFC 5922, 7.1: a certificate of the partner holds its edge's name, or a SIP domain of its. A SIP domain is of one partner; an
 * edge may be of all behind it that share the CA of who holds its name.
 */
export function entryOf(
  { partner, believed, accessEdges }: Pick<PartnerDecision, 'partner' | 'believed' | 'accessEdges'>,
  bundle: TrustBundle,
  { holderOf }: Holdings,
): PartnerTrust {
  const { name } = partner.metadata;
  const sharing = new Set(believed.flatMap(({ authority }) => authority.partners));
  const isItsDomain = (domain: string): boolean => {
    const holder = holderOf(domain);
    return holder !== undefined && holder !== 'Ours' && !holder.blocked && holder.name === name;
  };
  const isItsEdge = (fqdn: string): boolean => {
    const holder = holderOf(fqdn);
    return holder === undefined || (holder !== 'Ours' && !holder.blocked && sharing.has(holder.name));
  };
  const edges = accessEdges.filter(({ fqdn }) => isItsEdge(fqdn));
  const { names, ...entry } = listed(partner, partner.spec.sipDomains.filter(isItsDomain), edges);
  return { name, ...entry, names: names.filter(isItsEdge), bundle };
}

function listed({ spec }: FederatedPartner, sipDomains: readonly string[], edges: AccessEdges['accessEdges']): Entry {
  const found = spec.mode === 'AllowedDomain' ? sipDomains.map((domain) => `sip.${domain}`) : [];
  const [accessEdge] = edges;
  return {
    sipDomains,
    ...(accessEdge === undefined ? {} : { accessEdge }),
    names: [...new Set([...edges.map(({ fqdn }) => fqdn), ...found, ...sipDomains])],
  };
}

/** Octets at most that a partner takes in `peers.json`: with all its names, and room for the name of its file. */
export function octetsOfEntry(partner: FederatedPartner, { accessEdges }: AccessEdges): number {
  const { name } = partner.metadata;
  return Buffer.byteLength(JSON.stringify({ name, ...listed(partner, partner.spec.sipDomains, accessEdges) })) + name.length + 64;
}
