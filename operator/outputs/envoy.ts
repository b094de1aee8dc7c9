// Envoy: secrets by file-based SDS, which Envoy re-reads by itself, and the transport sockets of listeners, and of clusters that
// call partners and gateways. Both are held to names: SPIFFE IDs of peers, DNS names of partners and gateways.
import { anchorsOf, callersOf, revocationSays } from './callers.ts';
import {
  type Face,
  type Files,
  type Format,
  heading,
  type RenderedListener,
  type Rendering,
  trustDirectory,
} from './rendering.ts';
import { cipherSuites, signatureSchemes } from './tls-policy.ts';

const version = 'For Envoy 1.40.';

/** An empty list of matchers would let everybody in whom the CA knows. No certificate of ours has this URI: it is no SPIFFE ID. */
const nobody = 'trustmesh:nobody';

export const envoy: Format = (rendering) => ({
  files: Object.fromEntries([
    ...rendering.faces.flatMap((face) => [
      [fileOf(certificateSecret(face)), certificate(rendering, face)],
      [fileOf(peersSecret(face)), peers(rendering, face)],
    ]),
    ...rendering.listeners.map((listener) => [`envoy-listener-${listener.name}.yaml`, downstream(rendering, listener)]),
    ...calleesOf(rendering).flatMap((callee) => Object.entries(calling(rendering, callee))),
  ]),
});

// Envoy takes one secret a file.
const certificateSecret = ({ name }: Face) => `${name}-certificate`;
const peersSecret = ({ name }: Face) => `${name}-peers`;
const fileOf = (secret: string) => `envoy-${secret}.yaml`;

const tls = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';

function certificate({ server }: Rendering, face: Face): string {
  return `${heading(server, `${version} SDS: the certificate of the use ${face.use}, read anew when its Secret changes.`)}resources:
  - "@type": ${tls}.Secret
    name: ${certificateSecret(face)}
    tls_certificate:
      certificate_chain: {filename: ${face.certificate}}
      private_key: {filename: ${face.privateKey}}
      watched_directory: {path: ${face.directory}}
`;
}

function peers({ server }: Rendering, face: Face): string {
  const { uris, dnsNames } = callersOf(face);
  const says = heading(
    server,
    `${version} SDS: who may call behind the use ${face.use}, by DNS and URI names alone and each by equality.`,
    'It is for listeners: a cluster that calls one peer matches the names of that peer.',
    revocationSays(face, 'It refuses by the CRLs beside the anchors, and takes up new ones by itself.'),
  );
  const matchers = [...uris.map(uriMatcher), ...dnsNames.map(dnsMatcher)];
  return `${says}${validation(peersSecret(face), anchorsOf(face), face.revocationLists, matchers)}`;
}

function validation(name: string, anchors: string, lists: string | undefined, matchers: readonly string[]): string {
  const lines = (matchers.length === 0 ? [uriMatcher(nobody)] : matchers).map((matcher) => `        - ${matcher}\n`);
  return `resources:
  - "@type": ${tls}.Secret
    name: ${name}
    validation_context:
      trusted_ca: {filename: ${anchors}}
${lists === undefined ? '' : `      crl: {filename: ${lists}}\n`}      watched_directory: {path: ${volumeOf(anchors)}}
      match_typed_subject_alt_names:
${lines.join('')}`;
}

/** The volume that a file is in: in its directory something is renamed when it changes. */
const volumeOf = (file: string) => file.replace(/(\/\.\.data)?\/[^/]+$/, '');

const uriMatcher = (uri: string) => `{san_type: URI, matcher: {exact: "${uri}"}}`;

/** Equality but for case. Envoy's own `exact` takes `*.fabrikam.com` for `sip.fabrikam.com`, which RFC 5922, 7.2 forbids. */
const dnsMatcher = (name: string) =>
  `{san_type: DNS, matcher: {safe_regex: {regex: '(?i)${name.replaceAll(/[^a-z0-9]/gi, '\\$&')}'}}}`;

