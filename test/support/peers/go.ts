// Go's crypto/tls: a small program of ours, built once.
import { fileURLToPath } from 'node:url';
import { goTool } from '../go.ts';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: [],
  peer: [],
};

export async function startGoPeer(): Promise<Peer> {
  const command = await goTool('trustmesh-peer', fileURLToPath(new URL('go', import.meta.url)), '.');
  return startAgent({ name: 'go', command, args: [], vocabulary, reads: ['tls.crt', 'tls.key', 'ca.crt'] });
}
