// What one changed object costs in a network that is small and in one that is large: the index, and the plans of all that it
// tells of. No API server: index and plans are the operator's own, what they would write is kept in memory, nothing is signed.
import { roles, type TrustedServer } from '../operator/api/v1alpha1/index.ts';
import type { AuthorityState } from '../operator/authorities/authority.ts';
import { profileHash } from '../operator/controllers/profile-hash.ts';
import type { BundleObservation } from '../operator/controllers/trust-bundle/observe.ts';
import { type BundleAction, plan as planBundle } from '../operator/controllers/trust-bundle/plan.ts';
import { plan as planServer } from '../operator/controllers/trusted-server/plan.ts';
import type { MetadataObject } from '../operator/kube/resource.ts';
import { annotation } from '../operator/outputs/labels.ts';
import { peerSources, shardDocument } from '../operator/outputs/peers.ts';
import { bundleName } from '../operator/outputs/trust-bundle.ts';
import { audienceRoles, type BundleKey } from '../operator/topology/bundle-key.ts';
import { findingsOfServer } from '../operator/topology/findings-of-server.ts';
import { certificateNeeds } from '../operator/topology/names.ts';
import { trustBundle } from '../operator/trust/bundle.ts';
import { type Fleet, fleetOf, membersOfPool, poolOf } from '../test/unit/topology/fleet.ts';
import { keyOf } from '../test/unit/topology/objects.ts';
import { makeAuthority } from './leaf.ts';
import { median } from './median.ts';

/** Medians over many changes of one kind. */
export interface ChangeFigures {
  /** Completes "when". */
  readonly what: string;
  /** In the index alone, µs. */
  readonly index: number;
  /** Planning all that it told of, findings included, µs. */
  readonly planning: number;
  /** Making the documents of peers that the plans want written, µs. */
  readonly documents: number;
  /** Keys that it told of. */
  readonly keys: number;
  /** Of those documents. */
  readonly bytes: number;
}

export interface OneChangeFigures {
  readonly servers: number;
  readonly pools: number;
  readonly namespaces: number;
  readonly changes: readonly ChangeFigures[];
}

const SIZES = [1_000, 10_000];
const NAMESPACES = 10;
const WARM_UP = 5;
const CHANGES = 30;

const now = Date.now();
const authority = makeAuthority(now);
const state: AuthorityState = { available: true, authority };
const bundle = trustBundle(authority.anchors, now);

export function measureOneChange(): readonly OneChangeFigures[] {
  return SIZES.map((servers) => {
    const fleet = fleetOf(servers, NAMESPACES);
    const plans = new Plans(fleet);
    for (const key of fleet.topology.bundles('contoso')) plans.ofBundle(key);
    return {
      servers,
      pools: servers / membersOfPool,
      namespaces: NAMESPACES,
      changes: Object.entries(kinds).map(([what, change]) => measure(what, change, fleet, plans)),
    };
  });
}

/** The pool that the change is of, before it and after. */
type Kind = (round: number) => { readonly pool: TrustedServer; readonly present: boolean };

/** Front ends of one namespace or another; whoever meets them is told. */
const frontEnd = (round: number, more: object = {}) => poolOf((round % 10) * 10, NAMESPACES, more);

const kinds: Readonly<Record<string, Kind>> = {
  'a pool gets another member': (round) => ({
    pool: frontEnd(round, { members: [{ fqdn: `p${(round % 10) * 10}-0.contoso.com` }, { fqdn: `new-${round}.contoso.com` }] }),
    present: true,
  }),
  'a pool gets another listener': (round) => ({
    pool: frontEnd(round, { listeners: [{ name: 'sip', port: 1024 + round, protocol: round % 2 === 0 ? 'MTLS' : 'TCP' }] }),
    present: true,
  }),
  'a pool goes, or comes back': (round) => ({ pool: frontEnd(Math.floor(round / 2)), present: round % 2 === 1 }),
};

function measure(what: string, kind: Kind, fleet: Fleet, plans: Plans): ChangeFigures {
  const rounds: Omit<ChangeFigures, 'what'>[] = [];
  for (let round = 0; round < WARM_UP + CHANGES; round++) {
    const { pool, present } = kind(round);
    fleet.forget();
    const begin = cpu();
    fleet.topology.setServer(keyOf(pool), present ? pool : undefined);
    const indexed = cpu();
    const planned = plans.ofAllTold();
    const written = cpu();
    const bytes = planned.reduce((sum, document) => sum + Buffer.byteLength(document()), 0);
    const end = cpu();
    rounds.push({
      index: indexed - begin,
      planning: written - indexed,
      documents: end - written,
      keys: Object.values(fleet.told).reduce((sum, each) => sum + each.size, 0),
      bytes,
    });
  }
  const middle = (of: (round: Omit<ChangeFigures, 'what'>) => number) => median(rounds.slice(WARM_UP).map(of));
  return {
    what,
    index: middle(({ index }) => index),
    planning: middle(({ planning }) => planning),
    documents: middle(({ documents }) => documents),
    keys: middle(({ keys }) => keys),
    bytes: middle(({ bytes }) => bytes),
  };
}

