// Keeps what each domain believes of its federated partners. Keys: names of TrustDomains, since what one partner is believed
// for hangs on the others: one look decides for all of them.
import { Inquiries } from '../../federation/inquiries.ts';
import type { SRVResolver } from '../../federation/resolver.ts';
import type { Requeue } from '../../kube/controller.ts';
import { federatedPartners } from '../../kube/resource.ts';
import type { Context, Wake } from '../context.ts';
import { earliest, requeueAt } from '../requeue.ts';
import { writeStatus } from '../write-status.ts';
import { enact } from './enact.ts';
import { askEndpoint } from './endpoint.ts';
import { askForList } from './lists.ts';
import { type Asking, observe } from './observe.ts';
import { type FederationPlan, failureOf, plan } from './plan.ts';
import { publish } from './publish.ts';
import { FederationRecords } from './records.ts';
import { announce, expiryWarning, report } from './report.ts';

export interface FederatedPartnersOptions {
  readonly resolver: SRVResolver;
  /** Told of a domain of whose partners somebody has answered: an endpoint, a name server, who publishes revocation lists. */
  readonly onAnswer: (domain: string) => void;
  /** Ends what is being asked. */
  readonly signal: AbortSignal;
}

export class FederatedPartners {
  readonly #context: Context;
  readonly #wake: Wake;
  readonly #asking: Asking;

  constructor(context: Context, wake: Wake, { resolver, onAnswer, signal }: FederatedPartnersOptions) {
    const { now, log } = context;
    this.#context = context;
    this.#wake = wake;
    this.#asking = {
      records: new FederationRecords(),
      failed: new Map(),
      endpoints: new Inquiries({
        ask: (endpoint, before, aborted) => askEndpoint(endpoint, before, now(), aborted),
        onAnswer,
        now,
        log,
        signal,
      }),
      lookups: new Inquiries({
        ask: async (sipDomain: string, _before, aborted) => {
          const answer = await resolver.lookup(sipDomain, aborted);
          return { answer, askAgainAt: answer.expiresAt };
        },
        onAnswer,
        now,
        log,
        signal,
      }),
      lists: new Inquiries({
        ask: (url: string, before, aborted) => askForList(url, before, now(), aborted),
        onAnswer,
        now,
        log,
        signal,
      }),
    };
  }

  /** Resolves once nobody is being asked any more. */
  async settled(): Promise<void> {
    const { endpoints, lookups, lists } = this.#asking;
    await Promise.all([endpoints.settled(), lookups.settled(), lists.settled()]);
  }

  async reconcile(domain: string): Promise<Requeue | void> {
    const { now, stores, client, federation } = this.#context;
    const observation = await observe(domain, this.#asking, this.#context);
    const planned = plan(observation, now());
    // While a domain is missing, what was distributed stays as it is.
    if (observation.domain !== undefined) {
      for (const action of planned.actions) {
        const failure = await enact(domain, action, this.#asking.records, this.#context);
        if (failure !== undefined && action.kind === 'CrossCertify')
          this.#asking.failed.set(failureOf(action.record, action.authority), failure);
      }
      if (planned.actions.length > 0) return await this.reconcile(domain);
      await publish(observation.domain, this.#context);
      if (federation.set(domain, planned.federation)) this.#wake.edges(domain);
    }
    for (const decision of planned.decisions) {
      const { partner } = decision;
      const status = report(observation, planned, decision, now());
      if (await writeStatus(federatedPartners, partner, status, { client, store: stores.federatedPartners }))
        announce(partner, status, this.#context);
    }
    return requeueAt(nextTurn(planned, observation.lookAgainAt, now()), now());
  }
}

/** Epoch ms: when an anchor expires, or is to be warned of, or a list ends, or somebody is to be asked again. */
function nextTurn({ expiry, nextUpdate }: FederationPlan, lookAgainAt: number | undefined, now: number): number | undefined {
  const turns = expiry === undefined ? [] : [expiry - expiryWarning, expiry].filter((at) => at > now);
  return earliest([lookAgainAt, nextUpdate, ...turns]);
}
