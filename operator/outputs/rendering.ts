// What a server's software is configured from: one value for every format, and where the files lie that it names. A format
// (one file each beside this one) turns it into files, or says in a sentence why it cannot.
import {
  type EncryptionLevel,
  kebabCase,
  type Role,
  type TrustDomain,
  type TrustedServer,
  type Use,
} from '../api/v1alpha1/index.ts';
import { gatewayLevel, heldTo, linkLevel, strictest } from '../topology/media-level.ts';
import { certificateNeeds, spiffeID } from '../topology/names.ts';
import type { PeerEntry } from '../topology/peer-list.ts';
import { judgeListener } from '../topology/traffic.ts';
import { discoveredFile, partnerFile, partnersFile, peersFile, revocationListFile, trunkFile } from './trust-bundle.ts';

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
  /**
   * CRLs of every CA that is believed here or called from here: a file beside `anchors`, and replaced with it. Absent where one
   * is missing, since software that checks CRLs refuses whoever lacks one.
   */
  readonly revocationLists?: string;
  /** Anchors of the servers of the domain and of nobody else, for calling them. */
  readonly peerAnchors: string;
  /** Servers of the domain that call here, or are called from here. */
  readonly peers: readonly RenderedPeer[];
  /** Federated partners, of an Edge's external face alone. */
  readonly partners: readonly RenderedPartner[];
  /** Media gateways whose trunk ends here. */
  readonly trunks: readonly RenderedTrunk[];
}

export interface RenderedPeer {
  readonly pool: string;
  readonly role: Role;
  /** DNS names of which its certificates have at least one. */
  readonly names: readonly string[];
  /** Every SPIFFE ID that a certificate of the pool or of a member may have; each certificate has one of them. */
  readonly spiffeIDs: readonly string[];
  /** Of the link with it, where it declares a level of its own. */
  readonly media?: EncryptionLevel;
}

/** Another organisation, as an Edge meets it from outside. */
export interface MetPartner {
  /** Of the FederatedPartner: a DNS label or several. */
  readonly name: string;
  readonly sipDomains: readonly string[];
  /** Where it is called; absent while nobody knows: then it only calls. */
  readonly accessEdge?: { readonly fqdn: string; readonly port: number };
  /** DNS names of which its certificate holds at least one (RFC 5922): its access edge, or a SIP domain. */
  readonly names: readonly string[];
  /** Of its media, where it declares one. */
  readonly encryptionLevel?: EncryptionLevel;
}

export interface RenderedPartner extends MetPartner {
  /** Its anchors alone, for calling it: a file. */
  readonly anchors: string;
  /** Of the link with it. */
  readonly media: EncryptionLevel;
}

/** A media gateway, as its mediation pool meets it. */
export interface MetTrunk {
  /** Of the MediaGateway. */
  readonly name: string;
  /** The one name that its certificate must hold. */
  readonly fqdn: string;
  readonly port: number;
  readonly transport: 'TLS' | 'TCP';
  readonly srtp: 'Required' | 'Optional' | 'NotSupported';
}

export interface RenderedTrunk extends MetTrunk {
  /** Of the link with it. */
  readonly media: EncryptionLevel;
  /** Its anchors alone, for calling it over TLS: a file. */
  readonly anchors: string;
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
  /** Only what FIPS 140 approves: versions, cipher suites and groups. */
  readonly fips: boolean;
  /** Of links with whoever declares no level: whether media is encrypted (SRTP). */
  readonly media: EncryptionLevel;
  readonly faces: readonly Face[];
  /** Those with TLS that the traffic table allows. Of an Edge, those that say which face they show. */
  readonly listeners: readonly RenderedListener[];
  /** Those for whoever is on no list, which only software may have that can tell by DNS whose domain a caller sends for. */
  readonly discovered: readonly RenderedListener[];
  /** Whom these let in nowhere, with what lies in them: SIP domains of ours, of every partner, and those that are blocked. */
  readonly closedDomains: readonly string[];
}

