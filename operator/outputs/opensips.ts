// OpenSIPS: for each listener its TLS domains and the routes that let in, and call, by name. Source of every parameter and
// variable: the documentation of tls_mgm, signaling and sipmsgops of OpenSIPS 3.6. It has not run here.
import { openSSLConfiguration } from './openssl-configuration.ts';
import {
  believesAnybody,
  linesOf,
  partnerLabel,
  partnerPairs,
  partnerURI,
  shownWhenCalling,
  sipListeners,
  trunkLabel,
  trunkURI,
  withoutSIPListener,
} from './parties.ts';
import { type Format, heading, type RenderedListener, type Rendering, trustDirectory } from './rendering.ts';
import { cipherSuites } from './tls-policy.ts';

export const openSIPS: Format = (rendering) => {
  const listeners = sipListeners(rendering);
  if (listeners.length === 0) return { refused: withoutSIPListener('OpenSIPS') };
  return {
    files: Object.fromEntries([
      ...listeners.map((listener) => [
        `opensips-${listener.name}.cfg`,
        `${says(rendering.server, listener)}\n${domains(rendering, listener)}\n${routes(rendering, listener)}`,
      ]),
      openSSLConfiguration('OpenSIPS', rendering),
    ]),
  };
};

function says(server: Rendering['server'], { name, protocol, port }: RenderedListener): string {
  return heading(
    server,
    `For OpenSIPS 3.6 with tls_openssl. Listener ${name} (${protocol}, port ${port}). After the loadmodule lines of opensips.cfg, which have`,
    'tls_openssl, tls_mgm, proto_tls, signaling, sl, sipmsgops and tm:',
    `  include_file "${trustDirectory}/opensips-${name}.cfg"`,
    `with socket=tls:<address>:${port} as the only one for TLS. In route: ${protocol === 'MTLS' ? 'route(trustmesh_admit) before all else, and ' : ''}route(trustmesh_to) before`,
    't_relay. One OpenSIPS serves one listener: its domains go by local address, which nobody knows here, and by a name that the',
    'caller chooses, which must not choose whom to believe.',
    'opensips-cli -x mi reload_routes takes up a change of names; a new certificate takes a restart.',
    'What OpenSIPS does not check, and what follows:',
    '- It verifies no name of whom it calls, and a final reply cannot be dropped: inside, whoever holds a certificate of the',
    '  enterprise and the address of another server is believed to be it. A partner is called with its own anchors alone.',
    '- $tls_peer_san_hostname is the first DNS name of a certificate: a partner or gateway is refused whose first one is not known.',
    '- It checks no CRLs here: crl_dir takes regular files of one CRL each, and passes over what Kubernetes mounts, which are links.',
    '  Who left the topology and who was blocked is refused by name.',
    '- A trunk over TCP shows no certificate: your own script lets it in, by address, instead of trustmesh_admit.',
  );
}

const serverDomain = 'trustmesh';
const peersDomain = 'peers';
/** No call is for this domain, so that a client domain is taken by its own name only. */
const noDomain = 'trustmesh.invalid';
/** In the place of the directory that it would look into by itself: no file here is named by the hash of a CA. */
const noAnchors = trustDirectory;

