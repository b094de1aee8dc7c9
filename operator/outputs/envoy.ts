// Envoy: secrets by file-based SDS, which Envoy re-reads by itself, and the transport socket of each listener. Callers are
// held to the SPIFFE IDs of the peers, each by equality.
import { type Face, type Format, heading, type RenderedListener, type Rendering, trustDirectory } from './rendering.ts';

const version = 'For Envoy 1.40.';

/** An empty list of matchers would let everybody in whom the CA knows. No certificate of ours has this URI: it is no SPIFFE ID. */
const nobody = 'trustmesh:nobody';

export const envoy: Format = ({ server, minVersion, faces, listeners }) => ({
  files: Object.fromEntries([
    ...faces.flatMap((face): [string, string][] => [
      [fileOf(certificateSecret(face)), certificate(server, face)],
      [fileOf(peersSecret(face)), peers(server, face)],
    ]),
    ...listeners.map((listener) => [`envoy-listener-${listener.name}.yaml`, transportSocket(server, listener, minVersion)]),
  ]),
});

// Envoy takes one secret a file.
const certificateSecret = ({ name }: Face) => `${name}-certificate`;
const peersSecret = ({ name }: Face) => `${name}-peers`;
const fileOf = (secret: string) => `envoy-${secret}.yaml`;

const secretType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

function certificate(server: Rendering['server'], face: Face): string {
  return `${heading(server, `${version} SDS: the certificate of the use ${face.use}, read anew when its Secret changes.`)}resources:
  - "@type": ${secretType}
    name: ${certificateSecret(face)}
    tls_certificate:
      certificate_chain: {filename: ${face.certificate}}
      private_key: {filename: ${face.privateKey}}
      watched_directory: {path: ${face.directory}}
`;
}

function peers(server: Rendering['server'], face: Face): string {
  const allowed = [...new Set(face.peers.flatMap(({ spiffeIDs }) => spiffeIDs))].sort();
  const matchers = (allowed.length === 0 ? [nobody] : allowed).map(
    (uri) => `        - {san_type: URI, matcher: {exact: "${uri}"}}\n`,
  );
  const says = heading(
    server,
    `${version} SDS: who may call behind the use ${face.use}, by URI names alone and each by equality.`,
    'It is for listeners: a cluster that calls one peer matches the names of that peer. It holds no CRLs.',
  );
  return `${says}resources:
  - "@type": ${secretType}
    name: ${peersSecret(face)}
    validation_context:
      trusted_ca: {filename: ${face.anchors}}
      watched_directory: {path: ${face.directory}}
      match_typed_subject_alt_names:
${matchers.join('')}`;
}

function transportSocket(server: Rendering['server'], listener: RenderedListener, minVersion: Rendering['minVersion']): string {
  const { name, port, protocol, face } = listener;
  const says = heading(
    server,
    `${version} Listener ${name} (${protocol}, port ${port}): put this into each of its filter chains.`,
    'Sessions are not resumed, so that every connection shows its certificate to the list as it is then.',
    'SDS needs to know who asks: start Envoy with --service-node and --service-cluster.',
  );
  const mutual = protocol === 'MTLS';
  return `${says}transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
    require_client_certificate: ${mutual}
    disable_stateless_session_resumption: true
    disable_stateful_session_resumption: true
    common_tls_context:
      tls_params: {tls_minimum_protocol_version: TLSv${minVersion.replace('.', '_')}, tls_maximum_protocol_version: TLSv1_3}
      tls_certificate_sds_secret_configs:
        - ${sdsConfig(certificateSecret(face), 10)}
${mutual ? `      validation_context_sds_secret_config:\n        ${sdsConfig(peersSecret(face), 8)}\n` : ''}`;
}

function sdsConfig(secret: string, indent: number): string {
  const margin = ' '.repeat(indent);
  return `name: ${secret}
${margin}sds_config:
${margin}  resource_api_version: V3
${margin}  path_config_source: {path: ${trustDirectory}/${fileOf(secret)}, watched_directory: {path: ${trustDirectory}}}`;
}
