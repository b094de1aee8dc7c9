// A proxy in front of an API server that does to its clients what networks and overloaded servers do. It counts every request,
// so that a test can tell patience from a hot loop.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What befalls one request. */
export type Fault =
  /** Answered here; the API server never sees it. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** Answered as a watch whose only event is an ERROR with this Status. */
  | { readonly kind: 'watch error'; readonly code: number; readonly reason: string }
  /** Forwarded after a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Forwarded and carried out, but no byte of the answer comes back. */
  | { readonly kind: 'stall' }
  /** The connection breaks before anything is forwarded. */
  | { readonly kind: 'drop' }
  /** Carried out, then the connection breaks. */
  | { readonly kind: 'lose answer' };

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly watch: boolean;
  /** On the clock of performance.now(). */
  readonly at: number;
}

export interface FaultProxy extends AsyncDisposable {
  /** http: without TLS, which the proxy would only make harder to see through. */
  readonly url: string;
  /** Every request that came in, the oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Until it is disposed of, `rule` decides for each request; undefined lets it pass. */
  inject(rule: (request: SeenRequest) => Fault | undefined): Disposable;
  /** Watches that are open stay so and receive nothing any more. Returns how many. */
  stallWatches(): number;
  /** Every open connection of clients breaks. */
  cutConnections(): void;
  /** Nothing passes in either direction, and nobody is told; connections that were open break when it ends. */
  partition(): Disposable;
}

interface OpenExchange {
  readonly request: SeenRequest;
  readonly response: ServerResponse;
  stalled: boolean;
}

export async function startFaultProxy(apiServer: { readonly url: string; readonly caFile: string }): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(apiServer.caFile) });
  const requests: SeenRequest[] = [];
  const rules = new Set<(request: SeenRequest) => Fault | undefined>();
  const open = new Set<OpenExchange>();
  const timers = new Set<NodeJS.Timeout>();
  let partitioned = false;

  const server = createServer((incoming, response) => {
    const { method = 'GET', url: path = '/' } = incoming;
    const request: SeenRequest = { method, path, watch: path.includes('watch=true'), at: performance.now() };
    const exchange: OpenExchange = { request, response, stalled: false };
    requests.push(request);
    open.add(exchange);
    response.on('close', () => open.delete(exchange));
    response.on('error', () => open.delete(exchange));
    if (partitioned) return;
    const fault = firstOf(rules, request);
    switch (fault?.kind) {
      case undefined:
        return pass(incoming, exchange);
      case 'answer': {
        const headers = { 'content-type': 'application/json', ...fault.headers };
        return void response.writeHead(fault.status, headers).end(fault.body === undefined ? '' : JSON.stringify(fault.body));
      }
      case 'watch error': {
        const status = {
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Failure',
          code: fault.code,
          reason: fault.reason,
          message: fault.reason,
        };
        response.writeHead(200, { 'content-type': 'application/json' });
        return void response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      }
      case 'delay': {
        const timer = setTimeout(() => {
          timers.delete(timer);
          pass(incoming, exchange);
        }, fault.ms);
        timers.add(timer);
        return;
      }
      case 'stall':
        exchange.stalled = true;
        return pass(incoming, exchange);
      case 'drop':
        return void incoming.socket.destroy();
      case 'lose answer':
        exchange.stalled = true;
        return pass(incoming, exchange, () => incoming.socket.destroy());
    }
  });

  function pass(incoming: IncomingMessage, exchange: OpenExchange, onAnswered?: () => void): void {
    const { response } = exchange;
    const silent = () => exchange.stalled || partitioned;
    const { host: _, ...headers } = incoming.headers;
    const outgoing = forward(
      new URL(incoming.url ?? '/', apiServer.url),
      { agent, method: incoming.method ?? 'GET', headers },
      (answer) => {
        if (onAnswered) onAnswered();
        if (!silent()) response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
        answer.on('data', (chunk) => {
          if (!silent()) response.write(chunk);
        });
        answer.on('end', () => {
          if (!silent()) response.end();
        });
        answer.on('error', () => response.destroy());
      },
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // What a TCP server listens on is never a path.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    inject(rule) {
      rules.add(rule);
      return { [Symbol.dispose]: () => void rules.delete(rule) };
    },
    stallWatches() {
      const watches = [...open].filter(({ request, stalled }) => request.watch && !stalled);
      for (const watch of watches) watch.stalled = true;
      return watches.length;
    },
    cutConnections: () => server.closeAllConnections(),
    partition() {
      partitioned = true;
      return {
        [Symbol.dispose]: () => {
          partitioned = false;
          server.closeAllConnections();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      agent.destroy();
    },
  };
}

function firstOf(rules: Iterable<(request: SeenRequest) => Fault | undefined>, request: SeenRequest): Fault | undefined {
  for (const rule of rules) {
    const fault = rule(request);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
