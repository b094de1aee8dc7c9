// One term of a leader: from the journal and the caches to running controllers, and back to nothing when it ends.

import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from './api/object.ts';
import type { TrustedServer } from './api/v1alpha1/index.ts';
import { Authorities } from './authorities/authority.ts';
import { type Caches, relayOf } from './caches.ts';
import type { Context, Wake } from './controllers/context.ts';
import { EnterpriseCAs } from './controllers/enterprise-ca/index.ts';
import { FederatedPartners } from './controllers/federated-partner/index.ts';
import { FederationState } from './controllers/federation-state.ts';
import { MediaGateways } from './controllers/media-gateway/index.ts';
import { MediaRelays } from './controllers/media-relay/index.ts';
import { reconcileSharedCertificate } from './controllers/shared-certificate/index.ts';
import { sharedOwner } from './controllers/shared-secret.ts';
import { trunkRecordOf } from './controllers/trunk-records.ts';
import { TrunkState } from './controllers/trunk-state.ts';
import { TrunkTrusts } from './controllers/trunk-trust/index.ts';
import { coalesce, TrustBundles } from './controllers/trust-bundle/index.ts';
import { encodeBundleKey } from './controllers/trust-bundle/observe.ts';
import { DomainCounts } from './controllers/trust-domain/counts.ts';
import { TrustDomains } from './controllers/trust-domain/index.ts';
import { TrustState } from './controllers/trust-state.ts';
import { TrustedServers } from './controllers/trusted-server/index.ts';
import type { SRVResolver } from './federation/resolver.ts';
import { Journal } from './journal/journal.ts';
import type { KubeClient } from './kube/client.ts';
import { Controller, type Requeue } from './kube/controller.ts';
import { EventRecorder } from './kube/events.ts';
import type { Log } from './kube/log.ts';
import { type Priority, WorkQueue } from './kube/queue.ts';
import type { MetadataObject, Namespace } from './kube/resource.ts';
import { type Change, keyOf } from './kube/store.ts';
import { annotation, label } from './outputs/labels.ts';
import { bundleName } from './outputs/trust-bundle.ts';
import { spiffeTrustDomain, usesOf } from './topology/names.ts';
import { Topology } from './topology/topology.ts';
import { graceEnd } from './trust/grace.ts';
import type { Metrics } from './web/metrics.ts';

export interface TermOptions {
  /** Its writes fail once the term is over. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly identity: string;
  readonly grace: number;
  readonly caches: Caches;
  readonly metrics: Metrics;
  readonly resolver: SRVResolver;
  readonly log: Log;
  readonly now: () => number;
}

/** How long events may take to be sent at the end, ms. */
const eventDrain = 2000;

/**
 * A server in hand spends most of its time waiting for the journal, not for a connection: three times as many as there are
 * connections keep all of these busy, and fill the journal's group commits.
 */
const concurrency = {
  enterpriseCA: 2,
  trustDomain: 2,
  trustBundle: 8,
  sharedCertificate: 4,
  federation: 2,
  trunkTrust: 4,
  mediaGateway: 16,
  mediaRelay: 4,
  trustedServer: 96,
} as const;
/** One event for each Secret and status: enough of the connections that events keep up with them. */
const eventSenders = 16;

/** Resolves once `signal` is aborted and what was in hand is finished. */
export async function serveTerm(options: TermOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, caches, metrics, log, now, grace, identity } = options;
  const { stores } = caches;
  await Promise.all(Object.values(stores).map((store) => store.whenSynced(signal)));

  await using finish = new AsyncDisposableStack();
  const journalEnd = new AbortController();
  const journal = await Journal.load({ client, namespace, now, log, signal: journalEnd.signal });
  const events = new EventRecorder({
    client,
    reportingController: 'trustmesh.io/operator',
    reportingInstance: identity,
    senders: eventSenders,
    now,
    log,
  });
  finish.defer(() => events.drain(AbortSignal.timeout(eventDrain)));

