// The ConfigMaps of trust (contract): one for the clients of a domain in each member namespace, one for each role in each
// namespace with servers of that role, and one for a server that narrows its peers or asks for rendered files.
import type { NewObject } from '../api/object.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { Audience } from '../topology/names.ts';
import { label, managedBy } from './labels.ts';

/** `trustmesh-<domain>` for clients, `trustmesh-<domain>-<audience>` for servers. */
export function bundleName(domain: string, audience: Audience): string {
  return audience === 'clients' ? `trustmesh-${domain}` : `trustmesh-${domain}-${audience}`;
}

/** One of the shards that `peers.json` of a bundle lists. */
export function shardName(domain: string, audience: Audience, shard: number): string {
  return `${bundleName(domain, audience)}-peers-${shard}`;
}

/** `<server>-trust`. */
export function serverTrustName(server: string): string {
  return `${server}-trust`;
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
