// A topology of any size: pools of five servers of every role, gateways, relays and partners; and what is told of one change.
import { type Role, roles, type TrustedServer } from '../../../operator/api/v1alpha1/index.ts';
import type { BundleKey } from '../../../operator/topology/bundle-key.ts';
import { type PeerChange, Topology } from '../../../operator/topology/topology.ts';
import { gateway, partner, relay } from './declared.ts';
import { keyOf, namespace, trustDomain, trustedServer } from './objects.ts';

export const membersOfPool = 5;

/** What one change told, by kind of key; each key once, as a queue has it. */
export interface Told {
  readonly servers: Set<string>;
  readonly domains: Set<string>;
  readonly bundles: Map<string, { readonly key: BundleKey; readonly change?: PeerChange }>;
  readonly gateways: Set<string>;
  readonly relays: Set<string>;
  readonly federations: Set<string>;
}

export interface Fleet {
  readonly topology: Topology;
  readonly told: Told;
  /** Objects that were made, each a pool. */
  readonly pools: readonly TrustedServer[];
  /** How often the journal was asked for a name. */
  asked(): number;
  forget(): void;
}

/** Every tenth pool has each role, registrars more often: as a network has them. */
const mix: readonly Role[] = [...roles, 'FrontEnd'];

/** The pool of a number, always the same. */
export function poolOf(index: number, namespaces: number, more: object = {}): TrustedServer {
  const role = mix[index % mix.length] ?? 'Server';
  const host = `p${index}`;
  return trustedServer(
    host,
    role,
    {
      poolFQDN: `${host}.contoso.com`,
      members: Array.from({ length: membersOfPool }, (_, member) => ({ fqdn: `${host}-${member}.contoso.com` })),
      ...(role === 'Edge' ? { edge: { accessFQDN: `access-${host}.contoso.com` } } : {}),
      ...more,
    },
    { namespace: `ns${Math.floor(index / mix.length) % namespaces}` },
  );
}

/** `servers`: members of all pools together. */
export function fleetOf(servers: number, namespaces: number): Fleet {
  const told: Told = {
    servers: new Set(),
    domains: new Set(),
    bundles: new Map(),
    gateways: new Set(),
    relays: new Set(),
    federations: new Set(),
  };
  let asked = 0;
  const topology = new Topology({
    dirty: {
      server: (key) => told.servers.add(key),
      domain: (name) => told.domains.add(name),
      bundle: (key, change) =>
        told.bundles.set(`${key.domain}/${key.audience}/${key.namespace}`, { key, ...(change === undefined ? {} : { change }) }),
      gateway: (key) => told.gateways.add(key),
      relay: (key) => told.relays.add(key),
      federation: (name) => told.federations.add(name),
    },
    issued: () => {
      asked += 1;
      return [];
    },
    inGrace: () => false,
  });
  for (let index = 0; index < namespaces; index++) topology.setNamespace(`ns${index}`, namespace(`ns${index}`));
  topology.setNamespace('voice', namespace('voice'));
  topology.setDomain(
    'contoso',
    trustDomain('contoso', { admission: [{ namespaceSelector: {}, roles, names: ['*.contoso.com'] }] }),
  );
  const pools = Array.from({ length: servers / membersOfPool }, (_, index) => poolOf(index, namespaces));
  for (const pool of pools) topology.setServer(keyOf(pool), pool);
  topology.setServer('voice/med01', trustedServer('med01', 'Mediation'));
  topology.setGateway('voice/gw', gateway('gw'));
  topology.setRelay('voice/turn', relay('turn'));
  for (const name of ['fabrikam', 'northwind']) topology.setPartner(name, partner(name));
  const forget = () => {
    for (const each of Object.values(told)) each.clear();
    asked = 0;
  };
  forget();
  return { topology, told, pools, asked: () => asked, forget };
}
