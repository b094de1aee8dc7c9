// Node's node:tls.
import { fileURLToPath } from 'node:url';
import { startAgent } from './agent.ts';
import type { Peer } from './peer.ts';
import type { Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: [],
  peer: [],
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
