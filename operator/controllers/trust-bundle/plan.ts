// Which ConfigMaps of a bundle to write: shards before the index that names them, what is surplus after it.
import type { MetadataObject } from '../../kube/resource.ts';
import { annotation, timestamp } from '../../outputs/labels.ts';
import { isPartnerFile, type PartnerFiles } from '../../outputs/partners.ts';
import { type PeerSource, shardCount, shardHash } from '../../outputs/peers.ts';
import { bundleName, shardNames } from '../../outputs/trust-bundle.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import type { BundleObservation } from './observe.ts';

export type BundleAction =
  | {
      readonly kind: 'WriteShard';
      readonly name: string;
      readonly shard: number;
      readonly count: number;
      readonly hash: string;
      readonly sources: readonly PeerSource[];
      readonly replaces?: MetadataObject;
    }
  | {
      readonly kind: 'WriteMain';
      readonly name: string;
      /** What changed, and so what is written. */
      readonly trust?: TrustBundle;
      readonly peers?: { readonly sources: readonly PeerSource[]; readonly count: number; readonly hash: string };
      /** By data key; null for files of partners that are gone. */
      readonly partners?: Readonly<Record<string, string | null>>;
      /** Annotations with null for those that go. */
      readonly annotations: Readonly<Record<string, string | null>>;
      readonly replaces?: MetadataObject;
    }
  | { readonly kind: 'Delete'; readonly configMap: MetadataObject };

export interface BundlePlan {
  /** To be carried out one after another. */
  readonly actions: readonly BundleAction[];
  /** Epoch ms. */
  readonly lookAgainAt?: number;
}

const nothing: BundlePlan = { actions: [] };

export function plan(observation: BundleObservation, now: number): BundlePlan {
  const { domain, alive, wanted } = observation;
  // While a domain is missing, what was distributed stays as it is.
  if (domain === undefined || !alive) return nothing;
  return wanted ? write(observation) : retire(observation, now);
}

/** A bundle that nobody should hold any more stays for a while: a label that flaps takes nothing away. */
function retire({ key, main, shards, grace }: BundleObservation, now: number): BundlePlan {
  if (main === undefined) return { actions: [...shards.values()].map(deletion) };
  const leftAt = Date.parse(main.metadata.annotations?.[annotation.leftAt] ?? '');
  if (Number.isNaN(leftAt)) {
    const name = bundleName(key.domain, key.audience);
    return {
      actions: [{ kind: 'WriteMain', name, annotations: { [annotation.leftAt]: timestamp(now) }, replaces: main }],
      lookAgainAt: now + grace,
    };
  }
  if (leftAt + grace > now) return { actions: [], lookAgainAt: leftAt + grace };
  return { actions: [main, ...shards.values()].map(deletion) };
}

function write({ key, trust, peers, partners, main, shards }: BundleObservation): BundlePlan {
  if (trust === undefined) return nothing;
  // Anchors that are not known must not be missing from a bundle that may hold them.
  if (main === undefined && trust.unknown.length > 0) return nothing;
  const held = main?.metadata.annotations ?? {};
  const owns = (data: string) => main?.metadata.ownedDataKeys?.includes(data) === true;
  const trustKeys = key.audience === 'clients' ? ['ca.crt', 'truststore.p12'] : ['ca.crt'];
  const trustChanged = trust.unknown.length === 0 && (held[annotation.trustHash] !== trust.bundle.hash || !trustKeys.every(owns));
  const shardActions = peers === undefined ? { count: 1, writes: [], hash: '' } : planShards(key, peers, shards);
  // Certificates wait for the anchors, and shards are many: the peers come at the next look, which the write brings about.
  const trustFirst = trustChanged && shardActions.writes.length > 0;
  const peersChanged =
    peers !== undefined && !trustFirst && (held[annotation.peersHash] !== shardActions.hash || !owns('peers.json'));
  const partnersChanged =
    partners !== undefined && (held[annotation.peersHash] !== partners.hash || !Object.keys(partners.data).every(owns));
  const back = held[annotation.leftAt] !== undefined;
  const inUse = new Set(shardNames(key.domain, key.audience, shardActions.count));
  const surplus = [...shards].filter(([name]) => !inUse.has(name)).map(([, shard]) => shard);
  const mainActions: readonly BundleAction[] =
    !trustChanged && !peersChanged && !partnersChanged && !back
      ? []
      : [
          {
            kind: 'WriteMain',
            name: bundleName(key.domain, key.audience),
            ...(trustChanged ? { trust: trust.bundle } : {}),
            ...(peersChanged && peers !== undefined
              ? { peers: { sources: peers.sources, count: shardActions.count, hash: shardActions.hash } }
              : {}),
            ...(partnersChanged ? { partners: { ...goneFrom(main, partners), ...partners.data } } : {}),
            annotations: {
              ...(trustChanged ? { [annotation.trustHash]: trust.bundle.hash } : {}),
              ...(peersChanged
                ? { [annotation.peersHash]: shardActions.hash, [annotation.shards]: String(shardActions.count) }
                : {}),
              ...(partnersChanged ? { [annotation.peersHash]: partners.hash } : {}),
              ...(back ? { [annotation.leftAt]: null } : {}),
            },
            ...(main === undefined ? {} : { replaces: main }),
          },
        ];
  if (trustFirst) return { actions: mainActions };
  return { actions: [...shardActions.writes, ...mainActions, ...surplus.map(deletion)] };
}

/** Null for each file of a partner that the bundle holds and should not. */
function goneFrom(main: MetadataObject | undefined, { data }: PartnerFiles): Readonly<Record<string, null>> {
  const held = main?.metadata.ownedDataKeys ?? [];
  return Object.fromEntries(held.filter((key) => isPartnerFile(key) && !(key in data)).map((key) => [key, null]));
}

function planShards(
  key: BundleObservation['key'],
  { sources, currentShards }: NonNullable<BundleObservation['peers']>,
  shards: ReadonlyMap<string, MetadataObject>,
): { readonly count: number; readonly writes: readonly BundleAction[]; readonly hash: string } {
  const count = shardCount(sources, currentShards);
  if (count === 1) return { count, writes: [], hash: shardHash(sources, 0, 1) };
  const writes = shardNames(key.domain, key.audience, count).flatMap((name, shard): BundleAction[] => {
    const hash = shardHash(sources, shard, count);
    const existing = shards.get(name);
    const current =
      existing?.metadata.annotations?.[annotation.peersHash] === hash &&
      existing.metadata.ownedDataKeys?.includes('peers.json') === true;
    return current
      ? []
      : [{ kind: 'WriteShard', name, shard, count, hash, sources, ...(existing === undefined ? {} : { replaces: existing }) }];
  });
  // The index names the shards and says nothing of their content.
  return { count, writes, hash: `shards-${count}` };
}

function deletion(configMap: MetadataObject): BundleAction {
  return { kind: 'Delete', configMap };
}
