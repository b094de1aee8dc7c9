// What the Edges of a domain list of a partner, as far as the topology and the partner's status tell: by whom its names are held.
import type { FederatedPartner, TrustDomain } from '../api/v1alpha1/index.ts';
import { type Listing, listingOf } from '../trust/listed-names.ts';
import { type Holder, holdingsOf } from '../trust/name-holders.ts';
import { type Blockers, blockerOf, blockersOf } from './blockers.ts';
import { spiffeTrustDomain } from './names.ts';
import type { Topology } from './topology.ts';

export function partnerListing(partner: FederatedPartner, domain: TrustDomain, topology: Topology): Listing {
  const partners = [...topology.partnersOf(domain.metadata.name)].sort((a, b) => (seniority(a) < seniority(b) ? -1 : 1));
  const blockers = blockersOf(partners);
  const ours = {
    domains: [...new Set([...domain.spec.sipDomains, spiffeTrustDomain(domain)])],
    names: topology.namesOutside(domain.metadata.name),
  };
  const holdings = holdingsOf(
    ours,
    partners.map((each) => holderOf(each, blockers)),
  );
  const { metadata, spec } = partner;
  const own = new Set(anchorsOf(partner));
  const sharing = partners.filter((each) => anchorsOf(each).some((anchor) => own.has(anchor)));
  return listingOf(
    { name: metadata.name, sipDomains: spec.sipDomains, edges: addressesOf(partner), isFound: spec.mode === 'AllowedDomain' },
    new Set([metadata.name, ...sharing.map((each) => each.metadata.name)]),
    holdings,
  );
}

/** The oldest first: of two that want the same, it has it. */
export function seniority({ metadata }: FederatedPartner): string {
  return `${metadata.creationTimestamp}/${metadata.uid}`;
}

function anchorsOf({ status }: FederatedPartner): readonly string[] {
  return (status?.anchors ?? []).map(({ fingerprint }) => fingerprint);
}

function holderOf(partner: FederatedPartner, blockers: Blockers): Holder {
  const { sipDomains, accessEdge, trust } = partner.spec;
  return {
    name: partner.metadata.name,
    sipDomains,
    ...(accessEdge === undefined ? {} : { accessEdge: accessEdge.fqdn }),
    permittedNames: trust.permittedNames ?? [],
    blocked: blockerOf(partner, blockers) !== undefined,
    anchors: anchorsOf(partner),
  };
}

/** As declared, or as found by SRV. */
function addressesOf({ spec, status }: FederatedPartner): Listing['edges'] {
  if (spec.accessEdge !== undefined) return [spec.accessEdge];
  return (status?.accessEdges ?? []).map((address) => {
    const [fqdn = '', port] = address.split(':');
    return { fqdn, port: Number(port ?? 5061) };
  });
}
