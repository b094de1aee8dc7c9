// An Edge's external face by Node alone: it takes up another bundle while it runs, and checks the CRLs of the whole chain.
import { createServer } from 'node:tls';
import type { Material } from '../../support/peers/peer.ts';
import { answering, listening } from './calling.ts';

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
  server.on('secureConnection', answering);
  const listener = await listening(server);
  return {
    port: listener.port,
    takeUp: (next) => server.setSecureContext(context(next)),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
