// Asterisk: a pjsip transport for each listener, a template for endpoints of the domain, and an endpoint for each trunk. Source:
// pjsip.conf.sample and res_pjsip/config_transport.c of Asterisk 22. It has not run here.
import type { EncryptionLevel } from '../api/v1alpha1/index.ts';
import { openSSLConfiguration } from './openssl-configuration.ts';
import { sipListeners, trunkLabel, trunkURI, withoutSIPListener } from './parties.ts';
import { type Format, heading, type RenderedListener, type RenderedTrunk, type Rendering, trustDirectory } from './rendering.ts';
import { cipherSuites } from './tls-policy.ts';

export const asterisk: Format = (rendering) => {
  const { server, media } = rendering;
  if (server.role === 'Edge') {
    return {
      refused:
        'Asterisk is not rendered for an Edge: a transport has one file of CAs, for callers and for those called, so that one partner would be ' +
        'believed to be another, and it reads no names of callers. Use Kamailio or Envoy there.',
    };
  }
  const listeners = sipListeners(rendering);
  const [first] = listeners;
  if (first === undefined) return { refused: withoutSIPListener('Asterisk') };
  const trunks = [...new Set(listeners.map(({ face }) => face))].flatMap((face) => face.trunks);
  const sections = [
    ...listeners.map((listener) => transport(rendering, listener)),
    `; Endpoints of yours for servers of the domain: [<name>](trustmesh-peer)\n${section('trustmesh-peer', { type: 'endpoint', transport: transportName(first), ...encryption[media] }, '(!)')}`,
    ...trunks.map((trunk) => endpoint(trunk, first)),
  ];
  return {
    files: Object.fromEntries([
      ['asterisk-pjsip.conf', `${says(server)}\n${sections.join('\n')}`],
      openSSLConfiguration('Asterisk', rendering),
    ]),
  };
};

function says(server: Rendering['server']): string {
  return heading(
    server,
    `For Asterisk 22 with its bundled pjproject. In pjsip.conf: #include ${trustDirectory}/asterisk-pjsip.conf`,
    'To add to an endpoint of this file (context, allow), append to it there: [<name>](+)',
    'What Asterisk does not check, and what follows:',
    '- It reads no names of callers: whoever holds a certificate under ca.crt is let in, in peers.json or not. Put Kamailio in',
    '  front where the list must hold.',
    '- A transport has one file of CAs: a gateway with a CA of its own is let in like a server, and told from one by address.',
    '- Whom it calls is held to the name it is called by, the common name included: call by name, never by address.',
    '- method names one version, not the lowest: with the minimum 1.2 it speaks 1.2 alone.',
    '- It holds no CRLs. A new certificate takes "module reload res_pjsip.so" with allow_reload=yes, as here.',
  ).replaceAll(/^# /gm, '; ');
}

const transportName = ({ name }: RenderedListener) => `trustmesh-${name}`;

function transport({ minVersion, fips }: Rendering, listener: RenderedListener): string {
  const { port, protocol, face } = listener;
  const mutual = protocol === 'MTLS' ? 'yes' : 'no';
  return section(transportName(listener), {
    type: 'transport',
    protocol: 'tls',
    bind: `0.0.0.0:${port}`,
    cert_file: face.certificate,
    priv_key_file: face.privateKey,
    ca_list_file: face.anchors,
    verify_server: 'yes',
    verify_client: mutual,
    require_client_cert: mutual,
    allow_wildcard_certs: 'no',
    method: `tlsv${minVersion.replace('.', '_')}`,
    // Suites of 1.3 come from OpenSSL's configuration.
    ...(minVersion === '1.2' ? { cipher: cipherSuites(fips).tls12.join(',') } : {}),
    allow_reload: 'yes',
  });
}

/** Never `media_encryption_optimistic` where it is required: it is what falls back. */
const encryption: Readonly<Record<EncryptionLevel, Readonly<Record<string, string>>>> = {
  Required: { media_encryption: 'sdes', media_encryption_optimistic: 'no' },
  Supported: { media_encryption: 'sdes', media_encryption_optimistic: 'yes' },
  NotSupported: { media_encryption: 'no', media_encryption_optimistic: 'no' },
};

function endpoint(trunk: RenderedTrunk, listener: RenderedListener): string {
  const name = trunkLabel(trunk).replace('/', '-');
  return [
    section(`${name}-aor`, { type: 'aor', contact: trunkURI(trunk).replaceAll(';', '\\;') }),
    section(name, {
      type: 'endpoint',
      ...(trunk.transport === 'TLS' ? { transport: transportName(listener) } : {}),
      aors: `${name}-aor`,
      ...encryption[trunk.media],
    }),
    section(`${name}-identify`, { type: 'identify', endpoint: name, match: trunk.fqdn }),
  ].join('');
}

function section(name: string, options: Readonly<Record<string, string>>, template = ''): string {
  const lines = Object.entries(options).map(([key, value]) => `${key}=${value}\n`);
  return `[${name}]${template}\n${lines.join('')}`;
}
