// The ConfigMaps of trust (contract): one for the clients of a domain in each member namespace, one for each role in each
// namespace with servers of that role, and one for a server that narrows its peers or asks for rendered files.
import type { NewObject } from '../api/object.ts';
import type { TrustedServer } from '../api/v1alpha1/index.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { Audience } from '../topology/names.ts';
import { label, managedBy } from './labels.ts';

/** `trustmesh-<domain>` for clients, `trustmesh-<domain>-<audience>` for servers. */
export function bundleName(domain: string, audience: Audience): string {
  return audience === 'clients' ? `trustmesh-${domain}` : `trustmesh-${domain}-${audience}`;
}

/**
 * The shards that `peers.json` of a bundle lists; none for one document. Their number is part of each name, so that another
 * number is another set: the index goes from a complete one to a complete one.
 */
export function shardNames(domain: string, audience: Audience, count: number): readonly string[] {
  if (count === 1) return [];
  return Array.from({ length: count }, (_, shard) => `${bundleName(domain, audience)}-peers-${count}-${shard}`);
}

/** Whether a shard of this bundle could have the name, of whatever number. */
export function isShardName(domain: string, audience: Audience, name: string): boolean {
  const prefix = `${bundleName(domain, audience)}-peers-`;
  return name.startsWith(prefix) && /^[0-9]+-[0-9]+$/.test(name.slice(prefix.length));
}

/** `<server>-trust`. */
export function serverTrustName(server: string): string {
  return `${server}-trust`;
}

/** Whether `<server>-trust` holds anchors and names of partners: software there reads no other object with them. */
export function rendersPartners({ spec }: TrustedServer): boolean {
  return spec.role === 'Edge' && (spec.outputs ?? []).length > 0;
}

/** Whether it holds anchors for whoever is on no list, and the domains that are closed to them. */
export function listensForAnybody({ spec }: TrustedServer): boolean {
  return spec.listeners?.some(({ partners }) => partners === 'Discovered') === true;
}

/** The data key with the anchors of one partner, for calling it: of `edge-external`, and of the `<server>-trust` of an Edge. */
export function partnerFile(partner: string): string {
  return `partner-${partner}.crt`;
}

/** The data keys of an Edge's `<server>-trust` with the anchors of all partners, and the CRLs of every CA among them: both or neither. */
export const partnersFile = 'partners.crt';
export const revocationListFile = 'crl.pem';

/**
 * The data key with the anchors for whoever is on no list (mode Discovered): of `edge-external`, and of the `<server>-trust` of an
 * Edge with a listener for them.
 */
export const discoveredFile = 'discovered.crt';

/** The data key of `<server>-trust` with the anchors of servers of the domain alone, where a server has trunks. */
export const peersFile = 'peers.crt';

/** The data key of `<server>-trust` with the anchors of one gateway, for calling it. */
export function trunkFile(gateway: string): string {
  return `trunk-${gateway}.crt`;
}

export function bundleLabels(domain: string, audience: Audience): Readonly<Record<string, string>> {
  return { ...managedBy, [label.domain]: domain, [label.audience]: audience };
}

export interface NewConfigMap extends NewObject {
  readonly data: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Clients in Java read a trust store: it costs little and needs no password. */
export function clientBinaryData(
  audience: Audience,
  anchors: readonly Certificate[],
  store: (anchors: readonly Certificate[]) => Uint8Array,
): Readonly<Record<string, string>> {
  return audience === 'clients' ? { 'truststore.p12': Buffer.from(store(anchors)).toString('base64') } : {};
}
