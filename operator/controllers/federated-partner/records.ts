// What the federation of a domain keeps in the operator's namespace, one ConfigMap an item: the cross-certificates that scope
// partner CAs, and what was last taken from sources, revocation lists and DNS, which may be out of reach. All of it is public.
// Only the operator should write it, so it is read once, and again only where somebody else did.
import { createHash } from 'node:crypto';
import { isApiError } from '../../kube/errors.ts';
import { configMaps } from '../../kube/resource.ts';
import { label, managedBy } from '../../outputs/labels.ts';
import type { Context } from '../context.ts';

export type Data = Readonly<Record<string, string>>;

interface Held {
  readonly resourceVersion: string;
  readonly data: Data;
}

/** Of items: cross-certificates, sources, revocation lists and access edges. The domain's name is a DNS label, so that dots keep the parts apart. */
export function recordName(domain: string, item: 'cross' | 'source' | 'list' | 'edge', identity: string): string {
  return `${domain}.${item}.${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}

export class FederationRecords {
  readonly #held = new Map<string, Held>();

  /** Every record of a domain, by name. */
  async read(domain: string, { client, stores, namespace }: Context): Promise<ReadonlyMap<string, Data>> {
    const known = stores.configMaps.byIndex('federation', domain).filter(({ metadata }) => metadata.namespace === namespace);
    const records = new Map<string, Data>();
    for (const { metadata } of known) {
      const { name, resourceVersion } = metadata;
      let held = this.#held.get(name);
      if (held?.resourceVersion !== resourceVersion) {
        try {
          const { data = {}, metadata: read } = await client.get(configMaps, { namespace, name });
          held = { resourceVersion: read.resourceVersion, data };
          this.#held.set(name, held);
        } catch (error) {
          if (!isApiError(error, 'NotFound')) throw error;
          this.#held.delete(name);
          continue;
        }
      }
      records.set(name, held.data);
    }
    return records;
  }

  async write(domain: string, name: string, data: Data, { client, stores, namespace }: Context): Promise<void> {
    const existing = stores.configMaps.get({ namespace, name });
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
  }

  async remove(name: string, { client, stores, namespace }: Context): Promise<void> {
    const existing = stores.configMaps.get({ namespace, name });
    if (existing === undefined) return;
    const { uid, resourceVersion } = existing.metadata;
    await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
    stores.configMaps.remove({ namespace, name }, { uid });
    this.#held.delete(name);
  }
}
