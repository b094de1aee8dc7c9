// Servers as the topology sees them, found by their key, namespace, domain and role.
import type { Role, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import type { Admission } from './admission.ts';
import { link, unlink } from './multimap.ts';
import { certificateNeeds } from './names.ts';

/** A server as the topology sees it now. */
export interface Placement {
  readonly key: string;
  readonly server: TrustedServer;
  readonly admission: Admission | undefined;
  /** Its peers know it: admitted, or lost admission a short while ago. */
  readonly listed: boolean;
  readonly names: readonly string[];
  /** `face/CA` for each CA that it names beside the domain's own. */
  readonly authorities: readonly string[];
}

export class Placements {
  readonly #placements = new Map<string, Placement>();
  readonly #byNamespace = new Map<string, Set<string>>();
  readonly #byDomain = new Map<string, Set<string>>();
  /** `domain/role` to its servers. */
  readonly #byRole = new Map<string, Set<string>>();

  get(key: string): Placement | undefined {
    return this.#placements.get(key);
  }

  in(namespace: string): ReadonlySet<string> {
    return this.#byNamespace.get(namespace) ?? new Set();
  }

  of(domain: string): ReadonlySet<string> {
    return this.#byDomain.get(domain) ?? new Set();
  }

  /** Listed or not. */
  ofRole(trustDomain: string, role: Role): ReadonlySet<string> {
    return this.#byRole.get(ownerOf({ trustDomain, role })) ?? new Set();
  }

  set(before: Placement | undefined, after: Placement | undefined): void {
    if (before !== undefined) {
      const { key, server } = before;
      this.#placements.delete(key);
      unlink(this.#byNamespace, server.metadata.namespace ?? '', key);
      unlink(this.#byDomain, server.spec.trustDomain, key);
      unlink(this.#byRole, ownerOf(server.spec), key);
    }
    if (after !== undefined) {
      const { key, server } = after;
      this.#placements.set(key, after);
      link(this.#byNamespace, server.metadata.namespace ?? '', key);
      link(this.#byDomain, server.spec.trustDomain, key);
      link(this.#byRole, ownerOf(server.spec), key);
    }
  }

  /** Takes a newer version whose place is the same: only its status or its labels changed. */
  replace(key: string, server: TrustedServer): void {
    const placement = this.#placements.get(key);
    if (placement !== undefined) this.#placements.set(key, { ...placement, server });
  }
}

/** `face/CA` for each CA that the server names beside the domain's own. */
export function namedAuthorities(server: TrustedServer, domain: TrustDomain): readonly string[] {
  if (server.spec.certificates.uses?.some((entry) => entry.enterpriseCA !== undefined) !== true) return [];
  const needs = certificateNeeds(server, domain).filter((need) => need.enterpriseCA !== domain.spec.enterpriseCA);
  return [
    ...new Set(
      needs.flatMap(({ audience, enterpriseCA }) => [
        `Any/${enterpriseCA}`,
        ...(audience === 'edge-external' ? [] : [`Internal/${enterpriseCA}`]),
      ]),
    ),
  ];
}

/** Key of the lists and counts of one role of one domain. */
export function ownerOf({ trustDomain, role }: Pick<TrustedServer['spec'], 'trustDomain' | 'role'>): string {
  return `${trustDomain}/${role}`;
}

/** What a listed server counts for before and not after (-1), and the other way round (1). */
export function changed(
  before: Placement | undefined,
  after: Placement | undefined,
  countsFor: (placement: Placement) => readonly string[],
): readonly (readonly [Placement, 1 | -1, string])[] {
  const of = (placement: Placement | undefined) => (placement?.listed === true ? countsFor(placement) : []);
  const [old, current] = [of(before), of(after)];
  return [
    ...old.filter((each) => !current.includes(each)).map((each) => [before, -1, each] as const),
    ...current.filter((each) => !old.includes(each)).map((each) => [after, 1, each] as const),
  ].flatMap(([placement, by, each]) => (placement === undefined ? [] : [[placement, by, each] as const]));
}
