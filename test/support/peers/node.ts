// Node's node:tls.
import { fileURLToPath } from 'node:url';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: [
    [/UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT/, 'untrusted-issuer'],
    [/ERR_TLS_CERT_ALTNAME_INVALID/, 'name-mismatch'],
    [/CERT_HAS_EXPIRED/, 'expired'],
    [/CERT_NOT_YET_VALID/, 'not-yet-valid'],
    [/ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/, 'no-certificate-presented'],
    [/INVALID_PURPOSE/, 'wrong-key-usage'],
    [/not in the topology/, 'peer-not-in-topology'],
    [/ERR_SSL_UNSUPPORTED_PROTOCOL/, 'protocol-mismatch'],
    [/ECONNREFUSED/, 'connection-refused'],
    [/no handshake within/, 'timeout'],
  ],
  peer: [
    [/alert number 48\b/, 'untrusted-issuer'],
    [/alert number 45\b/, 'expired'],
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
  });
}
