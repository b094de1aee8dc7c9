// Kamailio: for each listener its TLS profiles and a script to include, for each face the table of the names believed
// there, and OpenSSL's configuration. One Kamailio serves one listener: its profiles go by local address, which nobody knows
// here, and by a name that the caller chooses, which must not choose whom to believe.

import { discoveredScript } from './kamailio-discovered.ts';
import { mediaScript } from './kamailio-media.ts';
import { namesTable } from './kamailio-names.ts';
import { trustScript } from './kamailio-script.ts';
import { tlsProfiles } from './kamailio-tls.ts';
import { openSSLConfiguration } from './openssl-configuration.ts';
import { sipListeners, withoutSIPListener } from './parties.ts';
import { type Face, type Format, heading, type RenderedListener, type Rendering, trustDirectory } from './rendering.ts';

const version = 'For Kamailio 5.6.';
const media = 'kamailio-media.cfg';

export const kamailio: Format = (rendering) => {
  const { server, discovered, closedDomains } = rendering;
  const listeners = sipListeners(rendering);
  if (listeners.length + discovered.length === 0) return { refused: withoutSIPListener('Kamailio') };
  const faces = new Set(listeners.map(({ face }) => face));
  return {
    files: Object.fromEntries([
      ...listeners.flatMap((listener): [string, string][] => [
        [profiles(listener), `${profilesSay(server, listener)}${tlsProfiles(rendering, listener)}`],
        [script(listener), `${scriptSays(server, listener)}${trustScript(rendering, pathsOf(listener))}`],
      ]),
      ...[...faces].map((face): [string, string] => [table(face), namesTable(rendering, face)]),
      ...discovered.flatMap((listener): [string, string][] => [
        [profiles(listener), `${profilesSay(server, listener)}${tlsProfiles(rendering, listener)}`],
        [script(listener), `${discoveredSays(server, listener)}${discoveredScript(rendering, listener, pathsOf(listener))}`],
        [table(listener.face), namesTable(rendering, listener.face, closedDomains)],
      ]),
      [media, `${mediaSays(server)}${mediaScript(rendering.media)}`],
      openSSLConfiguration('Kamailio', rendering),
    ]),
  };
};

const profiles = ({ name }: RenderedListener) => `kamailio-${name}-tls.cfg`;
const script = ({ name }: RenderedListener) => `kamailio-${name}.cfg`;
// db_text knows no comments.
const table = ({ name }: Face) => `kamailio-${name}-names`;
const pathsOf = (listener: RenderedListener) => ({
  profiles: `${trustDirectory}/${profiles(listener)}`,
  directory: trustDirectory,
  table: table(listener.face),
});

function profilesSay(server: Rendering['server'], { name, protocol, port }: RenderedListener): string {
  return heading(
    server,
    `${version} TLS profiles of the listener ${name} (${protocol}, port ${port}), which kamailio-${name}.cfg names.`,
    'Kamailio verifies chains and reads no names here: the script does. kamcmd tls.reload takes up a change for new connections.',
    'It checks no CRLs: a server that left the topology, and a partner that was blocked, are refused by name. None is named, since',
    'tls.reload frees memory twice, and ends Kamailio 5.6 at times, where it has read some.',
  );
}

function scriptSays(server: Rendering['server'], { name, protocol, port, face }: RenderedListener): string {
  return heading(
    server,
    `${version} Listener ${name} (${protocol}, port ${port}). In kamailio.cfg, and before every route of yours:`,
    '  enable_tls=yes',
    `  listen=tls:<address>:${port}`,
    `  alias=<name of the member>:${port}`,
    '  loadmodule "tls.so"',
    '  loadmodule "tm.so", and sl, pv, xlog, textops, sdpops, db_text, htable',
    `  include_file "${trustDirectory}/kamailio-${name}.cfg"`,
    `In request_route: ${protocol === 'MTLS' ? 'route(TRUSTMESH_ADMIT) before all else, and ' : ''}route(TRUSTMESH_TO) before t_relay.`,
    `In place of record_route(): record_route_advertised_address("<name of the member>:${port}"), since others call by name.`,
    `Start it as OPENSSL_CONF=${trustDirectory}/kamailio-openssl.cnf kamailio --atexit=no.`,
    `kamcmd htable.reload trustmesh reads ${table(face)} anew, without a restart: who was removed there is refused from then on.`,
    'What Kamailio 5.6 does not check, and what follows:',
    '- It verifies no name of whom it calls. The profile holds the anchors of that party alone, and the script drops replies that',
    '  bear another name; the request itself has been sent by then.',
    '- It finds an open connection by address and port, whoever opened it: an address is not called as one party that was called as',
    '  another within the hour.',
    '- $tls_peer_san_hostname is the first DNS name of a certificate. A partner or gateway is refused whose first one is not known,',
    '  whatever comes after it. Servers of the domain go by their one URI.',
    '- Of a partner the domain in From is checked, not those in other headers.',
    '- It has no setting for tickets: its processes hold keys of their own, and each request is checked against the list as it is.',
    '  The configuration of OpenSSL turns them off.',
    '- A trunk over TCP shows no certificate: your own script lets it in, by address, instead of TRUSTMESH_ADMIT.',
    'Your own hash tables cannot come from another database in this Kamailio: modparam db_url of htable is taken.',
  );
}

function discoveredSays(server: Rendering['server'], { name, port, face }: RenderedListener): string {
  return heading(
    server,
    `${version} Listener ${name} (MTLS, port ${port}), for domains that are on no list. In kamailio.cfg, and before every route of yours:`,
    '  enable_tls=yes',
    `  listen=tls:<address>:${port}`,
    `  alias=<name of the member>:${port}`,
    '  loadmodule "tls.so"',
    '  loadmodule "tm.so", and sl, pv, xlog, textops, sdpops, db_text, htable, ipops',
    `  include_file "${trustDirectory}/kamailio-${name}.cfg"`,
    'In request_route: what comes over TLS is from outside: route(TRUSTMESH_ADMIT), and on to the Kamailio inside, by the loopback. What that',
    'sends is for outside: route(TRUSTMESH_TO), then t_relay. Nothing gets both.',
    `In place of record_route(): record_route_advertised_address("<name of the member>:${port}"), since others call by name.`,
    `Start it as OPENSSL_CONF=${trustDirectory}/kamailio-openssl.cnf kamailio --atexit=no.`,
    ...(face.partners.length === 0
      ? ['No FederatedPartner has the mode Discovered: nobody is believed, and nobody gets in.']
      : []),
    `kamcmd htable.reload trustmesh reads ${table(face)} anew: a domain that was listed or blocked is refused here from then on.`,
    'What it holds callers to, and what it does not:',
    '- Their first DNS name is the domain that they send for, or lies in it and is a target of its _sipfederationtls._tcp in DNS. Of',
    '  other headers than From nothing is checked. The name server of this machine is believed in no name outside the domain.',
    '- Requests are counted by address and by domain. Connections are not: handshakes are for a firewall to limit.',
    '- It verifies no name of whom it calls. The script drops replies that bear another; the request itself has been sent by then.',
    '- It finds an open connection by address and port: domains that share one edge are not called there within one hour.',
  );
}

const mediaSays = (server: Rendering['server']) =>
  heading(
    server,
    `${version} Media by rtpengine 10.5: load its module, name its socket, and include this after kamailio-<listener>.cfg.`,
    'route(TRUSTMESH_OFFER) after route(TRUSTMESH_TO), and route(TRUSTMESH_ANSWER) in onreply_route where there is a description.',
  );
