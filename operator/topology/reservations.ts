// Which names belong to certain roles of one domain, whoever else may declare names there: kept by name, so that a server
// is held against its own names alone.
import type { Role } from '../api/v1alpha1/index.ts';

export interface Reservation {
  /** The TrustDomain. */
  readonly domain: string;
  /** Who may declare the name; nobody where empty. */
  readonly roles: readonly Role[];
}

export class Reservations {
  readonly #byName = new Map<string, readonly Reservation[]>();
  readonly #byDomain = new Map<string, ReadonlyMap<string, readonly Role[]>>();

  of(name: string): readonly Reservation[] {
    return this.#byName.get(name) ?? [];
  }

  /** What the domain reserves from now on. Returns the names for which that is something else than before. */
  set(domain: string, names: ReadonlyMap<string, readonly Role[]>): readonly string[] {
    const before = this.#byDomain.get(domain) ?? new Map<string, readonly Role[]>();
    const changed = [...new Set([...before.keys(), ...names.keys()])].filter(
      (name) => before.get(name)?.join() !== names.get(name)?.join(),
    );
    for (const name of changed) {
      const others = this.of(name).filter((reservation) => reservation.domain !== domain);
      const roles = names.get(name);
      const now = roles === undefined ? others : [...others, { domain, roles }];
      if (now.length === 0) this.#byName.delete(name);
      else this.#byName.set(name, now);
    }
    if (names.size === 0) this.#byDomain.delete(domain);
    else this.#byDomain.set(domain, names);
    return changed;
  }
}
