// The topology index: every domain, server and namespace, and what follows from them, kept up to date one change at a
// time. A change costs work in proportion to what it touches; what it touches is told through `Dirty`, as keys.
import {
  type FederatedPartner,
  kebabCase,
  type MediaGateway,
  type MediaRelay,
  type Role,
  roles,
  type TrustDomain,
  type TrustedServer,
} from '../api/v1alpha1/index.ts';
import { type Admission, admit, type Declaration, type NamespaceFacts } from './admission.ts';
import { audienceRoles, type BundleKey, bundlesOfRole } from './bundle-key.ts';
import {
  type Claimant,
  type ClaimantId,
  Claimants,
  claimantOfDevice,
  claimantOfServer,
  isOutside,
  partsOf,
} from './claimants.ts';
import type { Holder, IssuedName } from './claims.ts';
import { type Device, type DevicePlacement, Devices } from './devices.ts';
import { Domains } from './domains.ts';
import { rolesThatMeet } from './mesh.ts';
import { link, unlink } from './multimap.ts';
import { declaredNames } from './names.ts';
import { Partners } from './partners.ts';
import { type PeerEntry, PeerList } from './peer-list.ts';
import { changed, namedAuthorities, ownerOf, type Placement, Placements } from './placements.ts';
import { mayHaveUsers, mostRelays, usesRelay } from './relay-users.ts';
import { count } from './tally.ts';

export interface PeerChange {
  readonly added?: string;
  readonly removed?: string;
}

/** Who wants to know that a key may now mean something else. */
export interface Dirty {
  /** `change`: of the peers that it reads of, and of nothing else. */
  server(key: string, change?: PeerChange): void;
  domain(name: string): void;
  bundle(key: BundleKey, change?: PeerChange): void;
  gateway(key: string): void;
  relay(key: string): void;
  /** The partners of a domain. */
  federation(domain: string): void;
}

export interface TopologyOptions {
  readonly dirty: Dirty;
  /** Certificates within validity that hold a name, from the journal. */
  readonly issued: (name: string) => readonly IssuedName[];
  /** Whether an object that is no longer admitted is still within its period of grace. */
  readonly inGrace: (object: TrustedServer | Device) => boolean;
}

export class Topology {
  readonly #options: TopologyOptions;
  readonly #domains = new Domains();
  readonly #namespaces = new Map<string, NamespaceFacts>();
  readonly #placements = new Placements();
  readonly #claimants: Claimants;
  /** `domain/role` to namespace to the number of listed servers there. */
  readonly #presence = new Map<string, Map<string, number>>();
  /** `domain/role` to the pools of that role. */
  readonly #peers = new Map<string, PeerList>();
  /** Servers with a peer list of their own, by what it is made from: `domain/role`, `domain/pool`, `namespace/server`. */
  readonly #readers = new Map<string, Set<string>>();
  /** `domain/face/CA` to the number of listed servers with a certificate use that names it. */
  readonly #authorities = new Map<string, number>();
  readonly #gateways = new Devices<MediaGateway>();
  readonly #relays = new Devices<MediaRelay>();
  /** Server to the gateways whose trunk ends there. */
  readonly #trunks = new Map<string, Set<string>>();
  readonly #partners = new Partners();

  constructor(options: TopologyOptions) {
    this.#options = options;
    this.#claimants = new Claimants(options.issued);
  }

  domain(name: string): TrustDomain | undefined {
    return this.#domains.get(name);
  }

  domains(): readonly TrustDomain[] {
    return this.#domains.all();
  }

  /** Why nothing may be issued for this domain: its names belong to an older one. */
  domainProblem(name: string): string | undefined {
    return this.#domains.problem(name)?.message;
  }

  /** Whether that problem is of SPIFFE IDs alone: whoever has one goes on having it. */
  sharesIds(name: string): boolean {
    return this.#domains.problem(name)?.of === 'SPIFFEIDs';
  }

  namespace(name: string): NamespaceFacts | undefined {
    return this.#namespaces.get(name);
  }

