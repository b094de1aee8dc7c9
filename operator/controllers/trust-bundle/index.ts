// Keeps the trust bundles: what an audience of a domain reads in one namespace. Keys: `domain/audience/namespace`.
import type { Requeue } from '../../kube/controller.ts';
import type { BundleKey } from '../../topology/bundle-key.ts';
import type { PeerChange } from '../../topology/topology.ts';
import type { Context } from '../context.ts';
import { notOwnedRetry, requeueAt } from '../requeue.ts';
import { enact } from './enact.ts';
import { decodeBundleKey, encodeBundleKey, observe } from './observe.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';

/** How long added peers wait for others to be written with, ms; and how much longer for each MiB that the lists take. */
export const coalesce = 1000;
const coalescePerMiB = 4000;

interface Pending {
  readonly added: Set<string>;
  readonly removed: Set<string>;
}

export class TrustBundles {
  readonly #context: Context;
  /** By bundle, what changed since it was written last: for events alone. */
  readonly #pending = new Map<string, Pending>();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Notes a change of peers. Returns how long it may wait, ms: removals go out at once, what comes later goes with what
   * waits already (undefined).
   */
  noteChange(key: BundleKey, change: PeerChange | undefined): number | undefined {
    if (change === undefined) return 0;
    const id = encodeBundleKey(key);
    const known = this.#pending.get(id);
    const pending = known ?? { added: new Set(), removed: new Set() };
    this.#pending.set(id, pending);
    if (change.added !== undefined && !pending.removed.delete(change.added)) pending.added.add(change.added);
    if (change.removed !== undefined && !pending.added.delete(change.removed)) pending.removed.add(change.removed);
    if (change.removed !== undefined) return 0;
    if (known !== undefined) return undefined;
    const { sources } = observe(key, this.#context).peers ?? { sources: [] };
    const bytes = sources.reduce((sum, source) => sum + source.list.bytes, 0);
    return coalesce + (bytes / 2 ** 20) * coalescePerMiB;
  }

  async reconcile(id: string): Promise<Requeue | void> {
    const observation = observe(decodeBundleKey(id), this.#context);
    const { actions, lookAgainAt } = plan(observation, this.#context.now());
    const delta = this.#pending.get(id) ?? { added: new Set(), removed: new Set() };
    this.#pending.delete(id);
    if (actions.length > 0) {
      const outcome = await enact(observation.key, actions, this.#context);
      report(observation, outcome, delta, this.#context);
      if (outcome.notOwned !== undefined) return { requeueAfterMs: notOwnedRetry };
    }
    return requeueAt(lookAgainAt, this.#context.now());
  }
}
