// Our own bundles, as they are published to partners: each lies in a ConfigMap of the operator's namespace, so that every
// replica serves the same one, whether or not it leads.
import { z } from 'zod';
import type { KubeClient } from '../kube/client.ts';
import { isApiError } from '../kube/errors.ts';
import { type Log, messageOf } from '../kube/log.ts';
import { pause } from '../kube/pause.ts';
import { configMaps, type MetadataObject } from '../kube/resource.ts';
import type { Change, Store } from '../kube/store.ts';
import { annotation } from '../outputs/labels.ts';
import { refreshHint } from '../trust/published-since.ts';
import { type PublishedBundle, parseBundle, spiffeBundle } from '../trust/spiffe-bundle.ts';

/** The ConfigMap of a trust domain's bundle. */
export function publishedName(trustDomain: string): string {
  return `bundle.${trustDomain}`;
}

/** The data of that ConfigMap: the bundle in both forms. */
export function publishedData(bundle: PublishedBundle): Readonly<Record<string, string>> {
  return {
    'bundle.json': spiffeBundle({ ...bundle, refreshHint }),
    'bundle.pem': bundle.authorities.map(({ pem }) => pem).join(''),
  };
}

const content = z.object({ 'bundle.json': z.string() });

/** Undefined where somebody edited it into something else. */
export function readPublished(data: unknown): PublishedBundle | undefined {
  const parsed = content.safeParse(data);
  const bundle = parsed.success ? parseBundle(parsed.data['bundle.json']) : undefined;
  return bundle?.ok === true ? bundle : undefined;
}

export interface PublishedBundlesOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  readonly configMaps: Store<MetadataObject>;
  readonly log: Log;
}

/** How long to wait before a ConfigMap that could not be read is read again, ms. */
const rereadAfter = (failures: number) => Math.min(1000 * 2 ** (failures - 1), 30_000);

export class PublishedBundles implements Disposable {
  readonly #options: PublishedBundlesOptions;
  readonly #bundles = new Map<string, PublishedBundle>();
  readonly #subscription: Disposable;
  readonly #end = new AbortController();

  constructor(options: PublishedBundlesOptions) {
    this.#options = options;
    for (const configMap of options.configMaps.list()) this.#follow({ new: configMap });
    this.#subscription = options.configMaps.onChange((change) => this.#follow(change));
  }

  of(trustDomain: string): PublishedBundle | undefined {
    return this.#bundles.get(trustDomain);
  }

  [Symbol.dispose](): void {
    this.#end.abort();
    this.#subscription[Symbol.dispose]();
  }

  #follow({ old, new: current }: Change<MetadataObject>): void {
    const { metadata } = current ?? old ?? {};
    const trustDomain = metadata?.annotations?.[annotation.publishedBundle];
    if (metadata?.namespace !== this.#options.namespace || trustDomain === undefined) return;
    if (current === undefined) this.#bundles.delete(trustDomain);
    else void this.#load(trustDomain);
  }

  /** Until it was read, or there is nothing to read any more. */
  async #load(trustDomain: string): Promise<void> {
    const { client, namespace, configMaps: known, log } = this.#options;
    const key = { namespace, name: publishedName(trustDomain) };
    for (let failures = 1; !this.#end.signal.aborted; failures++) {
      try {
        const { data } = await client.get(configMaps, key);
        if (known.get(key) !== undefined) this.#take(trustDomain, readPublished(data));
        return;
      } catch (error) {
        if (isApiError(error, 'NotFound')) return;
        log.warn('published bundle not read', { trustDomain, error: messageOf(error) });
      }
      await pause(rereadAfter(failures), this.#end.signal);
    }
  }

  /** Of two that were read at once, the newer may come first. */
  #take(trustDomain: string, bundle: PublishedBundle | undefined): void {
    const held = this.#bundles.get(trustDomain)?.sequence ?? 0;
    if (bundle === undefined) this.#options.log.error('published bundle not readable', { configMap: publishedName(trustDomain) });
    else if ((bundle.sequence ?? 0) >= held) this.#bundles.set(trustDomain, bundle);
  }
}
