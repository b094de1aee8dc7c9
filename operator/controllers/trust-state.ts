// Which trust each audience of each domain should hold, and whether it is in place: no certificate goes out before the
// trust for it does.
import { kebabCase } from '../api/v1alpha1/index.ts';
import type { Authorities } from '../authorities/authority.ts';
import type { MetadataObject } from '../kube/resource.ts';
import { type Change, keyOf, type Store } from '../kube/store.ts';
import { annotation, label } from '../outputs/labels.ts';
import { bundleName } from '../outputs/trust-bundle.ts';
import type { Audience } from '../topology/names.ts';
import type { Topology } from '../topology/topology.ts';
import { type AudienceTrust, audienceTrust } from '../trust/anchors.ts';

export interface TrustStateOptions {
  readonly topology: Topology;
  readonly authorities: Authorities;
  readonly secrets: Store<MetadataObject>;
  readonly configMaps: Store<MetadataObject>;
  readonly now: () => number;
}

/** Audiences with equal trust: clients, every server inside, and the Edge's external face. */
type Circle = 'Clients' | 'Internal' | 'External';

interface Remembered {
  /** Everything that the trust follows from. */
  readonly inputs: string;
  readonly trust: AudienceTrust;
  /** Epoch ms at which its first anchor expires. */
  readonly until: number;
}

interface Stale {
  /** What the bundles were held against. */
  readonly hashes: string;
  /** Keys of the ConfigMaps that hold other trust. */
  readonly keys: Set<string>;
}

export class TrustState implements Disposable {
  readonly #options: TrustStateOptions;
  /** By domain and circle. */
  readonly #remembered = new Map<string, Remembered>();
  /** By domain. */
  readonly #stale = new Map<string, Stale>();
  /** By domain: the hash of the anchors, or `face/key id` of the issuer, to the number of Secrets with it. */
  readonly #secretsByHash = new Map<string, Map<string, number>>();
  readonly #secretsByIssuer = new Map<string, Map<string, number>>();
  readonly #subscriptions = new DisposableStack();

  constructor(options: TrustStateOptions) {
    this.#options = options;
    for (const secret of options.secrets.list()) this.#countSecret(secret, 1);
    this.#subscriptions.use(options.configMaps.onChange((change) => this.#onConfigMap(change)));
    this.#subscriptions.use(
      options.secrets.onChange((change) => {
        if (change.old !== undefined) this.#countSecret(change.old, -1);
        if (change.new !== undefined) this.#countSecret(change.new, 1);
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
    const [first] = this.#staleBundles(domain);
    if (first !== undefined) return `ConfigMap ${first} does not hold the new anchors yet.`;
    const behind = this.#secretsBehind(domain);
    return behind === 0 ? undefined : `${behind} Secrets of the domain do not hold the new anchors yet.`;
  }

  #trustOf(domainName: string, circle: Circle): AudienceTrust | undefined {
    const { topology, authorities, now } = this.#options;
    const domain = topology.domain(domainName);
    if (domain === undefined) return undefined;
    const { enterpriseCA, additionalEnterpriseCAs = [] } = domain.spec;
    const face = circle === 'Clients' ? 'Any' : 'Internal';
    const additional = additionalEnterpriseCAs.filter((name) => topology.namesAuthority(domainName, name, face));
    const named = [...new Set([enterpriseCA, ...additional])];
    // A CA that the domain no longer names is trusted for as long as a certificate of its is in a Secret.
    const issuers = this.#secretsByIssuer.get(domainName);
    const former = authorities
      .known()
      .filter(
        (known) => !named.includes(known.enterpriseCA) && known.keyIds.some((keyId) => issuers?.has(`${face}/${keyId}`) === true),
      )
      .map((known) => known.enterpriseCA);
    const sources = [...named, ...former];
    const inputs = `${authorities.version} ${sources.join(' ')}`;
    const known = this.#remembered.get(`${domainName}/${circle}`);
    if (known?.inputs === inputs && known.until > now()) return known.trust;
    const trust = audienceTrust(
      circle === 'External' ? 'edge-external' : 'clients',
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

  #staleBundles(domain: string): ReadonlySet<string> {
    const hashes = `${this.#hashOf(domain, 'Clients')} ${this.#hashOf(domain, 'Internal')}`;
    const known = this.#stale.get(domain);
    if (known?.hashes === hashes) return known.keys;
    const bundles = this.#options.configMaps.byIndex('domain', domain).filter((configMap) => this.#isStale(domain, configMap));
    const keys = new Set(bundles.map((configMap) => keyOf(configMap)));
    this.#stale.set(domain, { hashes, keys });
    return keys;
  }

  /** Secrets that hold neither what the domain's servers should trust now, nor the nothing of an external face. */
  #secretsBehind(domain: string): number {
    const current = [this.#hashOf(domain, 'Internal'), this.#hashOf(domain, 'External')];
    let behind = 0;
    for (const [hash, count] of this.#secretsByHash.get(domain) ?? []) if (!current.includes(hash)) behind += count;
    return behind;
  }

  #countSecret({ metadata }: MetadataObject, by: 1 | -1): void {
    const domain = metadata.labels?.[label.domain];
    if (domain === undefined) return;
    count(this.#secretsByHash, domain, metadata.annotations?.[annotation.trustHash], by);
    const issuer = metadata.annotations?.[annotation.authority];
    if (issuer === undefined) return;
    count(this.#secretsByIssuer, domain, `Any/${issuer}`, by);
    if (!externalUses.has(metadata.labels?.[label.use])) count(this.#secretsByIssuer, domain, `Internal/${issuer}`, by);
  }

  /** Only bundles of enterprise trust that somebody still reads count. */
  #isStale(domain: string, { metadata }: MetadataObject): boolean {
    const held = metadata.annotations?.[annotation.trustHash];
    const audience = metadata.labels?.[label.audience];
    const terminating = this.#options.topology.namespace(metadata.namespace ?? '')?.terminating !== false;
    if (held === undefined || audience === undefined || audience === 'edge-external' || terminating) return false;
    return metadata.deletionTimestamp === undefined && held !== this.#hashOf(domain, circleOf(audience));
  }

  #onConfigMap(change: Change<MetadataObject>): void {
    const configMap = change.new ?? change.old;
    const domain = configMap?.metadata.labels?.[label.domain];
    const stale = domain === undefined ? undefined : this.#stale.get(domain);
    if (configMap === undefined || domain === undefined || stale === undefined) return;
    const key = keyOf(configMap);
    if (change.new !== undefined && this.#isStale(domain, change.new)) stale.keys.add(key);
    else stale.keys.delete(key);
  }
}

const externalUses: ReadonlySet<string | undefined> = new Set([kebabCase('AccessEdgeExternal'), kebabCase('AccessEdgeOutbound')]);

function circleOf(audience: Audience): Circle {
  return audience === 'clients' ? 'Clients' : audience === 'edge-external' ? 'External' : 'Internal';
}

function count(counts: Map<string, Map<string, number>>, domain: string, value: string | undefined, by: 1 | -1): void {
  if (value === undefined) return;
  const ofDomain = counts.get(domain) ?? new Map<string, number>();
  counts.set(domain, ofDomain);
  const number = (ofDomain.get(value) ?? 0) + by;
  if (number === 0) ofDomain.delete(value);
  else ofDomain.set(value, number);
}
