// Keeps the status of each TrustDomain. Keys: names.
import type { Requeue } from '../../kube/controller.ts';
import { nextAnchorFinding } from '../../topology/findings-of-anchors.ts';
import { findingsOfDomain } from '../../topology/findings-of-domain.ts';
import type { Context } from '../context.ts';
import { requeueAt } from '../requeue.ts';
import type { DomainCounts } from './counts.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';

export class TrustDomains {
  readonly #context: Context;
  readonly #counts: DomainCounts;
  /** Epoch ms, by name. */
  readonly #writtenAt = new Map<string, number>();

  constructor(context: Context, counts: DomainCounts) {
    this.#context = context;
    this.#counts = counts;
  }

  async reconcile(name: string): Promise<Requeue | void> {
    const { now } = this.#context;
    const observation = observe(name, this.#context, this.#counts);
    if (observation === undefined || observation.domain.metadata.deletionTimestamp !== undefined) {
      this.#writtenAt.delete(name);
      return;
    }
    const { domain } = observation;
    const status = report(observation, now());
    const next = plan(domain, status, this.#writtenAt.get(name), now());
    if (next.kind === 'Wait') return requeueAt(next.until, now());
    if (next.kind === 'Write') {
      this.#writtenAt.set(name, now());
      await enact(domain, status, findingsOfDomain(domain, observation.authorities, now()), this.#context);
    }
    const anchors = observation.authorities.flatMap((authority) => authority.anchors);
    return requeueAt(nextAnchorFinding(anchors, now()), now());
  }
}
