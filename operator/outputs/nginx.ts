// nginx: what a server block needs for one listener, in http as in stream.
import { type Format, heading, obstacleToTrustByCA, type RenderedListener, trustByCA, trustDirectory } from './rendering.ts';

export const nginx: Format = (rendering) => {
  const { server, minVersion, listeners } = rendering;
  const refused = obstacleToTrustByCA('nginx', rendering);
  if (refused !== undefined) return { refused };
  const protocols = minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2 TLSv1.3';
  return {
    files: Object.fromEntries(
      listeners.map((listener) => {
        const { name, port, protocol, face } = listener;
        const says = heading(
          server,
          `For nginx 1.22. Listener ${name} (${protocol}): include ${trustDirectory}/${fileOf(listener)}; in its server block,`,
          'of http or stream, the only one of that port. It reads files when it starts or reloads.',
          ...trustByCA('nginx'),
          ...(protocol === 'MTLS' ? ['In http, the refusal is the answer 400: let no error_page make another of it.'] : []),
        );
        return [
          fileOf(listener),
          `${says}listen ${port} ssl;
ssl_certificate ${face.certificate};
ssl_certificate_key ${face.privateKey};
ssl_protocols ${protocols};
ssl_session_tickets off;
ssl_session_cache off;
${protocol === 'MTLS' ? `ssl_client_certificate ${face.anchors};\nssl_verify_client on;\nssl_verify_depth 8;\n` : ''}`,
        ];
      }),
    ),
  };
};

const fileOf = ({ name }: RenderedListener) => `nginx-${name}.conf`;