function domains(rendering: Rendering, { protocol, face }: RenderedListener): string {
  const { minVersion, fips } = rendering;
  const shown = shownWhenCalling(rendering, face);
  const parameters = (domain: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .map(([name, value]) => `modparam("tls_mgm", "${name}", "[${domain}]${value}")\n`)
      .join('');
  const always = { tls_method: `TLSv${minVersion.replace('.', '_')}-`, ciphers_list: cipherSuites(fips).tls12.join(':') };
  const mutual = protocol === 'MTLS' ? '1' : '0';
  const server = parameters(serverDomain, {
    match_ip_address: '*',
    match_sip_domain: '*',
    certificate: face.certificate,
    private_key: face.privateKey,
    ...(protocol === 'MTLS' && believesAnybody(face) ? { ca_list: face.anchors } : {}),
    ca_dir: noAnchors,
    verify_cert: mutual,
    require_cert: mutual,
    ...always,
  });
  const clients = [
    ...(face.peers.length === 0 ? [] : [{ domain: peersDomain, anchors: face.peerAnchors }]),
    ...face.trunks
      .filter(({ transport }) => transport === 'TLS')
      .map((trunk) => ({ domain: trunkLabel(trunk), anchors: trunk.anchors })),
    ...face.partners.map((partner) => ({ domain: partnerLabel(partner), anchors: partner.anchors })),
  ].map(
    ({ domain, anchors }) => `
modparam("tls_mgm", "client_domain", "${domain}")
${parameters(domain, {
  match_ip_address: '*',
  match_sip_domain: noDomain,
  certificate: shown.certificate,
  private_key: shown.privateKey,
  ca_list: anchors,
  ca_dir: noAnchors,
  verify_cert: '1',
  require_cert: '1',
  ...always,
})}`,
  );
  return `tcp_accept_aliases=0
modparam("tls_mgm", "client_tls_domain_avp", "trustmesh_domain")
modparam("tls_mgm", "server_domain", "${serverDomain}")
${server}${clients.join('')}`;
}

function routes({ media }: Rendering, { face }: RenderedListener): string {
  const { peers, partners, trunks } = face;
  const lineOf = linesOf(partners);
  const callers = trunks.filter(({ transport }) => transport === 'TLS');
  const byURI = peers.flatMap(({ pool, spiffeIDs }) => spiffeIDs.map((id): Case => [id, set('peer', pool)]));
  const byName = [
    ...callers.map((trunk): Case => [trunk.fqdn, set('peer', trunkLabel(trunk))]),
    ...partners.flatMap((partner) => partner.names.map((name): Case => [name, set('peer', partnerLabel(partner))])),
  ];
  const byPair = partners.flatMap((partner) =>
    partnerPairs(partner).map((pair): Case => [pair, set('sender', partnerLabel(partner))]),
  );
  const byHost = [
    ...peers.flatMap(({ names }) => names.map((name): Case => [name, `$avp(trustmesh_domain) = "${peersDomain}";`])),
    ...trunks.map(
      (trunk): Case => [trunk.fqdn, towards(trunkURI(trunk), trunk.transport === 'TLS' ? trunkLabel(trunk) : 'none')],
    ),
    ...partners.flatMap((partner) =>
      [...new Set([...partner.names, ...partner.sipDomains])].map(
        (name): Case => [
          name,
          towards(partnerURI(partner), partnerLabel(name === partner.accessEdge?.fqdn ? lineOf(partner) : partner)),
        ],
      ),
    ),
  ];
  const levels = [
    ...peers.flatMap((peer): Case[] => (peer.media === undefined ? [] : [[peer.pool, set('media', peer.media)]])),
    ...trunks.map((trunk): Case => [trunkLabel(trunk), set('media', trunk.media)]),
    ...partners.map((partner): Case => [partnerLabel(partner), set('media', partner.media)]),
  ];
  return `# Sets $var(trustmesh_peer): the FQDN of a pool, trunk/<name>, partner/<name>, or "" for everybody else. Equality alone.
route[trustmesh_peer] {
  $var(trustmesh_peer) = "";
  if ($socket_in(proto) != "tls" || $tls_peer_verified != 1) return;
${select('$tls_peer_san_uri', byURI)}  if ($var(trustmesh_peer) != "") return;
${select('$tls_peer_san_hostname', byName)}}

# Ends with 403 for whoever is nobody of ours, and for a partner that sends for a domain of others (RFC 5922).
route[trustmesh_admit] {
  route(trustmesh_peer);
  if ($var(trustmesh_peer) == "") {
    xlog("L_WARN", "trustmesh: refused $rm from $si:$sp, not a peer\\n");
    if (!is_method("ACK")) sl_send_reply(403, "Not a Peer");
    exit;
  }
  if ($(var(trustmesh_peer){s.select,0,/}) == "partner") {
    $var(trustmesh_sender) = "";
    $var(trustmesh_pair) = $tls_peer_san_hostname + "/" + $fd;
${select('$var(trustmesh_pair)', byPair)}    if ($var(trustmesh_sender) == "") {
      xlog("L_WARN", "trustmesh: refused $rm of $var(trustmesh_peer), which sends for the domain $fd\\n");
      if (!is_method("ACK")) sl_send_reply(403, "Not a Domain of This Peer");
      exit;
    }
    $var(trustmesh_peer) = $var(trustmesh_sender);
  }
  $var(trustmesh_media) = "${media}";
${select('$var(trustmesh_peer)', levels)}  if ($var(trustmesh_media) == "Required" && has_body_part("application/sdp")) {
    if (stream_exists(".*", "RTP/AVP") || stream_exists(".*", "udptl") || !stream_exists(".*", "RTP/SAVP")) {
      if (!is_method("ACK")) sl_send_reply(488, "SRTP Required");
      exit;
    }
  }
}

# The TLS domain of the next hop, and TLS. Ends with 403 where there is none.
route[trustmesh_to] {
  $var(trustmesh_host) = $rd;
  if ($du != NULL) $var(trustmesh_host) = $(du{uri.host});
  $avp(trustmesh_domain) = NULL;
${select('$var(trustmesh_host)', byHost)}  if ($avp(trustmesh_domain) == NULL) {
    xlog("L_WARN", "trustmesh: refused to call $var(trustmesh_host), which is nobody of ours\\n");
    if (!is_method("ACK")) sl_send_reply(403, "Next Hop Not in the Topology");
    exit;
  }
  if ($avp(trustmesh_domain) == "none") return;
  if ($du == NULL) $du = "sip:" + $rd + ":" + $(ru{uri.port}) + ";transport=tls";
  if ($(du{uri.transport}) != "tls") $du = $du + ";transport=tls";
}
`;
}

type Case = readonly [value: string, action: string];

const set = (variable: 'peer' | 'sender' | 'media', value: string) => `$var(trustmesh_${variable}) = "${value}";`;
const towards = (uri: string | undefined, domain: string) =>
  `$avp(trustmesh_domain) = "${domain}";${uri === undefined ? '' : ` if ($du == NULL) $du = "${uri}";`}`;

/** Nothing where nothing could be selected: a switch has a case. */
function select(variable: string, cases: readonly Case[]): string {
  if (cases.length === 0) return '';
  const lines = [...new Map(cases)].map(([value, action]) => `    case "${value}": ${action} break;\n`);
  return `  switch (${variable}) {\n${lines.join('')}  }\n`;
}