  memberNamespaces(domain: string): ReadonlySet<string> {
    return this.#domains.members(domain);
  }

  placement(key: string): Placement | undefined {
    return this.#placements.get(key);
  }

  serversOf(domain: string): ReadonlySet<string> {
    return this.#placements.of(domain);
  }

  gateway(key: string): DevicePlacement<MediaGateway> | undefined {
    return this.#gateways.get(key);
  }

  gatewaysOf(domain: string): ReadonlySet<string> {
    return this.#gateways.of(domain);
  }

  /** The gateways that name this server as the other end of their trunk, whether or not they may. */
  trunksOf(server: string): ReadonlySet<string> {
    return this.#trunks.get(server) ?? new Set();
  }

  relay(key: string): DevicePlacement<MediaRelay> | undefined {
    return this.#relays.get(key);
  }

  relaysOf(domain: string): ReadonlySet<string> {
    return this.#relays.of(domain);
  }

  /** Whether the servers that use a relay are given its secret. `delivered`: whether those of a relay were given it before. */
  hasUsers(key: string, delivered: (relay: MediaRelay) => boolean): boolean {
    const placement = this.#relays.get(key);
    if (placement?.listed !== true) return false;
    return mayHaveUsers(placement, this.#neighbours(placement.device.metadata.namespace ?? ''), delivered);
  }

  /** By name, in no order. */
  partnersOf(domain: string): readonly FederatedPartner[] {
    return this.#partners.of(domain);
  }

  partner(name: string): FederatedPartner | undefined {
    return this.#partners.get(name);
  }

  /** Every server of a role, listed or not. */
  serversOfRole(domain: string, role: Role): ReadonlySet<string> {
    return this.#placements.ofRole(domain, role);
  }

  /** Whether a listed server of the domain names this CA for one of its certificates, or for one of its internal ones. */
  namesAuthority(domain: string, enterpriseCA: string, face: 'Any' | 'Internal'): boolean {
    return this.#authorities.has(`${domain}/${face}/${enterpriseCA}`);
  }

  peerList(domain: string, role: Role): PeerList | undefined {
    return this.#peers.get(`${domain}/${role}`);
  }

  /** Whether this bundle should exist: a member namespace for clients, a listed server of that role for servers. */
  wants(key: BundleKey): boolean {
    if (key.audience === 'clients') return this.memberNamespaces(key.domain).has(key.namespace);
    return audienceRoles(key.audience).some((role) => this.#presence.get(`${key.domain}/${role}`)?.has(key.namespace) === true);
  }

  /** Every bundle that should exist for a domain. */
  bundles(domain: string): readonly BundleKey[] {
    const clients = [...this.memberNamespaces(domain)].map(
      (namespace): BundleKey => ({ domain, audience: 'clients', namespace }),
    );
    const servers = roles.flatMap((role) =>
      [...(this.#presence.get(ownerOf({ trustDomain: domain, role }))?.keys() ?? [])].flatMap((namespace) =>
        bundlesOfRole(domain, role, namespace),
      ),
    );
    return [...clients, ...servers];
  }

  /** Names of servers, gateways and relays of a domain that lie outside its SIP domains. */
  namesOutside(domain: string): readonly string[] {
    return this.#claimants.namesOutside(domain, this.domain(domain)?.spec.sipDomains ?? []);
  }

  /** Who holds a name. */
  holder(name: string): Holder | undefined {
    return this.#claimants.holder(name);
  }

  setNamespace(name: string, facts: NamespaceFacts | undefined): void {
    if (facts === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, facts);
    for (const { metadata } of this.domains())
      this.#setMembership(metadata.name, facts ?? { name, labels: {}, terminating: true });
    for (const key of [...this.#placements.in(name)]) this.refresh(key);
    for (const key of [...this.#gateways.in(name)]) this.refreshGateway(key);
    for (const key of [...this.#relays.in(name)]) this.refreshRelay(key);
  }

  setDomain(name: string, domain: TrustDomain | undefined): void {
    const members = this.memberNamespaces(name);
    const changes = this.#domains.set(name, domain);
    const concerned = new Set<ClaimantId>([name, ...changes.domains].flatMap((each) => this.#claimantsOf(each)));
    for (const contested of changes.names) for (const id of this.#claimants.of(contested)) concerned.add(id);
    for (const each of new Set([name, ...changes.domains])) {
      this.#options.dirty.domain(each);
      this.#options.dirty.federation(each);
    }
    if (domain === undefined) {
      for (const namespace of members) this.#options.dirty.bundle({ domain: name, audience: 'clients', namespace });
    } else {
      for (const facts of this.#namespaces.values()) this.#setMembership(name, facts);
    }
    for (const claimant of concerned) this.#refreshClaimant(claimant);
    for (const bundle of this.bundles(name)) this.#options.dirty.bundle(bundle);
  }

  setServer(key: string, server: TrustedServer | undefined): void {
    const before = this.#placements.get(key);
    const after = server && this.#place(key, server);
    this.#placements.set(before, after);
    for (const list of before === undefined ? [] : peerListsRead(before.server)) unlink(this.#readers, list, key);
    for (const list of after === undefined ? [] : peerListsRead(after.server)) link(this.#readers, list, key);
    const rivals = this.#claim(`TrustedServer/${key}`, after && claimantOfServer(after));
    this.#countPresence(before, after);
    this.#countAuthorities(before, after);
    this.#options.dirty.server(key);
    const comes = before === undefined && after !== undefined ? { added: after.server.spec.poolFQDN } : undefined;
    if (before?.server.spec.poolFQDN !== after?.server.spec.poolFQDN) this.#tellReaders(key, comes);
    this.#listPool(before);
    this.#listPool(after);
    this.#tellRivals(rivals);
    for (const trunk of this.trunksOf(key)) this.#options.dirty.gateway(trunk);
    this.#tellRelays(before, after);
    this.#tellFederation(before, after);
  }

  setGateway(key: string, gateway: MediaGateway | undefined): void {
    const before = this.#gateways.get(key);
    const after = gateway && this.#placeDevice(key, gateway, { what: 'media gateways', role: 'Mediation' });
    if (before !== undefined) unlink(this.#trunks, serverOfTrunk(before.device), key);
    this.#gateways.set(key, after);
    if (after !== undefined) link(this.#trunks, serverOfTrunk(after.device), key);
    this.#options.dirty.gateway(key);
    for (const server of new Set([before, after].flatMap((each) => (each === undefined ? [] : [serverOfTrunk(each.device)]))))
      this.#options.dirty.server(server);
    this.#tellRivals(this.#claim(`MediaGateway/${key}`, after && claimantOfDevice(after)));
  }

  setRelay(key: string, relay: MediaRelay | undefined): void {
    const after = relay && this.#placeDevice(key, relay, { what: 'media relays', role: 'Edge' });
    const { namespace = '' } = (relay ?? this.#relays.get(key)?.device)?.metadata ?? {};
    const before = this.#relays.in(namespace).size;
    this.#relays.set(key, after);
    this.#options.dirty.relay(key);
    // One that goes, or is no longer listed, makes room for another, and one that comes may be older than another.
    if (Math.max(before, this.#relays.in(namespace).size) > mostRelays)
      for (const { key: other } of this.#neighbours(namespace)) if (other !== key) this.#options.dirty.relay(other);
    this.#tellRivals(this.#claim(`MediaRelay/${key}`, after && claimantOfDevice(after)));
  }

  #neighbours(namespace: string): readonly DevicePlacement<MediaRelay>[] {
    return [...this.#relays.in(namespace)].flatMap((key) => this.#relays.get(key) ?? []);
  }

  setPartner(name: string, partner: FederatedPartner | undefined): void {
    const before = this.#partners.get(name);
    const opens = [before, partner].some((each) => each?.spec.mode === 'Discovered');
    for (const domain of this.#partners.set(name, partner)) {
      this.#options.dirty.federation(domain);
      // A listener for discovered partners is good for nothing without one.
      if (opens) for (const key of this.serversOfRole(domain, 'Edge')) this.#options.dirty.server(key);
    }
  }

  /** As `replaceServer`. */
  replaceGateway(key: string, gateway: MediaGateway): void {
    this.#gateways.replace(key, gateway);
  }

  replaceRelay(key: string, relay: MediaRelay): void {
    this.#relays.replace(key, relay);
  }

  replacePartner(name: string, partner: FederatedPartner): void {
    this.#partners.replace(name, partner);
  }

  refreshGateway(key: string): void {
    const placement = this.#gateways.get(key);
    if (placement !== undefined) this.setGateway(key, placement.device);
  }

  refreshRelay(key: string): void {
    const placement = this.#relays.get(key);
    if (placement !== undefined) this.setRelay(key, placement.device);
  }

  /** Takes a newer version of a server whose place in the topology is the same: only its status or its labels changed. */
  replaceServer(key: string, server: TrustedServer): void {
    this.#placements.replace(key, server);
  }

  /** Works out one server anew from what is known of it, as after its period of grace. */
  refresh(key: string): void {
    const placement = this.#placements.get(key);
    if (placement !== undefined) this.setServer(key, placement.server);
  }

  /** Lists a server's pool by who holds its names now: time alone ends the reservation of a name. */
  relist(key: string): void {
    this.#listPool(this.#placements.get(key));
  }

  #place(key: string, server: TrustedServer): Placement {
    const domain = this.domain(server.spec.trustDomain);
    const namespace = this.#namespaces.get(server.metadata.namespace ?? '');
    const admission = domain && namespace && this.#admit(declarationOf(server), namespace, domain);
    const alive = server.metadata.deletionTimestamp === undefined && namespace?.terminating !== true;
    return {
      key,
      server,
      admission,
      listed: alive && domain !== undefined && (admission?.admitted === true || this.#options.inGrace(server)),
      names: declaredNames(server),
      authorities: domain === undefined ? [] : namedAuthorities(server, domain),
    };
  }

  #placeDevice<D extends Device>(key: string, device: D, as: Pick<Declaration, 'what' | 'role'>): DevicePlacement<D> {
    const domain = this.domain(device.spec.trustDomain);
    const namespace = this.#namespaces.get(device.metadata.namespace ?? '');
    const admission = domain && namespace && this.#admit({ ...as, names: [device.spec.fqdn] }, namespace, domain);
    const alive = device.metadata.deletionTimestamp === undefined && namespace?.terminating !== true;
    const listed = alive && domain !== undefined && (admission?.admitted === true || this.#options.inGrace(device));
    return { key, device, admission, listed };
  }

  #admit(declaration: Declaration, namespace: NamespaceFacts, domain: TrustDomain): Admission {
    return admit(declaration, namespace, domain, (name) => this.#domains.reservationsOf(name));
  }

  /** No partner is believed for a name of ours, wherever it lies. */
  #claim(id: ClaimantId, after: Claimant | undefined): ReadonlySet<ClaimantId> {
    const before = this.#claimants.get(id);
    const rivals = this.#claimants.set(id, after);
    for (const domain of new Set([before, after].flatMap((each) => each?.domain ?? []))) {
      const sipDomains = this.domain(domain)?.spec.sipDomains ?? [];
      const outside = (claimant: Claimant | undefined) =>
        claimant?.listed === true && claimant.domain === domain
          ? claimant.names.filter((name) => isOutside(name, sipDomains)).join(' ')
          : '';
      if (outside(before) !== outside(after)) this.#options.dirty.federation(domain);
    }
    return rivals;
  }

  #tellRivals(rivals: ReadonlySet<ClaimantId>): void {
    for (const rival of rivals) {
      const [kind, key] = partsOf(rival);
      if (kind === 'MediaGateway') this.#tellTrunk(key);
      else if (kind === 'MediaRelay') this.#options.dirty.relay(key);
      else {
        this.#listPool(this.#placements.get(key));
        this.#options.dirty.server(key);
      }
    }
  }

  /** Whether a gateway has a trunk is the business of the server at its other end too. */
  #tellTrunk(key: string): void {
    this.#options.dirty.gateway(key);
    const placement = this.#gateways.get(key);
    if (placement !== undefined) this.#options.dirty.server(serverOfTrunk(placement.device));
  }

  #refreshClaimant(id: ClaimantId): void {
    const [kind, key] = partsOf(id);
    if (kind === 'MediaGateway') this.refreshGateway(key);
    else if (kind === 'MediaRelay') this.refreshRelay(key);
    else this.refresh(key);
  }

  /** Relays deliver their credentials to registrars, and to none that is not listed. */
  #tellRelays(before: Placement | undefined, after: Placement | undefined): void {
    const presence = (placement: Placement | undefined) =>
      placement?.listed === true ? placement.server.metadata.uid : undefined;
    if (presence(before) === presence(after)) return;
    for (const each of [before, after].filter((placement) => placement !== undefined)) {
      for (const relay of this.#relays.of(each.server.spec.trustDomain)) {
        const device = this.#relays.get(relay)?.device;
        if (device !== undefined && usesRelay(each.key, each.server, device)) this.#options.dirty.relay(relay);
      }
    }
  }

  /** What is believed of partners lies at the Edges. */
  #tellFederation(before: Placement | undefined, after: Placement | undefined): void {
    const standing = ({ server: { metadata, spec }, listed }: Placement) =>
      listed && spec.role === 'Edge' ? `${spec.trustDomain} ${metadata.uid} ${metadata.generation}` : undefined;
    if ((before && standing(before)) === (after && standing(after))) return;
    for (const domain of new Set([before, after].flatMap((each) => each?.server.spec.trustDomain ?? [])))
      this.#options.dirty.federation(domain);
  }

  /** Tells of bundles that a namespace gets with its first listed server of a role and loses with its last. */
  #countPresence(before: Placement | undefined, after: Placement | undefined): void {
    for (const [placement, by] of changed(before, after, ({ server: { spec } }) => [ownerOf(spec)])) {
      const { trustDomain, role } = placement.server.spec;
      const namespace = placement.server.metadata.namespace ?? '';
      const presence = this.#presence.get(ownerOf({ trustDomain, role })) ?? new Map<string, number>();
      this.#presence.set(ownerOf({ trustDomain, role }), presence);
      const toggled = count(presence, namespace, by);
      if (presence.size === 0) this.#presence.delete(ownerOf({ trustDomain, role }));
      if (!toggled) continue;
      this.#options.dirty.domain(trustDomain);
      for (const bundle of bundlesOfRole(trustDomain, role, namespace)) this.#options.dirty.bundle(bundle);
    }
  }

  /** The first server that names a further CA, and the last that does, changes what the whole domain trusts. */
  #countAuthorities(before: Placement | undefined, after: Placement | undefined): void {
    const ofDomain = ({ server: { spec }, authorities }: Placement) => authorities.map((name) => `${spec.trustDomain}/${name}`);
    for (const [{ server }, by, authority] of changed(before, after, ofDomain)) {
      if (!count(this.#authorities, authority, by)) continue;
      const { trustDomain } = server.spec;
      for (const bundle of this.bundles(trustDomain)) this.#options.dirty.bundle(bundle);
      for (const key of this.serversOf(trustDomain)) this.#options.dirty.server(key);
    }
  }

  /** Several objects may stand for one pool only while they contend for its name: the holder's entry is the one listed. */
  #listPool(placement: Placement | undefined): void {
    if (placement === undefined) return;
    const { trustDomain, role, poolFQDN } = placement.server.spec;
    const holder = this.holder(poolFQDN);
    const held = holder?.kind === 'Claim' ? this.#placements.get(`${holder.claim.namespace}/${holder.claim.name}`) : undefined;
    const isPool =
      holder?.kind === 'Claim' &&
      holder.claim.uid === held?.server.metadata.uid &&
      held?.server.spec.poolFQDN === poolFQDN &&
      ownerOf(held.server.spec) === ownerOf({ trustDomain, role });
    const entry = held?.listed === true && isPool ? this.#entryOf(held) : undefined;
    this.#setEntry(trustDomain, role, poolFQDN, entry);
  }

  #entryOf(placement: Placement): PeerEntry {
    const { poolFQDN: pool, role, media } = placement.server.spec;
    return { pool, role, names: this.#namesHeld(placement), ...media };
  }

  #namesHeld({ server }: Placement): readonly string[] {
    return [...new Set([server.spec.poolFQDN, ...server.spec.members.map((member) => member.fqdn)])].filter((name) => {
      const holder = this.holder(name);
      return holder?.kind === 'Claim' && holder.claim.uid === server.metadata.uid;
    });
  }

  #setEntry(domain: string, role: Role, pool: string, entry: PeerEntry | undefined): void {
    const owner = ownerOf({ trustDomain: domain, role });
    const list = this.#peers.get(owner) ?? new PeerList();
    const known = list.has(pool);
    if (!list.set(pool, entry)) return;
    if (list.size === 0) this.#peers.delete(owner);
    else this.#peers.set(owner, list);
    const change: PeerChange = entry === undefined ? { removed: pool } : known ? {} : { added: pool };
    this.#tellReaders(`${domain}/${pool}`, change);
    for (const claimant of this.#claimants.of(pool)) this.#tellReaders(partsOf(claimant)[1], change);
    const mesh = this.domain(domain)?.spec.security.mesh ?? 'ByRole';
    for (const other of rolesThatMeet(role, mesh)) {
      const audience = ownerOf({ trustDomain: domain, role: other });
      this.#tellReaders(audience, change);
      for (const namespace of this.#presence.get(audience)?.keys() ?? []) {
        this.#options.dirty.bundle({ domain, audience: kebabCase(other), namespace }, change);
      }
    }
  }

  #tellReaders(list: string, change?: PeerChange): void {
    for (const key of this.#readers.get(list) ?? []) this.#options.dirty.server(key, change);
  }

  #setMembership(domain: string, facts: NamespaceFacts): void {
    if (!this.#domains.join(domain, facts)) return;
    this.#options.dirty.domain(domain);
    this.#options.dirty.bundle({ domain, audience: 'clients', namespace: facts.name });
  }

  #claimantsOf(domain: string): readonly ClaimantId[] {
    return [
      ...[...this.serversOf(domain)].map((key): ClaimantId => `TrustedServer/${key}`),
      ...[...this.gatewaysOf(domain)].map((key): ClaimantId => `MediaGateway/${key}`),
      ...[...this.relaysOf(domain)].map((key): ClaimantId => `MediaRelay/${key}`),
    ];
  }
}

/**
 * What the server's own `<server>-trust` is made from: the list of its role, or what `peers` names, which are pools of its
 * domain or servers beside it. Nothing where it has no such ConfigMap.
 */
function peerListsRead({ spec, metadata }: TrustedServer): readonly string[] {
  if (spec.peers !== undefined) {
    return spec.peers.flatMap((peer) => [`${spec.trustDomain}/${peer}`, `${metadata.namespace}/${peer}`]);
  }
  return (spec.outputs ?? []).length > 0 ? [ownerOf(spec)] : [];
}

/** The server at the other end of a gateway's trunk, `namespace/name`. */
function serverOfTrunk({ metadata, spec }: MediaGateway): string {
  return `${metadata.namespace}/${spec.mediationServer.name}`;
}

function declarationOf(server: TrustedServer): Declaration {
  const { role } = server.spec;
  return { what: `the role ${role}`, role, derives: role, names: declaredNames(server) };
}
