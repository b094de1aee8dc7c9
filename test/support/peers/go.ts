// Go's crypto/tls: a small program of ours, built once.
import { fileURLToPath } from 'node:url';
import { goTool } from '../go.ts';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: {
    'untrusted-issuer': /x509: certificate signed by unknown authority/,
    'name-mismatch': /x509: certificate is valid for|x509: certificate relies on legacy Common Name field/,
    'name-not-permitted': /not authorized to sign for this name/,
    expired: /x509: .* is after /,
    'not-yet-valid': /x509: .* is before /,
    revoked: null,
    'revocation-unknown': null,
    'no-certificate-presented': /client didn't provide a certificate/,
    'wrong-key-usage': /x509: certificate specifies an incompatible key usage/,
    'peer-not-in-topology': /not in the topology/,
    'protocol-mismatch': /client offered only unsupported versions/,
    'connection-refused': /connection refused/,
    timeout: /i\/o timeout/,
  },
  peer: [
    [/remote error: tls: unknown certificate authority/, 'untrusted-issuer'],
    [/remote error: tls: expired certificate/, 'expired'],
    [/remote error: tls: revoked certificate/, 'revoked'],
    [/remote error: tls: certificate required/, 'no-certificate-presented'],
    [/remote error: tls: unsupported certificate/, 'wrong-key-usage'],
    [/remote error: tls: protocol version not supported/, 'protocol-mismatch'],
    // These stand for whatever else there is (RFC 8446, 6.2).
    [/remote error: tls: (bad certificate|unknown certificate|handshake failure|internal error)/],
    // OpenSSL sends a client's alert in the clear when it has not got to its keys yet.
    [/local error: tls: bad record MAC/],
    [/EOF|connection reset|broken pipe/],
  ],
};

export async function startGoPeer(): Promise<Peer> {
  const command = await goTool('trustmesh-peer', fileURLToPath(new URL('go', import.meta.url)), '.');
  return startAgent({
    name: 'go',
    command,
    args: [],
    vocabulary,
    reads: ['tls.crt', 'tls.key', 'ca.crt'],
    checksRevocation: false,
  });
}
