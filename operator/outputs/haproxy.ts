// HAProxy: a crt-list for each listener with its certificate and whose callers it believes, a configuration of frontends that
// use them, and the Lua that holds callers to names.
import { anchorsOf, facesWithCallers, revocationSays } from './callers.ts';
import { luaNames, verdictOf } from './haproxy-names.ts';
import { type Format, heading, type RenderedListener, type Rendering, trustDirectory, withoutListeners } from './rendering.ts';
import { cipherSuites, groups } from './tls-policy.ts';
import { peersFile } from './trust-bundle.ts';

const version = 'For HAProxy 2.6 with Lua.';
const names = 'haproxy-names.lua';

export const haproxy: Format = (rendering) => {
  const { server, fips, listeners } = rendering;
  const refused = withoutListeners('HAProxy', rendering);
  if (refused !== undefined) return { refused };
  const faces = facesWithCallers(rendering);
  const says = heading(
    server,
    `${version} Start it with your own file first, which has the timeouts, and a backend named as each listener:`,
    `haproxy -f /etc/haproxy/haproxy.cfg -f ${trustDirectory}/haproxy.cfg. It reads files when it starts or reloads.`,
    `HAProxy reads no names by itself: ${names} does, and a caller that it does not let in is cut off before a backend is chosen.`,
    'Tickets are off, so that a reload ends every session that could be resumed.',
    'A server line of yours that calls a peer: ssl verify required verifyhost <name of the peer>, with crt and ca-file as in',
    'the crt-list. verifyhost takes the common name too: never with the anchors of a partner or a gateway.',
    ...(faces.some(({ trunks }) => trunks.length > 0)
      ? [`Trunks end here, so that ca.crt holds anchors of gateways: for such a line take ${trustDirectory}/${peersFile}.`]
      : []),
    ...(fips
      ? [
          'FIPS: HAProxy 2.6 has no setting for signature schemes; whether its OpenSSL runs the FIPS provider is for you to see to.',
        ]
      : []),
  );
  // The key lies beside its certificate as tls.key.
  const load = faces.length === 0 ? '' : `  lua-load-per-thread ${trustDirectory}/${names}\n`;
  const configuration = `${says}global\n  ssl-load-extra-del-ext\n${load}${listeners.map((listener) => frontend(rendering, listener)).join('')}`;
  return {
    files: Object.fromEntries([
      ...listeners.map((listener) => [crtList(listener), certificates(rendering, listener)]),
      ...(faces.length === 0 ? [] : [[names, `${luaHeading(server)}${luaNames(faces)}`]]),
      ['haproxy.cfg', configuration],
    ]),
  };
};

const crtList = ({ name }: RenderedListener) => `haproxy-${name}.crt-list`;

const luaHeading = (server: Rendering['server']) =>
  heading(server, `${version} Whom each certificate of this server lets in, by all names of a caller's certificate.`).replaceAll(
    /^#/gm,
    '--',
  );

function certificates({ server }: Rendering, { name, protocol, face }: RenderedListener): string {
  const lists = face.revocationLists === undefined ? '' : ` crl-file ${face.revocationLists}`;
  const callers = protocol === 'MTLS' ? ` [ca-file ${anchorsOf(face)}${lists} verify required]` : '';
  return `${heading(server, `${version} Listener ${name} (${protocol}).`, ...(protocol === 'MTLS' ? [revocationSays(face)] : []))}${face.certificate}${callers}\n`;
}

function frontend({ minVersion, fips }: Rendering, listener: RenderedListener): string {
  const { name, port, protocol, face } = listener;
  // In the crt-list OpenSSL would learn of groups too late: it takes them over before it knows which certificate is asked for.
  const settings = [`ssl-min-ver TLSv${minVersion}`, 'no-tls-tickets', ...(fips ? approved() : [])].join(' ');
  const check = `  tcp-request content reject unless { ssl_c_used 1 } { ssl_c_verify 0 } { lua.${verdictOf(face)} -m str allowed }\n`;
  return `
frontend trustmesh-${name}
  mode ${protocol === 'HTTPS' ? 'http' : 'tcp'}
  bind :${port} ssl crt-list ${trustDirectory}/${crtList(listener)} ${settings}
${protocol === 'MTLS' ? check : ''}  default_backend ${name}
`;
}

function approved(): readonly string[] {
  const { tls12, tls13 } = cipherSuites(true);
  return [`ciphers ${tls12.join(':')}`, `ciphersuites ${tls13.join(':')}`, `curves ${groups(true).join(':')}`];
}
