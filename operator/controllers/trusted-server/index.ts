// Keeps the certificates and the own trust of each TrustedServer. Keys: `namespace/name`.
import type { Requeue } from '../../kube/controller.ts';
import { trustedServers } from '../../kube/resource.ts';
import type { Context, Wake } from '../context.ts';
import { earliest, notOwnedRetry, requeueAt, retryAfterWaiting } from '../requeue.ts';
import { sharedKey } from '../shared-secret.ts';
import { writeStatus } from '../write-status.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { announce, report } from './report.ts';

/** How long what comes by itself is waited for before the status says so: else each new server took two writes. */
const settlingTime = 5000;

export class TrustedServers {
  readonly #context: Context;
  readonly #wake: Wake;
  /** When a server that waits for something that comes by itself began to, epoch ms. */
  readonly #settling = new Map<string, number>();

  constructor(context: Context, wake: Wake) {
    this.#context = context;
    this.#wake = wake;
  }

  /** The servers that wait for something that comes by itself. */
  waiting(): readonly string[] {
    return [...this.#settling.keys()];
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { stores, topology, client, now } = this.#context;
    topology.relist(key);
    const observation = observe(key, this.#context);
    if (observation === undefined || observation.server.metadata.deletionTimestamp !== undefined) {
      this.#settling.delete(key);
      return;
    }
    const { server } = observation;
    const planned = plan(observation, now());
    for (const { observed, obstacle } of planned.needs) {
      if (obstacle?.reason === 'SharedCertificatePending') this.#wake.shared(sharedKey(observed.need, server));
    }
    const outcome = await enact(server, planned, this.#context);
    const { status, settling } = report(observation, planned, outcome, now());
    const since = this.#settling.get(key) ?? now();
    const waited = now() - since;
    if (settling) {
      this.#settling.set(key, since);
      if (waited < settlingTime) {
        if (outcome.failure !== undefined) throw outcome.failure;
        return { requeueAfterMs: retryAfterWaiting(waited) };
      }
    } else {
      this.#settling.delete(key);
    }
    if (await writeStatus(trustedServers, server, status, { client, store: stores.trustedServers })) {
      announce(server, status, planned, this.#context);
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
        settling ? now() + retryAfterWaiting(waited) : undefined,
        notOwned ? now() + notOwnedRetry : undefined,
      ]),
      now(),
    );
  }
}
