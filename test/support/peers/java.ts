// Java's JSSE: a small program of ours, compiled once. It takes the PKCS#12 key and trust stores.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cached } from '../cache.ts';
import { runProgram } from '../process.ts';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: {
    'untrusted-issuer': /unable to find valid certification path|Path does not chain with any of the trust anchors/,
    'name-mismatch': /No subject alternative DNS name matching/,
    // The second is what becomes of a URI without a host.
    'name-not-permitted': /name constraints check failed|because "otherHost" is null/,
    expired: /CertificateExpiredException/,
    'not-yet-valid': /CertificateNotYetValidException/,
    revoked: /CertificateRevokedException/,
    'revocation-unknown': /Could not determine revocation status|Unable to determine revocation status/,
    'no-certificate-presented': /Empty client certificate chain/,
    'wrong-key-usage': /Extended key usage does not permit/,
    'peer-not-in-topology': /not in the topology/,
    'protocol-mismatch': /is not enabled or supported in server context|are not accepted by server preferences/,
    'connection-refused': /ConnectException: Connection refused/,
    timeout: /SocketTimeoutException/,
  },
  peer: [
    [/fatal alert: unknown_ca/, 'untrusted-issuer'],
    [/fatal alert: certificate_expired/, 'expired'],
    [/fatal alert: certificate_revoked/, 'revoked'],
    [/fatal alert: certificate_required/, 'no-certificate-presented'],
    [/fatal alert: unsupported_certificate/, 'wrong-key-usage'],
    [/fatal alert: protocol_version/, 'protocol-mismatch'],
    // These stand for whatever else there is (RFC 8446, 6.2).
    [/fatal alert: (bad_certificate|certificate_unknown|handshake_failure)/],
    // OpenSSL sends a client's alert in the clear when it has not got to its keys yet.
    [/AEAD cipher fragment/],
    [/EOFException|end of stream|Broken pipe|Connection reset/],
  ],
};

export async function startJavaPeer(): Promise<Peer> {
  return startAgent({
    name: 'java',
    command: 'java',
    args: ['-cp', await classes(), 'Peer'],
    vocabulary,
    reads: ['keystore.p12', 'keystore-password', 'truststore.p12', 'ca.crt'],
    checksRevocation: true,
  });
}

/** The directory with the compiled program. */
async function classes(): Promise<string> {
  const source = fileURLToPath(new URL('java/Peer.java', import.meta.url));
  const compiler = await runProgram('javac', ['-version']);
  const hash = createHash('sha256')
    .update(compiler.stdout + compiler.stderr)
    .update(await readFile(source));
  return cached(`java/peer-${hash.digest('hex').slice(0, 16)}`, async (directory) => {
    await runProgram('javac', ['-d', directory, source]);
  });
}
