// How many servers each domain has, how many are Ready, how many certificates they hold, and what is found about whatever
// belongs to the domain: counted as objects change, from what their status says, and never by walking all of them.
import type { Condition, KubeObject } from '../../api/object.ts';
import type { TrustedServer } from '../../api/v1alpha1/index.ts';
import type { Change, Store } from '../../kube/store.ts';
import { type FindingReason, findingReasons } from '../../topology/findings.ts';
import type { Stores } from '../context.ts';
import { findingsShown } from '../shown-findings.ts';

export interface DomainCount {
  readonly servers: number;
  readonly readyServers: number;
  readonly certificates: number;
  /** Objects that show it, by reason; those that none shows are absent. */
  readonly findings: ReadonlyMap<FindingReason, number>;
}

/** Whatever belongs to a domain. */
interface Belonging extends KubeObject {
  readonly spec: { readonly trustDomain: string };
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

type Counted = 'servers' | 'readyServers' | 'certificates' | FindingReason;
type Tally = ReadonlyMap<Counted, number>;

export type CountedStores = Pick<Stores, 'trustedServers' | 'mediaGateways' | 'mediaRelays' | 'federatedPartners'>;

export class DomainCounts implements Disposable {
  readonly #counts = new Map<string, Map<Counted, number>>();
  readonly #subscriptions = new DisposableStack();

  /** `onChange` is told of each domain whose count changed. */
  constructor(stores: CountedStores, onChange: (domain: string) => void) {
    this.#follow(stores.trustedServers, tallyOfServer, onChange);
    this.#follow(stores.mediaGateways, tallyOfFindings, onChange);
    this.#follow(stores.mediaRelays, tallyOfFindings, onChange);
    this.#follow(stores.federatedPartners, tallyOfFindings, onChange);
  }

  [Symbol.dispose](): void {
    this.#subscriptions.dispose();
  }

  of(domain: string): DomainCount {
    const counts = this.#counts.get(domain);
    const count = (of: Counted) => counts?.get(of) ?? 0;
    return {
      servers: count('servers'),
      readyServers: count('readyServers'),
      certificates: count('certificates'),
      findings: new Map(findingReasons.map((reason) => [reason, count(reason)] as const).filter(([, number]) => number > 0)),
    };
  }

  #follow<T extends Belonging>(store: Store<T>, tallyOf: (object: T) => Tally, onChange: (domain: string) => void): void {
    for (const object of store.list()) this.#add(object.spec.trustDomain, tallyOf(object), 1);
    this.#subscriptions.use(
      store.onChange(({ old, new: current }: Change<T>) => {
        const [before, after] = [old, current].map(
          (object) => object && { domain: object.spec.trustDomain, tally: tallyOf(object) },
        );
        if (before !== undefined && after !== undefined && before.domain === after.domain && same(before.tally, after.tally))
          return;
        if (before !== undefined) this.#add(before.domain, before.tally, -1);
        if (after !== undefined) this.#add(after.domain, after.tally, 1);
        for (const domain of new Set([before, after].flatMap((each) => each?.domain ?? []))) onChange(domain);
      }),
    );
  }

  #add(domain: string, tally: Tally, by: 1 | -1): void {
    const counts = this.#counts.get(domain) ?? new Map<Counted, number>();
    for (const [of, number] of tally) {
      const count = (counts.get(of) ?? 0) + by * number;
      if (count === 0) counts.delete(of);
      else counts.set(of, count);
    }
    if (counts.size === 0) this.#counts.delete(domain);
    else this.#counts.set(domain, counts);
  }
}

function tallyOfFindings({ status }: Belonging): Tally {
  return new Map(findingsShown(status?.conditions).map((reason) => [reason, 1]));
}

function tallyOfServer(server: TrustedServer): Tally {
  const isReady = server.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return new Map<Counted, number>([
    ['servers', 1],
    ['readyServers', isReady ? 1 : 0],
    ['certificates', server.status?.certificates?.length ?? 0],
    ...tallyOfFindings(server),
  ]);
}

function same(a: Tally, b: Tally): boolean {
  return a.size === b.size && [...a].every(([of, number]) => b.get(of) === number);
}
