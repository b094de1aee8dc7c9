// An MTLS peer on node:tls, server and client, that is told what to do line by line (../agent.ts has the protocol).
// It uses Node's own verification; beside that it only checks names against the list it was given.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect, createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { certificateNames } from '../certificate-names.ts';

/** How long a server waits for a client that does not go on, in ms. */
const PATIENCE_MS = 10_000;

const listeners = new Map<string, { readonly server: Server; readonly request: URLSearchParams }>();

for await (const line of createInterface({ input: process.stdin })) {
  const request = new URLSearchParams(line);
  const id = request.get('id') ?? '';
  void perform(id, request).catch((error: unknown) => reply(id, 'failed', [['detail', words(error)]]));
}
process.exit(0);

async function perform(id: string, request: URLSearchParams): Promise<void> {
  switch (request.get('command')) {
    case 'listen':
      return listen(id, request);
    case 'connect':
      return call(id, request);
    case 'takeUp': {
      const listener = listeners.get(request.get('listener') ?? '');
      listener?.request.set('ca.crt', request.get('ca.crt') ?? '');
      listener?.server.setSecureContext(context(listener.request));
      return reply(id, 'takenUp', []);
    }
    case 'close': {
      const listener = request.get('listener') ?? '';
      listeners.get(listener)?.server.close();
      listeners.delete(listener);
      return reply(id, 'closed', []);
    }
    default:
      throw new Error(`no such command: ${request.get('command')}`);
  }
}

async function listen(id: string, request: URLSearchParams): Promise<void> {
  const required = request.get('requireClientCertificate') === 'true';
  const allowed = request.get('checkNames') === 'true' ? request.getAll('allowedNames') : undefined;
  const server = createServer({
    ...context(request),
    requestCert: required,
    rejectUnauthorized: required,
    handshakeTimeout: PATIENCE_MS,
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const names = namesOf(socket);
    if (allowed !== undefined && !names.some((name) => allowed.includes(name))) {
      socket.destroy();
      return refused(id, new Error(`not in the topology: ${names.join(', ')}`));
    }
    void greet(id, socket, async () => {
      await lineFrom(socket);
      socket.write('welcome\n');
      socket.on('data', () => socket.write('welcome\n'));
    });
  });
  server.on('tlsClientError', (error, socket) => {
    // Where verification failed, the error only says that the connection was closed.
    refused(id, socket.authorizationError ? new Error(String(socket.authorizationError)) : error);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  listeners.set(id, { server, request });
  const address = server.address();
  reply(id, 'listening', [['port', String(typeof address === 'object' ? address?.port : address)]]);
}

async function call(id: string, request: URLSearchParams): Promise<void> {
  const timeoutMs = Number(request.get('timeoutMs'));
  const socket = connect({
    ...context(request),
    host: '127.0.0.1',
    port: Number(request.get('port')),
    servername: request.get('serverName') ?? '',
  });
  const timer = setTimeout(() => socket.destroy(new Error(`no handshake within ${timeoutMs} ms`)), timeoutMs);
  await greet(id, socket, async () => {
    await once(socket, 'secureConnect');
    socket.write('hello\n');
    await lineFrom(socket);
  });
  clearTimeout(timer);
  socket.destroy();
}

async function greet(id: string, socket: TLSSocket, exchange: () => Promise<void>): Promise<void> {
  socket.on('error', () => undefined);
  try {
    await exchange();
  } catch (error) {
    return refused(id, error);
  }
  reply(id, 'handshake', [
    ['accepted', 'true'],
    ['protocol', socket.getProtocol() ?? ''],
    ...namesOf(socket).map((name): [string, string] => ['peerNames', name]),
  ]);
}

async function lineFrom(socket: TLSSocket): Promise<void> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('\n')) return;
  }
  throw new Error("end of stream before the peer's line");
}

function context(request: URLSearchParams): SecureContextOptions {
  const protocol = request.get('protocol');
  const field = (name: string) => Buffer.from(request.get(name) ?? '', 'base64');
  return {
    ca: field('ca.crt'),
    // One list each: Node reads no more of one.
    ...(request.has('revocationLists') ? { crl: request.getAll('revocationLists') } : {}),
    ...(request.has('tls.crt') ? { cert: field('tls.crt'), key: field('tls.key') } : {}),
    ...(protocol === 'TLSv1.2' || protocol === 'TLSv1.3' ? { minVersion: protocol, maxVersion: protocol } : {}),
  };
}

function namesOf(socket: TLSSocket): readonly string[] {
  const presented = socket.getPeerX509Certificate();
  return presented === undefined ? [] : certificateNames(presented);
}

function refused(id: string, error: unknown): void {
  reply(id, 'handshake', [
    ['accepted', 'false'],
    ['detail', words(error)],
  ]);
}

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${error.code}: ${error.message}` : error.message;
}

function reply(id: string, event: string, fields: readonly [string, string][]): void {
  process.stdout.write(`${new URLSearchParams([['id', id], ['event', event], ...fields])}\n`);
}