/** Content by data key of the ConfigMap, which is also the file's name where it is mounted. */
export type Files = Readonly<Record<string, string>>;

/** `refused`: what cannot be rendered, why, and what to do, in a sentence. */
export type Rendered = { readonly files: Files } | { readonly refused: string };

export type Format = (rendering: Rendering) => Rendered;

/** The uses behind which other servers of the domain call. Web services have clients, and an Edge's outside has partners. */
const calledByServers: readonly Use[] = ['Default', 'Internal'];
const calledByPartners: readonly Use[] = ['AccessEdgeExternal', 'AccessEdgeOutbound'];

/** Whom a server meets. */
export interface Met {
  /** Inside the domain. */
  readonly peers: readonly PeerEntry[];
  /** At an Edge's external face. */
  readonly partners: readonly MetPartner[];
  /** CRLs of every CA of theirs lie beside the rendered files. */
  readonly partnersRevoke?: boolean;
  readonly trunks: readonly MetTrunk[];
  /** At a listener for whoever is on no list; absent where nothing is known of partners. */
  readonly discovery?: Discovery;
}

export interface Discovery {
  /** The anchors for it are there: a FederatedPartner has the mode Discovered. */
  readonly believed: boolean;
  readonly closedDomains: readonly string[];
  /** Of media, as each FederatedPartner of that mode has it. */
  readonly media: readonly { readonly encryptionLevel?: EncryptionLevel | undefined }[];
}

export function renderingOf(server: TrustedServer, domain: TrustDomain, met: Met): Rendering {
  const { role } = server.spec;
  const ofDomain = domain.spec.media.encryptionLevel;
  const own = server.spec.media?.encryptionLevel;
  const mediaWith = (other?: EncryptionLevel) => heldTo(linkLevel(own, other, ofDomain));
  const peers = met.peers.map((peer) => renderedPeer(domain, peer, mediaWith));
  const partners = met.partners.map((partner) => ({
    ...partner,
    anchors: `${trustDirectory}/${partnerFile(partner.name)}`,
    media: mediaWith(partner.encryptionLevel),
  }));
  const trunks = met.trunks.map((trunk) => ({
    ...trunk,
    anchors: `${trustDirectory}/${trunkFile(trunk.name)}`,
    media: mediaWith(gatewayLevel(trunk)),
  }));
  const faces = new Map<Use, Face>();
  for (const { use, profile } of certificateNeeds(server, domain)) {
    if (profile === 'TokenSigning') continue;
    const files = { ...filesOf(use), ...(calledByPartners.includes(use) && met.partnersRevoke === true ? revocable : {}) };
    const ending = use === 'Default' ? trunks : [];
    faces.set(use, {
      ...files,
      // With trunks, ca.crt holds the anchors of gateways as well.
      peerAnchors: ending.length === 0 ? files.anchors : `${trustDirectory}/${peersFile}`,
      peers: calledByServers.includes(use) ? peers : [],
      partners: calledByPartners.includes(use) ? partners : [],
      trunks: ending,
    });
  }
  const rendered = (wanted: Listener['partners']) =>
    (server.spec.listeners ?? []).flatMap((listener): RenderedListener[] => {
      const { name, port, protocol, face: side, partners: forWhom = 'Listed' } = listener;
      const face = faceShown(faces, role, protocol, side);
      // One that the traffic table does not allow would let callers in without a certificate where everybody has one.
      const isAllowed = judgeListener(listener, role, domain).allowed;
      return protocol === 'TCP' || face === undefined || !isAllowed || forWhom !== wanted ? [] : [{ name, port, protocol, face }];
    });
  const { believed = false, closedDomains = [], media = [] } = met.discovery ?? {};
  const levels = media.map(({ encryptionLevel }) => mediaWith(encryptionLevel));
  return {
    server: { namespace: server.metadata.namespace ?? '', name: server.metadata.name, role },
    minVersion: domain.spec.security.tls.minVersion,
    fips: domain.spec.security.fips === 'Required',
    media: mediaWith(),
    faces: [...faces.values()],
    listeners: rendered('Listed'),
    discovered: rendered('Discovered').map((listener) => ({
      ...listener,
      face: facingAnybody(listener.face, believed ? (strictest(levels) ?? mediaWith()) : undefined),
    })),
    closedDomains: [...new Set([...domain.spec.sipDomains, ...closedDomains])].sort(),
  };
}

