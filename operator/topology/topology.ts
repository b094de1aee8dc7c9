// The topology index: every domain, server and namespace, and what follows from them, kept up to date one change at a
// time. A change costs work in proportion to what it touches; what it touches is told through `Dirty`, as keys.
import { kebabCase, type Role, type TrustDomain, type TrustedServer } from '../api/v1alpha1/index.ts';
import { type Admission, admit, isMember, type NamespaceFacts } from './admission.ts';
import { type Claim, type Holder, holderOf, type IssuedName } from './claims.ts';
import { rolesThatMeet } from './mesh.ts';
import { type Audience, certificateNeeds, declaredNames, reservedNames } from './names.ts';
import { PeerList } from './peer-list.ts';

/** One bundle: what the servers of an audience (or the clients) of a domain read in one namespace. */
export interface BundleKey {
  readonly domain: string;
  readonly audience: Audience;
  readonly namespace: string;
}

export interface PeerChange {
  readonly added?: string;
  readonly removed?: string;
}

/** Who wants to know that a key may now mean something else. */
export interface Dirty {
  server(key: string): void;
  domain(name: string): void;
  bundle(key: BundleKey, change?: PeerChange): void;
}

export interface TopologyOptions {
  readonly dirty: Dirty;
  /** Certificates within validity that hold a name, from the journal. */
  readonly issued: (name: string) => readonly IssuedName[];
  /** Whether a server that is no longer admitted is still within its period of grace. */
  readonly inGrace: (server: TrustedServer) => boolean;
}

/** A server as the topology sees it now. */
export interface Placement {
  readonly key: string;
  readonly server: TrustedServer;
  readonly admission: Admission | undefined;
  /** Its peers know it: admitted, or lost admission a short while ago. */
  readonly listed: boolean;
  readonly names: readonly string[];
  /** Enterprise CAs, other than the domain's own, that its internal certificates come from. */
  readonly authorities: readonly string[];
}

interface DomainState {
  readonly domain: TrustDomain;
  readonly problem: string | undefined;
  readonly members: Set<string>;
}

export class Topology {
  readonly #options: TopologyOptions;
  readonly #domains = new Map<string, DomainState>();
  readonly #namespaces = new Map<string, NamespaceFacts>();
  readonly #placements = new Map<string, Placement>();
  readonly #byNamespace = new Map<string, Set<string>>();
  readonly #byDomain = new Map<string, Set<string>>();
  readonly #claims = new Map<string, Set<string>>();
  /** `domain/role` to namespace to the number of listed servers there. */
  readonly #presence = new Map<string, Map<string, number>>();
  /** `domain/role` to the pools of that role. */
  readonly #peers = new Map<string, PeerList>();
  /** Servers with a peer list of their own: by `domain/role` where it holds all, by `domain/peer` where it is narrowed. */
  readonly #readers = new Map<string, Set<string>>();
  /** `domain/CA` to the number of listed servers with a certificate use that names it. */
  readonly #authorities = new Map<string, number>();

  constructor(options: TopologyOptions) {
    this.#options = options;
  }

  domain(name: string): TrustDomain | undefined {
    return this.#domains.get(name)?.domain;
  }

