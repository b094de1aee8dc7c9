// Keeps the certificate of each MediaGateway, and tells how its trunk fares. Keys: `namespace/name`.
import type { Requeue } from '../../kube/controller.ts';
import { mediaGateways } from '../../kube/resource.ts';
import type { Context } from '../context.ts';
import { earliest, notOwnedRetry, requeueAt, retryAfterWaiting } from '../requeue.ts';
import { writeStatus } from '../write-status.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { announce, report } from './report.ts';

/** How long what comes by itself is waited for before the status says so, ms: else each new gateway took two writes. */
const settlingTime = 5000;

export class MediaGateways {
  readonly #context: Context;
  /** When a gateway that waits for something that comes by itself began to, epoch ms. */
  readonly #settling = new Map<string, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  isWaiting(key: string): boolean {
    return this.#settling.has(key);
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { stores, topology, client, now } = this.#context;
    const observation = observe(key, this.#context);
    if (observation === undefined || observation.gateway.metadata.deletionTimestamp !== undefined) {
      this.#settling.delete(key);
      return;
    }
    const { gateway } = observation;
    const planned = plan(observation, now());
    const outcome = await enact(gateway, planned, this.#context);
    const status = report(observation, planned, outcome, now());
    const settling = status.conditions?.some(({ type }) => type === 'Reconciling') === true;
    const since = this.#settling.get(key) ?? now();
    const waited = now() - since;
    if (settling) this.#settling.set(key, since);
    else this.#settling.delete(key);
    if (settling && waited < settlingTime && outcome.failure === undefined && outcome.granted === undefined)
      return { requeueAfterMs: retryAfterWaiting(waited) };
    if (await writeStatus(mediaGateways, gateway, status, { client, store: stores.mediaGateways }))
      announce(observation, status, planned, outcome, this.#context);
    const placement = topology.gateway(key);
    if (placement?.listed === true && placement.admission?.admitted !== true && now() >= (observation.graceEnd ?? 0))
      topology.refreshGateway(key);
    if (outcome.failure !== undefined) throw outcome.failure;
    const notOwned = [...outcome.obstacles.values()].some(({ reason }) => reason === 'SecretNotOwned');
    return requeueAt(
      earliest([
        planned.lookAgainAt,
        ...[...outcome.certificates.values(), ...(outcome.granted === undefined ? [] : [outcome.granted.facts])].map(
          ({ renewAt }) => renewAt,
        ),
        settling ? now() + retryAfterWaiting(waited) : undefined,
        notOwned ? now() + notOwnedRetry : undefined,
      ]),
      now(),
    );
  }
}
