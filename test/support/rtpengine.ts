// A real rtpengine beside a Kamailio, without its kernel module: it rewrites session descriptions, and nobody sends media here.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { freePort } from './port.ts';
import { startProgram } from './process.ts';
import { waitFor } from './wait.ts';

export interface MediaProxy extends AsyncDisposable {
  /** UDP, on 127.0.0.1: where it takes orders. */
  readonly port: number;
}

export async function startMediaProxy(): Promise<MediaProxy> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const program = stack.use(
    await startProgram('rtpengine', [
      '--foreground',
      '--log-stderr',
      '--table=-1',
      '--interface=127.0.0.1',
      `--listen-ng=127.0.0.1:${port}`,
    ]),
  );
  const socket = createSocket('udp4');
  stack.defer(() => void socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let answered = false;
  socket.on('message', () => {
    answered = true;
  });
  await waitFor(
    'rtpengine to answer',
    () => {
      if (!program.running) throw new Error(`it ended: ${program.output()}`);
      socket.send('trustmesh d7:command4:pinge', port, '127.0.0.1');
      return answered;
    },
    { limitMs: 20_000, seen: () => program.output() },
  );
  const running = stack.move();
  return { port, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
