// Calls a listener as a partner or a peer would, and says whether it was let in: a line went there, and one came back.
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Material } from '../../support/peers/peer.ts';

/** One line there and one back: until then a client of TLS 1.3 does not know whether it was let in. */
export async function call(port: number, material: Material | undefined, session?: Buffer): Promise<Call> {
  const identity = material === undefined ? {} : { cert: material['tls.crt'], key: material['tls.key'] };
  const resumed = session === undefined ? {} : { session };
  // Whom it reaches is not what is asked here.
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...identity, ...resumed });
  let kept: Buffer | undefined;
  socket.on('session', (given: Buffer) => {
    kept = given;
  });
  const ask = () => answerOf(socket);
  if (await ask()) return { socket, ask, session: () => kept };
  socket.destroy();
  return { ask: async () => false, session: () => kept };
}

export interface Call {
  /** Absent where it was refused. */
  readonly socket?: TLSSocket;
  readonly ask: () => Promise<boolean>;
  readonly session: () => Buffer | undefined;
}

export function answerOf(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (answer: boolean) => () => {
      clearTimeout(limit);
      for (const [event, listener] of listeners) socket.off(event, listener);
      resolve(answer);
    };
    const listeners = [
      ['data', settle(true)],
      ['close', settle(false)],
      ['end', settle(false)],
    ] as const;
    for (const [event, listener] of listeners) socket.on(event, listener);
    socket.on('error', () => undefined);
    const limit = setTimeout(() => socket.destroy(), 10_000);
    socket.write('hello\n');
  });
}

export async function isLetIn(port: number, material: Material | undefined, session?: Buffer): Promise<boolean> {
  const { socket } = await call(port, material, session);
  socket?.destroy();
  return socket !== undefined;
}

export interface Listening extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
}

/** Listens until it is disposed of, and then its connections end with it. */
export async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** For what lies behind a proxy. */
export const answering = (socket: Socket) =>
  void socket.on('data', () => socket.write('welcome\n')).on('error', () => socket.destroy());
