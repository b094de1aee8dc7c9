// Serves our own bundles to partners, over HTTPS and nothing else (SPIFFE Federation, 5.2.1): GET /bundles/<trust domain> in the
// SPIFFE format, and with .pem behind it in PEM. What is served is public; whoever asks is a stranger, so that time, size and
// number of connections are bounded. The certificate is taken anew when its files change, and no connection is dropped for it.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Log, messageOf } from '../kube/log.ts';
import { pause } from '../kube/pause.ts';
import { instant } from '../pki/problem.ts';
import { type PublishedBundle, spiffeBundle } from '../trust/spiffe-bundle.ts';
import { readServingCertificate } from './serving-certificate.ts';

export interface BundleEndpointOptions {
  /** Absent host: every address. Port 0 takes a free one. */
  readonly listen: { readonly host?: string | undefined; readonly port: number };
  /** Holds `tls.crt` and `tls.key`, as a Secret is mounted. */
  readonly tlsDirectory: string;
  /** Undefined: there is no such trust domain here. Asked at each request. */
  readonly bundleOf: (trustDomain: string) => PublishedBundle | undefined;
  readonly log: Log;
  /** How often the files are looked at, ms. Absent: 10 s. */
  readonly rereadMs?: number;
}

export interface BundleEndpointServer extends AsyncDisposable {
  readonly port: number;
}

const second = 1_000;
const limits = {
  minVersion: 'TLSv1.2',
  handshakeTimeout: 10 * second,
  headersTimeout: 10 * second,
  requestTimeout: 10 * second,
  keepAliveTimeout: 5 * second,
  connectionsCheckingInterval: 5 * second,
  maxHeaderSize: 8 * 1024,
} as const;
const MOST_CONNECTIONS = 256;

/** Serves from when it returns; until `tlsDirectory` holds a usable certificate every handshake fails, and the log says why. */
export async function serveBundles(options: BundleEndpointOptions): Promise<BundleEndpointServer> {
  const { listen, tlsDirectory, bundleOf, log, rereadMs = 10 * second } = options;
  const server = createServer(limits, (request, response) => {
    try {
      answer(bundleOf, request, response);
    } catch (error) {
      log.error('the bundle endpoint cannot answer', { url: request.url, error: messageOf(error) });
      refuse(response, 500, 'That cannot be answered now.');
    }
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.maxRequestsPerSocket = 100;
  const connections = new Set<Duplex>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });

  let told = '';
  const takeCertificate = async () => {
    const found = await readServingCertificate(tlsDirectory);
    const state = found.usable ? found.leaf.fingerprint : found.message;
    if (state === told) return;
    if (found.usable) {
      server.setSecureContext({ cert: found.cert, key: found.key, minVersion: limits.minVersion });
      const { fingerprint, notAfter } = found.leaf;
      log.info('the bundle endpoint has its certificate', { fingerprint, notAfter: instant(notAfter) });
    } else {
      log.warn('the bundle endpoint has no new certificate', { reason: found.message });
    }
    told = state;
  };

  await takeCertificate();
  server.listen({ port: listen.port, ...(listen.host === undefined ? {} : { host: listen.host }) });
  await once(server, 'listening');
  const stop = new AbortController();
  const looking = (async () => {
    for (;;) {
      await pause(rereadMs, stop.signal);
      if (stop.signal.aborted) return;
      await takeCertificate();
    }
  })();
  return {
    port: portOf(server.address()),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looking;
      const closed = once(server, 'close');
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

function answer(bundleOf: BundleEndpointOptions['bundleOf'], request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '', headers } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    refuse(response, 405, 'Only GET and HEAD are answered.');
    return;
  }
  const [, name = '', pem] = /^\/bundles\/([a-z0-9.-]{1,255}?)(\.pem)?$/.exec(url) ?? [];
  const bundle = name === '' ? undefined : bundleOf(name);
  if (bundle === undefined) {
    refuse(response, 404, 'There is no such bundle here.');
    return;
  }
  const body = pem === undefined ? spiffeBundle(bundle) : bundle.authorities.map((authority) => authority.pem).join('');
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  response.setHeader('etag', etag).setHeader('cache-control', 'no-cache');
  if (isHeld(headers['if-none-match'], etag)) {
    response.writeHead(304).end();
    return;
  }
  const type = pem === undefined ? 'application/json' : 'application/x-pem-file';
  // Node leaves the body of an answer to HEAD out, and its length in.
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** RFC 9110, 13.1.2: a list, compared weakly. */
const isHeld = (condition: string | undefined, etag: string): boolean =>
  (condition ?? '').split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')));

/** What came with the request is not read: the connection goes. */
function refuse(response: ServerResponse, code: number, sentence: string): void {
  response.writeHead(code, { 'content-type': 'text/plain', connection: 'close' }).end(`${sentence}\n`);
}

const portOf = (address: AddressInfo | string | null): number =>
  address === null || typeof address === 'string' ? 0 : address.port;
