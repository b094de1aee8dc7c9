// The ConfigMap `<server>-trust`: what a server reads that narrows its peers, asks for rendered files, or has gateways with a CA
// of their own.
import { createHash } from 'node:crypto';
import { kebabCase, type Role, roles, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { checksRevocation, dataLimit, type Output, type RenderedOutputs, renderOutputs, sizeOf } from '../../outputs/formats.ts';
import { annotation } from '../../outputs/labels.ts';
import { type PeerSource, peerSources, shardCount, shardDocument, shardIndex } from '../../outputs/peers.ts';
import { type Met, renderingOf } from '../../outputs/rendering.ts';
import {
  bundleName,
  discoveredFile,
  listensForAnybody,
  partnerFile,
  rendersPartners,
  revocationListFile,
  serverTrustName,
  shardNames,
} from '../../outputs/trust-bundle.ts';
import { narrowedEntries } from '../../topology/named-peers.ts';
import { bucketCount, type PeerEntry, parsePeer } from '../../topology/peer-list.ts';
import type { Placement } from '../../topology/placements.ts';
import { type Trunk, trunksOf } from '../../topology/trunk-standing.ts';
import { trunkCertificate, trunkPort } from '../../topology/trunks.ts';
import type { Context } from '../context.ts';
import { type PartnerTrust, renderedHash } from '../federation-state.ts';
import { anchorFiles, type CalledGateway, calledGateways } from './called-gateways.ts';
import { type Content, contentWithin, revocationFiles } from './revocation-files.ts';

export interface OwnTrust {
  /** Absent where the server needs no ConfigMap of its own, or its content is not known yet. */
  readonly wanted?: {
    readonly data: Readonly<Record<string, string>>;
    readonly hash: string;
    /** Hash of what it has of federated partners, of an Edge that has files rendered. */
    readonly partnersHash?: string;
  };
  readonly existing?: MetadataObject;
  /** What exists is what is wanted, and nobody edited it. */
  readonly current: boolean;
  /** The server asks for one. */
  readonly asked: boolean;
  /** A sentence for each output that it asks for and does not get. */
  readonly refused: readonly string[];
  /** Those of its outputs that check no CRLs, while those of partners are delivered. */
  readonly withoutRevocation?: readonly Output[];
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
  const trunks = trunksOf(placement.key, context.topology);
  const bringsCA = trunks.some(({ gateway }) => trunkCertificate(gateway.spec) === 'OwnAuthority');
  const asked = server.spec.peers !== undefined || (server.spec.outputs ?? []).length > 0 || bringsCA;
  const trust = domain && context.trust.ofServer(server);
  const partnersKnown = server.spec.role !== 'Edge' || context.federation.of(server.spec.trustDomain) !== undefined;
  const known = partnersKnown && trust !== undefined && (trust.unknown.length === 0 || existing === undefined);
  if (!asked || !known || domain === undefined || !placement.listed) {
    return { ...(existing === undefined ? {} : { existing }), current: !asked, asked, refused: [] };
  }
  const gateways = calledGateways(placement.key, domain, trunks, context);
  const partners = partnersOf(server, domain, context);
  const own = {
    'ca.crt': trust.bundle.pem,
    'peers.json': peersDocument(server, domain, context),
    ...(server.spec.outputs === undefined
      ? {}
      : {
          ...anchorFiles(gateways, server, domain, context),
          ...partnerAnchors(partners),
          ...discoveredAnchors(server, context),
        }),
  };
  const contentWith = (lists: Readonly<Record<string, string>>): Content => {
    const beside = { ...own, ...lists };
    const partnersRevoke = revocationListFile in lists;
    const room = dataLimit - sizeOf(beside);
    const { files, refused } = outputsOf(server, domain, { gateways, partners, partnersRevoke }, room, context);
    return { data: { ...beside, ...files }, refused };
  };
  const federation = rendersPartners(server) ? context.federation.of(domain.metadata.name) : undefined;
  const lists = partners.length > 0 ? revocationFiles(federation) : {};
  const { data, refused } = contentWithin(contentWith, lists);
  const hash = createHash('sha256').update(JSON.stringify(data)).digest('hex');
  const untouched = Object.keys(data).every((key) => existing?.metadata.ownedDataKeys?.includes(key) === true);
  const partnersHash = federation && renderedHash(federation, listensForAnybody(server));
  const held = existing?.metadata.annotations ?? {};
  return {
    wanted: { data, hash, ...(partnersHash === undefined ? {} : { partnersHash }) },
    ...(existing === undefined ? {} : { existing }),
    current: untouched && held[annotation.trustHash] === hash && held[annotation.peersHash] === partnersHash,
    asked,
    refused,
    ...(revocationListFile in lists
      ? { withoutRevocation: server.spec.outputs?.filter((output) => !checksRevocation.includes(output)) ?? [] }
      : {}),
  };
}

/** Whom a server meets that is no server of the domain. */
interface Outsiders {
  readonly gateways: readonly CalledGateway[];
  readonly partners: readonly PartnerTrust[];
  readonly partnersRevoke: boolean;
}

function outputsOf(
  server: TrustedServer,
  domain: TrustDomain,
  { gateways, partners, partnersRevoke }: Outsiders,
  room: number,
  context: Context,
): RenderedOutputs {
  const { outputs = [] } = server.spec;
  if (outputs.length === 0) return { files: {}, refused: [] };
  return renderOutputs(
    outputs,
    renderingOf(server, domain, {
      peers: peersOf(server, domain, context),
      partners: partners.map(({ bundle: _, ...partner }) => partner),
      partnersRevoke,
      trunks: gateways.map(({ trunk }) => renderedTrunk(trunk)),
      ...discoveryOf(server, context),
    }),
    room,
  );
}

/** Whom an Edge meets outside. Nobody is called by anchors that are not there. */
function partnersOf({ spec }: TrustedServer, { metadata }: TrustDomain, { federation }: Context): readonly PartnerTrust[] {
  if (spec.role !== 'Edge') return [];
  return (federation.of(metadata.name)?.partners ?? []).filter(({ bundle }) => bundle.pem !== '');
}

/** Beside the files that name them: an Edge that starts finds both or neither. */
function partnerAnchors(partners: readonly PartnerTrust[]): Readonly<Record<string, string>> {
  return Object.fromEntries(partners.map(({ name, bundle }) => [partnerFile(name), bundle.pem]));
}

/** For a listener of its own alone. */
function discoveredAnchors(server: TrustedServer, { federation }: Context): Readonly<Record<string, string>> {
  const pem = federation.of(server.spec.trustDomain)?.discovered.pem ?? '';
  return listensForAnybody(server) && pem !== '' ? { [discoveredFile]: pem } : {};
}

function discoveryOf({ spec }: TrustedServer, { federation }: Context): Pick<Met, 'discovery'> {
  const known = spec.role === 'Edge' ? federation.of(spec.trustDomain) : undefined;
  if (known === undefined) return {};
  const { discovered, closedDomains, discoveredMedia } = known;
  return { discovery: { believed: discovered.pem !== '', closedDomains, media: discoveredMedia } };
}

function renderedTrunk({ gateway: { metadata, spec }, pool }: Trunk): Met['trunks'][number] {
  const { fqdn, transport, srtp } = spec;
  return { name: metadata.name, fqdn, port: trunkPort(spec, pool.spec.role), transport, srtp };
}

/** Every peer, however many: the pools that the server named, or those that its role meets. */
function peersOf(server: TrustedServer, domain: TrustDomain, context: Context): readonly PeerEntry[] {
  const narrowed = narrowedEntries(server, context.topology);
  if (narrowed !== undefined) return narrowed.map(parsePeer);
  return sourcesOf(server, domain, context).flatMap(({ list, reach }) =>
    Array.from({ length: bucketCount }, (_, bucket) => list.entries(bucket))
      .flat()
      .map(parsePeer)
      .filter(({ pool }) => reach === 'Any' || pool === server.spec.poolFQDN),
  );
}

function sourcesOf({ spec }: TrustedServer, domain: TrustDomain, { topology }: Context): readonly PeerSource[] {
  const listOf = (other: Role) => topology.peerList(domain.metadata.name, other);
  return peerSources(spec.role, domain.spec.security.mesh, listOf, roles);
}

/** The peers that the server named, or all of its audience: in full, or by the shards of the audience's own bundle. */
function peersDocument(server: TrustedServer, domain: TrustDomain, context: Context): string {
  const { role } = server.spec;
  const entries = narrowedEntries(server, context.topology);
  if (entries !== undefined) {
    return `{"peers":[${entries.length === 0 ? '' : `\n${entries.join(',\n')}\n`}]}\n`;
  }
  const { name } = domain.metadata;
  const audience = kebabCase(role);
  const sources = sourcesOf(server, domain, context);
  const key = { namespace: server.metadata.namespace ?? '', name: bundleName(name, audience) };
  const current = Number(context.stores.configMaps.get(key)?.metadata.annotations?.[annotation.shards] ?? 1);
  const count = shardCount(sources, current);
  if (count === 1) return shardDocument(sources, 0, 1);
  return shardIndex(shardNames(name, audience, count));
}
