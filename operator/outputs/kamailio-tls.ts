// TLS of a Kamailio: the profiles of tls.cfg, one to be called by and one for each party to call.
import { believesAnybody, partnerLabel, shownWhenCalling, trunkLabel } from './parties.ts';
import type { RenderedListener, Rendering } from './rendering.ts';
import { cipherSuites } from './tls-policy.ts';

/** The client profile for servers of the domain. */
export const peersProfile = 'peers';

/** The profiles for a listener. */
export function tlsProfiles(rendering: Rendering, { protocol, face }: RenderedListener): string {
  const { minVersion, fips } = rendering;
  const { certificate, privateKey } = shownWhenCalling(rendering, face);
  const suites = `cipher_list = ${cipherSuites(fips).tls12.join(':')}\nmethod = TLSv${minVersion}+\n`;
  const mutual = protocol === 'MTLS';
  // Nobody is believed where there is nothing to believe: an empty file of anchors would not load.
  const believed = believesAnybody(face) ? `ca_list = ${face.anchors}\n` : '';
  const server = `[server:default]
${suites}certificate = ${face.certificate}
private_key = ${face.privateKey}
${mutual ? `${verified}${believed}` : 'verify_certificate = no\nrequire_certificate = no\n'}`;
  const clients = [
    ...(face.peers.length === 0 ? [] : [{ id: peersProfile, anchors: face.peerAnchors }]),
    ...face.trunks
      .filter(({ transport }) => transport === 'TLS')
      .map((trunk) => ({ id: trunkLabel(trunk), anchors: trunk.anchors })),
    ...face.partners.map((partner) => ({ id: partnerLabel(partner), anchors: partner.anchors })),
  ].map(
    // Kamailio wants a server_name here, and would take the profile for a host of that name: no host is called so.
    ({ id, anchors }) => `
[client:any]
server_id = "${id}"
server_name = "${id}"
${suites}certificate = ${certificate}
private_key = ${privateKey}
ca_list = ${anchors}
${verified}`,
  );
  return `${server}
# For a call that names no profile: no anchors, so that nobody is believed.
[client:default]
${suites}${verified}${clients.join('')}`;
}

const verified = 'verify_certificate = yes\nrequire_certificate = yes\nverify_depth = 9\n';
