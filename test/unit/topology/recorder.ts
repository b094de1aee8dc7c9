// A topology and what it told, in short.
import type { TrustedServer } from '../../../operator/api/v1alpha1/index.ts';
import type { IssuedName } from '../../../operator/topology/claims.ts';
import type { Device } from '../../../operator/topology/devices.ts';
import { type PeerChange, Topology } from '../../../operator/topology/topology.ts';
import { admitting, keyOf, namespace, trustDomain } from './objects.ts';

export interface Recorder {
  readonly topology: Topology;
  readonly servers: string[];
  /** Servers that were told that peers came, and nothing else. */
  readonly additions: string[];
  readonly domains: string[];
  /** `domain/audience/namespace`. */
  readonly bundles: string[];
  readonly changes: PeerChange[];
  readonly gateways: string[];
  readonly relays: string[];
  /** Domains whose partners were told of. */
  readonly federations: string[];
  /** How often the journal was asked for a name: what there is of work that grows. */
  readonly asked: () => number;
  readonly set: (...servers: readonly TrustedServer[]) => void;
  readonly forget: () => void;
}

export interface RecorderOptions {
  readonly issued?: (name: string) => readonly IssuedName[];
  readonly inGrace?: (object: TrustedServer | Device) => boolean;
}

export function recorder({ issued = () => [], inGrace = () => false }: RecorderOptions = {}): Recorder {
  const servers: string[] = [];
  const additions: string[] = [];
  const domains: string[] = [];
  const bundles: string[] = [];
  const changes: PeerChange[] = [];
  const gateways: string[] = [];
  const relays: string[] = [];
  const federations: string[] = [];
  let asked = 0;
  const topology = new Topology({
    dirty: {
      server: (key, change) => {
        servers.push(key);
        if (change?.added !== undefined) additions.push(key);
      },
      domain: (name) => domains.push(name),
      bundle: (key, change) => {
        bundles.push(`${key.domain}/${key.audience}/${key.namespace}`);
        if (change !== undefined) changes.push(change);
      },
      gateway: (key) => gateways.push(key),
      relay: (key) => relays.push(key),
      federation: (domain) => federations.push(domain),
    },
    issued: (name) => {
      asked++;
      return issued(name);
    },
    inGrace,
  });
  return {
    topology,
    servers,
    additions,
    domains,
    bundles,
    changes,
    gateways,
    relays,
    federations,
    asked: () => asked,
    set: (...all) => {
      for (const server of all) topology.setServer(keyOf(server), server);
    },
    forget: () => {
      for (const list of [servers, additions, domains, bundles, changes, gateways, relays, federations]) list.length = 0;
      asked = 0;
    },
  };
}

/** The domain contoso, which admits everything below contoso.com in the namespaces voice and web. */
export function contoso(options: RecorderOptions = {}): Recorder {
  const made = recorder(options);
  for (const name of ['voice', 'web']) made.topology.setNamespace(name, namespace(name));
  made.topology.setDomain('contoso', trustDomain('contoso', admitting('voice', 'web')));
  made.forget();
  return made;
}
