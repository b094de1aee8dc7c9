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
      if (change.old !== undefined) this.#add(change.old, -1);
      if (change.new !== undefined) this.#add(change.new, 1);
      for (const domain of new Set([change.old, change.new].map((server) => server?.spec.trustDomain))) {
        if (domain !== undefined) onChange(domain);
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
    const { trustDomain } = server.spec;
    const { servers, readyServers, certificates } = this.of(trustDomain);
    if (servers + by === 0) {
      this.#counts.delete(trustDomain);
      return;
    }
    this.#counts.set(trustDomain, {
      servers: servers + by,
      readyServers: readyServers + (isReady(server) ? by : 0),
      certificates: certificates + by * certificatesOf(server),
    });
  }
}

function isReady(server: TrustedServer): boolean {
  return server.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function certificatesOf(server: TrustedServer): number {
  return server.status?.certificates?.length ?? 0;
}

function sameCount(a: TrustedServer, b: TrustedServer): boolean {
  return a.spec.trustDomain === b.spec.trustDomain && isReady(a) === isReady(b) && certificatesOf(a) === certificatesOf(b);
}
