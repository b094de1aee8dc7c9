// FreeSWITCH: parameters of a sofia profile for each listener, a gateway for each trunk, the media level, and the script that lays
// out the directory of certificates that libsofia wants. Source: sofia.c, sofia_glue.c and switch_core_media.c of FreeSWITCH
// 1.10.12, tport_tls.c and tport.c of sofia-sip 1.13. It has not run here.

import type { EncryptionLevel } from '../api/v1alpha1/index.ts';
import { callersOf } from './callers.ts';
import { openSSLConfiguration } from './openssl-configuration.ts';
import { sipListeners, trunkLabel, withoutSIPListener } from './parties.ts';
import {
  type Face,
  type Format,
  heading,
  type RenderedListener,
  type RenderedTrunk,
  type Rendering,
  trustDirectory,
} from './rendering.ts';
import { cipherSuites } from './tls-policy.ts';

const version = 'For FreeSWITCH 1.10.12.';

/** libsofia lets everybody in where this list is empty. No certificate has it and no host is called so. */
const nobody = 'trustmesh:nobody';

/** Where the script lays out what libsofia reads. */
const certificatesOf = ({ name }: Face) => `/run/trustmesh/freeswitch-${name}`;

export const freeSWITCH: Format = (rendering) => {
  const { server, media } = rendering;
  if (server.role === 'Edge') {
    return {
      refused:
        'FreeSWITCH is not rendered for an Edge: it takes the common name of a certificate for a name of its holder, which no scope of a ' +
        "partner's CA reaches, and does not tell one partner from another. Use Kamailio or Envoy there.",
    };
  }
  const listeners = sipListeners(rendering);
  if (listeners.length === 0) return { refused: withoutSIPListener('FreeSWITCH') };
  const faces = [...new Set(listeners.map(({ face }) => face))];
  const trunks = faces.flatMap((face) => face.trunks);
  return {
    files: Object.fromEntries([
      ...listeners.map((listener) => [`freeswitch-${listener.name}.xml`, profile(rendering, listener)]),
      ...faces.map((face) => [`freeswitch-${face.name}-certificates.sh`, layout(server, face)]),
      ...(trunks.length === 0 ? [] : [['freeswitch-gateways.xml', gateways(server, trunks)]]),
      ['freeswitch-media.xml', mediaLevel(server, media)],
      openSSLConfiguration('FreeSWITCH', rendering),
    ]),
  };
};

function profile({ server, minVersion, fips }: Rendering, { name, port, protocol, face }: RenderedListener): string {
  const { uris, dnsNames } = callersOf(face);
  const subjects = [...uris, ...dnsNames];
  const mutual = protocol === 'MTLS';
  const parameters = {
    tls: 'true',
    'tls-only': 'true',
    'tls-sip-port': String(port),
    'tls-bind-params': 'transport=tls',
    'tls-cert-dir': certificatesOf(face),
    'tls-version': minVersion === '1.3' ? 'tlsv1.3' : 'tlsv1.2,tlsv1.3',
    'tls-ciphers': cipherSuites(fips).tls12.join(':'),
    'tls-verify-date': 'true',
    'tls-verify-depth': '9',
    // What it calls is held to the name it is called by, whoever calls it.
    'tls-verify-policy': mutual ? 'subjects_all' : 'subjects_out',
    ...(mutual ? { 'tls-verify-in-subjects': (subjects.length === 0 ? [nobody] : subjects).join('|') } : {}),
  };
  const says = comment(
    server,
    `${version} Listener ${name} (${protocol}, port ${port}): in the settings of its sofia profile, before your own:`,
    `[X-PRE-PROCESS cmd="include" data="${trustDirectory}/freeswitch-${name}.xml"]. Run freeswitch-${face.name}-certificates.sh before it starts.`,
    'Callers are held to the names in tls-verify-in-subjects, each by equality; who is called, to the name it is called by: call',
    'by name, never by address. What FreeSWITCH does not check, and what follows:',
    '- The common name counts as a name: only CAs that the topology knows may be in ca.crt, and no partner.',
    '- A caller is in the list or is not: which of them it is, the dial plan does not learn.',
    '- It holds no CRLs. TLS 1.3 cannot be turned off. A change takes "sofia profile <name> restart", which ends its calls.',
  );
  const lines = Object.entries(parameters).map(([key, value]) => `  <param name="${key}" value="${escaped(value)}"/>\n`);
  return `${says}<include>\n${lines.join('')}</include>\n`;
}

function gateways(server: Rendering['server'], trunks: readonly RenderedTrunk[]): string {
  const says = comment(
    server,
    `${version} A gateway for each trunk: include it in the gateways of the profile that calls them.`,
    'Media of a trunk is as it says or there is no call: "forbidden" is plain RTP, to a gateway that cannot encrypt and need not;',
    'to one that cannot and should it is "mandatory", and no call is set up.',
  );
  const each = trunks.map((trunk) => {
    const name = trunkLabel(trunk).replace('/', '-');
    return `  <gateway name="${escaped(name)}">
    <param name="proxy" value="${escaped(trunk.fqdn)}:${trunk.port}"/>
    <param name="register" value="false"/>
    <param name="register-transport" value="${trunk.transport.toLowerCase()}"/>
    <param name="contact-params" value="transport=${trunk.transport.toLowerCase()}"/>
    <variables>
      <variable name="rtp_secure_media" value="${secureMedia[trunk.media]}"/>
    </variables>
  </gateway>
`;
  });
  return `${says}<include>\n${each.join('')}</include>\n`;
}

const secureMedia: Readonly<Record<EncryptionLevel, string>> = {
  Required: 'mandatory',
  Supported: 'optional',
  NotSupported: 'forbidden',
};

function mediaLevel(server: Rendering['server'], media: Rendering['media']): string {
  const says = comment(
    server,
    `${version} The media level with servers of the domain, for every call that no gateway says otherwise of: include it in vars.xml.`,
    'Without it FreeSWITCH takes calls with and without SRTP, and makes them without.',
  );
  return `${says}<include>\n  <X-PRE-PROCESS cmd="set" data="rtp_secure_media=${secureMedia[media]}"/>\n</include>\n`;
}

/** libsofia reads one file with certificate and key, sends no intermediates but those that it finds beside the roots, and has one directory. */
function layout(server: Rendering['server'], face: Face): string {
  const directory = certificatesOf(face);
  const says = heading(
    server,
    `${version} Lays out ${directory} for tls-cert-dir, from the Secret of the use ${face.use}: before FreeSWITCH starts, and`,
    'when the Secret has changed. The directory is best one in memory, and FreeSWITCH alone reads it.',
    'agent.pem is the certificate and its key; libsofia sends of the chain what it finds in cafile.pem, where an intermediate',
    'is no anchor. wss.pem and dtls-srtp.pem are not made from it: FreeSWITCH makes those itself.',
  );
  return `#!/bin/sh
${says}set -eu
umask 077
mkdir -p ${directory}
cat ${face.certificate} ${face.privateKey} > ${directory}/agent.new
{ cat ${face.anchors}; awk '/BEGIN CERTIFICATE/ { count++ } count > 1' ${face.certificate}; } > ${directory}/cafile.new
mv ${directory}/agent.new ${directory}/agent.pem
mv ${directory}/cafile.new ${directory}/cafile.pem
`;
}

/** A comment of XML has no two hyphens. */
function comment(server: Rendering['server'], ...lines: readonly string[]): string {
  const text = heading(server, ...lines)
    .replaceAll(/^# /gm, '  ')
    .replaceAll(/-(?=-)/g, '- ');
  return `<!--\n${text}-->\n`;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