  const queue = (name: string) =>
    new WorkQueue({
      onDepth: (depth) => metrics.onDepth(name, depth),
      onTaken: ({ waitedSeconds }) => metrics.onWaited(name, waitedSeconds),
    });
  const queues = {
    enterpriseCA: queue('enterprise-ca'),
    trustDomain: queue('trust-domain'),
    trustBundle: queue('trust-bundle'),
    sharedCertificate: queue('shared-certificate'),
    trunkTrust: queue('trunk-trust'),
    mediaGateway: queue('media-gateway'),
    federation: queue('federated-partner'),
    mediaRelay: queue('media-relay'),
    trustedServer: queue('trusted-server'),
  };
  for (const each of Object.values(queues)) finish.defer(() => each.shutdown());

  const authorities = new Authorities();
  const topology: Topology = new Topology({
    dirty: {
      // Whom it may meet as well is written with whoever else comes within that time; whom it may not meet any more, at once.
      server: (key, change) =>
        change?.added === undefined ? wakeServer(key) : queues.trustedServer.addAfter(key, coalesce, 'user'),
      domain: (name) => {
        queues.trustDomain.add(name);
        queues.sharedCertificate.add(`Domain/${name}`);
      },
      bundle: (key, change) => {
        const delay = bundles.noteChange(key, change);
        if (delay !== undefined) queues.trustBundle.addAfter(encodeBundleKey(key), delay);
      },
      gateway: wakeGateway,
      // A relay of many registrars is looked at once for all that come together.
      relay: (key) => queues.mediaRelay.addAfter(key, 200, 'user'),
      federation: (name) => queues.federation.add(name),
    },
    // A shared certificate lies with the operator and holds its names for the namespace of its server.
    issued: (name) =>
      journal.holdersOf(name).map((holder) => {
        const owner = holder.namespace === namespace ? sharedOwner(holder.secret) : undefined;
        return owner?.kind === 'Pool' ? { ...holder, namespace: owner.namespace } : holder;
      }),
    inGrace: (object) => (graceEnd(object, now(), grace) ?? 0) > now(),
  });
  const trunks = new TrunkState();
  const federation = new FederationState();
  const trust = finish.use(
    new TrustState({
      topology,
      authorities,
      trunks,
      federation,
      secrets: stores.secrets,
      configMaps: stores.configMaps,
      recorded: (secret) => journal.latestOf(secret),
      onChange: (domain) => wake.domainAndAll(domain),
      now,
    }),
  );
  const context: Context = {
    client,
    namespace,
    stores,
    topology,
    authorities,
    trust,
    trunks,
    federation,
    journal,
    events,
    foreign: new Set(),
    log,
    now,
    grace,
    onIssued: metrics.onIssued,
  };
  const wake: Wake = {
    domainAndAll: (name) => {
      queues.trustDomain.add(name);
      for (const key of topology.serversOf(name)) wakeServer(key, 'background');
      for (const key of topology.gatewaysOf(name)) wakeGateway(key);
      for (const key of topology.relaysOf(name)) queues.mediaRelay.add(key, { priority: 'background' });
      for (const key of topology.bundles(name)) queues.trustBundle.add(encodeBundleKey(key));
      queues.sharedCertificate.add(`Domain/${name}`);
      queues.federation.add(name);
    },
    edges: (name) => {
      for (const key of topology.serversOfRole(name, 'Edge')) wakeServer(key);
      for (const key of topology.bundles(name))
        if (key.audience === 'edge-external') queues.trustBundle.add(encodeBundleKey(key));
    },
    shared: (key) => queues.sharedCertificate.add(key),
    trunks: (server) => {
      queues.trustedServer.add(server);
      for (const key of topology.trunksOf(server)) queues.mediaGateway.add(key);
    },
  };
  const bundles = new TrustBundles(context);
  const counts = finish.use(new DomainCounts(stores, (domain) => queues.trustDomain.add(domain)));
  const domains = new TrustDomains(context, counts);
  const servers = new TrustedServers(context, wake);
  const enterprise = new EnterpriseCAs(context, wake);
  const gateways = new MediaGateways(context);
  const relays = new MediaRelays(context);
  const trunkTrusts = new TrunkTrusts(context, wake);
  const partners = new FederatedPartners(context, wake, {
    resolver: options.resolver,
    onAnswer: (domain) => queues.federation.add(domain),
    signal,
  });
  finish.defer(() => partners.settled());

