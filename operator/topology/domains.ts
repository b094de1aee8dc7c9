// The domains as the topology sees them: which are valid beside the others, which names they reserve for certain roles, and
// which namespaces are their members.
import type { TrustDomain } from '../api/v1alpha1/index.ts';
import { isMember, type NamespaceFacts } from './admission.ts';
import { reservedNames } from './names.ts';
import { type Overlap, overlapProblems } from './overlap.ts';
import { type Reservation, Reservations } from './reservations.ts';

interface DomainState {
  readonly domain: TrustDomain;
  readonly problem: Overlap | undefined;
  readonly members: Set<string>;
}

const nobody: ReadonlySet<string> = new Set();

export class Domains {
  readonly #states = new Map<string, DomainState>();
  readonly #reservations = new Reservations();

  get(name: string): TrustDomain | undefined {
    return this.#states.get(name)?.domain;
  }

  all(): readonly TrustDomain[] {
    return [...this.#states.values()].map(({ domain }) => domain);
  }

  /** Why nothing new may be issued for this domain: its names belong to an older one. */
  problem(name: string): Overlap | undefined {
    return this.#states.get(name)?.problem;
  }

  members(name: string): ReadonlySet<string> {
    return this.#states.get(name)?.members ?? nobody;
  }

  reservationsOf(name: string): readonly Reservation[] {
    return this.#reservations.of(name);
  }

  /**
   * Puts a domain in, replaces it, or (undefined) takes it out. Returns the domains that may mean something else now, which
   * `name` is one of while it is there, and the names that are reserved for others than before.
   */
  set(name: string, domain: TrustDomain | undefined): { readonly domains: readonly string[]; readonly names: readonly string[] } {
    const members = this.#states.get(name)?.members ?? new Set<string>();
    if (domain === undefined) this.#states.delete(name);
    else this.#states.set(name, { domain, problem: undefined, members });
    const problems = overlapProblems(this.all());
    const concerned = [...this.#states].filter(
      ([each, { problem }]) => each === name || problem?.message !== problems.get(each)?.message,
    );
    const released = domain === undefined ? this.#reservations.set(name, new Map()) : [];
    const reserved = concerned.flatMap(([each, state]) => {
      const problem = problems.get(each);
      this.#states.set(each, { ...state, problem });
      return this.#reservations.set(each, problem?.of === 'SIPDomains' ? new Map() : reservedNames(state.domain));
    });
    return { domains: concerned.map(([each]) => each), names: [...released, ...reserved] };
  }

  /** Returns whether the namespace has become a member of the domain, or has ceased to be one. */
  join(name: string, facts: NamespaceFacts): boolean {
    const state = this.#states.get(name);
    if (state === undefined) return false;
    const { domain, members } = state;
    const joins = !facts.terminating && isMember(domain, facts);
    if (members.has(facts.name) === joins) return false;
    if (joins) members.add(facts.name);
    else members.delete(facts.name);
    return true;
  }
}
