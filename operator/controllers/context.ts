// What every controller works with: the caches, the shared indexes, and the ways to write and to speak.

import type {
  EnterpriseCA,
  FederatedPartner,
  MediaGateway,
  MediaRelay,
  TrustDomain,
  TrustedServer,
} from '../api/v1alpha1/index.ts';
import type { Authorities } from '../authorities/authority.ts';
import type { Journal } from '../journal/journal.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Log } from '../kube/log.ts';
import type { MetadataObject, Namespace } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Topology } from '../topology/topology.ts';
import type { FederationState } from './federation-state.ts';
import type { TrunkState } from './trunk-state.ts';
import type { TrustState } from './trust-state.ts';

export interface Stores {
  readonly enterpriseCAs: Store<EnterpriseCA>;
  readonly trustDomains: Store<TrustDomain>;
  readonly trustedServers: Store<TrustedServer>;
  readonly mediaGateways: Store<MediaGateway>;
  readonly federatedPartners: Store<FederatedPartner>;
  readonly mediaRelays: Store<MediaRelay>;
  /** By metadata, and only those that carry our label. Indexes: `owner` (UID), `relay` (`namespace/name`), `trunks` (`namespace/name` of the server). */
  readonly secrets: Store<MetadataObject>;
  /** As Secrets. Indexes: `bundle` (`domain/audience/namespace`), `domain`, `federation` (domain). */
  readonly configMaps: Store<MetadataObject>;
  readonly namespaces: Store<Namespace>;
}

export interface Context {
  /** Writes through it fail once this process no longer leads. */
  readonly client: KubeClient;
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly stores: Stores;
  readonly topology: Topology;
  readonly authorities: Authorities;
  readonly trust: TrustState;
  readonly trunks: TrunkState;
  readonly federation: FederationState;
  readonly journal: Journal;
  readonly events: EventRecorder;
  /** `Kind/namespace/name` of objects that we did not make and that have a name we need. */
  readonly foreign: Set<string>;
  readonly log: Log;
  /** Epoch ms. */
  readonly now: () => number;
  /** How long what lost its membership or admission is left as it is, ms. */
  readonly grace: number;
  /** Told of each certificate issued, for the metrics. */
  readonly onIssued: (enterpriseCA: string) => void;
}

/** Asks for a key to be reconciled again, by another controller's queue. */
export interface Wake {
  /** A domain, its servers and its bundles. */
  domainAndAll(name: string): void;
  shared(key: string): void;
  /** A server, and the gateways whose trunks end there. */
  trunks(server: string): void;
  /** The Edges of a domain and the bundles of their external face. */
  edges(domain: string): void;
}
