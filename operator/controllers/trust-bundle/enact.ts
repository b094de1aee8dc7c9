// Writes the ConfigMaps of a bundle, in the order of the plan.
import { isApiError, isImmutable } from '../../kube/errors.ts';
import { configMaps } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import { shardDocument, shardIndex } from '../../outputs/peers.ts';
import { bundleLabels, clientBinaryData, shardNames } from '../../outputs/trust-bundle.ts';
import { trustStore } from '../../pki/key-store.ts';
import type { BundleKey } from '../../topology/bundle-key.ts';
import type { Context } from '../context.ts';
import type { BundleAction } from './plan.ts';

export interface BundleOutcome {
  readonly trustWritten: boolean;
  readonly peersWritten: boolean;
  readonly created: boolean;
  /** Somebody else's ConfigMap has this name. */
  readonly notOwned?: string;
}

export async function enact(key: BundleKey, actions: readonly BundleAction[], context: Context): Promise<BundleOutcome> {
  const done = { trustWritten: false, peersWritten: false, created: false };
  for (const action of actions) {
    if (!(await carryOut(key, action, context))) return { ...done, ...('name' in action ? { notOwned: action.name } : {}) };
    if (action.kind === 'WriteShard') done.peersWritten = true;
    if (action.kind === 'WriteMain') {
      done.trustWritten ||= action.trust !== undefined;
      done.peersWritten ||= action.peers !== undefined || action.partners !== undefined;
      done.created ||= action.replaces === undefined;
    }
  }
  return done;
}

/** False where the name is taken by an object that we did not make. */
async function carryOut(key: BundleKey, action: BundleAction, context: Context): Promise<boolean> {
  const { client, stores } = context;
  const { namespace } = key;
  if (action.kind === 'Delete') {
    const { name, uid, resourceVersion } = action.configMap.metadata;
    await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
    stores.configMaps.remove({ namespace, name }, { uid });
    return true;
  }
  const { name, replaces } = action;
  const content = action.kind === 'WriteShard' ? shardContent(action) : mainContent(key, action);
  if (replaces !== undefined) {
    const { uid, resourceVersion } = replaces.metadata;
    const { annotations, ...data } = content;
    try {
      const written = await client.patch(
        configMaps,
        { namespace, name },
        { metadata: { resourceVersion, annotations }, ...data },
      );
      stores.configMaps.apply(written);
    } catch (error) {
      // Somebody froze it. It holds nothing that the next look does not write again, and as it is nobody would ever get more.
      if (!isImmutable(error)) throw error;
      await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
      stores.configMaps.remove({ namespace, name }, { uid });
      throw error;
    }
    return true;
  }
  const { annotations, data, ...rest } = content;
  const metadata = { name, namespace, labels: bundleLabels(key.domain, key.audience), annotations: given(annotations) };
  const whole = { ...rest, ...(data === undefined ? {} : { data: given(data) }) };
  try {
    stores.configMaps.apply(await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...whole }));
    return true;
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) return false;
    throw error;
  }
}

/** What a new object has: nothing is there to be taken away. */
function given(entries: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== null));
}

interface Content {
  readonly annotations: Readonly<Record<string, string | null>>;
  /** Null takes a key away. */
  readonly data?: Readonly<Record<string, string | null>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

function shardContent({ sources, shard, count, hash }: Extract<BundleAction, { kind: 'WriteShard' }>): Content {
  return { annotations: { [annotation.peersHash]: hash }, data: { 'peers.json': shardDocument(sources, shard, count) } };
}

function mainContent(
  key: BundleKey,
  { trust, peers, partners, annotations }: Extract<BundleAction, { kind: 'WriteMain' }>,
): Content {
  const data = {
    ...(trust === undefined ? {} : { 'ca.crt': trust.pem }),
    ...(peers === undefined ? {} : { 'peers.json': peersOf(key, peers) }),
    ...partners,
  };
  const binaryData =
    trust === undefined ? {} : clientBinaryData(key.audience, trust.anchors, (anchors) => trustStore({ anchors }));
  return {
    annotations,
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
  };
}

function peersOf(
  { domain, audience }: BundleKey,
  { sources, count }: NonNullable<Extract<BundleAction, { kind: 'WriteMain' }>['peers']>,
): string {
  return count === 1 ? shardDocument(sources, 0, 1) : shardIndex(shardNames(domain, audience, count));
}
