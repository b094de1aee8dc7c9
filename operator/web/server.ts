// Metrics and health, on one port.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../kube/log.ts';

export interface WebOptions {
  readonly host?: string | undefined;
  readonly port: number;
  readonly metrics: () => Promise<string>;
  /** What the replica still waits for before it can do its work; undefined once it can. */
  readonly notReady: () => string | undefined;
}

export interface WebServer extends AsyncDisposable {
  readonly address: string;
}

export async function serveWeb({ host, port, metrics, notReady }: WebOptions): Promise<WebServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', response);
  });

  async function answer(url: string, response: ServerResponse): Promise<void> {
    try {
      switch (url.split('?', 1)[0]) {
        case '/healthz':
          return send(response, 200, 'ok\n');
        case '/readyz': {
          const waiting = notReady();
          return waiting === undefined ? send(response, 200, 'ok\n') : send(response, 503, `${waiting}\n`);
        }
        case '/metrics':
          return send(response, 200, await metrics(), 'text/plain; version=0.0.4; charset=utf-8');
        default:
          return send(response, 404, 'There are /metrics, /healthz and /readyz here.\n');
      }
    } catch (error) {
      send(response, 500, `${messageOf(error)}\n`);
    }
  }

  server.listen({ port, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  return {
    address: addressOf(server.address()),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type }).end(body);
}

function addressOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return address ?? '';
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
