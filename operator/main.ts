// Composition root: configuration in, running operator out, a clean drain on SIGTERM.
import './kube/lean-client-node.ts';
import { ownOpenSSL } from './authorities/own-openssl.ts';
import { createCaches } from './caches.ts';
import { type Config, ConfigError, readConfig, usage } from './config.ts';
import { serveBundles } from './federation/bundle-endpoint-server.ts';
import { PublishedBundles } from './federation/published-bundles.ts';
import { SRVResolver } from './federation/resolver.ts';
import { type Fence, KubeClient } from './kube/client.ts';
import { loadKubeConfig } from './kube/kube-config.ts';
import { runLeaderElection } from './kube/lease.ts';
import { messageOf } from './kube/log.ts';
import { createLog } from './log.ts';
import { serveTerm } from './term.ts';
import { createMetrics } from './web/metrics.ts';
import { serveWeb } from './web/server.ts';

/** Another replica takes over within the lease after a crash, at once after an orderly stop. */
const lease = { name: 'trustmesh', leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 } as const;

async function run(config: Config): Promise<void> {
  const log = createLog(config);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!stop.signal.aborted) log.info('stopping', { reason: signal });
      stop.abort(new Error(signal));
    });
  }

  log.info('OpenSSL', { ...ownOpenSSL() });
  const now = () => Date.now();
  const metrics = createMetrics(() => caches.stores.secrets.list());
  const { onRequest } = metrics;
  await using client = new KubeClient(loadKubeConfig(config.kubeconfig), { connections: 32, onRequest });
  // A renewal that waits behind a hundred writes comes too late, and loses the Lease to nobody.
  await using leaseClient = new KubeClient(loadKubeConfig(config.kubeconfig), { connections: 1, onRequest });
  const { namespace, watchNamespaces, identity, membershipGrace: grace } = config;
  const caches = createCaches({ client, log, namespace, watchNamespaces });

  const notReady = () => {
    const missing = caches.missing();
    return missing.length === 0 ? undefined : `still reading ${missing.join(', ')}`;
  };
  await using web = await serveWeb({ ...config.listen, metrics: metrics.exposition, notReady });
  log.info('listening', { address: web.address, namespace, identity });

  await using endpoint = new AsyncDisposableStack();
  if (config.bundles !== undefined) {
    const published = endpoint.use(new PublishedBundles({ client, namespace, configMaps: caches.stores.configMaps, log }));
    const { listen, tlsDirectory } = config.bundles;
    const server = endpoint.use(await serveBundles({ listen, tlsDirectory, bundleOf: (name) => published.of(name), log }));
    log.info('serving bundles', { port: server.port });
  }

  const reading = caches.run(stop.signal);
  const resolver = new SRVResolver({ servers: config.resolvers, now });
  const serve = (fenced: KubeClient, signal: AbortSignal) =>
    serveTerm({ client: fenced, namespace, identity, grace, caches, metrics, resolver, log, now }, signal);
  try {
    if (config.leaderElect) {
      const onLeading = metrics.onLeading;
      const lead = (signal: AbortSignal, fence: Fence) => serve(client.fenced(fence), signal);
      await runLeaderElection({ client: leaseClient, namespace, identity, ...lease, log, onLeading, lead }, stop.signal);
    } else {
      metrics.onLeading(true);
      await serve(client, stop.signal);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.abort();
    await reading;
  }
  log.info('stopped', { reason: messageOf(stop.signal.reason) });
}

try {
  const config = readConfig(process.argv.slice(2), process.env);
  if (config === 'help') process.stdout.write(`${usage()}\n`);
  else await run(config);
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `trustmesh: ${messageOf(error)}`}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
