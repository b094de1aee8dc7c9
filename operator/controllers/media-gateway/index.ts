// Keeps the certificate of each MediaGateway, and tells how its trunk fares. Keys: `namespace/name`.
import type { Requeue } from '../../kube/controller.ts';
import { mediaGateways } from '../../kube/resource.ts';
import type { Context } from '../context.ts';
import { earliest, notOwnedRetry, requeueAt, retryAfterWaiting } from '../requeue.ts';
import { Settling, settlingTime } from '../settling.ts';
import { writeStatus } from '../write-status.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { announce, report } from './report.ts';

export class MediaGateways {
  readonly #context: Context;
  readonly #settling = new Settling();

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
      this.#settling.forget(key);
      return;
    }
    const { gateway } = observation;
    const planned = plan(observation, now());
    const outcome = await enact(gateway, planned, this.#context);
    const status = report(observation, planned, outcome, now());
    const settling = status.conditions?.some(({ type }) => type === 'Reconciling') === true;
    const waited = this.#settling.follow(key, settling, now());
    if (waited !== undefined && waited < settlingTime && outcome.failure === undefined && outcome.granted === undefined)
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
        waited === undefined ? undefined : now() + retryAfterWaiting(waited),
        notOwned ? now() + notOwnedRetry : undefined,
      ]),
      now(),
    );
  }
}
