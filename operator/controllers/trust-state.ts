// Which trust each audience of each domain should hold, and whether it is in place: no certificate goes out before the
// trust for it does.

import type { ObjectKey } from '../api/object.ts';
import { kebabCase, type MediaGateway, type MediaRelay, type TrustedServer } from '../api/v1alpha1/index.ts';
import type { Authorities } from '../authorities/authority.ts';
import type { MetadataObject } from '../kube/resource.ts';
import { type Change, keyOf, type Store } from '../kube/store.ts';
import { annotation, label } from '../outputs/labels.ts';
import { bundleName } from '../outputs/trust-bundle.ts';
import type { Audience } from '../topology/names.ts';
import type { Topology } from '../topology/topology.ts';
import { trunksOf } from '../topology/trunk-standing.ts';
import { type AudienceTrust, enterpriseTrust, partnerTrust } from '../trust/anchors.ts';
import type { FederationState } from './federation-state.ts';
import { type IssuedBy, IssuerIndex } from './issuer-index.ts';
import type { TrunkState } from './trunk-state.ts';

/** What the journal says of a certificate. */
export interface Issued {
  /** Of the object that it was issued to. */
  readonly uid: string;
  readonly use: string;
  readonly fingerprint: string;
  /** Subject key id of the issuer. */
  readonly authority: string;
}

export interface TrustStateOptions {
  readonly topology: Topology;
  readonly authorities: Authorities;
  readonly trunks: TrunkState;
  readonly federation: FederationState;
  readonly secrets: Store<MetadataObject>;
  readonly configMaps: Store<MetadataObject>;
  /** The last certificate that was issued for a Secret, `namespace/name`. */
  readonly recorded: (secret: string) => Issued | undefined;
  /** Told of a domain that should trust others than before, and again when everybody in it does. */
  readonly onChange: (domain: string) => void;
  readonly now: () => number;
}

/** Audiences with equal trust: clients, every server inside, and the Edge's external face. */
type Circle = 'Clients' | 'Internal' | 'External';

/** The side of a server that shows a certificate. */
type Face = 'Internal' | 'External';

interface Owner {
  readonly object: TrustedServer | MediaGateway | MediaRelay;
  readonly server?: TrustedServer;
}

interface Remembered {
  /** Everything that the trust follows from. */
  readonly inputs: string;
  readonly trust: AudienceTrust;
  /** Epoch ms at which its first anchor expires. */
  readonly until: number;
}

/** The distribution of new trust through a domain, until everybody holds it. */
interface Distribution {
  /** What bundles and Secrets are held against. */
  readonly hashes: string;
  /** `Kind namespace/name` of what does not hold it yet. */
  readonly behind: Set<string>;
  /** Epoch ms. */
  readonly since: number;
}

/** How long a straggler holds new certificates up, ms: one namespace out of order must not stop the domain for good. */
export const patience = 600_000;

export class TrustState implements Disposable {
  readonly #options: TrustStateOptions;
  /** By domain and circle. */
  readonly #remembered = new Map<string, Remembered>();
  /** By domain, the last one. */
  readonly #distributions = new Map<string, Distribution>();
  /** Issuers by `face/key id`. Who a Secret belongs to is seen when it matters. */
  readonly #issuers = new IssuerIndex();
  readonly #subscriptions = new DisposableStack();

