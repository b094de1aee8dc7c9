// The entry of a partner in the lists of the Edges, and how large it may become.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import { type Claimed, claimedListing, type Listing, listingOf } from '../../trust/listed-names.ts';
import type { Holdings } from '../../trust/name-holders.ts';
import type { PartnerTrust } from '../federation-state.ts';
import type { AccessEdges } from './access-edges.ts';
import type { PartnerDecision } from './decision.ts';

export function entryOf(
  { partner, believed, accessEdges }: Pick<PartnerDecision, 'partner' | 'believed' | 'accessEdges'>,
  bundle: TrustBundle,
  holdings: Holdings,
): PartnerTrust {
  const sharing = new Set(believed.flatMap(({ authority }) => authority.partners));
  const listing = listingOf(claimedBy(partner, accessEdges), sharing, holdings);
  return { name: partner.metadata.name, ...entered(listing), ...partner.spec.media, bundle };
}

/** Octets at most that a partner takes in `peers.json`: with all its names, and room for the name of its file. */
export function octetsOfEntry(partner: FederatedPartner, { accessEdges }: AccessEdges): number {
  const { name } = partner.metadata;
  const entry = { name, ...entered(claimedListing(claimedBy(partner, accessEdges))), ...partner.spec.media };
  return Buffer.byteLength(JSON.stringify(entry)) + name.length + 64;
}

function claimedBy({ metadata, spec }: FederatedPartner, edges: Claimed['edges']): Claimed {
  return { name: metadata.name, sipDomains: spec.sipDomains, edges, isFound: spec.mode === 'AllowedDomain' };
}

function entered({ sipDomains, edges: [accessEdge], names }: Listing): Pick<PartnerTrust, 'sipDomains' | 'accessEdge' | 'names'> {
  return { sipDomains, ...(accessEdge === undefined ? {} : { accessEdge }), names };
}
