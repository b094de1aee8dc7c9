// Keeps the certificates and the own trust of each TrustedServer. Keys: `namespace/name`.
import type { Requeue } from '../../kube/controller.ts';
import { trustedServers } from '../../kube/resource.ts';
import type { Context, Wake } from '../context.ts';
import { earliest, notOwnedRetry, requeueAt, retryAfterWaiting } from '../requeue.ts';
import { Settling, settlingTime } from '../settling.ts';
import { sharedKey } from '../shared-secret.ts';
import { writeStatus } from '../write-status.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { announce, report } from './report.ts';

export class TrustedServers {
  readonly #context: Context;
  readonly #wake: Wake;
  readonly #settling = new Settling();

  constructor(context: Context, wake: Wake) {
    this.#context = context;
    this.#wake = wake;
  }

  /** The servers that wait for something that comes by itself. */
  waiting(): readonly string[] {
    return this.#settling.keys();
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { stores, topology, client, now } = this.#context;
    topology.relist(key);
    const observation = observe(key, this.#context);
    if (observation === undefined || observation.server.metadata.deletionTimestamp !== undefined) {
      this.#settling.forget(key);
      return;
    }
    const { server } = observation;
    const planned = plan(observation, now());
    for (const { observed, obstacle } of planned.needs) {
      if (obstacle?.reason === 'SharedCertificatePending') this.#wake.shared(sharedKey(observed.need, server));
    }
    const outcome = await enact(server, planned, this.#context);
    const { status, settling } = report(observation, planned, outcome, now());
    const waited = this.#settling.follow(key, settling, now());
    if (waited !== undefined && waited < settlingTime) {
      if (outcome.failure !== undefined) throw outcome.failure;
      return { requeueAfterMs: retryAfterWaiting(waited) };
    }
    if (await writeStatus(trustedServers, server, status, { client, store: stores.trustedServers })) {
      announce(observation, status, planned, this.#context);
    }
    const placement = topology.placement(key);
    if (placement?.listed === true && placement.admission?.admitted !== true && now() >= (observation.graceEnd ?? 0))
      topology.refresh(key);
    if (outcome.failure !== undefined) throw outcome.failure;
    const notOwned = outcome.trustNotOwned || [...outcome.obstacles.values()].some(({ reason }) => reason === 'SecretNotOwned');
    return requeueAt(
      earliest([
        planned.lookAgainAt,
        ...[...outcome.certificates.values()].map((facts) => facts.renewAt),
        waited === undefined ? undefined : now() + retryAfterWaiting(waited),
        notOwned ? now() + notOwnedRetry : undefined,
      ]),
      now(),
    );
  }
}
