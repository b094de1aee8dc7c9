// What a server's software is configured from: one value for every format, and where the files lie that it names. A format
// (one file each beside this one) turns it into files, or says in a sentence why it cannot.
import { kebabCase, type Role, type TrustDomain, type TrustedServer, type Use } from '../api/v1alpha1/index.ts';
import { certificateNeeds, spiffeID } from '../topology/names.ts';
import type { PeerEntry } from '../topology/peer-list.ts';

/**
 * Below this lies, by convention, one directory for the Secret of each use (`default`, `web-services-internal`), and `trust`
 * for the ConfigMap `<server>-trust`. The Secret is the member's own, so all members of a pool read the same files.
 */
const mountedAt = '/etc/trustmesh';
export const trustDirectory = `${mountedAt}/trust`;

/** One certificate that the server shows, and whom it believes behind it. */
export interface Face {
  readonly use: Use;
  /** The use in kebab case. */
  readonly name: string;
  /** Where its Secret is mounted. */
  readonly directory: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly anchors: string;
  /** None: nobody is believed. */
  readonly peers: readonly RenderedPeer[];
}

export interface RenderedPeer {
  readonly pool: string;
  readonly role: Role;
  /** DNS names of which its certificates have at least one. */
  readonly names: readonly string[];
  /** Every SPIFFE ID that a certificate of the pool or of a member may have; each certificate has one of them. */
  readonly spiffeIDs: readonly string[];
}

export interface RenderedListener {
  readonly name: string;
  readonly port: number;
  /** `MTLS`: callers show a certificate. */
  readonly protocol: 'MTLS' | 'TLS' | 'HTTPS';
  readonly face: Face;
}

export interface Rendering {
  readonly server: { readonly namespace: string; readonly name: string; readonly role: Role };
  readonly minVersion: '1.2' | '1.3';
  readonly faces: readonly Face[];
  /** Those with TLS. None of an Edge, whose listeners do not say which face they show. */
  readonly listeners: readonly RenderedListener[];
}

/** Content by data key of the ConfigMap, which is also the file's name where it is mounted. */
export type Files = Readonly<Record<string, string>>;

/** `refused`: what cannot be rendered, why, and what to do, in a sentence. */
export type Rendered = { readonly files: Files } | { readonly refused: string };

export type Format = (rendering: Rendering) => Rendered;

/** The uses behind which other servers of the domain call. Web services have clients, and an Edge's outside has partners. */
const calledByServers: readonly Use[] = ['Default', 'Internal'];

/** `peers`: whom the server meets inside. */
export function renderingOf(server: TrustedServer, domain: TrustDomain, peers: readonly PeerEntry[]): Rendering {
  const { role } = server.spec;
  const inside = peers.map((peer) => renderedPeer(domain, peer));
  const faces = new Map<Use, Face>();
  for (const { use, profile } of certificateNeeds(server, domain)) {
    if (profile !== 'TokenSigning') faces.set(use, faceOf(use, calledByServers.includes(use) ? inside : []));
  }
  const main = faces.get('Default');
  const listeners = (server.spec.listeners ?? []).flatMap(({ name, port, protocol }): RenderedListener[] => {
    const face = protocol === 'HTTPS' ? (faces.get('WebServicesInternal') ?? main) : main;
    return protocol === 'TCP' || face === undefined ? [] : [{ name, port, protocol, face }];
  });
  return {
    server: { namespace: server.metadata.namespace ?? '', name: server.metadata.name, role },
    minVersion: domain.spec.security.tls.minVersion,
    faces: [...faces.values()],
    listeners,
  };
}

function faceOf(use: Use, peers: readonly RenderedPeer[]): Face {
  const name = kebabCase(use);
  const directory = `${mountedAt}/${name}`;
  return {
    use,
    name,
    directory,
    certificate: `${directory}/tls.crt`,
    privateKey: `${directory}/tls.key`,
    anchors: `${directory}/ca.crt`,
    peers,
  };
}

function renderedPeer(domain: TrustDomain, { pool, role, names }: PeerEntry): RenderedPeer {
  const id = (member?: string) => spiffeID(domain, { spec: { role, poolFQDN: pool } }, member);
  return { pool, role, names, spiffeIDs: [id(), ...names.map(id)] };
}

/** Why software that reads no names out of certificates is not rendered; undefined where it can be. */
export function obstacleToTrustByCA(software: string, { server, listeners }: Rendering): string | undefined {
  if (server.role === 'Edge') {
    return `${software} is not rendered for an Edge: it cannot read the names in a partner's certificate. Use Envoy there.`;
  }
  if (listeners.length > 0) return undefined;
  return `${software} is rendered listener by listener, and spec.listeners has none with TLS whose certificate the server has: declare one.`;
}

/** The first lines of a file: what it is for, for which version, and what that software cannot check itself. */
export function heading(server: Rendering['server'], ...lines: readonly string[]): string {
  const first = `Rendered by Trustmesh for TrustedServer ${server.namespace}/${server.name}. Changes are overwritten.`;
  return [first, ...lines].map((line) => `# ${line}\n`).join('');
}

/** What HAProxy and nginx leave open: to be told, not to be found out. */
export const trustByCA = (software: string): readonly string[] => [
  `${software} cannot read the names in a certificate: it believes every caller whose certificate chains to ca.crt, whether`,
  'peers.json lists it or not. It holds no CRLs. Tickets are off, so that a reload ends every session that could be resumed.',
];