/** CPU time of this process, µs: other work on the machine stretches the clock, and this not. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Makes a document that is to be written. */
type Document = () => string;

/** What a bundle consists of, as it would have been written. */
interface Held {
  main?: MetadataObject;
  readonly shards: Map<string, MetadataObject>;
}

/** Plans as the controllers do, and remembers what they would have written. */
class Plans {
  readonly #fleet: Fleet;
  readonly #held = new Map<string, Held>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  ofAllTold(): readonly Document[] {
    const { servers, bundles } = this.#fleet.told;
    for (const key of servers) this.#ofServer(key);
    return [...bundles.values()].flatMap(({ key }) => this.ofBundle(key));
  }

  #ofServer(key: string): void {
    const { topology } = this.#fleet;
    const placement = topology.placement(key);
    const domain = topology.domain('contoso');
    if (placement === undefined || domain === undefined) return;
    const { server, admission } = placement;
    const needs = certificateNeeds(server, domain).map((need) => ({
      need,
      state,
      profileHash: profileHash(need, state),
      foreign: false,
      issues: [],
      bundle,
      stale: false,
    }));
    const observation = {
      server,
      domain,
      namespace: topology.namespace(server.metadata.namespace ?? ''),
      admission,
      needs,
      leftovers: [],
      awaited: new Set<string>(),
      ownTrust: { current: true, asked: false, refused: [] },
      findings: findingsOfServer(key, topology),
    };
    planServer(observation, now);
  }

  ofBundle(key: BundleKey): readonly Document[] {
    const id = `${key.namespace}/${bundleName(key.domain, key.audience)}`;
    const held = this.#held.get(id) ?? { shards: new Map() };
    this.#held.set(id, held);
    const { actions } = planBundle(this.#observed(key, held), now);
    const documents = actions.flatMap((action) => write(action, held));
    // Anchors are written first where there are shards: the next look writes these.
    const again = actions.some(
      (action) => action.kind === 'WriteMain' && action.trust !== undefined && action.peers === undefined,
    );
    return again ? [...documents, ...this.ofBundle(key)] : documents;
  }

  #observed(key: BundleKey, { main, shards }: Held): BundleObservation {
    const { topology } = this.#fleet;
    const domain = topology.domain(key.domain);
    const mesh = domain?.spec.security.mesh ?? 'ByRole';
    const [role] = key.audience === 'edge-external' ? [] : audienceRoles(key.audience);
    const sources = role && peerSources(role, mesh, (other) => topology.peerList(key.domain, other), roles);
    const currentShards = Number(main?.metadata.annotations?.[annotation.shards] ?? 1);
    return {
      key,
      domain,
      alive: true,
      wanted: topology.wants(key),
      trust: { bundle, unknown: [] },
      ...(sources === undefined ? {} : { peers: { sources, currentShards } }),
      ...(main === undefined ? {} : { main }),
      shards,
      grace: 600_000,
    };
  }
}

/** Returns the document of peers that the action writes. */
function write(action: BundleAction, held: Held): readonly Document[] {
  if (action.kind === 'Delete') {
    held.shards.delete(action.configMap.metadata.name);
    return [];
  }
  if (action.kind === 'WriteShard') {
    held.shards.set(action.name, configMap(action.name, { [annotation.peersHash]: action.hash }));
    return [() => shardDocument(action.sources, action.shard, action.count)];
  }
  held.main = configMap(action.name, { ...held.main?.metadata.annotations, ...action.annotations });
  const { peers } = action;
  return peers?.count === 1 ? [() => shardDocument(peers.sources, 0, 1)] : [];
}

function configMap(name: string, annotations: Readonly<Record<string, string | null>>): MetadataObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: new Date(now).toISOString(),
      annotations: Object.fromEntries(Object.entries(annotations).filter((each): each is [string, string] => each[1] !== null)),
      ownedDataKeys: ['ca.crt', 'truststore.p12', 'peers.json'],
    },
  };
}
