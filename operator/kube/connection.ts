// The way to one API server: connection pools and current credentials. Requests share a bounded pool; each watch has a
// connection of its own, so that watches never starve writes. Credentials come from client-node's KubeConfig and are asked for
// again now and then, because tokens rotate in files and exec plugins hand out short-lived ones.
import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { type buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { ApiError } from './errors.ts';
import { messageOf } from './log.ts';

/** How long credentials are used before the KubeConfig is asked again, ms. client-node keeps file tokens for 60 s itself. */
const CREDENTIALS_MS = 30_000;
/** Between attempts where there are older credentials to go on with, ms. */
const RETRY_MS = 5_000;
/** Below the 90 s after which kube-apiserver closes an idle connection, so that we never write into a closing one. */
const IDLE_CONNECTION_MS = 60_000;
const CONNECT_LIMIT_MS = 10_000;

export interface Route {
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

type TlsOptions = Partial<buildConnector.BuildOptions>;

interface Pools {
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
  /** Changes when the TLS material does, which only new connections can carry. */
  readonly identity: string;
}

export class Connection implements AsyncDisposable {
  /** Path of the server URL, where the API server lies below one. */
  readonly prefix: string;
  readonly #config: KubeConfig;
  readonly #origin: string;
  readonly #proxyUrl: string | undefined;
  readonly #connections: number;
  #pools: Pools | undefined;
  #route: Route | undefined;
  #freshUntil = 0;
  #refreshing: Promise<Route> | undefined;
  #closed = false;

  constructor(config: KubeConfig, connections: number) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('The kubeconfig has no current cluster: set current-context to one of its contexts.');
    if (cluster.proxyUrl?.startsWith('socks'))
      throw new Error('SOCKS proxies are not supported (proxy-url of the cluster): use an HTTP proxy.');
    const server = new URL(cluster.server);
    this.#config = config;
    this.#origin = server.origin;
    this.prefix = server.pathname.replace(/\/$/, '');
    this.#proxyUrl = cluster.proxyUrl;
    this.#connections = connections;
  }

  /** The route while its credentials are fresh: the hot path, without a promise. */
  get current(): Route | undefined {
    return performance.now() < this.#freshUntil ? this.#route : undefined;
  }

  /**
   * Asks for credentials anew; concurrent callers share one answer. Credentials that were not refused go on being used while no
   * newer ones are to be had.
   * @throws ApiError: Transient where there are none
   */
  refresh(refused = false): Promise<Route> {
    this.#refreshing ??= this.#authenticate(refused).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #authenticate(refused: boolean): Promise<Route> {
    const options: RequestOptions = {};
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      if (this.#route !== undefined && !refused) {
        this.#freshUntil = performance.now() + RETRY_MS;
        return this.#route;
      }
      throw new ApiError('Transient', `no credentials for the API server: ${messageOf(error)}`, { cause: error });
    }
    if (this.#closed) throw new ApiError('Transient', 'the client is closed');
    const tls = tlsOf(options);
    const identity = createHash('sha256').update(JSON.stringify(tls)).digest('base64');
    if (this.#pools?.identity !== identity) {
      const replaced = this.#pools;
      this.#pools = { requests: this.#pool(tls, this.#connections), watches: this.#pool(tls, null), identity };
      // Requests in hand end on the connections that they began on.
      if (replaced) void Promise.allSettled([replaced.requests.close(), replaced.watches.close()]);
    }
    this.#route = { requests: this.#pools.requests, watches: this.#pools.watches, headers: headersOf(options) };
    this.#freshUntil = performance.now() + CREDENTIALS_MS;
    return this.#route;
  }

  #pool(tls: TlsOptions, connections: number | null): Dispatcher {
    const connect: TlsOptions = { ...tls, timeout: CONNECT_LIMIT_MS, keepAlive: true, keepAliveInitialDelay: 30_000 };
    const common = { connections, pipelining: 1, allowH2: false, keepAliveTimeout: IDLE_CONNECTION_MS, connect };
    return this.#proxyUrl === undefined
      ? new Pool(this.#origin, common)
      : new ProxyAgent({ ...common, uri: this.#proxyUrl, requestTls: tls, connect: {} }).compose(bindOrigin(this.#origin));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#freshUntil = 0;
    await Promise.allSettled([this.#pools?.requests.destroy(), this.#pools?.watches.destroy()]);
  }
}

/** A ProxyAgent serves any origin and so must be told ours with each request. */
function bindOrigin(origin: string): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => dispatch({ ...options, origin }, handler);
}

function tlsOf({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: RequestOptions): TlsOptions {
  const given = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const result: Record<string, string> = { 'user-agent': 'trustmesh' };
  for (const [name, value] of Object.entries(headers ?? {})) result[name.toLowerCase()] = String(value).trim();
  if (auth) result.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  return result;
}
