// Keeps what each mediation pool trusts on account of its trunks. Keys: `namespace/name` of the server.
import type { Requeue } from '../../kube/controller.ts';
import type { Context, Wake } from '../context.ts';
import { requeueAt } from '../requeue.ts';
import { scopeInputs } from '../trunk-records.ts';
import { enact, type Uncrossed } from './enact.ts';
import { observe, type TrunkObservation } from './observe.ts';
import { plan } from './plan.ts';
import { trunkReadings } from './readings.ts';

export class TrunkTrusts {
  readonly #context: Context;
  readonly #wake: Wake;
  readonly #readings = trunkReadings();
  /** By pool: CAs that gateways bring and that can never be held to a name. */
  readonly #uncrossed = new Map<string, Uncrossed>();

  constructor(context: Context, wake: Wake) {
    this.#context = context;
    this.#wake = wake;
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { trunks, now } = this.#context;
    const known = { readings: this.#readings, uncrossed: this.#uncrossed.get(key) ?? new Map() };
    const observation = await observe(key, known, this.#context);
    if (observation === undefined) return;
    this.#remember(key, inUse(observation));
    const { actions, trust, lookAgainAt } = plan(observation, now());
    const [next] = actions;
    if (next !== undefined) {
      const failed = await enact(key, observation.pool, next, this.#context);
      this.#remember(key, new Map([...(this.#uncrossed.get(key) ?? []), ...failed]));
      return await this.reconcile(key);
    }
    if (trunks.set(key, trust)) this.#wake.trunks(key);
    return requeueAt(lookAgainAt, now());
  }

  #remember(key: string, uncrossed: Uncrossed): void {
    if (uncrossed.size === 0) this.#uncrossed.delete(key);
    else this.#uncrossed.set(key, uncrossed);
  }
}

/** What is brought no more need not be remembered. */
function inUse({ own, kept, trunks, uncrossed }: TrunkObservation): Uncrossed {
  if (uncrossed.size === 0) return uncrossed;
  const brought = [
    ...own.flatMap(({ gateway, sources }) =>
      sources.flatMap(({ certificates }) => certificates.map((each) => scopeInputs(gateway.spec.fqdn, [each]))),
    ),
    ...trunks.flatMap(({ gateway }) =>
      (kept.scoped.get(gateway.metadata.name)?.anchors ?? []).map((each) => scopeInputs(gateway.spec.fqdn, [each])),
    ),
  ];
  return new Map([...uncrossed].filter(([scope]) => brought.includes(scope)));
}