  domains(): readonly TrustDomain[] {
    return [...this.#domains.values()].map((state) => state.domain);
  }

  /** Why nothing may be issued for this domain: its SIP domains belong to an older one. */
  domainProblem(name: string): string | undefined {
    return this.#domains.get(name)?.problem;
  }

  namespace(name: string): NamespaceFacts | undefined {
    return this.#namespaces.get(name);
  }

  memberNamespaces(domain: string): ReadonlySet<string> {
    return this.#domains.get(domain)?.members ?? new Set();
  }

  placement(key: string): Placement | undefined {
    return this.#placements.get(key);
  }

  serversOf(domain: string): ReadonlySet<string> {
    return this.#byDomain.get(domain) ?? new Set();
  }

  /** Enterprise CAs that a listed server of the domain names for a certificate other than its external ones. */
  namesAuthority(domain: string, enterpriseCA: string): boolean {
    return (this.#authorities.get(`${domain}/${enterpriseCA}`) ?? 0) > 0;
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
    const servers = [...this.#presence].flatMap(([owner, namespaces]) => {
      const role = owner.startsWith(`${domain}/`) ? (owner.slice(domain.length + 1) as Role) : undefined;
      return role === undefined ? [] : [...namespaces.keys()].flatMap((namespace) => bundlesOfRole(domain, role, namespace));
    });
    return [...clients, ...servers];
  }

  /** The holder of a name that nobody is, or somebody is, claiming. */
  holder(name: string): Holder | undefined {
    const claims = [...(this.#claims.get(name) ?? [])].flatMap((key): Claim[] => {
      const placement = this.#placements.get(key);
      return placement === undefined ? [] : [claimOf(placement.server)];
    });
    return holderOf(claims, this.#options.issued(name));
  }

  setNamespace(name: string, facts: NamespaceFacts | undefined): void {
    if (facts === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, facts);
    for (const [domain, state] of this.#domains)
      this.#setMembership(domain, state, facts ?? { name, labels: {}, terminating: true });
    for (const key of this.#byNamespace.get(name) ?? []) this.refresh(key);
  }

  setDomain(name: string, domain: TrustDomain | undefined): void {
    const before = this.#domains.get(name);
    if (domain === undefined) this.#domains.delete(name);
    else this.#domains.set(name, { domain, problem: undefined, members: before?.members ?? new Set() });
    for (const other of this.#recheckOverlaps()) this.#options.dirty.domain(other);
    this.#options.dirty.domain(name);
    const state = this.#domains.get(name);
    if (state !== undefined) for (const facts of this.#namespaces.values()) this.#setMembership(name, state, facts);
    const reservationsMoved = reservations(before?.domain) !== reservations(domain);
    for (const key of reservationsMoved ? [...this.#placements.keys()] : [...this.serversOf(name)]) this.refresh(key);
    for (const bundle of this.bundles(name)) this.#options.dirty.bundle(bundle);
  }

  setServer(key: string, server: TrustedServer | undefined): void {
    const before = this.#placements.get(key);
    const after = server === undefined ? undefined : this.#place(key, server);
    const released = (before?.names ?? []).filter((name) => !after?.names.includes(name));
    const claimed = (after?.names ?? []).filter((name) => !before?.names.includes(name));
    this.#withdraw(before);
    for (const name of released) unlink(this.#claims, name, key);
    for (const name of claimed) link(this.#claims, name, key);
    if (after !== undefined) this.#placements.set(key, after);
    this.#enter(before, after);
    this.#options.dirty.server(key);
    for (const name of [...released, ...claimed]) {
      for (const rival of [...(this.#claims.get(name) ?? [])]) {
        const placement = rival === key ? undefined : this.#placements.get(rival);
        if (placement === undefined) continue;
        this.#enter(placement, placement);
        this.#options.dirty.server(rival);
      }
    }
  }

  /** Takes a newer version of a server whose place in the topology is the same: only its status or its labels changed. */
  replaceServer(key: string, server: TrustedServer): void {
    const placement = this.#placements.get(key);
    if (placement !== undefined) this.#placements.set(key, { ...placement, server });
  }

  /** Works out one server anew from what is known of it, as after its period of grace. */
  refresh(key: string): void {
    const placement = this.#placements.get(key);
    if (placement !== undefined) this.setServer(key, placement.server);
  }

  #place(key: string, server: TrustedServer): Placement {
    const domain = this.domain(server.spec.trustDomain);
    const namespace = this.#namespaces.get(server.metadata.namespace ?? '');
    const admission = domain && namespace && admit(server, namespace, domain, this.domains());
    const alive = server.metadata.deletionTimestamp === undefined && namespace?.terminating !== true;
    return {
      key,
      server,
      admission,
      listed: alive && domain !== undefined && (admission?.admitted === true || this.#options.inGrace(server)),
      names: declaredNames(server),
      authorities: domain === undefined ? [] : internalAuthorities(server, domain),
    };
  }

  #withdraw(before: Placement | undefined): void {
    if (before === undefined) return;
    this.#placements.delete(before.key);
    unlink(this.#byNamespace, before.server.metadata.namespace ?? '', before.key);
    unlink(this.#byDomain, before.server.spec.trustDomain, before.key);
    for (const list of peerListsRead(before.server)) unlink(this.#readers, list, before.key);
  }

  /** Moves a server's share of the derived state from what it was to what it is, and tells whom that concerns. */
  #enter(before: Placement | undefined, after: Placement | undefined): void {
    if (after !== undefined) {
      link(this.#byNamespace, after.server.metadata.namespace ?? '', after.key);
      link(this.#byDomain, after.server.spec.trustDomain, after.key);
      for (const list of peerListsRead(after.server)) link(this.#readers, list, after.key);
    }
    if (before !== after) {
      this.#count(before, -1);
      this.#count(after, 1);
      this.#tellPresence(before, after);
    }
    this.#listPool(before, after);
  }

  #count(placement: Placement | undefined, by: 1 | -1): void {
    if (placement?.listed !== true) return;
    const { trustDomain, role } = placement.server.spec;
    const namespace = placement.server.metadata.namespace ?? '';
    const owner = `${trustDomain}/${role}`;
    const presence = this.#presence.get(owner) ?? new Map<string, number>();
    add(presence, namespace, by);
    if (presence.size === 0) this.#presence.delete(owner);
    else this.#presence.set(owner, presence);
    for (const enterpriseCA of placement.authorities) {
      const key = `${trustDomain}/${enterpriseCA}`;
      const known = this.#authorities.has(key);
      add(this.#authorities, key, by);
      if (known !== this.#authorities.has(key)) {
        for (const bundle of this.bundles(trustDomain)) this.#options.dirty.bundle(bundle);
      }
    }
  }

  #tellPresence(before: Placement | undefined, after: Placement | undefined): void {
    if (before?.listed === after?.listed && before?.server.spec.role === after?.server.spec.role) return;
    for (const placement of [before, after]) {
      if (placement === undefined) continue;
      const { trustDomain, role } = placement.server.spec;
      this.#options.dirty.domain(trustDomain);
      for (const bundle of bundlesOfRole(trustDomain, role, placement.server.metadata.namespace ?? '')) {
        this.#options.dirty.bundle(bundle);
      }
    }
  }

  /** Several objects may stand for one pool only while they contend for its name: the holder's entry is the one listed. */
  #listPool(before: Placement | undefined, after: Placement | undefined): void {
    const pools = new Set([before?.server.spec.poolFQDN, after?.server.spec.poolFQDN]);
    for (const pool of pools) {
      const server = (pool === after?.server.spec.poolFQDN ? after : before)?.server;
      if (pool === undefined || server === undefined) continue;
      const { trustDomain, role } = server.spec;
      const holder = this.holder(pool);
      const held = holder?.kind === 'Claim' ? this.#placements.get(`${holder.claim.namespace}/${holder.claim.name}`) : undefined;
      const entry =
        held?.listed === true && held.server.spec.trustDomain === trustDomain && held.server.spec.role === role
          ? { pool, role, names: this.#namesHeld(held) }
          : undefined;
      if (!this.#setEntry(trustDomain, role, pool, entry)) continue;
      const { namespace, name } = server.metadata;
      for (const peer of [pool, `${namespace}/${name}`]) {
        for (const key of this.#readers.get(`${trustDomain}/${peer}`) ?? []) this.#options.dirty.server(key);
      }
    }
  }

  #namesHeld({ server }: Placement): readonly string[] {
    return [...new Set([server.spec.poolFQDN, ...server.spec.members.map((member) => member.fqdn)])].filter((name) => {
      const holder = this.holder(name);
      return holder?.kind === 'Claim' && holder.claim.uid === server.metadata.uid;
    });
  }

  #setEntry(domain: string, role: Role, pool: string, entry: Parameters<PeerList['set']>[1]): boolean {
    const owner = `${domain}/${role}`;
    const list = this.#peers.get(owner) ?? new PeerList();
    const known = list.has(pool);
    if (!list.set(pool, entry)) return false;
    if (list.size === 0) this.#peers.delete(owner);
    else this.#peers.set(owner, list);
    const change: PeerChange = entry === undefined ? { removed: pool } : known ? {} : { added: pool };
    const mesh = this.domain(domain)?.spec.security.mesh ?? 'ByRole';
    for (const other of rolesThatMeet(role, mesh)) {
      for (const key of this.#readers.get(`${domain}/${other}`) ?? []) this.#options.dirty.server(key);
      for (const namespace of this.#presence.get(`${domain}/${other}`)?.keys() ?? []) {
        this.#options.dirty.bundle({ domain, audience: kebabCase(other), namespace }, change);
      }
    }
    return true;
  }

  #setMembership(domain: string, state: DomainState, facts: NamespaceFacts): void {
    const member = !facts.terminating && isMember(state.domain, facts);
    if (state.members.has(facts.name) === member) return;
    if (member) state.members.add(facts.name);
    else state.members.delete(facts.name);
    this.#options.dirty.domain(domain);
    this.#options.dirty.bundle({ domain, audience: 'clients', namespace: facts.name });
  }

  /** Equal or nested SIP domains: the older TrustDomain has them. Returns the domains whose verdict changed. */
  #recheckOverlaps(): readonly string[] {
    const byAge = [...this.#domains].sort(([, a], [, b]) => (age(a.domain) < age(b.domain) ? -1 : 1));
    const taken: { readonly sipDomain: string; readonly owner: string }[] = [];
    const changed: string[] = [];
    for (const [name, state] of byAge) {
      const clash = state.domain.spec.sipDomains
        .flatMap((mine) => taken.filter(({ sipDomain }) => nested(mine, sipDomain)).map((other) => ({ mine, ...other })))
        .at(0);
      const problem =
        clash &&
        `SIP domain ${clash.mine} equals, contains or lies in ${clash.sipDomain} of the older TrustDomain ${clash.owner}. ` +
          'Remove it from one of the two.';
      if (problem !== state.problem) {
        this.#domains.set(name, { ...state, problem });
        changed.push(name);
      }
      if (problem === undefined) taken.push(...state.domain.spec.sipDomains.map((sipDomain) => ({ sipDomain, owner: name })));
    }
    return changed;
  }
}

/** The roles that read an audience's bundle; none for clients. */
export function audienceRoles(audience: Audience): readonly Role[] {
  return audience === 'clients' ? [] : audience === 'edge-external' ? ['Edge'] : (rolesByAudience.get(audience) ?? []);
}

const rolesByAudience = new Map(
  rolesThatMeet('Server', 'Full').map((role): [string, readonly Role[]] => [kebabCase(role), [role]]),
);

function bundlesOfRole(domain: string, role: Role, namespace: string): readonly BundleKey[] {
  const audiences: readonly Audience[] = role === 'Edge' ? ['edge', 'edge-external'] : [kebabCase(role)];
  return audiences.map((audience) => ({ domain, audience, namespace }));
}

/** Which peer lists the server's own `<server>-trust` is made from; none where it has no such ConfigMap. */
function peerListsRead({ spec, metadata }: TrustedServer): readonly string[] {
  if (spec.peers !== undefined) {
    return spec.peers.flatMap((peer) => [`${spec.trustDomain}/${peer}`, `${spec.trustDomain}/${metadata.namespace}/${peer}`]);
  }
  return (spec.outputs ?? []).length > 0 ? [`${spec.trustDomain}/${spec.role}`] : [];
}

function internalAuthorities(server: TrustedServer, domain: TrustDomain): readonly string[] {
  if (server.spec.certificates.uses?.some((entry) => entry.enterpriseCA !== undefined) !== true) return [];
  const internal = certificateNeeds(server, domain).filter((need) => need.audience !== 'edge-external');
  return [...new Set(internal.map((need) => need.enterpriseCA))].filter((name) => name !== domain.spec.enterpriseCA);
}

export function claimOf(server: TrustedServer): Claim {
  const { uid, name, namespace = '', creationTimestamp } = server.metadata;
  return { uid, name, namespace, creationTimestamp };
}

function age(domain: TrustDomain): string {
  return `${domain.metadata.creationTimestamp}/${domain.metadata.uid}`;
}

function nested(a: string, b: string): boolean {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

function reservations(domain: TrustDomain | undefined): string {
  return domain === undefined ? '' : JSON.stringify([...reservedNames(domain)]);
}

function link(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}

function unlink(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  values?.delete(value);
  if (values?.size === 0) index.delete(key);
}

function add(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
