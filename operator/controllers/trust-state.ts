// Which trust each audience of each domain should hold, and whether it is in place: no certificate goes out before the
// trust for it does.
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

interface Stale {
  /** What the bundles were held against. */
  readonly hash: string;
  /** Keys of the ConfigMaps that hold other trust. */
  readonly keys: Set<string>;
}

export class TrustState implements Disposable {
  readonly #options: TrustStateOptions;
  /** By domain. */
  readonly #stale = new Map<string, Stale>();
  /** By domain and hash of the anchors, how many Secrets hold them. */
  readonly #secrets = new Map<string, Map<string, number>>();
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
  of(domainName: string, audience: Audience): AudienceTrust | undefined {
    const { topology, authorities, secrets, now } = this.#options;
    const domain = topology.domain(domainName);
    if (domain === undefined) return undefined;
    const named = [domain.spec.enterpriseCA, ...(domain.spec.additionalEnterpriseCAs ?? [])].filter(
      (name, index) => index === 0 || topology.namesAuthority(domainName, name),
    );
    const sources = named.map((name) => ({ name, anchors: authorities.anchorsOf(name) }));
    // A CA that the domain no longer names is trusted for as long as a certificate of its is in a Secret.
    const former = authorities
      .known()
      .filter(({ enterpriseCA }) => !named.includes(enterpriseCA))
      .filter(({ keyIds }) => keyIds.some((keyId) => secrets.byIndex('authority', `${domainName}/${keyId}`).length > 0))
      .map(({ enterpriseCA, anchors }) => ({ name: enterpriseCA, anchors }));
    return audienceTrust(audience, [...sources, ...former], now());
  }

  /**
   * Why nothing may be issued yet for this audience in this namespace: its own bundle is not in place, or a bundle
   * somewhere in the domain still lacks an anchor. Undefined where all is in place.
   */
  pending(domain: string, audience: Audience, namespace: string): string | undefined {
    const own = bundleName(domain, audience);
    const wanted = this.of(domain, audience);
    const inPlace = this.#options.configMaps.get({ namespace, name: own });
    if (wanted === undefined || inPlace?.metadata.annotations?.[annotation.trustHash] !== wanted.bundle.hash) {
      return `ConfigMap ${own} with the anchors for it is not in place yet.`;
    }
    const [first] = this.#staleOf(domain);
    if (first !== undefined) return `ConfigMap ${first} does not hold the new anchors yet.`;
    const behind = this.#secretsBehind(domain);
    return behind === 0 ? undefined : `${behind} Secrets of the domain do not hold the new anchors yet.`;
  }

  #staleOf(domain: string): ReadonlySet<string> {
    const hash = this.of(domain, 'clients')?.bundle.hash ?? '';
    const known = this.#stale.get(domain);
    if (known?.hash === hash) return known.keys;
    const keys = new Set<string>();
    for (const configMap of this.#options.configMaps.byIndex('domain', domain)) {
      if (this.#isStale(configMap, hash)) keys.add(keyOf(configMap));
    }
    this.#stale.set(domain, { hash, keys });
    return keys;
  }

  /** Secrets that hold neither what the domain's servers should trust now, nor the nothing of an external face. */
  #secretsBehind(domain: string): number {
    const current = [this.of(domain, 'clients')?.bundle.hash, this.of(domain, 'edge-external')?.bundle.hash];
    let behind = 0;
    for (const [hash, count] of this.#secrets.get(domain) ?? []) if (!current.includes(hash)) behind += count;
    return behind;
  }

  #countSecret({ metadata }: MetadataObject, by: 1 | -1): void {
    const domain = metadata.labels?.[label.domain];
    const hash = metadata.annotations?.[annotation.trustHash];
    if (domain === undefined || hash === undefined) return;
    const counts = this.#secrets.get(domain) ?? new Map<string, number>();
    this.#secrets.set(domain, counts);
    const count = (counts.get(hash) ?? 0) + by;
    if (count === 0) counts.delete(hash);
    else counts.set(hash, count);
  }

  /** Only bundles of enterprise trust that somebody still reads count. */
  #isStale({ metadata }: MetadataObject, hash: string): boolean {
    const held = metadata.annotations?.[annotation.trustHash];
    const audience = metadata.labels?.[label.audience];
    const terminating = this.#options.topology.namespace(metadata.namespace ?? '')?.terminating !== false;
    return (
      held !== undefined &&
      held !== hash &&
      audience !== 'edge-external' &&
      !terminating &&
      metadata.deletionTimestamp === undefined
    );
  }

  #onConfigMap(change: Change<MetadataObject>): void {
    const configMap = change.new ?? change.old;
    const domain = configMap?.metadata.labels?.[label.domain];
    if (configMap === undefined || domain === undefined) return;
    const stale = this.#stale.get(domain);
    if (stale === undefined) return;
    const key = keyOf(configMap);
    if (change.new !== undefined && this.#isStale(change.new, stale.hash)) stale.keys.add(key);
    else stale.keys.delete(key);
  }
}
