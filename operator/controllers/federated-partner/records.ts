// What the federation of a domain keeps in the operator's namespace, one ConfigMap an item: the cross-certificates that scope
// partner CAs, and what was last taken from sources, revocation lists and DNS, which may be out of reach. All of it is public.
// Only the operator should write it, so it is read once, and again only where somebody else did, or it could not be read.
import { createHash } from 'node:crypto';
import { type ApiError, isApiError } from '../../kube/errors.ts';
import { configMaps } from '../../kube/resource.ts';
import { label, managedBy } from '../../outputs/labels.ts';
import type { Context } from '../context.ts';
import { earliest } from '../requeue.ts';

export type Data = Readonly<Record<string, string>>;

interface Held {
  readonly resourceVersion: string;
  readonly data: Data;
}

export interface ReadRecords {
  /** By name. Of one that cannot be read, what was last read of it or meant for it. */
  readonly records: ReadonlyMap<string, Data>;
  /** By name, why a record cannot be read: a sentence. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Epoch ms until which everybody waits for those of them that were never read: they may be out of reach for a moment. */
  readonly waitUntil?: number;
}

/** For all records that cannot be read together, ms: what fails for a moment is the API server's own affair. */
const patience = 5000;

/** Of items: cross-certificates, sources, revocation lists and access edges. The domain's name is a DNS label, so that dots keep the parts apart. */
export function recordName(domain: string, item: 'cross' | 'source' | 'list' | 'edge', identity: string): string {
  return `${domain}.${item}.${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}

export class FederationRecords {
  readonly #held = new Map<string, Held>();
  /** By name, of those that could not be read when they were last asked for: since when, epoch ms. */
  readonly #failures = new Map<string, number>();

  /** Every record of a domain. One that stays out of reach is missing, and named: it concerns its own partner. */
  async read(domain: string, context: Context): Promise<ReadRecords> {
    const { stores, namespace, now } = context;
    const known = stores.configMaps.byIndex('federation', domain).filter(({ metadata }) => metadata.namespace === namespace);
    const read = await Promise.all(
      known.map(async ({ metadata: { name, resourceVersion } }) => {
        const isCurrent = this.#held.get(name)?.resourceVersion === resourceVersion && !this.#failures.has(name);
        const failure = isCurrent ? undefined : await this.#fetch(name, context);
        return { name, data: this.#held.get(name)?.data, failure };
      }),
    );
    const patienceEnds = read.flatMap(({ data, failure }) =>
      data === undefined && failure !== undefined ? [failure.since + patience] : [],
    );
    const waitUntil = earliest(patienceEnds.filter((end) => end > now()));
    return {
      records: new Map(read.flatMap(({ name, data }) => (data === undefined ? [] : [[name, data]]))),
      unreadable: new Map(
        read.flatMap(({ name, failure }) =>
          failure === undefined ? [] : [[name, `ConfigMap ${namespace}/${name} cannot be read: ${failure.error.message}`]],
        ),
      ),
      ...(waitUntil === undefined ? {} : { waitUntil }),
    };
  }

  /** Returns why it cannot be read, and since when (epoch ms). */
  async #fetch(name: string, { client, namespace, now }: Context): Promise<{ since: number; error: ApiError } | undefined> {
    try {
      const { data = {}, metadata } = await client.get(configMaps, { namespace, name });
      this.#held.set(name, { resourceVersion: metadata.resourceVersion, data });
    } catch (error) {
      if (!isApiError(error) || error.reason === 'Fenced') throw error;
      if (error.reason !== 'NotFound') {
        const since = this.#failures.get(name) ?? now();
        this.#failures.set(name, since);
        return { since, error };
      }
      this.#held.delete(name);
    }
    this.#failures.delete(name);
    return undefined;
  }

  async write(domain: string, name: string, data: Data, { client, stores, namespace }: Context): Promise<void> {
    const existing = stores.configMaps.get({ namespace, name });
    // What can be neither read nor written counts all the same, until the operator is started again.
    if (this.#failures.has(name)) this.#held.set(name, { resourceVersion: existing?.metadata.resourceVersion ?? '', data });
    const written =
      existing === undefined
        ? await client.create(configMaps, {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name, namespace, labels: { ...managedBy, [label.federation]: domain } },
            data,
          })
        : await client.patch(
            configMaps,
            { namespace, name },
            { metadata: { resourceVersion: existing.metadata.resourceVersion }, data },
          );
    stores.configMaps.apply(written);
    this.#held.set(name, { resourceVersion: written.metadata.resourceVersion, data });
    this.#failures.delete(name);
  }

  async remove(name: string, { client, stores, namespace }: Context): Promise<void> {
    const existing = stores.configMaps.get({ namespace, name });
    if (existing === undefined) return;
    const { uid, resourceVersion } = existing.metadata;
    await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
    stores.configMaps.remove({ namespace, name }, { uid });
    this.#held.delete(name);
    this.#failures.delete(name);
  }
}
