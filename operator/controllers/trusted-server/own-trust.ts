// The ConfigMap `<server>-trust`: what a server reads that narrows its peers or asks for rendered files.
import { createHash } from 'node:crypto';
import { kebabCase, roles, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import { peerSources, shardCount, shardDocument, shardIndex } from '../../outputs/peers.ts';
import { bundleName, serverTrustName, shardName } from '../../outputs/trust-bundle.ts';
import type { Placement } from '../../topology/topology.ts';
import type { Context } from '../context.ts';

export interface OwnTrust {
  /** Absent where the server needs no ConfigMap of its own, or its content is not known yet. */
  readonly wanted?: { readonly data: Readonly<Record<string, string>>; readonly hash: string };
  readonly existing?: MetadataObject;
  /** What exists is what is wanted, and nobody edited it. */
  readonly current: boolean;
  /** The server asks for one. */
  readonly asked: boolean;
}

export function observeOwnTrust(
  server: TrustedServer,
  placement: Placement,
  domain: TrustDomain | undefined,
  context: Context,
): OwnTrust {
  const namespace = server.metadata.namespace ?? '';
  const named = context.stores.configMaps.get({ namespace, name: serverTrustName(server.metadata.name) });
  const existing =
    named?.metadata.ownerReferences?.some((owner) => owner.uid === server.metadata.uid) === true ? named : undefined;
  const asked = server.spec.peers !== undefined || (server.spec.outputs ?? []).length > 0;
  const trust = domain && context.trust.of(domain.metadata.name, kebabCase(server.spec.role));
  const known = trust !== undefined && (trust.unknown.length === 0 || existing === undefined);
  if (!asked || !known || domain === undefined || !placement.listed) {
    return { ...(existing === undefined ? {} : { existing }), current: !asked, asked };
  }
  const data = { 'ca.crt': trust.bundle.pem, 'peers.json': peersDocument(server, domain, context) };
  const hash = createHash('sha256').update(JSON.stringify(data)).digest('hex');
  const untouched = Object.keys(data).every((key) => existing?.metadata.ownedDataKeys?.includes(key) === true);
  return {
    wanted: { data, hash },
    ...(existing === undefined ? {} : { existing }),
    current: untouched && existing?.metadata.annotations?.[annotation.trustHash] === hash,
    asked,
  };
}

/** The peers that the server named, or all of its audience: in full, or by the shards of the audience's own bundle. */
function peersDocument(server: TrustedServer, domain: TrustDomain, { topology, stores }: Context): string {
  const { name } = domain.metadata;
  const { peers, role } = server.spec;
  if (peers !== undefined) {
    const list = topology.peerList(name, role);
    const poolOf = (peer: string) => topology.placement(`${server.metadata.namespace}/${peer}`)?.server.spec.poolFQDN ?? peer;
    const pools = [...new Set(peers.map((peer) => (list?.has(peer) === true ? peer : poolOf(peer))))].sort();
    const entries = pools.flatMap((pool) => list?.get(pool) ?? []);
    return `{"peers":[${entries.length === 0 ? '' : `\n${entries.join(',\n')}\n`}]}\n`;
  }
  const audience = kebabCase(role);
  const sources = peerSources(role, domain.spec.security.mesh, (other) => topology.peerList(name, other), roles);
  const bundle = stores.configMaps.get({ namespace: server.metadata.namespace ?? '', name: bundleName(name, audience) });
  const current = Number(bundle?.metadata.annotations?.[annotation.shards] ?? 1);
  const count = shardCount(sources, current);
  if (count === 1) return shardDocument(sources, 0, 1);
  return shardIndex(Array.from({ length: count }, (_, shard) => shardName(name, audience, shard)));
}