  // Domains before servers and namespaces before both: what a server is follows from them.
  feed(finish, stores.namespaces, (key, { old, new: current }) => {
    if (old === undefined || current === undefined || !isDeepStrictEqual(factsOf(old), factsOf(current)))
      topology.setNamespace(key, current && factsOf(current));
  });
  // Each of these looks at all servers of the domain, and the counts in its status move with every one of them.
  feed(finish, stores.trustDomains, (key, { old, new: current }) => {
    if (old === undefined || current === undefined || concernsTopology(old, current)) topology.setDomain(key, current);
    // While it was missing its bundles stayed as they were, also those that nobody should hold any more.
    if (old === undefined)
      for (const configMap of stores.configMaps.byIndex('domain', key)) onConfigMap({ old: configMap, new: configMap });
  });
  feed(finish, stores.trustedServers, (key, change) => {
    const { old, new: current } = change;
    if (old === undefined || current === undefined || concernsTopology(old, current)) topology.setServer(key, current);
    else topology.replaceServer(key, current);
  });
  feed(finish, stores.mediaGateways, (key, { old, new: current }) => {
    if (old === undefined || current === undefined || concernsTopology(old, current)) topology.setGateway(key, current);
    else {
      topology.replaceGateway(key, current);
      // A certificate for a request is nowhere but in the status, and somebody may have cleared that.
      if (!isDeepStrictEqual(old.status?.certificate, current.status?.certificate)) queues.mediaGateway.add(key);
    }
  });
  feed(finish, stores.mediaRelays, (key, { old, new: current }) => {
    if (old === undefined || current === undefined || concernsTopology(old, current)) topology.setRelay(key, current);
    else topology.replaceRelay(key, current);
  });
  feed(finish, stores.federatedPartners, (key, { old, new: current }) => {
    if (old === undefined || current === undefined || concernsTopology(old, current)) topology.setPartner(key, current);
    else topology.replacePartner(key, current);
  });
  feed(finish, stores.enterpriseCAs, (key) => queues.enterpriseCA.add(key));
  feed(finish, stores.secrets, (_key, change) => onSecret(change));
  feed(finish, stores.configMaps, (_key, change) => onConfigMap(change));

  const controller = (name: string, key: keyof typeof queues, reconcile: (id: string) => Promise<Requeue | void>) =>
    new Controller({
      name,
      queue: queues[key],
      concurrency: concurrency[key],
      reconcile,
      onReconciled: (reconciled) => metrics.onReconciled(name, reconciled),
      log,
    });

  // Every CA is looked at once before anything that depends on one: at start nothing is to look as if it had none.
  await Promise.all(stores.enterpriseCAs.list().map((each) => enterprise.reconcile(each.metadata.name).catch(() => undefined)));

  const pools = new Set(
    stores.mediaGateways.list().map(({ metadata, spec }) => `${metadata.namespace}/${spec.mediationServer.name}`),
  );
  await Promise.all([...pools].map((key) => trunkTrusts.reconcile(key).catch(() => undefined)));

  try {
    await Promise.all([
      journal.run(signal),
      controller('enterprise-ca', 'enterpriseCA', (key) => enterprise.reconcile(key)).run(signal),
      controller('trust-domain', 'trustDomain', (key) => domains.reconcile(key)).run(signal),
      controller('trust-bundle', 'trustBundle', (key) => bundles.reconcile(key)).run(signal),
      controller('media-gateway', 'mediaGateway', (key) => gateways.reconcile(key)).run(signal),
      controller('trunk-trust', 'trunkTrust', (key) => trunkTrusts.reconcile(key)).run(signal),
      controller('shared-certificate', 'sharedCertificate', (key) => reconcileSharedCertificate(key, context)).run(signal),
      controller('federated-partner', 'federation', (key) => partners.reconcile(key)).run(signal),
      controller('media-relay', 'mediaRelay', (key) => relays.reconcile(key)).run(signal),
      controller('trusted-server', 'trustedServer', (key) => servers.reconcile(key)).run(signal),
    ]);
  } finally {
    journalEnd.abort();
  }

