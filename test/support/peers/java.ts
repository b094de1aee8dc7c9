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
  own: [],
  peer: [],
};

export async function startJavaPeer(): Promise<Peer> {
  return startAgent({
    name: 'java',
    command: 'java',
    args: ['-XX:TieredStopAtLevel=1', '-cp', await classes(), 'Peer'],
    vocabulary,
    reads: ['keystore.p12', 'keystore-password', 'truststore.p12', 'ca.crt'],
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
