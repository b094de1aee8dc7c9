// Whose each name is: ours, or the partner's that names the innermost domain or edge around it. Nobody is believed for what
// somebody else holds.
import { domainsAround, isInDomain, type PartnerNames } from './partner-names.ts';

export interface Holder extends PartnerNames {
  readonly blocked: boolean;
  /** Without any it stands for nobody yet, and keeps no edge from others. */
  readonly anchors: readonly unknown[];
}

export interface OurNames {
  /** SIP domains, and the SPIFFE trust domain where it is another name: ours with all that lies below. */
  readonly domains: readonly string[];
  /** Names of servers that lie elsewhere. */
  readonly names: readonly string[];
}

/** Who has what, for all partners at once: a partner more costs what it adds, not a look at every other. */
export interface Holdings {
  /** Whose a name is: `Ours`, a partner's, or undefined: nobody's. */
  readonly holderOf: (name: string) => 'Ours' | Holder | undefined;
  /** All names in a domain that are ours, or that a partner holds. */
  readonly inside: (domain: string) => readonly string[];
}

/**
 * `partners` are in order of precedence, the oldest first. Of a SIP domain blocked wins over all, then who comes first. An edge
 * is its who has the domain around it; elsewhere, as with a provider, it is the first one's that names it: who shares
 * that partner's CA may be behind it too.
 */
export function holdingsOf({ domains, names }: OurNames, partners: readonly Holder[]): Holdings {
  const own = new Set([...domains, ...names]);
  const held = new Map<string, Holder>();
  for (const partner of [...partners].sort((a, b) => Number(b.blocked) - Number(a.blocked))) {
    for (const domain of partner.sipDomains) if (!held.has(domain)) held.set(domain, partner);
  }
  const edges = new Map<string, Holder>();
  for (const partner of partners) {
    const { accessEdge, blocked, anchors } = partner;
    if (accessEdge === undefined || blocked || anchors.length === 0) continue;
    const isElsewhere = !domainsAround(accessEdge).some((domain) => own.has(domain) || held.has(domain));
    if (isElsewhere && !edges.has(accessEdge)) edges.set(accessEdge, partner);
  }
  for (const [edge, partner] of edges) held.set(edge, partner);
  const inside = new Map<string, string[]>();
  for (const name of new Set([...own, ...held.keys()])) {
    for (const domain of domainsAround(name)) {
      const known = inside.get(domain);
      if (known === undefined) inside.set(domain, [name]);
      else known.push(name);
    }
  }
  return {
    holderOf: (name) => {
      if (domains.some((domain) => isInDomain(name, domain))) return 'Ours';
      for (const domain of domainsAround(name)) {
        if (own.has(domain)) return 'Ours';
        const holder = held.get(domain);
        if (holder !== undefined) return holder;
      }
      return undefined;
    },
    inside: (domain) => inside.get(domain) ?? [],
  };
}
