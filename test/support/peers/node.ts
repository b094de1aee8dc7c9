// Node's node:tls.
import { fileURLToPath } from 'node:url';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: {
    'untrusted-issuer':
      /UNABLE_TO_GET_ISSUER_CERT_LOCALLY|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT/,
    'name-mismatch': /ERR_TLS_CERT_ALTNAME_INVALID/,
    // A server says no more than that, of this reason alone among these.
    'name-not-permitted': /^UNSPECIFIED$|permitted subtree violation|excluded subtree violation|unsupported or invalid name/,
    expired: /CERT_HAS_EXPIRED/,
    'not-yet-valid': /CERT_NOT_YET_VALID/,
    revoked: /CERT_REVOKED/,
    'revocation-unknown': /UNABLE_TO_GET_CRL/,
    'no-certificate-presented': /ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    'wrong-key-usage': /INVALID_PURPOSE/,
    'peer-not-in-topology': /not in the topology/,
    'protocol-mismatch': /ERR_SSL_UNSUPPORTED_PROTOCOL/,
    'connection-refused': /ECONNREFUSED/,
    timeout: /no handshake within/,
  },
  peer: [
    [/alert number 48\b/, 'untrusted-issuer'],
    [/alert number 45\b/, 'expired'],
    [/alert number 44\b/, 'revoked'],
    [/alert number 116\b/, 'no-certificate-presented'],
    [/alert number 43\b/, 'wrong-key-usage'],
    [/alert number 70\b/, 'protocol-mismatch'],
    // bad_certificate, certificate_unknown and handshake_failure stand for whatever else there is (RFC 8446, 6.2).
    [/alert number (40|42|46)\b/],
    [/ECONNRESET|EPIPE|end of stream/],
  ],
};

export function startNodePeer(): Promise<Peer> {
  return startAgent({
    name: 'node',
    command: process.execPath,
    args: [fileURLToPath(new URL('node/peer.ts', import.meta.url))],
    vocabulary,
    reads: ['tls.crt', 'tls.key', 'ca.crt'],
    checksRevocation: true,
  });
}
