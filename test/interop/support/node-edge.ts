// An Edge's external face by Node alone: it takes up another bundle while it runs, and checks the CRLs of the whole chain.
import { createServer, type TLSSocket } from 'node:tls';
import type { Material } from '../../support/peers/peer.ts';
import { answering, listening, portOf } from './calling.ts';

export interface NodeEdge extends AsyncDisposable {
  readonly port: number;
  /** From the next handshake on. */
  readonly takeUp: (material: Material) => void;
}

/** `lists`: one PEM block each, since Node reads no more of one. Without any, none is checked. */
export async function startNodeEdge(material: Material, lists: readonly string[] = []): Promise<NodeEdge> {
  const context = ({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca }: Material) => ({
    cert,
    key,
    ca,
    ...(lists.length === 0 ? {} : { crl: [...lists] }),
  });
  const server = createServer({ ...context(material), requestCert: true, rejectUnauthorized: true });
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    answering(socket);
  });
  await listening(server);
  return {
    port: portOf(server),
    takeUp: (next) => server.setSecureContext(context(next)),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
