// Keeps the certificate and the credentials of each MediaRelay. Keys: `namespace/name`.
import type { Requeue } from '../../kube/controller.ts';
import { isApiError } from '../../kube/errors.ts';
import { type MetadataObject, mediaRelays, secrets } from '../../kube/resource.ts';
import { annotation, timestamp } from '../../outputs/labels.ts';
import { longestLifetime } from '../../trust/credential-roll.ts';
import type { Context } from '../context.ts';
import { earliest, notOwnedRetry, requeueAt, retryAfterWaiting } from '../requeue.ts';
import { Settling } from '../settling.ts';
import { writeStatus } from '../write-status.ts';
import { deleteSecret, enact } from './enact.ts';
import { registrarOf } from './names.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { goneSince, parseRoll } from './record.ts';
import { announce, announceRoll, report } from './report.ts';

/** How long after a relay is gone its registrars keep what they present, ms: another with its name may take its place at once. */
const replacementTime = 15_000;

export class MediaRelays {
  readonly #context: Context;
  /** Relays that are gone, and have not been for long. */
  readonly #gone = new Settling();

  constructor(context: Context) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { stores, topology, client, now } = this.#context;
    const observation = observe(key, this.#context);
    if (observation === undefined) return await this.#clearAway(key);
    this.#gone.forget(key);
    const { relay } = observation;
    if (relay.metadata.deletionTimestamp !== undefined) return;
    const planned = plan(observation, now());
    const outcome = await enact(relay, planned, this.#context);
    if (outcome.recorded) announceRoll(observation, planned, this.#context);
    const status = report(observation, planned, outcome, now());
    if (await writeStatus(mediaRelays, relay, status, { client, store: stores.mediaRelays }))
      announce(relay, status, planned, this.#context);
    const placement = topology.relay(key);
    if (placement?.listed === true && placement.admission?.admitted === false && now() >= (observation.graceEnd ?? 0))
      topology.refreshRelay(key);
    if (outcome.failure !== undefined) throw outcome.failure;
    const waiting = status.conditions?.find(({ type, status: holds }) => type === 'Reconciling' && holds === 'True');
    const notOwned =
      outcome.notOwned.length > 0 || [...outcome.obstacles.values()].some(({ reason }) => reason === 'SecretNotOwned');
    // Nobody is told when the copies of a neighbour go.
    const standsBack = notOwned || observation.credentials?.crowdedOut === true;
    return requeueAt(
      earliest([
        planned.lookAgainAt,
        ...[...outcome.certificates.values()].map((facts) => facts.renewAt),
        waiting === undefined ? undefined : now() + retryAfterWaiting(now() - Date.parse(waiting.lastTransitionTime)),
        standsBack ? now() + notOwnedRetry : undefined,
      ]),
      now(),
    );
  }

  /**
   * The relay is gone: so must be every registrar's copy, unless another takes its place at once, and the record of its
   * credentials, which nothing owns, once none of them can be good any more: until then a relay that returns accepts them. Asks
   * the API server first: a relay whose spec this version cannot read is not in the store either, and keeps what it has.
   */
  async #clearAway(key: string): Promise<Requeue | void> {
    const { client, stores, namespace: own, now } = this.#context;
    const [namespace = '', name = ''] = key.split('/');
    const left = stores.secrets
      .byIndex('relay', key)
      .filter((secret) => secret.metadata.namespace === own || registrarOf(secret) !== undefined);
    const waited = this.#gone.follow(key, left.length > 0, now());
    if (waited === undefined) return;
    if (waited < replacementTime) return requeueAt(now() + replacementTime - waited, now());
    try {
      await client.get(mediaRelays, { namespace, name });
      this.#gone.forget(key);
      return;
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    const ends = await Promise.all(left.map((secret) => this.#letGo(secret, now() - waited)));
    const next = earliest(ends);
    if (next === undefined) this.#gone.forget(key);
    return requeueAt(next, now());
  }

  /**
   * Deletes what a relay left behind, or tells when to, epoch ms: a record only once no credential can be good. Since when its
   * relay is gone is on it, so that this ends however often another leads.
   */
  async #letGo(secret: MetadataObject, seenGone: number): Promise<number | undefined> {
    const { client, stores, now } = this.#context;
    const { name, namespace = '', resourceVersion, annotations } = secret.metadata;
    const roll = registrarOf(secret) === undefined ? parseRoll(annotations?.[annotation.credentialRoll]) : undefined;
    const since = goneSince(secret, now());
    const end = roll === undefined ? 0 : (since ?? seenGone) + replacementTime + longestLifetime(roll);
    if (end <= now()) {
      await deleteSecret(secret, this.#context);
      return undefined;
    }
    if (since === undefined) {
      const metadata = { resourceVersion, annotations: { [annotation.goneSince]: timestamp(seenGone) } };
      stores.secrets.apply(await client.patch(secrets, { namespace, name }, { metadata }));
    }
    return end;
  }
}
