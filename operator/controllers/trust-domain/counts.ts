// How many servers each domain has, how many are Ready, and how many certificates they hold: counted as they change.
import type { TrustedServer } from '../../api/v1alpha1/index.ts';
import type { Store } from '../../kube/store.ts';

export interface DomainCount {
  readonly servers: number;
  readonly readyServers: number;
  readonly certificates: number;
}

const none: DomainCount = { servers: 0, readyServers: 0, certificates: 0 };

export class DomainCounts implements Disposable {
  readonly #counts = new Map<string, DomainCount>();
  readonly #subscription: Disposable;

  /** `onChange` is told of each domain whose count changed. */
  constructor(servers: Store<TrustedServer>, onChange: (domain: string) => void) {
    for (const server of servers.list()) this.#add(server, 1);
    this.#subscription = servers.onChange((change) => {
      if (change.old !== undefined && change.new !== undefined && sameCount(change.old, change.new)) return;
      for (const [server, by] of [
        [change.old, -1],
        [change.new, 1],
      ] as const) {
        if (server === undefined) continue;
        this.#add(server, by);
        onChange(server.spec.trustDomain);
      }
    });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  of(domain: string): DomainCount {
    return this.#counts.get(domain) ?? none;
  }

  #add(server: TrustedServer, by: 1 | -1): void {
    const { servers, readyServers, certificates } = this.of(server.spec.trustDomain);
    this.#counts.set(server.spec.trustDomain, {
      servers: servers + by,
      readyServers: readyServers + (isReady(server) ? by : 0),
      certificates: certificates + by * (server.status?.certificates ?? []).length,
    });
  }
}

function isReady(server: TrustedServer): boolean {
  return server.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function sameCount(a: TrustedServer, b: TrustedServer): boolean {
  return isReady(a) === isReady(b) && a.status?.certificates?.length === b.status?.certificates?.length;
}
