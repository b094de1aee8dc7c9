// HAProxy: a crt-list for each listener, which carries all that TLS needs, and a configuration of frontends that use them.
import { type Format, heading, obstacleToTrustByCA, type RenderedListener, trustByCA, trustDirectory } from './rendering.ts';

const version = 'For HAProxy 2.6.';

export const haproxy: Format = (rendering) => {
  const { server, minVersion, listeners } = rendering;
  const refused = obstacleToTrustByCA('HAProxy', rendering);
  if (refused !== undefined) return { refused };
  const crtLists = listeners.map(({ name, protocol, face }): [string, string] => {
    const callers = protocol === 'MTLS' ? `ca-file ${face.anchors} verify required ` : '';
    return [
      crtList(name),
      `${heading(server, `${version} Listener ${name} (${protocol}).`)}${face.certificate} [${callers}ssl-min-ver TLSv${minVersion}]\n`,
    ];
  });
  const says = heading(
    server,
    `${version} Start it with your own file first, which has the timeouts, and a backend named as each listener:`,
    `haproxy -f /etc/haproxy/haproxy.cfg -f ${trustDirectory}/haproxy.cfg. It reads files when it starts or reloads.`,
    ...trustByCA('HAProxy'),
    'A server line of yours that calls a peer: ssl verify required verifyhost <name of the peer>, with crt and ca-file as in',
    'the crt-list. verifyhost takes the common name where a certificate has no DNS name: never with the anchors of a partner.',
  );
  // The key lies beside its certificate as tls.key.
  const configuration = `${says}global\n  ssl-load-extra-del-ext\n${listeners.map(frontend).join('')}`;
  return { files: Object.fromEntries([...crtLists, ['haproxy.cfg', configuration]]) };
};

const crtList = (listener: string) => `haproxy-${listener}.crt-list`;

function frontend({ name, port, protocol }: RenderedListener): string {
  return `
frontend trustmesh-${name}
  mode ${protocol === 'HTTPS' ? 'http' : 'tcp'}
  bind :${port} ssl crt-list ${trustDirectory}/${crtList(name)} no-tls-tickets
  default_backend ${name}
`;
}
