// Equal or nested SIP domains of two TrustDomains, or one SPIFFE trust domain, in which one could give itself the IDs of the other's
// servers: the older has them, the younger is not valid until one gives way.
import type { TrustDomain } from '../api/v1alpha1/index.ts';
import { spiffeTrustDomain } from './names.ts';

export interface Overlap {
  /** With `SPIFFEIDs` its SIP domains are its own: it goes on holding the names that it derives from them. */
  readonly of: 'SIPDomains' | 'SPIFFEIDs';
  /** A sentence. */
  readonly message: string;
}

/** What is wrong with each domain that overlaps an older one, by its name. */
export function overlapProblems(domains: Iterable<TrustDomain>): ReadonlyMap<string, Overlap> {
  const problems = new Map<string, Overlap>();
  /** SIP domain to the domain that has it. */
  const taken = new Map<string, string>();
  /** Every name above a SIP domain that is taken, to one such. */
  const above = new Map<string, string>();
  /** SPIFFE trust domain to the domain that has it. */
  const spiffe = new Map<string, string>();
  for (const domain of [...domains].sort((a, b) => (seniority(a) < seniority(b) ? -1 : 1))) {
    const { metadata, spec } = domain;
    const ids = spiffeTrustDomain(domain);
    const overlap = spec.sipDomains
      .flatMap((mine) => {
        const other = [mine, ...parents(mine)].find((name) => taken.has(name)) ?? above.get(mine);
        return other === undefined ? [] : [sentence(mine, other, taken.get(other) ?? '')];
      })
      .at(0);
    if (overlap !== undefined) {
      problems.set(metadata.name, { of: 'SIPDomains', message: overlap });
      continue;
    }
    const issuer = spiffe.get(ids);
    if (issuer === undefined) spiffe.set(ids, metadata.name);
    else problems.set(metadata.name, { of: 'SPIFFEIDs', message: sharedIds(ids, issuer) });
    for (const mine of spec.sipDomains) {
      taken.set(mine, metadata.name);
      for (const parent of parents(mine)) if (!above.has(parent)) above.set(parent, mine);
    }
  }
  return problems;
}

function sentence(mine: string, other: string, owner: string): string {
  return (
    `SIP domain ${mine} equals, contains or lies in ${other} of the older TrustDomain ${owner}. ` +
    'Remove it from one of the two.'
  );
}

function sharedIds(ids: string, owner: string): string {
  return (
    `The SPIFFE IDs of the older TrustDomain ${owner} begin with spiffe://${ids}/ too, so that a server of one could have the identity of ` +
    'one of the other. Nobody gets such an ID anew; whoever has one is renewed. Neither can change: make one of the two anew with another ' +
    'spec.spiffeTrustDomain.'
  );
}

/** `a.b.c` to `b.c` and `c`. */
function parents(name: string): readonly string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'));
}

/** Orders by age, and objects of one second by UID. */
function seniority({ metadata }: TrustDomain): string {
  return `${metadata.creationTimestamp}/${metadata.uid}`;
}
