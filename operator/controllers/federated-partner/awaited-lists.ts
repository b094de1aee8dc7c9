// Which CAs wait for their revocation lists: those that nobody believes yet, of partners that publish. Lists count only together,
// so that whoever comes without one would have those of everybody else withdrawn.
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
import type { Dropped } from './listener-room.ts';
import type { PublishedList } from './revocation.ts';

export interface Newcomers {
  readonly scopes: readonly ScopedAuthority[];
  /** Of each CA that a partner who publishes names. */
  readonly published: ReadonlyMap<ScopedAuthority, PublishedList>;
  /** Whether a partner publishes. */
  readonly publishes: (partner: string) => boolean;
  /** Whether the Edges believe it already, if in another scope. */
  readonly isInPlace: (authority: ScopedAuthority) => boolean;
}

/**
 * What a partner names anew comes together: a root without the list of the CA below it would have that CA refused where lists
 * are checked. A CA that is also of a partner without lists waits for none.
 */
export function awaitedLists({ scopes, published, publishes, isInPlace }: Newcomers): ReadonlyMap<ScopedAuthority, Dropped> {
  const newcomers = scopes.filter(
    (authority) => authority.scope !== 'Nothing' && authority.partners.every(publishes) && !isInPlace(authority),
  );
  const missing = newcomers.filter((authority) => published.get(authority)?.best === undefined);
  return new Map(
    newcomers.flatMap((authority): [ScopedAuthority, Dropped][] => {
      const problems = missing
        .filter(({ partners }) => partners.some((partner) => authority.partners.includes(partner)))
        .flatMap((each) => published.get(each)?.problems ?? []);
      if (problems.length === 0) return [];
      const message =
        `${[...new Set(problems)].join(' ')} The CAs that it names anew are believed once a current list of each is at hand: ` +
        'nobody’s lists could be checked before.';
      return [[authority, { reason: 'ListUnavailable', message }]];
    }),
  );
}