  function onSecret({ old, new: current }: Change<MetadataObject>): void {
    const { metadata } = current ?? old ?? { metadata: undefined };
    if (metadata === undefined) return;
    const edge = edgeOf(metadata);
    if (edge !== undefined) queues.federation.add(edge.spec.trustDomain);
    const enterpriseCA = metadata.labels?.[label.enterpriseCA];
    if (enterpriseCA !== undefined && metadata.namespace === namespace) queues.enterpriseCA.add(enterpriseCA);
    for (const relay of new Set([old, current].flatMap((each) => (each === undefined ? [] : relayOf(each)))))
      queues.mediaRelay.add(relay);
    wakeTrunksOf({ metadata });
    const isShared = metadata.namespace === namespace && metadata.labels?.[label.use] !== undefined;
    if (isShared && metadata.labels?.[label.server] === undefined) {
      wakeUsersOf(metadata.name);
      return;
    }
    if (current !== undefined && isOwnWrite(old, current)) return;
    for (const name of new Set([old, current].map((each) => each?.metadata.labels?.[label.server]))) {
      if (name !== undefined) queues.trustedServer.add(`${metadata.namespace}/${name}`);
    }
    for (const name of new Set([old, current].map((each) => each?.metadata.labels?.[label.mediaGateway]))) {
      if (name !== undefined) queues.mediaGateway.add(`${metadata.namespace}/${name}`);
    }
  }

  /** The Edge whose external face shows what is in a Secret: labels alone are anybody's to write. */
  function edgeOf({ namespace: home, labels = {}, ownerReferences = [] }: MetadataObject['metadata']): TrustedServer | undefined {
    if (labels[label.use]?.startsWith('access-edge-') !== true) return undefined;
    const { server } = topology.placement(`${home}/${labels[label.server]}`) ?? {};
    const owned = ownerReferences.some(({ uid, controller }) => controller === true && uid === server?.metadata.uid);
    return owned && server?.spec.role === 'Edge' ? server : undefined;
  }

  /** What a trunk has in the operator's namespace changed; or a Secret of a pool, whose gateways may wait for its anchors. */
  function wakeTrunksOf({ metadata }: Pick<MetadataObject, 'metadata'>): void {
    const record = metadata.namespace === namespace && metadata.labels?.[label.trunks] !== undefined;
    const server = record ? trunkRecordOf(metadata.name)?.server : undefined;
    if (server !== undefined) queues.trunkTrust.add(server);
    const pool = `${metadata.namespace}/${metadata.labels?.[label.server]}`;
    for (const key of topology.trunksOf(pool)) if (gateways.isWaiting(key)) queues.mediaGateway.add(key);
  }

  /** Nothing was lost since, and it holds what the journal knows of it last: whoever wrote it has just looked at it. */
  function isOwnWrite(old: MetadataObject | undefined, { metadata }: MetadataObject): boolean {
    const recorded = journal.latestOf(`${metadata.namespace}/${metadata.name}`);
    const expected = old?.metadata.ownedDataKeys ?? ['ca.crt', 'tls.crt', 'tls.key'];
    return (
      metadata.deletionTimestamp === undefined &&
      metadata.annotations?.[annotation.serial] === recorded?.serial &&
      metadata.annotations?.[annotation.fingerprint] === recorded?.fingerprint &&
      expected.every((key) => metadata.ownedDataKeys?.includes(key) === true)
    );
  }

  /** A server, and the certificate that the members of its pool share. */
  function wakeServer(key: string, priority: Priority = 'user'): void {
    queues.trustedServer.add(key, { priority });
    if (topology.trunksOf(key).size > 0 || trunks.of(key) !== undefined) queues.trunkTrust.add(key, { priority });
    if (topology.placement(key)?.server.spec.role === 'Edge') queues.sharedCertificate.add(`Pool/${key}`, { priority });
  }

