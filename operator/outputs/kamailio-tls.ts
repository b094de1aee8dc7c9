// TLS of a Kamailio: the profiles of tls.cfg, one to be called by and one for each anchors file to call with, and what only
// a configuration of OpenSSL can say.
import { partnerLabel, trunkLabel } from './kamailio-names.ts';
import type { Face, RenderedListener, Rendering } from './rendering.ts';
import { cipherSuites, groups } from './tls-policy.ts';

/** The client profile for servers of the domain. */
export const peersProfile = 'peers';

/** The profiles for a listener. `outbound` has the certificate that is shown to whom is called. */
export function tlsProfiles({ minVersion, fips }: Rendering, { protocol, face }: RenderedListener, outbound: Face): string {
  const suites = `cipher_list = ${cipherSuites(fips).tls12.join(':')}\nmethod = TLSv${minVersion}+\n`;
  const mutual = protocol === 'MTLS';
  // Nobody is believed where there is nothing to believe: an empty file of anchors would not load.
  const believed = believesAnybody(face) ? `ca_list = ${face.anchors}\n` : '';
  const server = `[server:default]
${suites}certificate = ${face.certificate}
private_key = ${face.privateKey}
${mutual ? `${verified}${believed}` : 'verify_certificate = no\nrequire_certificate = no\n'}`;
  const clients = [
    ...(face.peers.length === 0 ? [] : [{ id: peersProfile, anchors: face.anchors }]),
    ...face.trunks
      .filter(({ transport }) => transport === 'TLS')
      .map((trunk) => ({ id: trunkLabel(trunk), anchors: face.anchors })),
    ...face.partners.map((partner) => ({ id: partnerLabel(partner), anchors: partner.anchors })),
  ].map(
    // Kamailio wants a server_name here, and would take the profile for a host of that name: no host is called so.
    ({ id, anchors }) => `
[client:any]
server_id = "${id}"
server_name = "${id}"
${suites}certificate = ${outbound.certificate}
private_key = ${outbound.privateKey}
ca_list = ${anchors}
${verified}`,
  );
  return `${server}
# For a call that names no profile: no anchors, so that nobody is believed.
[client:default]
${suites}${verified}${clients.join('')}`;
}

const verified = 'verify_certificate = yes\nrequire_certificate = yes\nverify_depth = 9\n';

/** Inside, the enterprise is always believed; at an Edge's external face, partners alone. */
function believesAnybody({ use, partners }: Face): boolean {
  return (use !== 'AccessEdgeExternal' && use !== 'AccessEdgeOutbound') || partners.length > 0;
}

/** For every TLS context of the process: no tickets, and the suites and groups that tls.cfg of Kamailio 5.6 has no setting for. */
export function openSSLConfiguration({ minVersion, fips }: Rendering): string {
  const { tls12, tls13 } = cipherSuites(fips);
  return `openssl_conf = trustmesh
[trustmesh]
ssl_conf = trustmesh_ssl
[trustmesh_ssl]
system_default = trustmesh_tls
[trustmesh_tls]
MinProtocol = TLSv${minVersion}
CipherString = ${tls12.join(':')}
Ciphersuites = ${tls13.join(':')}
Groups = ${groups(fips).join(':')}
Options = -SessionTicket
`;
}
