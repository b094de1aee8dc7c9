// Keeps each EnterpriseCA able to issue. Keys: names.
import type { EnterpriseCA } from '../../api/v1alpha1/index.ts';
import type { AuthorityState } from '../../authorities/authority.ts';
import type { Requeue } from '../../kube/controller.ts';
import { enterpriseCAs } from '../../kube/resource.ts';
import type { Context, Wake } from '../context.ts';
import { requeueAt } from '../requeue.ts';
import { writeStatus } from '../write-status.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { type CAPlan, plan } from './plan.ts';
import { announce, nextTurn, report, toldToUsers } from './report.ts';

/** A provided Secret is not ours and so not among what we watch: it is read again after this, ms. */
const providedInterval = 30_000;

export class EnterpriseCAs {
  readonly #context: Context;
  readonly #wake: Wake;

  constructor(context: Context, wake: Wake) {
    this.#context = context;
    this.#wake = wake;
  }

  async reconcile(name: string): Promise<Requeue | void> {
    const { authorities, stores, client, now } = this.#context;
    const observation = await observe(name, this.#context);
    if (observation === undefined) {
      authorities.forget(name);
      this.#wakeDependents(name);
      return;
    }
    const { enterpriseCA } = observation;
    const planned = plan(observation, now());
    const [next] = planned.actions;
    if (next !== undefined) {
      await enact(enterpriseCA, next, this.#context);
      return await this.reconcile(name);
    }
    this.#publish(enterpriseCA, planned);
    const status = report(observation, planned, now());
    await writeStatus(enterpriseCAs, enterpriseCA, status, { client, store: stores.enterpriseCAs });
    announce(enterpriseCA, planned, this.#context);
    return observation.backend.kind === 'Provided'
      ? { requeueAfterMs: providedInterval }
      : requeueAt(nextTurn(planned, now()), now());
  }

  #publish(enterpriseCA: EnterpriseCA, { availability, trusted }: CAPlan): void {
    const { authorities } = this.#context;
    const { name } = enterpriseCA.metadata;
    const before = identity(authorities.get(name));
    if (availability.available) {
      const { authority, keyIds, issuing, older } = availability;
      authorities.setAvailable(authority, keyIds, issuing, older);
    } else authorities.setUnavailable(name, toldToUsers(name, availability), trusted);
    if (identity(authorities.get(name)) !== before) this.#wakeDependents(name);
  }

  #wakeDependents(name: string): void {
    const { topology } = this.#context;
    for (const domain of topology.domains()) {
      const { enterpriseCA, additionalEnterpriseCAs = [] } = domain.spec;
      if (enterpriseCA !== name && !additionalEnterpriseCAs.includes(name)) continue;
      this.#wake.domainAndAll(domain.metadata.name);
    }
  }
}

/** What others see of an authority: a change concerns all who use it. */
function identity(state: AuthorityState): string {
  if (!state.available) return `${state.reason} ${state.message}`;
  const { keyId, anchors, leaf } = state.authority;
  return JSON.stringify([keyId, anchors.map(({ fingerprint }) => fingerprint), leaf]);
}
