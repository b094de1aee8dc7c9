// Gathers what one bundle should hold and what it holds: the anchors and peers of an audience in a namespace.
import { roles, type TrustDomain } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import type { PartnerFiles } from '../../outputs/partners.ts';
import { type PeerSource, peerSources } from '../../outputs/peers.ts';
import { bundleName, isShardName } from '../../outputs/trust-bundle.ts';
import { audienceRoles, type BundleKey } from '../../topology/bundle-key.ts';
import type { Audience } from '../../topology/names.ts';
import type { AudienceTrust } from '../../trust/anchors.ts';
import type { Context } from '../context.ts';
import { federationFiles } from '../federation-state.ts';

export interface BundleObservation {
  readonly key: BundleKey;
  readonly domain: TrustDomain | undefined;
  /** The namespace exists and is not being deleted. */
  readonly alive: boolean;
  readonly wanted: boolean;
  readonly trust: AudienceTrust | undefined;
  /** Absent for clients, who have no peer list. */
  readonly peers?: { readonly sources: readonly PeerSource[]; readonly currentShards: number };
  /** Of an Edge's external face, in place of peers; absent while nobody knows the partners yet. */
  readonly partners?: PartnerFiles;
  readonly main?: MetadataObject;
  /** By name. What is called otherwise, and may be somebody's copy with our labels on it, is none. */
  readonly shards: ReadonlyMap<string, MetadataObject>;
  /** How long a bundle stays that is not wanted any more, ms. */
  readonly grace: number;
}

export function encodeBundleKey({ domain, audience, namespace }: BundleKey): string {
  return `${domain}/${audience}/${namespace}`;
}

export function decodeBundleKey(key: string): BundleKey {
  const [domain = '', audience = '', namespace = ''] = key.split('/');
  return { domain, audience: audience as Audience, namespace };
}

export function observe(key: BundleKey, { topology, stores, trust, federation, grace }: Context): BundleObservation {
  const { domain: domainName, audience, namespace } = key;
  const domain = topology.domain(domainName);
  const facts = topology.namespace(namespace);
  const name = bundleName(domainName, audience);
  const held = stores.configMaps.byIndex('bundle', encodeBundleKey(key));
  const main = held.find((configMap) => configMap.metadata.name === name);
  const [role] = audienceRoles(audience);
  const sources =
    domain === undefined || role === undefined || audience === 'edge-external'
      ? undefined
      : peerSources(role, domain.spec.security.mesh, (other) => topology.peerList(domainName, other), roles);
  const known = audience === 'edge-external' ? federation.of(domainName) : undefined;
  return {
    key,
    domain,
    alive: facts !== undefined && !facts.terminating,
    wanted: topology.wants(key),
    trust: trust.of(domainName, audience),
    ...(sources === undefined
      ? {}
      : { peers: { sources, currentShards: Number(main?.metadata.annotations?.[annotation.shards] ?? 1) } }),
    ...(known === undefined ? {} : { partners: federationFiles(known) }),
    ...(main === undefined ? {} : { main }),
    shards: new Map(
      held
        .filter((configMap) => isShardName(domainName, audience, configMap.metadata.name))
        .map((configMap) => [configMap.metadata.name, configMap]),
    ),
    grace,
  };
}
