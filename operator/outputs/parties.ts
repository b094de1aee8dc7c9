// What everybody a SIP server meets is called in the files of those that tell one from another: a pool by its FQDN, a trunk
// `trunk/<name>`, a partner `partner/<name>`. No FQDN has a slash.
import { isInDomain } from '../trust/partner-names.ts';
import type { Face, MetPartner, RenderedListener, RenderedPartner, RenderedTrunk, Rendering } from './rendering.ts';

export const trunkLabel = ({ name }: Pick<RenderedTrunk, 'name'>) => `trunk/${name}`;
export const partnerLabel = ({ name }: Pick<RenderedPartner, 'name'>) => `partner/${name}`;

/** Those that carry SIP: a proxy for SIP has no use for the others. */
export function sipListeners({ listeners }: Rendering): readonly RenderedListener[] {
  return listeners.filter(({ protocol }) => protocol !== 'HTTPS');
}

/** Why a SIP server is not rendered that has no listener. */
export const withoutSIPListener = (software: string) =>
  `${software} is rendered listener by listener, and spec.listeners has none for SIP over TLS whose certificate the server has: ` +
  'declare one with the protocol MTLS or TLS, and on an Edge its face.';

/** What a server shows to whom it calls from behind a face: an Edge may have another certificate for that. */
export function shownWhenCalling({ faces }: Rendering, face: Face): Face {
  if (face.use !== 'AccessEdgeExternal') return face;
  return faces.find(({ use }) => use === 'AccessEdgeOutbound') ?? face;
}

/** Inside, the enterprise is always believed; at an Edge's external face partners alone: without them its file of anchors is empty. */
export function believesAnybody({ use, partners }: Face): boolean {
  return (use !== 'AccessEdgeExternal' && use !== 'AccessEdgeOutbound') || partners.length > 0;
}

/** A call to the party over TLS, where it is known where it listens. */
export const partnerURI = ({ accessEdge }: RenderedPartner) =>
  accessEdge && `sip:${accessEdge.fqdn}:${accessEdge.port};transport=tls`;
export const trunkURI = ({ fqdn, port, transport }: RenderedTrunk) => `sip:${fqdn}:${port};transport=${transport.toLowerCase()}`;

/**
 * As whom each partner is called. Several behind one edge, as at a provider, are one party to software that tells connections by
 * address: that whose domain the edge lies in, or else the first. What they may send for is told by partnerPairs.
 */
export function linesOf<P extends MetPartner>(partners: readonly P[]): (partner: P) => P {
  const edgeOf = ({ accessEdge }: P) => accessEdge && `${accessEdge.fqdn}:${accessEdge.port}`;
  const isAtHome = ({ accessEdge, sipDomains }: P) => sipDomains.some((domain) => isInDomain(accessEdge?.fqdn ?? '', domain));
  const lines = new Map<string | undefined, P>();
  for (const partner of [...partners.filter(isAtHome), ...partners]) {
    const edge = edgeOf(partner);
    if (edge !== undefined && !lines.has(edge)) lines.set(edge, partner);
  }
  return (partner) => lines.get(edgeOf(partner)) ?? partner;
}

/** `<name>/<SIP domain>`: whose certificate has the name may send for the domain. Several partners may have one name. */
export function partnerPairs({ names, sipDomains }: Pick<RenderedPartner, 'names' | 'sipDomains'>): readonly string[] {
  return names.flatMap((name) => sipDomains.map((domain) => `${name.toLowerCase()}/${domain}`));
}
