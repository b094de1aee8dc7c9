// One handshake seen from both sides, and the verdict that they agree on.
import { type ConnectOptions, type Handshake, type Listener, type Peer, type PeerName, peerNames } from './peer.ts';
import type { Reason } from './reason.ts';

export type Verdict = 'accepted' | { readonly refusedBy: 'server' | 'client'; readonly reason: Reason };

export interface Meeting {
  readonly server: Handshake;
  readonly client: Handshake;
  readonly verdict: Verdict;
}

/** Connects, and hears both sides. Throws when their accounts do not fit together. */
export async function meet(listener: Listener, client: Peer, options: Omit<ConnectOptions, 'port'>): Promise<Meeting> {
  const [ofClient, ofServer] = await Promise.all([client.connect({ ...options, port: listener.port }), listener.next()]);
  return { server: ofServer, client: ofClient, verdict: agree(ofServer, ofClient) };
}

/** The verdict with each of the peers as client, one after the other. */
export async function meetEach(
  listener: Listener,
  clients: Readonly<Record<PeerName, Peer>>,
  options: Omit<ConnectOptions, 'port'>,
): Promise<Readonly<Record<string, Verdict>>> {
  const verdicts: Record<string, Verdict> = {};
  for (const name of peerNames) verdicts[name] = (await meet(listener, clients[name], options)).verdict;
  return verdicts;
}

/** What `meetEach` returns when the verdict is the same with every client. */
export function withEachClient(verdict: Verdict): Readonly<Record<string, Verdict>> {
  return Object.fromEntries(peerNames.map((name) => [name, verdict]));
}

function agree(server: Handshake, client: Handshake): Verdict {
  if (server.accepted && client.accepted) return 'accepted';
  if (!server.accepted && !client.accepted) {
    if (server.refusedBy === 'self' && client.refusedBy === 'peer') return { refusedBy: 'server', reason: server.reason };
    if (client.refusedBy === 'self' && server.refusedBy === 'peer') return { refusedBy: 'client', reason: client.reason };
  }
  throw new Error(`The two sides of a handshake disagree.\nserver: ${JSON.stringify(server)}\nclient: ${JSON.stringify(client)}`);
}
