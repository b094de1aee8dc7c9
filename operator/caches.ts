// What the operator knows of the cluster: a store for each kind it looks at, and the reflectors that fill them.
import type { Kind } from './api/kind.ts';
import type { KubeObject } from './api/object.ts';
import { parseObject } from './api/parse.ts';
import {
  type EnterpriseCA,
  enterpriseCA,
  type FederatedPartner,
  federatedPartner,
  type MediaGateway,
  type MediaRelay,
  mediaGateway,
  mediaRelay,
  type TrustDomain,
  type TrustedServer,
  trustDomain,
  trustedServer,
} from './api/v1alpha1/index.ts';
import type { Stores } from './controllers/context.ts';
import { trunkRecordOf } from './controllers/trunk-records.ts';
import { encodeBundleKey } from './controllers/trust-bundle/observe.ts';
import type { KubeClient } from './kube/client.ts';
import type { Log } from './kube/log.ts';
import { Reflector } from './kube/reflector.ts';
import {
  configMaps,
  enterpriseCAs,
  federatedPartners,
  type MetadataObject,
  mediaGateways,
  mediaRelays,
  type Namespace,
  namespaces,
  secrets,
  trustDomains,
  trustedServers,
} from './kube/resource.ts';
import { keyOf, Store } from './kube/store.ts';
import { label, managedBySelector } from './outputs/labels.ts';
import type { Audience } from './topology/names.ts';

export interface Caches {
  readonly stores: Stores;
  /** Fills the stores until `signal` is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** The kinds that were not read in full yet. */
  readonly missing: () => readonly string[];
}

export interface CacheOptions {
  readonly client: KubeClient;
  readonly log: Log;
  /** The operator's own namespace, where CA keys and shared certificates lie. */
  readonly namespace: string;
  readonly watchNamespaces?: readonly string[] | undefined;
}

export function createCaches({ client, log, namespace, watchNamespaces }: CacheOptions): Caches {
  const stores: Stores = {
    enterpriseCAs: new Store<EnterpriseCA>({ log }),
    trustDomains: new Store<TrustDomain>({ log }),
    trustedServers: new Store<TrustedServer>({ log }),
    mediaGateways: new Store<MediaGateway>({ log }),
    federatedPartners: new Store<FederatedPartner>({ log }),
    mediaRelays: new Store<MediaRelay>({ log }),
    secrets: new Store<MetadataObject>({ log, indexes: { owner: ownersOf, relay: relayOf, trunks: trunksIn(namespace) } }),
    configMaps: new Store<MetadataObject>({ log, indexes: { bundle: bundleOf, domain: domainOf, federation: federationOf } }),
    namespaces: new Store<Namespace>({ log }),
  };
  const parse =
    <T extends KubeObject & { readonly spec?: unknown }>(kind: Kind) =>
    (received: T): T | undefined => {
      const parsed = parseObject(kind, received);
      // The one place where what passed the schema is taken for the type inferred from it.
      if ('object' in parsed) return parsed.object as unknown as T;
      log.error('object not taken in', { object: `${kind.kind} ${keyOf(received)}`, reason: parsed.problem.message });
      return undefined;
    };
  const outputs = { client, log, labelSelector: managedBySelector, metadataOnly: true } as const;
  const own = watchNamespaces === undefined ? undefined : [...new Set([...watchNamespaces, namespace])];
  const limited = watchNamespaces === undefined ? {} : { namespaces: watchNamespaces };
  const limitedAndOwn = own === undefined ? {} : { namespaces: own };
  const reflectors: readonly { run(signal: AbortSignal): Promise<void> }[] = [
    new Reflector({ client, log, resource: enterpriseCAs, store: stores.enterpriseCAs, parse: parse(enterpriseCA) }),
    new Reflector({ client, log, resource: trustDomains, store: stores.trustDomains, parse: parse(trustDomain) }),
    new Reflector({
      client,
      log,
      resource: trustedServers,
      store: stores.trustedServers,
      parse: parse(trustedServer),
      ...limited,
    }),
    new Reflector({
      client,
      log,
      resource: mediaGateways,
      store: stores.mediaGateways,
      parse: parse(mediaGateway),
      ...limited,
    }),
    new Reflector({ client, log, resource: mediaRelays, store: stores.mediaRelays, parse: parse(mediaRelay), ...limited }),
    new Reflector({
      client,
      log,
      resource: federatedPartners,
      store: stores.federatedPartners,
      parse: parse(federatedPartner),
    }),
    new Reflector({ ...outputs, resource: secrets, store: stores.secrets, ...limitedAndOwn }),
    new Reflector({ ...outputs, resource: configMaps, store: stores.configMaps, ...limitedAndOwn }),
    new Reflector({ client, log, resource: namespaces, store: stores.namespaces, ...limited }),
  ];
  return {
    stores,
    run: async (signal) => {
      await Promise.all(reflectors.map((reflector) => reflector.run(signal)));
    },
    missing: () =>
      Object.entries(stores).flatMap(([name, store]: [string, Stores[keyof Stores]]) => (store.synced ? [] : [name])),
  };
}

function ownersOf({ metadata }: MetadataObject): readonly string[] {
  return (metadata.ownerReferences ?? []).flatMap((owner) => (owner.controller === true ? [owner.uid] : []));
}

/** The media relay that a Secret belongs to, `namespace/name`. */
export function relayOf({ metadata }: MetadataObject): readonly string[] {
  const relay = metadata.labels?.[label.mediaRelay];
  return relay === undefined ? [] : [`${metadata.labels?.[label.mediaRelayNamespace] ?? metadata.namespace}/${relay}`];
}

/** Of a gateway authority's Secret in the operator's namespace: its server. */
function trunksIn(own: string) {
  return ({ metadata }: MetadataObject): readonly string[] => {
    const record = metadata.namespace === own ? trunkRecordOf(metadata.name) : undefined;
    return record === undefined || metadata.labels?.[label.trunks] === undefined ? [] : [record.server];
  };
}

function bundleOf({ metadata }: MetadataObject): readonly string[] {
  const domain = metadata.labels?.[label.domain];
  const audience = metadata.labels?.[label.audience];
  if (domain === undefined || audience === undefined) return [];
  return [encodeBundleKey({ domain, audience: audience as Audience, namespace: metadata.namespace ?? '' })];
}

function domainOf({ metadata }: MetadataObject): readonly string[] {
  const domain = metadata.labels?.[label.domain];
  return domain === undefined || metadata.labels?.[label.audience] === undefined ? [] : [domain];
}

function federationOf({ metadata }: MetadataObject): readonly string[] {
  const domain = metadata.labels?.[label.federation];
  return domain === undefined ? [] : [domain];
}