  constructor(options: TrustStateOptions) {
    this.#options = options;
    for (const secret of options.secrets.list()) this.#enterSecret(keyOf(secret), secret);
    this.#subscriptions.use(options.configMaps.onChange((change) => this.#follow(change)));
    this.#subscriptions.use(
      options.secrets.onChange((change) => {
        const secret = change.new ?? change.old;
        if (secret !== undefined) this.#enterSecret(keyOf(secret), change.new);
        this.#follow(change);
      }),
    );
  }

  [Symbol.dispose](): void {
    this.#subscriptions.dispose();
  }

  /** The trust of an audience; undefined where there is no such domain. */
  of(domain: string, audience: Audience): AudienceTrust | undefined {
    return this.#trustOf(domain, circleOf(audience));
  }

  /** The trust of one server on a face: beyond its audience's, that of its trunks, which no other server has. */
  ofServer({ metadata, spec }: TrustedServer, audience: Audience = kebabCase(spec.role)): AudienceTrust | undefined {
    const { topology, trunks, now } = this.#options;
    const trust = this.of(spec.trustDomain, audience);
    const key = `${metadata.namespace}/${metadata.name}`;
    if (trust === undefined || audience === 'edge-external') return trust;
    return trunks.of(key) === undefined && trunksOf(key, topology).length === 0 ? trust : trunks.extend(key, trust, now());
  }

  /**
   * Why nothing may be issued yet for this audience in this namespace: its own bundle is not in place, or a bundle or a
   * Secret somewhere in the domain still lacks an anchor. Undefined where all is in place.
   */
  pending(domain: string, audience: Audience, namespace: string): string | undefined {
    const own = bundleName(domain, audience);
    const wanted = this.of(domain, audience);
    const inPlace = this.#options.configMaps.get({ namespace, name: own });
    if (wanted === undefined || inPlace?.metadata.annotations?.[annotation.trustHash] !== wanted.bundle.hash) {
      return `ConfigMap ${own} with the anchors for it is not in place yet.`;
    }
    return this.pendingAnywhere(domain);
  }

  /** As above, for one who shows a certificate and reads no bundle. */
  pendingAnywhere(domain: string): string | undefined {
    const { behind, since } = this.#distribution(domain);
    const [first] = behind;
    if (first === undefined || since + patience < this.#options.now()) return undefined;
    const others = behind.size === 1 ? '' : ` and ${behind.size - 1} more`;
    return `${first}${others} of the domain do not hold the new anchors yet.`;
  }

  /** The API server refuses to write the anchors into this Secret, as where its owner made it immutable: nobody waits for it. */
  refused(domain: string, secret: Required<ObjectKey>): void {
    this.#release(domain, `Secret ${keyOf(secret)}`);
  }

  /** EnterpriseCAs of which a Secret of the domain holds a certificate for one of these faces. */
  issuersInUse(domain: string, faces: readonly Face[]): readonly string[] {
    return this.#options.authorities
      .known()
      .filter(({ keyIds }) => keyIds.some((keyId) => faces.some((face) => this.#isInUse(domain, `${face}/${keyId}`))))
      .map(({ enterpriseCA }) => enterpriseCA);
  }

  #trustOf(domainName: string, circle: Circle): AudienceTrust | undefined {
    const { topology, authorities, now } = this.#options;
    const domain = topology.domain(domainName);
    if (domain === undefined) return undefined;
    if (circle === 'External') return partnerTrust(this.#options.federation.of(domainName));
    const { enterpriseCA, additionalEnterpriseCAs = [] } = domain.spec;
    const face = circle === 'Clients' ? 'Any' : 'Internal';
    const faces: readonly Face[] = circle === 'Clients' ? ['Internal', 'External'] : ['Internal'];
    const additional = additionalEnterpriseCAs.filter((name) => topology.namesAuthority(domainName, name, face));
    const named = [...new Set([enterpriseCA, ...additional])];
    // A CA that the domain no longer names is trusted for as long as a certificate of its is in a Secret.
    const former = this.issuersInUse(domainName, faces).filter((name) => !named.includes(name));
    const isNeeded = (name: string) =>
      name === enterpriseCA || authorities.anchorsOf(name) !== undefined || this.#hasStrangers(domainName, faces);
    const sources = [...named.filter(isNeeded), ...former];
    const inputs = `${authorities.version} ${sources.join(' ')}`;
    const known = this.#remembered.get(`${domainName}/${circle}`);
    if (known?.inputs === inputs && known.until > now()) return known.trust;
    const trust = enterpriseTrust(
      sources.map((name) => ({ name, anchors: authorities.anchorsOf(name) })),
      now(),
    );
    const until = Math.min(...trust.bundle.anchors.map((anchor) => anchor.notAfter));
    this.#remembered.set(`${domainName}/${circle}`, { inputs, trust, until });
    return trust;
  }

  #hashOf(domain: string, circle: Circle): string {
    return this.#trustOf(domain, circle)?.bundle.hash ?? '';
  }

  #distribution(domain: string): Distribution {
    const hashes = `${this.#hashOf(domain, 'Clients')} ${this.#hashOf(domain, 'Internal')}`;
    const known = this.#distributions.get(domain);
    if (known?.hashes === hashes) return known;
    const { configMaps, secrets, now } = this.#options;
    const held = [...configMaps.byIndex('domain', domain), ...secrets.list()];
    const behind = new Set(held.filter((object) => domainOf(object) === domain && this.#isBehind(domain, object)).map(nameOf));
    const distribution = { hashes, behind, since: now() };
    this.#distributions.set(domain, distribution);
    if (known !== undefined) this.#options.onChange(domain);
    return distribution;
  }

  /** Who has caught up stays so: what is edited afterwards holds nobody up. */
  #follow(change: Change<MetadataObject>): void {
    const object = change.new ?? change.old;
    const domain = object === undefined ? undefined : domainOf(object);
    if (object === undefined || domain === undefined || !this.#distributions.has(domain)) return;
    if (change.new === undefined || !this.#isBehind(domain, change.new)) this.#release(domain, nameOf(object));
  }

  #release(domain: string, name: string): void {
    const { behind } = this.#distributions.get(domain) ?? {};
    if (behind?.delete(name) === true && behind.size === 0) this.#options.onChange(domain);
  }

  /** Whether a Secret of an object of the domain holds a certificate from this issuer, `face/key id`. */
  #isInUse(domain: string, issuer: string): boolean {
    const claimed = this.#issuers.secretsFrom(domain, issuer);
    for (const key of claimed) {
      const secret = this.#options.secrets.get(key);
      if (secret !== undefined && this.#ownerOf(domain, secret)?.object.metadata.uid === this.#options.recorded(key)?.uid)
        return true;
    }
    return false;
  }

  /** Whether a certificate in use is from a CA that nobody knows: it may be any whose anchors are not at hand. */
  #hasStrangers(domain: string, faces: readonly string[]): boolean {
    const { authorities, trunks } = this.#options;
    const known = new Set([...authorities.known().flatMap(({ keyIds }) => keyIds), ...trunks.keyIds()]);
    return this.#issuers.issuersIn(domain).some((issuer) => {
      const [face = '', keyId = ''] = issuer.split('/');
      return faces.includes(face) && !known.has(keyId) && this.#isInUse(domain, issuer);
    });
  }

  /** A Secret is from the CA that the journal says: annotations are the tenant's to forge. */
  #enterSecret(key: string, secret: MetadataObject | undefined): void {
    const before = this.#issuers.enter(key, secret && this.#issuerOf(key, secret));
    if (before !== undefined) this.#distribution(before[0]);
  }

  #issuerOf(key: string, { metadata }: MetadataObject): IssuedBy | undefined {
    const domain = metadata.labels?.[label.domain];
    const recorded = this.#options.recorded(key);
    if (domain === undefined || recorded === undefined) return undefined;
    if (recorded.fingerprint !== metadata.annotations?.[annotation.fingerprint]) return undefined;
    return [domain, `${externalUses.has(recorded.use) ? 'External' : 'Internal'}/${recorded.authority}`];
  }

  /** The listed object of the domain that a Secret belongs to: labels alone say nothing. */
  #ownerOf(domain: string, { metadata }: MetadataObject): Owner | undefined {
    const { topology } = this.#options;
    const { labels = {}, namespace, ownerReferences = [] } = metadata;
    const server = topology.placement(`${namespace}/${labels[label.server]}`);
    const device =
      topology.gateway(`${namespace}/${labels[label.mediaGateway]}`) ??
      topology.relay(`${namespace}/${labels[label.mediaRelay]}`);
    const candidates: readonly Owner[] = [
      ...(server?.listed === true ? [{ object: server.server, server: server.server }] : []),
      ...(device?.listed === true ? [{ object: device.device }] : []),
    ];
    return candidates.find(
      ({ object }) =>
        object.spec.trustDomain === domain &&
        ownerReferences.some(({ controller, uid }) => controller === true && uid === object.metadata.uid),
    );
  }

  /** The hash of the anchors that a Secret should hold; undefined where nobody waits for it. */
  #expectedOf(domain: string, secret: MetadataObject): string | undefined {
    const owner = this.#ownerOf(domain, secret);
    if (owner === undefined || externalFaces.has(secret.metadata.labels?.[label.use])) return undefined;
    const inside = this.#trustOf(domain, 'Internal');
    const trust = owner.server === undefined ? inside : this.ofServer(owner.server);
    // While the CAs of its gateways are not known, nothing is written that could be waited for.
    return trust?.unknown.length === inside?.unknown.length ? trust?.bundle.hash : undefined;
  }

  /**
   * Only what somebody reads counts: bundles that should exist, and Secrets of servers that are listed. Labels are the
   * tenant's to forge, and buy nothing but the patience above. The outside of an Edge believes partners, and so nothing of
   * ours waits for it.
   */
  #isBehind(domain: string, object: MetadataObject): boolean {
    const { kind, metadata } = object;
    const { topology } = this.#options;
    const { namespace = '', labels = {}, annotations = {}, deletionTimestamp } = metadata;
    const held = annotations[annotation.trustHash];
    if (held === undefined || deletionTimestamp !== undefined || topology.namespace(namespace)?.terminating !== false)
      return false;
    if (kind === 'Secret') {
      const expected = this.#expectedOf(domain, object);
      return expected !== undefined && held !== expected;
    }
    const audience = labels[label.audience];
    if (audience === undefined || audience === 'edge-external' || metadata.name !== bundleName(domain, audience)) return false;
    if (!topology.wants({ domain, audience, namespace })) return false;
    return held !== this.#hashOf(domain, circleOf(audience));
  }
}

const external = ['AccessEdgeExternal', 'AccessEdgeOutbound'] as const;
const externalUses: ReadonlySet<string> = new Set(external);
/** As labels have them. */
const externalFaces: ReadonlySet<string | undefined> = new Set(external.map(kebabCase));

function domainOf({ metadata }: MetadataObject): string | undefined {
  return metadata.labels?.[label.domain];
}

function nameOf({ kind, metadata }: MetadataObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function circleOf(audience: Audience): Circle {
  return audience === 'clients' ? 'Clients' : audience === 'edge-external' ? 'External' : 'Internal';
}
