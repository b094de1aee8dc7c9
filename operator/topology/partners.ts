// Federated partners, found by name and by domain.
import type { FederatedPartner } from '../api/v1alpha1/index.ts';
import { link, unlink } from './multimap.ts';

export class Partners {
  readonly #partners = new Map<string, FederatedPartner>();
  readonly #byDomain = new Map<string, Set<string>>();

  get(name: string): FederatedPartner | undefined {
    return this.#partners.get(name);
  }

  /** In no order. */
  of(domain: string): readonly FederatedPartner[] {
    return [...(this.#byDomain.get(domain) ?? [])].flatMap((name) => this.#partners.get(name) ?? []);
  }

  /** Returns the domains that this concerns. */
  set(name: string, partner: FederatedPartner | undefined): ReadonlySet<string> {
    const before = this.#partners.get(name);
    if (before !== undefined) unlink(this.#byDomain, before.spec.trustDomain, name);
    if (partner === undefined) this.#partners.delete(name);
    else {
      this.#partners.set(name, partner);
      link(this.#byDomain, partner.spec.trustDomain, name);
    }
    return new Set([before, partner].flatMap((each) => each?.spec.trustDomain ?? []));
  }

  /** Takes a newer version whose place is the same: only its status or its labels changed. */
  replace(name: string, partner: FederatedPartner): void {
    if (this.#partners.has(name)) this.#partners.set(name, partner);
  }
}
