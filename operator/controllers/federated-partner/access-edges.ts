// Where a partner is called: as it is given, or as DNS says within its domain.
import { targetRefusal } from '../../topology/federation-target.ts';
import type { ObservedPartner } from './observe.ts';

export interface AccessEdges {
  readonly accessEdges: readonly { readonly fqdn: string; readonly port: number }[];
  /** Of looking them up: sentences. */
  readonly edgeProblems: readonly string[];
}

export function accessEdgesOf({ partner: { spec }, lookups }: Pick<ObservedPartner, 'partner' | 'lookups'>): AccessEdges {
  if (spec.accessEdge !== undefined) return { accessEdges: [spec.accessEdge], edgeProblems: [] };
  const found = lookups.map(({ sipDomain, found: lookup }) => {
    if (lookup === undefined) return { edges: [], problems: [`The edge of ${sipDomain} was not looked up yet.`] };
    const targets = lookup.outcome === 'Failed' ? [] : lookup.targets;
    const refusals = targets.flatMap(({ fqdn }) => targetRefusal(sipDomain, fqdn)?.message ?? []);
    return {
      edges: targets.filter(({ fqdn }) => targetRefusal(sipDomain, fqdn) === undefined).map(({ fqdn, port }) => ({ fqdn, port })),
      problems: lookup.outcome === 'Found' ? refusals : [lookup.message, ...refusals],
    };
  });
  const distinct = new Map(found.flatMap(({ edges }) => edges).map((edge) => [`${edge.fqdn}:${edge.port}`, edge]));
  return { accessEdges: [...distinct.values()], edgeProblems: found.flatMap(({ problems }) => problems) };
}