function downstream(rendering: Rendering, { name, port, protocol, face }: RenderedListener): string {
  const says = heading(
    rendering.server,
    `${version} Listener ${name} (${protocol}, port ${port}): put this into each of its filter chains.`,
    'Sessions are not resumed, so that every connection shows its certificate to the list as it is then.',
    'SDS needs to know who asks: start Envoy with --service-node and --service-cluster.',
  );
  const mutual = protocol === 'MTLS';
  return `${says}transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": ${tls}.DownstreamTlsContext
    require_client_certificate: ${mutual}
    disable_stateless_session_resumption: true
    disable_stateful_session_resumption: true
${common(rendering, certificateSecret(face), mutual ? peersSecret(face) : undefined)}`;
}

/** Another server that this one calls over TLS, and that is no peer inside the domain. */
interface Callee {
  /** Unique among callees, and of no face. */
  readonly name: string;
  readonly says: string;
  readonly fqdn: string;
  readonly names: readonly string[];
  readonly anchors: string;
  readonly revocationLists: string | undefined;
  /** Whose certificate is shown. */
  readonly face: Face;
}

function calleesOf({ faces }: Rendering): readonly Callee[] {
  // AccessEdgeOutbound is there where the certificate of AccessEdgeExternal is no good for calling.
  const outside = faces.find(({ use }) => use === 'AccessEdgeOutbound') ?? faces.find(({ use }) => use === 'AccessEdgeExternal');
  const partners = (outside?.partners ?? []).flatMap((partner): Callee[] => {
    const { accessEdge, names, anchors } = partner;
    if (outside === undefined || accessEdge === undefined) return [];
    const says = `partner ${partner.name}, at ${accessEdge.fqdn} port ${accessEdge.port}`;
    const name = `partner-${partner.name}`;
    return [{ name, says, fqdn: accessEdge.fqdn, names, anchors, revocationLists: outside.revocationLists, face: outside }];
  });
  const trunks = faces.flatMap((face) =>
    face.trunks.flatMap(({ name, fqdn, port, transport, anchors }): Callee[] => {
      if (transport !== 'TLS') return [];
      const says = `media gateway ${name}, at ${fqdn} port ${port}`;
      return [{ name: `trunk-${name}`, says, fqdn, names: [fqdn], anchors, revocationLists: undefined, face }];
    }),
  );
  return [...partners, ...trunks];
}

function calling(rendering: Rendering, { name, says, fqdn, names, anchors, revocationLists, face }: Callee): Files {
  const { server } = rendering;
  const matchers = names.map((each) => dnsMatcher(each.toLowerCase()));
  const socket = heading(server, `${version} Put this into the cluster that calls ${says}. Sessions are not resumed.`);
  return {
    [fileOf(name)]:
      `${heading(server, `${version} SDS: who may answer as ${says}.`)}${validation(name, anchors, revocationLists, matchers)}`,
    [`envoy-cluster-${name}.yaml`]: `${socket}transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": ${tls}.UpstreamTlsContext
    sni: ${fqdn}
    max_session_keys: 0
${common(rendering, certificateSecret(face), name)}`,
  };
}

function common({ minVersion, fips }: Rendering, shows: string, believes: string | undefined): string {
  const believed =
    believes === undefined ? '' : `      validation_context_sds_secret_config:\n        ${sdsConfig(believes, 8)}\n`;
  return `    common_tls_context:
      tls_params:
        tls_minimum_protocol_version: TLSv${minVersion.replace('.', '_')}
        tls_maximum_protocol_version: TLSv1_3
${fips ? approved : ''}      tls_certificate_sds_secret_configs:
        - ${sdsConfig(shows, 10)}
${believed}`;
}

/** Nothing but the policy reaches the suites of TLS 1.3; of the groups it leaves out P-521. */
const approved = `        compliance_policies: [FIPS_202205]
        cipher_suites: [${cipherSuites(true).tls12.join(', ')}]
        signature_algorithms: [${signatureSchemes(true).join(', ')}]
`;

function sdsConfig(secret: string, indent: number): string {
  const margin = ' '.repeat(indent);
  return `name: ${secret}
${margin}sds_config:
${margin}  resource_api_version: V3
${margin}  path_config_source: {path: ${trustDirectory}/${fileOf(secret)}, watched_directory: {path: ${trustDirectory}}}`;
}
