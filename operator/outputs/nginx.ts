// nginx: what a server block needs for one listener, and the njs that holds callers to names. Where callers are asked for a
// certificate, stream and http refuse in different words, so there is a file for each.
import { anchorsOf, facesWithCallers, revocationSays } from './callers.ts';
import { gateOf, njsNames, verdictOf } from './nginx-names.ts';
import {
  type Face,
  type Format,
  heading,
  type RenderedListener,
  type Rendering,
  trustDirectory,
  withoutListeners,
} from './rendering.ts';
import { cipherSuites, groups, signatureSchemes } from './tls-policy.ts';

const version = 'For nginx 1.22 with njs 0.7.';
const names = 'nginx-names.js';

export const nginx: Format = (rendering) => {
  const { server, listeners } = rendering;
  const refused = withoutListeners('nginx', rendering);
  if (refused !== undefined) return { refused };
  const faces = facesWithCallers(rendering);
  const says = heading(
    server,
    `${version} Whom each certificate of this server lets in, by all names of a caller's certificate.`,
  );
  return {
    files: Object.fromEntries([
      ...listeners.flatMap((listener) => serverBlocks(rendering, listener)),
      ...(faces.length === 0 ? [] : [[names, `${says.replaceAll(/^#/gm, '//')}${njsNames(faces)}`]]),
    ]),
  };
};

function serverBlocks(rendering: Rendering, listener: RenderedListener): readonly (readonly [string, string])[] {
  const { name, protocol, face } = listener;
  if (protocol !== 'MTLS') return [[`nginx-${name}.conf`, serverBlock(rendering, listener, 'http or stream', '')]];
  // A name of its own for each listener: http knows each variable once.
  const variable = `$trustmesh_${name.replaceAll('-', '_')}`;
  const verify = `ssl_client_certificate ${anchorsOf(face)};\n${revocation(face)}ssl_verify_client on;\nssl_verify_depth 8;\njs_import trustmesh from ${trustDirectory}/${names};\n`;
  const inStream = `${verify}js_preread trustmesh.${gateOf(face)};\n`;
  const inHTTP = `${verify}js_set ${variable} trustmesh.${verdictOf(face)};\nif (${variable} != allowed) { return 444; }\n`;
  return [
    [`nginx-${name}.stream.conf`, serverBlock(rendering, listener, 'stream', inStream)],
    [`nginx-${name}.http.conf`, serverBlock(rendering, listener, 'http', inHTTP)],
  ];
}

const revocation = ({ revocationLists }: Face) => (revocationLists === undefined ? '' : `ssl_crl ${revocationLists};\n`);

function serverBlock(rendering: Rendering, listener: RenderedListener, context: string, callers: string): string {
  const { server, minVersion, fips } = rendering;
  const { name, port, protocol, face } = listener;
  const says = heading(
    server,
    `${version} Listener ${name} (${protocol}): include this in its server block of ${context}, the only one of that port.`,
    'nginx reads files when it starts or reloads. Tickets and the session cache are off: nobody resumes.',
    ...(callers === ''
      ? []
      : [
          `nginx reads no names by itself: ${names} does, and a caller that it does not let in gets no answer.`,
          revocationSays(face),
        ]),
    'It is for listeners: what calls a partner must read all names of the answer, which nginx does not.',
    ...(fips ? ['FIPS: whether its OpenSSL runs the FIPS provider is for you to see to.'] : []),
  );
  return `${says}listen ${port} ssl;
ssl_certificate ${face.certificate};
ssl_certificate_key ${face.privateKey};
ssl_protocols ${minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2 TLSv1.3'};
${fips ? approved() : ''}ssl_session_tickets off;
ssl_session_cache off;
${callers}`;
}

function approved(): string {
  const { tls12, tls13 } = cipherSuites(true);
  const schemes = signatureSchemes(true).join(':');
  return `ssl_ciphers ${tls12.join(':')};
ssl_ecdh_curve ${groups(true).join(':')};
ssl_conf_command Ciphersuites ${tls13.join(':')};
ssl_conf_command SignatureAlgorithms ${schemes};
ssl_conf_command ClientSignatureAlgorithms ${schemes};
`;
}
