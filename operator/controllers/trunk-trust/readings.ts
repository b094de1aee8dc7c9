// What the operator keeps for the trunks of a pool in its own namespace: read once, and again only where it changed.
import { createPrivateKey } from 'node:crypto';
import type { KubeObject, ObjectKey } from '../../api/object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isApiError } from '../../kube/errors.ts';
import { type ConfigMap, configMaps, type MetadataObject, type Resource, type Secret, secrets } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import type { Context } from '../context.ts';
import { readAuthority, type StoredAuthority } from '../stored-authority.ts';
import { decodeTrunks, type TrunkRecords } from '../trunk-records.ts';

export interface ReadAuthority {
  /** UID of the server that it was made for. */
  readonly owner: string | undefined;
  /** It says itself that it may serve another. */
  readonly adopted: boolean;
  /** Why it cannot be used, where it cannot. */
  readonly stored: StoredAuthority | string;
}

export interface TrunkReadings {
  readonly authorities: Readings<Secret, ReadAuthority>;
  readonly records: Readings<ConfigMap, TrunkRecords>;
}

export function trunkReadings(): TrunkReadings {
  return {
    authorities: new Readings(secrets, readGatewayAuthority),
    records: new Readings(configMaps, ({ data }) => decodeTrunks(data ?? {})),
  };
}

interface Reading<Value> {
  readonly resourceVersion: string;
  readonly value: Value;
}

/** What was read of the objects of each pool, for as long as they are there. */
class Readings<T extends KubeObject, Value> {
  /** By pool, by name. */
  readonly #held = new Map<string, ReadonlyMap<string, Reading<Value>>>();
  readonly #resource: Resource<T>;
  readonly #parse: (object: T) => Value;

  constructor(resource: Resource<T>, parse: (object: T) => Value) {
    this.#resource = resource;
    this.#parse = parse;
  }

  /** By name, of the objects of a pool that are known to be there. */
  async of(pool: string, known: readonly MetadataObject[], { client, namespace }: Context): Promise<ReadonlyMap<string, Value>> {
    const held = this.#held.get(pool);
    const readings = new Map<string, Reading<Value>>();
    for (const { metadata } of known) {
      const before = held?.get(metadata.name);
      const reading =
        before?.resourceVersion === metadata.resourceVersion
          ? before
          : this.#readingOf(await find(this.#resource, { namespace, name: metadata.name }, client));
      if (reading !== undefined) readings.set(metadata.name, reading);
    }
    if (readings.size === 0) this.#held.delete(pool);
    else this.#held.set(pool, readings);
    return new Map([...readings].map(([name, { value }]) => [name, value]));
  }

  #readingOf(object: T | undefined): Reading<Value> | undefined {
    return object && { resourceVersion: object.metadata.resourceVersion, value: this.#parse(object) };
  }
}

function readGatewayAuthority({ metadata: { annotations }, data }: Secret): ReadAuthority {
  const text = (field: string) => Buffer.from(data?.[field] ?? '', 'base64').toString();
  const read = readAuthority({ certificate: text('tls.crt'), root: text('tls.crt') }, () => createPrivateKey(text('tls.key')));
  return {
    owner: annotations?.[annotation.owner],
    adopted: annotations?.[annotation.adopt] === 'true',
    stored: typeof read === 'string' ? read : read.stored,
  };
}

/** Undefined where there is none. */
export async function find<T extends KubeObject>(
  resource: Resource<T>,
  key: Required<ObjectKey>,
  client: KubeClient,
): Promise<T | undefined> {
  try {
    return await client.get(resource, key);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}
