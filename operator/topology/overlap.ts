// Equal or nested SIP domains of two TrustDomains: the older has them, the younger is not valid until one gives way.
import type { TrustDomain } from '../api/v1alpha1/index.ts';

/** What is wrong with each domain that overlaps an older one, by its name, as a sentence. */
export function overlapProblems(domains: Iterable<TrustDomain>): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  /** SIP domain to the domain that has it. */
  const taken = new Map<string, string>();
  /** Every name above a SIP domain that is taken, to one such. */
  const above = new Map<string, string>();
  for (const { metadata, spec } of [...domains].sort((a, b) => (seniority(a) < seniority(b) ? -1 : 1))) {
    const problem = spec.sipDomains
      .flatMap((mine) => {
        const other = [mine, ...parents(mine)].find((name) => taken.has(name)) ?? above.get(mine);
        return other === undefined ? [] : [sentence(mine, other, taken.get(other) ?? '')];
      })
      .at(0);
    if (problem !== undefined) {
      problems.set(metadata.name, problem);
      continue;
    }
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

/** `a.b.c` to `b.c` and `c`. */
function parents(name: string): readonly string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'));
}

/** Orders by age, and objects of one second by UID. */
function seniority({ metadata }: TrustDomain): string {
  return `${metadata.creationTimestamp}/${metadata.uid}`;
}
