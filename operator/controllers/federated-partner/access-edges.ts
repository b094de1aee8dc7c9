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
  const edges = lookups.flatMap(({ found }) => found.edges.map(({ fqdn, port }) => ({ fqdn, port })));
  const distinct = new Map(edges.map((edge) => [`${edge.fqdn}:${edge.port}`, edge]));
  return { accessEdges: [...distinct.values()], edgeProblems: lookups.flatMap(problemsOf) };
}

function problemsOf({ sipDomain, found: { lookup } }: ObservedPartner['lookups'][number]): readonly string[] {
  if (lookup === undefined) return [`The edge of ${sipDomain} was not looked up yet.`];
  const targets = lookup.outcome === 'Failed' ? [] : lookup.targets;
  const refusals = targets.flatMap(({ fqdn }) => targetRefusal(sipDomain, fqdn)?.message ?? []);
  return lookup.outcome === 'Found' ? refusals : [lookup.message, ...refusals];
}
