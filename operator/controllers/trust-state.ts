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
  /** The last certificate that was issued for a Secret, `namespace/name`. */
  readonly recorded: (secret: string) => { readonly fingerprint: string; readonly authority: string } | undefined;
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
const patience = 600_000;

export class TrustState implements Disposable {
  readonly #options: TrustStateOptions;
  /** By domain and circle. */
  readonly #remembered = new Map<string, Remembered>();
  /** By domain, the last one. */
  readonly #distributions = new Map<string, Distribution>();
  /** By domain and `face/key id` of the issuer, the number of Secrets from it. */
  readonly #secretsByIssuer = new Map<string, Map<string, number>>();
  /** By Secret, what it counts for above. */
  readonly #counted = new Map<string, readonly [domain: string, issuer: string]>();
  readonly #subscriptions = new DisposableStack();

  constructor(options: TrustStateOptions) {
    this.#options = options;
    for (const secret of options.secrets.list()) this.#countSecret(keyOf(secret), secret);
    this.#subscriptions.use(options.configMaps.onChange((change) => this.#follow(change)));
    this.#subscriptions.use(
      options.secrets.onChange((change) => {
        const secret = change.new ?? change.old;
        if (secret !== undefined) this.#countSecret(keyOf(secret), change.new);
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
    const { behind, since } = this.#distribution(domain);
    const [first] = behind;
    if (first === undefined || since + patience < this.#options.now()) return undefined;
    const others = behind.size === 1 ? '' : ` and ${behind.size - 1} more`;
    return `${first}${others} of the domain do not hold the new anchors yet.`;
  }

  #trustOf(domainName: string, circle: Circle): AudienceTrust | undefined {
    const { topology, authorities, now } = this.#options;
    const domain = topology.domain(domainName);
    if (domain === undefined) return undefined;
    const { enterpriseCA, additionalEnterpriseCAs = [] } = domain.spec;
    const face = circle === 'Clients' ? 'Any' : 'Internal';
    const faces = circle === 'Clients' ? ['Internal', 'External'] : ['Internal'];
    const additional = additionalEnterpriseCAs.filter((name) => topology.namesAuthority(domainName, name, face));
    const named = [...new Set([enterpriseCA, ...additional])];
    // A CA that the domain no longer names is trusted for as long as a certificate of its is in a Secret.
    const issuers = this.#secretsByIssuer.get(domainName);
    const former = authorities
      .known()
      .filter(({ enterpriseCA: name }) => !named.includes(name))
      .filter(({ keyIds }) => keyIds.some((keyId) => faces.some((each) => issuers?.has(`${each}/${keyId}`) === true)))
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

  #distribution(domain: string): Distribution {
    const hashes = `${this.#hashOf(domain, 'Clients')} ${this.#hashOf(domain, 'Internal')}`;
    const known = this.#distributions.get(domain);
    if (known?.hashes === hashes) return known;
    const { configMaps, secrets, now } = this.#options;
    const held = [...configMaps.byIndex('domain', domain), ...secrets.list()];
    const behind = new Set(held.filter((object) => domainOf(object) === domain && this.#isBehind(domain, object)).map(nameOf));
    const distribution = { hashes, behind, since: now() };
    this.#distributions.set(domain, distribution);
    return distribution;
  }

  /** Who has caught up stays so: what is edited afterwards holds nobody up. */
  #follow(change: Change<MetadataObject>): void {
    const object = change.new ?? change.old;
    const domain = object === undefined ? undefined : domainOf(object);
    const distribution = domain === undefined ? undefined : this.#distributions.get(domain);
    if (object === undefined || domain === undefined || distribution === undefined) return;
    if (change.new === undefined || !this.#isBehind(domain, change.new)) distribution.behind.delete(nameOf(object));
  }

  /** A Secret counts for the CA that the journal says it is from: annotations are the tenant's to forge. */
  #countSecret(key: string, secret: MetadataObject | undefined): void {
    const before = this.#counted.get(key);
    const after = secret === undefined ? undefined : this.#issuerOf(key, secret);
    if (before?.[0] === after?.[0] && before?.[1] === after?.[1]) return;
    if (before !== undefined) count(this.#secretsByIssuer, ...before, -1);
    if (after === undefined) this.#counted.delete(key);
    else {
      this.#counted.set(key, after);
      count(this.#secretsByIssuer, ...after, 1);
    }
  }

  #issuerOf(key: string, { metadata }: MetadataObject): readonly [domain: string, issuer: string] | undefined {
    const domain = metadata.labels?.[label.domain];
    const recorded = this.#options.recorded(key);
    if (domain === undefined || recorded?.fingerprint !== metadata.annotations?.[annotation.fingerprint]) return undefined;
    const face = externalUses.has(metadata.labels?.[label.use]) ? 'External' : 'Internal';
    return recorded === undefined ? undefined : [domain, `${face}/${recorded.authority}`];
  }

  /**
   * Only what somebody reads counts: bundles that should exist, and Secrets of servers that are listed. Labels are the
   * tenant's to forge, and buy nothing but the patience above.
   */
  #isBehind(domain: string, { kind, metadata }: MetadataObject): boolean {
    const { topology } = this.#options;
    const { namespace = '', labels = {}, annotations = {}, deletionTimestamp, ownerReferences = [] } = metadata;
    const held = annotations[annotation.trustHash];
    if (held === undefined || deletionTimestamp !== undefined || topology.namespace(namespace)?.terminating !== false)
      return false;
    if (kind === 'Secret') {
      const placement = topology.placement(`${namespace}/${labels[label.server]}`);
      const isOurs = placement?.listed === true && ownerReferences.some(({ uid }) => uid === placement.server.metadata.uid);
      return isOurs && held !== this.#hashOf(domain, externalUses.has(labels[label.use]) ? 'External' : 'Internal');
    }
    const audience = labels[label.audience];
    if (audience === undefined || !topology.wants({ domain, audience, namespace })) return false;
    return held !== this.#hashOf(domain, circleOf(audience));
  }
}

const externalUses: ReadonlySet<string | undefined> = new Set([kebabCase('AccessEdgeExternal'), kebabCase('AccessEdgeOutbound')]);

function domainOf({ metadata }: MetadataObject): string | undefined {
  return metadata.labels?.[label.domain];
}

function nameOf({ kind, metadata }: MetadataObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function circleOf(audience: Audience): Circle {
  return audience === 'clients' ? 'Clients' : audience === 'edge-external' ? 'External' : 'Internal';
}

function count(counts: Map<string, Map<string, number>>, domain: string, value: string, by: 1 | -1): void {
  const ofDomain = counts.get(domain) ?? new Map<string, number>();
  counts.set(domain, ofDomain);
  const number = (ofDomain.get(value) ?? 0) + by;
  if (number === 0) ofDomain.delete(value);
  else ofDomain.set(value, number);
}