  /** A gateway, and what the pool at the other end of its trunk trusts. */
  function wakeGateway(key: string): void {
    queues.mediaGateway.add(key);
    const gateway = topology.gateway(key)?.device;
    if (gateway !== undefined) queues.trunkTrust.add(`${gateway.metadata.namespace}/${gateway.spec.mediationServer.name}`);
  }

  /** A shared certificate changed. */
  function wakeUsersOf(secret: string): void {
    const owner = sharedOwner(secret);
    if (owner.kind === 'Pool') {
      wakeServer(`${owner.namespace}/${owner.server}`);
      return;
    }
    queues.sharedCertificate.add(`Domain/${owner.name}`);
    for (const key of topology.serversOf(owner.name)) {
      const role = topology.placement(key)?.server.spec.role;
      if (role !== undefined && usesOf(role).includes('OAuthTokenIssuer')) queues.trustedServer.add(key);
    }
  }

  function onConfigMap({ old, new: current }: Change<MetadataObject>): void {
    const metadata = (current ?? old)?.metadata;
    const domain = metadata?.labels?.[label.domain];
    const audience = metadata?.labels?.[label.audience];
    const server = metadata?.labels?.[label.server];
    if (metadata === undefined) return;
    wakeTrunksOf({ metadata });
    if (server !== undefined) {
      const key = `${metadata.namespace}/${server}`;
      queues.trustedServer.add(key);
      const { trustDomain } = topology.placement(key)?.server.spec ?? {};
      const isOther = old?.metadata.annotations?.[annotation.peersHash] !== current?.metadata.annotations?.[annotation.peersHash];
      if (trustDomain !== undefined && isOther) queues.federation.add(trustDomain);
    }
    const federated = metadata?.labels?.[label.federation];
    if (federated !== undefined && metadata.namespace === namespace) queues.federation.add(federated);
    const published = metadata.annotations?.[annotation.publishedBundle];
    if (published !== undefined && metadata.namespace === namespace)
      for (const each of topology.domains()) if (spiffeTrustDomain(each) === published) queues.federation.add(each.metadata.name);
    if (domain === undefined || audience === undefined) return;
    queues.trustBundle.add(`${domain}/${audience}/${metadata.namespace}`);
    const isWanted = audience === 'edge-external' && topology.wants({ domain, audience, namespace: metadata.namespace ?? '' });
    if (isWanted && metadata.name === bundleName(domain, audience)) queues.federation.add(domain);
    if (sameTrust(old, current)) return;
    // One that comes to be is waited for in its namespace alone; one that gets other anchors may be the last to get them.
    const scope = old === undefined ? `${metadata.namespace}/` : '';
    for (const key of servers.waiting()) if (key.startsWith(scope)) queues.trustedServer.add(key);
  }
}

type Feeder<T> = (key: string, change: Change<T>) => void;

/** Hands over what a store holds, and then each change of it. */
function feed<T extends KubeObject>(
  finish: AsyncDisposableStack,
  store: { list(): readonly T[]; onChange(handler: (change: Change<T>) => void): Disposable },
  handler: Feeder<T>,
): void {
  for (const object of store.list()) handler(keyOf(object), { new: object });
  finish.use(
    store.onChange((change) => {
      const object = change.new ?? change.old;
      if (object !== undefined) handler(keyOf(object), change);
    }),
  );
}

function factsOf({ metadata }: Namespace) {
  return { name: metadata.name, labels: metadata.labels ?? {}, terminating: metadata.deletionTimestamp !== undefined };
}

/** A write of status alone moves nothing. */
function concernsTopology(old: KubeObject, current: KubeObject): boolean {
  return (
    old.metadata.generation !== current.metadata.generation ||
    old.metadata.uid !== current.metadata.uid ||
    old.metadata.deletionTimestamp !== current.metadata.deletionTimestamp
  );
}

function sameTrust(old: MetadataObject | undefined, current: MetadataObject | undefined): boolean {
  return old?.metadata.annotations?.[annotation.trustHash] === current?.metadata.annotations?.[annotation.trustHash];
}
