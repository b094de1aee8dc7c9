// What everybody a SIP server meets is called in the files of those that tell one from another: a pool by its FQDN, a trunk
// `trunk/<name>`, a partner `partner/<name>`. No FQDN has a slash.
import type { Face, RenderedListener, RenderedPartner, RenderedTrunk, Rendering } from './rendering.ts';

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
