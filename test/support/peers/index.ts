// Every peer, started.
import { startGoPeer } from './go.ts';
import { startJavaPeer } from './java.ts';
import { startNodePeer } from './node.ts';
import { startOpenSSLPeer } from './openssl.ts';
import type { Peer, PeerName } from './peer.ts';

export { type Meeting, meet, meetEach, type Verdict, withEachClient } from './meeting.ts';
export * from './peer.ts';
export type { Reason } from './reason.ts';

const starts = { openssl: startOpenSSLPeer, node: startNodePeer, go: startGoPeer, java: startJavaPeer } satisfies Record<
  PeerName,
  () => Promise<Peer>
>;

export type Peers = Readonly<Record<PeerName, Peer>> & AsyncDisposable;

/** Throws what to install where a peer cannot be had. */
export async function startPeers(): Promise<Peers> {
  const [openssl, node, go, java] = await Promise.all([starts.openssl(), starts.node(), starts.go(), starts.java()]);
  return {
    openssl,
    node,
    go,
    java,
    async [Symbol.asyncDispose]() {
      await Promise.all([openssl, node, go, java].map((peer) => peer[Symbol.asyncDispose]()));
    },
  };
}
