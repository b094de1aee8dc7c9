// Which SIP domains and names a partner may be believed for at all: none of ours, none that are open to everybody, and a
// SIP domain of one partner only.
import { isPublicSuffix } from '../pki/service-identity.ts';

export type NameRefusalReason = 'DomainOfOurs' | 'PublicSuffix' | 'DomainOnTwoLists';

export interface NameRefusal {
  /** The FederatedPartner. */
  readonly partner: string;
  readonly reason: NameRefusalReason;
  /** In lower case. */
  readonly name: string;
  /** A sentence for a person: what was seen, what to do. */
  readonly message: string;
}

export interface PartnerNames {
  readonly name: string;
  /** In lower case. */
  readonly sipDomains: readonly string[];
  /** Where the partner is called, in lower case. */
  readonly accessEdge?: string;
  /** In lower case; each with all that lies below it. */
  readonly permittedNames: readonly string[];
}

/** Whether `name` is `domain` or lies below it; everything lies in the empty domain. */
export function isInDomain(name: string, domain: string): boolean {
  return domain === '' || name === domain || name.endsWith(`.${domain}`);
}

/** `a.b.c` to itself, `b.c`, `c` and the empty domain: all domains that it lies in, the innermost first. */
export function domainsAround(name: string): readonly string[] {
  const labels = name === '' ? [] : name.split('.');
  return [...labels.keys(), labels.length].map((start) => labels.slice(start).join('.'));
}

const relation = (name: string, domain: string): string => {
  if (name === domain) return 'equals';
  return isInDomain(name, domain) ? 'lies in' : 'contains';
};

/** A name that a partner is permitted may contain ours, since ours are then excluded; a SIP domain may not. */
function refusalsOf(partner: PartnerNames, ours: readonly string[]): readonly NameRefusal[] {
  const of = (reason: NameRefusalReason, name: string, message: string): NameRefusal => ({
    partner: partner.name,
    reason,
    name,
    message,
  });
  const judge = (what: string, name: string, isSIPDomain: boolean): readonly NameRefusal[] => {
    const own = ours.find((domain) => isInDomain(name, domain) || (isSIPDomain && isInDomain(domain, name)));
    if (own !== undefined) {
      const message = `${what} ${name} ${relation(name, own)} ${own}, which is ours: no partner is believed for our names. Remove it, or the whole partner.`;
      return [of('DomainOfOurs', name, message)];
    }
    if (!isPublicSuffix(name)) return [];
    const message = `${what} ${name} is a public suffix, below which everybody can have a name: name the domain of the partner alone.`;
    return [of('PublicSuffix', name, message)];
  };
  const { sipDomains, accessEdge, permittedNames } = partner;
  return [
    ...sipDomains.flatMap((name) => judge('The SIP domain', name, true)),
    ...(accessEdge === undefined ? [] : judge('The access edge', accessEdge, false)),
    ...permittedNames.flatMap((name) => judge('The permitted name', name, false)),
  ];
}

/** The partners that name each SIP domain, in the order given. */
function listsByDomain(partners: readonly PartnerNames[]): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, readonly string[]>();
  for (const { name, sipDomains } of partners) {
    for (const domain of new Set(sipDomains)) lists.set(domain, [...(lists.get(domain) ?? []), name]);
  }
  return lists;
}

/**
 * Everything that is wrong with the partners' names. A domain on two lists is refused on both; whose it is meanwhile,
 * partner-scope.ts says. Nested domains of two partners are in order: the outer one is not believed for the inner.
 */
export function checkPartnerNames({
  ourDomains,
  partners,
}: {
  /** Our SIP domains, and the SPIFFE trust domain where it is another name. */
  readonly ourDomains: readonly string[];
  readonly partners: readonly PartnerNames[];
}): readonly NameRefusal[] {
  const lists = listsByDomain(partners);
  return partners.flatMap((partner) => [
    ...refusalsOf(partner, ourDomains),
    ...[...new Set(partner.sipDomains)].flatMap((name): readonly NameRefusal[] => {
      const others = (lists.get(name) ?? []).filter((other) => other !== partner.name);
      if (others.length === 0) return [];
      const message = `The SIP domain ${name} is also a domain of the partner ${others.join(', ')}: leave it with one of them.`;
      return [{ partner: partner.name, reason: 'DomainOnTwoLists', name, message }];
    }),
  ]);
}