/** Whoever is on no list is met as one partner, of whom no names are known: with the same certificate, and with other anchors. `media`: undefined where nobody is believed. */
function facingAnybody({ use, directory, certificate, privateKey }: Face, media: EncryptionLevel | undefined): Face {
  const anchors = `${trustDirectory}/${discoveredFile}`;
  return {
    use,
    name: 'discovered',
    directory,
    certificate,
    privateKey,
    anchors,
    peerAnchors: anchors,
    peers: [],
    partners: media === undefined ? [] : [{ name: 'discovered', sipDomains: [], names: [], anchors, media }],
    trunks: [],
  };
}

type Listener = NonNullable<TrustedServer['spec']['listeners']>[number];

/** An Edge has two sides, and a listener there that names none shows neither. */
function faceShown(
  faces: ReadonlyMap<Use, Face>,
  role: Role,
  protocol: Listener['protocol'],
  side: Listener['face'],
): Face | undefined {
  if (role === 'Edge') return side && faces.get(side === 'Internal' ? 'Internal' : 'AccessEdgeExternal');
  return (protocol === 'HTTPS' ? faces.get('WebServicesInternal') : undefined) ?? faces.get('Default');
}

/**
 * In one object, so that nobody meets the anchors of a new CA before its CRL; and by the link that kubelet replaces in one
 * rename, since it makes those of files that are new afterwards: who reads at once would find them missing.
 */
const revocable = {
  anchors: `${trustDirectory}/..data/${partnersFile}`,
  revocationLists: `${trustDirectory}/..data/${revocationListFile}`,
};

function filesOf(use: Use): Omit<Face, 'peerAnchors' | 'peers' | 'partners' | 'trunks'> {
  const name = kebabCase(use);
  const directory = `${mountedAt}/${name}`;
  return {
    use,
    name,
    directory,
    certificate: `${directory}/tls.crt`,
    privateKey: `${directory}/tls.key`,
    anchors: `${directory}/ca.crt`,
  };
}

function renderedPeer(
  domain: TrustDomain,
  { pool, role, names, encryptionLevel }: PeerEntry,
  mediaWith: (level: EncryptionLevel) => EncryptionLevel,
): RenderedPeer {
  const id = (member?: string) => spiffeID(domain, { spec: { role, poolFQDN: pool } }, member);
  const media = encryptionLevel === undefined ? {} : { media: mediaWith(encryptionLevel) };
  return { pool, role, names, spiffeIDs: [id(), ...names.map(id)], ...media };
}

/** Why software that is rendered listener by listener is not rendered; undefined where it can be. */
export function withoutListeners(software: string, { server, listeners }: Rendering): string | undefined {
  if (listeners.length > 0) return undefined;
  const which = server.role === 'Edge' ? 'that says which face it shows' : 'whose certificate the server has';
  return `${software} is rendered listener by listener, and spec.listeners has none with TLS ${which}: declare one.`;
}

/** The first lines of a file: what it is for, for which version, and what that software cannot check itself. */
export function heading(server: Rendering['server'], ...lines: readonly string[]): string {
  const first = `Rendered by Trustmesh for TrustedServer ${server.namespace}/${server.name}. Changes are overwritten.`;
  return [first, ...lines].map((line) => `# ${line}\n`).join('');
}
