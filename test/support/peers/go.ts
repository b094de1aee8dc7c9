// Go's crypto/tls: a small program of ours, built once.
import { fileURLToPath } from 'node:url';
import { goTool } from '../go.ts';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: [
    [/x509: certificate signed by unknown authority/, 'untrusted-issuer'],
    [/x509: certificate is valid for/, 'name-mismatch'],
    [/x509: .* is after /, 'expired'],
    [/x509: .* is before /, 'not-yet-valid'],
    [/client didn't provide a certificate/, 'no-certificate-presented'],
    [/x509: certificate specifies an incompatible key usage/, 'wrong-key-usage'],
    [/not in the topology/, 'peer-not-in-topology'],
    [/client offered only unsupported versions/, 'protocol-mismatch'],
    [/connection refused/, 'connection-refused'],
    [/i\/o timeout/, 'timeout'],
  ],
  peer: [
    [/remote error: tls: unknown certificate authority/, 'untrusted-issuer'],
    [/remote error: tls: expired certificate/, 'expired'],
    [/remote error: tls: certificate required/, 'no-certificate-presented'],
    [/remote error: tls: unsupported certificate/, 'wrong-key-usage'],
    [/remote error: tls: protocol version not supported/, 'protocol-mismatch'],
    // These stand for whatever else there is (RFC 8446, 6.2).
    [/remote error: tls: (bad certificate|unknown certificate|handshake failure)/],
    // OpenSSL sends a client's alert in the clear when it has not got to its keys yet.
    [/local error: tls: bad record MAC/],
    [/EOF|connection reset|broken pipe/],
  ],
};

export async function startGoPeer(): Promise<Peer> {
  const command = await goTool('trustmesh-peer', fileURLToPath(new URL('go', import.meta.url)), '.');
  return startAgent({ name: 'go', command, args: [], vocabulary, reads: ['tls.crt', 'tls.key', 'ca.crt'] });
}
