// Keeps what each domain believes of its federated partners. Keys: names of TrustDomains, since what one partner is believed
// for hangs on the others: one look decides for all of them.
import { Inquiries } from '../../federation/inquiries.ts';
import type { SRVResolver } from '../../federation/resolver.ts';
import type { Requeue } from '../../kube/controller.ts';
import { isApiError } from '../../kube/errors.ts';
import { messageOf } from '../../kube/log.ts';
import { federatedPartners } from '../../kube/resource.ts';
import type { Context, Wake } from '../context.ts';
import type { Federation } from '../federation-state.ts';
import { earliest, requeueAt } from '../requeue.ts';
import { writeStatus } from '../write-status.ts';
import { askForEdges } from './edge-lookup.ts';
import { lookAgainAt } from './edges-in-place.ts';
import { enact } from './enact.ts';
import { askEndpoint } from './endpoint.ts';
import { failureOf } from './judgement.ts';
import { askForList } from './lists.ts';
import { type Asking, type FederationObservation, observe, partnersIn } from './observe.ts';
import { type FederationAction, type FederationPlan, plan } from './plan.ts';
import { publish } from './publish.ts';
import { FederationRecords } from './records.ts';
import { announce, expiryWarning, report } from './report.ts';
import { withdrawn } from './withdrawal.ts';

export interface FederatedPartnersOptions {
  readonly resolver: SRVResolver;
  /** Told of a domain of whose partners somebody has answered: an endpoint, a name server, who publishes revocation lists. */
  readonly onAnswer: (domain: string) => void;
  /** Ends what is being asked. */
  readonly signal: AbortSignal;
}

/** One look makes cross-certificates, the next the lists that go with them; whatever still has to be done then does not end. */
const mostRounds = 4;
/** What could not be written or read is tried again after this, ms. */
const retry = 30_000;

interface Look {
  readonly observation: FederationObservation;
  readonly planned: FederationPlan;
}

interface CarriedOut {
  /** By record, why it could not be written. */
  readonly failures: ReadonlyMap<string, string>;
  /** Something was done, or may be done by another attempt. */
  readonly isWorthAnother: boolean;
}

export class FederatedPartners {
  readonly #context: Context;
  readonly #wake: Wake;
  readonly #asking: Asking;
  /** By domain, the cross-certificates that cannot be made. */
  readonly #failed = new Map<string, ReadonlyMap<string, string>>();

  constructor(context: Context, wake: Wake, { resolver, onAnswer, signal }: FederatedPartnersOptions) {
    const { now, log } = context;
    this.#context = context;
    this.#wake = wake;
    this.#asking = {
      records: new FederationRecords(),
      endpoints: new Inquiries({
        ask: (endpoint, before, aborted) => askEndpoint(endpoint, before, now(), aborted),
        onAnswer,
        now,
        log,
        signal,
      }),
      lookups: new Inquiries({
        ask: (sipDomain: string, before, aborted) => askForEdges(sipDomain, before, { resolver, now }, aborted),
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
    const { now, federation, log } = this.#context;
    let look = await this.#look(domain, new Map());
    const { waitUntil, unreadable } = look.observation;
    if (waitUntil !== undefined) {
      log.warn('records of partners not read', { object: `TrustDomain ${domain}`, error: [...unreadable.values()].join(' ') });
      return requeueAt(Math.min(waitUntil, now() + 1000), now());
    }
    // While a domain is missing, what was distributed stays as it is.
    if (look.observation.domain !== undefined) {
      for (let round = 0; round < mostRounds && look.planned.actions.length > 0; round++) {
        const { failures, isWorthAnother } = await this.#carryOut(domain, look.planned.actions);
        look = await this.#look(domain, failures);
        if (!isWorthAnother) break;
      }
      // Before anything else that may fail.
      if (!look.planned.undecided || federation.of(domain) !== undefined) this.#distribute(domain, look.planned.federation);
    }
    const { observation, planned } = look;
    const [published, told] = await Promise.allSettled([this.#publish(observation), this.#tell(look)]);
    if (published.status === 'rejected') throw published.reason;
    if (told.status === 'rejected') throw told.reason;
    const undone = planned.actions.length > 0 || observation.unreadable.size > 0 ? now() + retry : undefined;
    const turns = [nextTurn(planned, observation.lookAgainAt, now()), undone, told.value, published.value];
    return requeueAt(earliest(turns), now());
  }

  /** What an Edge shows may wait for partners to know its CA. Returns when to look again, epoch ms. */
  async #publish({ domain }: FederationObservation): Promise<number | undefined> {
    if (domain === undefined) return undefined;
    const { written, lookAgainAt } = await publish(domain, this.#context);
    if (written) this.#wake.edges(domain.metadata.name);
    return lookAgainAt;
  }

  #distribute(domain: string, federation: Federation | undefined): void {
    if (federation !== undefined && this.#context.federation.set(domain, federation)) this.#wake.edges(domain);
  }

  async #look(domain: string, unwritten: ReadonlyMap<string, string>): Promise<Look> {
    const { topology, federation, now } = this.#context;
    if (topology.domain(domain) !== undefined)
      this.#distribute(domain, withdrawn(federation.of(domain), partnersIn(domain, topology), now()));
    const failed = this.#failed.get(domain) ?? new Map<string, string>();
    const observation = await observe(domain, this.#asking, { failed, unwritten }, this.#context);
    const planned = plan(observation, now());
    if (planned.failed.size === 0) this.#failed.delete(domain);
    else this.#failed.set(domain, planned.failed);
    return { observation, planned };
  }

  /** What goes wrong with one of them is told where it belongs, and the others are done. */
  async #carryOut(domain: string, actions: readonly FederationAction[]): Promise<CarriedOut> {
    const { log } = this.#context;
    const failures = new Map<string, string>();
    let isWorthAnother = false;
    for (const action of actions) {
      try {
        const failure = await enact(domain, action, this.#asking.records, this.#context);
        if (failure !== undefined && action.kind === 'CrossCertify')
          this.#failed.set(domain, new Map(this.#failed.get(domain)).set(failureOf(action.record, action.authority), failure));
        isWorthAnother = true;
      } catch (error) {
        if (isApiError(error, 'Fenced')) throw error;
        if (isApiError(error, 'Conflict', 'AlreadyExists', 'Transient')) isWorthAnother = true;
        failures.set(action.record, messageOf(error));
        log.error('record of a partner not written', {
          object: `TrustDomain ${domain}`,
          configMap: action.record,
          error: messageOf(error),
        });
      }
    }
    return { failures, isWorthAnother };
  }

  /** Resolves to when to look again (epoch ms) at partners that wait for Edges, if any does. */
  async #tell({ observation, planned }: Look): Promise<number | undefined> {
    const { now, stores, client } = this.#context;
    const turns: (number | undefined)[] = [];
    for (const decision of planned.decisions) {
      const { partner } = decision;
      const status = report(observation, planned, decision, now());
      if (await writeStatus(federatedPartners, partner, status, { client, store: stores.federatedPartners }))
        announce(partner, status, this.#context);
      turns.push(lookAgainAt(status, now()));
    }
    return earliest(turns);
  }
}

/** Epoch ms: when an anchor expires, or is to be warned of, or a list comes or goes, or somebody is to be asked again. */
function nextTurn({ expiry, listsTurn }: FederationPlan, lookAgainAt: number | undefined, now: number): number | undefined {
  const turns = expiry === undefined ? [] : [expiry - expiryWarning, expiry].filter((at) => at > now);
  return earliest([lookAgainAt, listsTurn, ...turns]);
}
