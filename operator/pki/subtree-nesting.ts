// How the subtrees of name constraints lie in one another: two of a kind are nested or have nothing in common, since
// domains and address blocks are trees.
import type { HostSubtree, IPSubtree } from './subtree.ts';

/** The kinds of subtree that scopes are made of. */
export type ScopeSubtree = HostSubtree | IPSubtree;

const isDnsIn = (inner: string, outer: string): boolean => {
  const [innerBase, outerBase] = [inner.replace(/^\./, ''), outer.replace(/^\./, '')];
  if (outer === '' || innerBase.endsWith(`.${outerBase}`)) return true;
  return inner !== '' && innerBase === outerBase && (!outer.startsWith('.') || inner.startsWith('.'));
};

const isHostIn = (inner: string, outer: string): boolean =>
  outer === '' || inner === outer || (outer.startsWith('.') && inner.endsWith(outer));

const isBlockIn = (inner: IPSubtree, outer: IPSubtree): boolean =>
  inner.mask.length === outer.mask.length &&
  outer.mask.every((mask, index) => {
    const isNarrower = ((inner.mask[index] ?? 0) & mask) === mask;
    return isNarrower && (((inner.address[index] ?? 0) ^ (outer.address[index] ?? 0)) & mask) === 0;
  });

/** Whether every name in `inner` is in `outer`. Never for two kinds. */
export function isSubtreeIn(inner: ScopeSubtree, outer: ScopeSubtree): boolean {
  if (inner.kind === 'dns' && outer.kind === 'dns') return isDnsIn(inner.host, outer.host);
  if (inner.kind === 'uri' && outer.kind === 'uri') return isHostIn(inner.host, outer.host);
  if (inner.kind === 'ip' && outer.kind === 'ip') return isBlockIn(inner, outer);
  if (inner.kind !== 'mail' || outer.kind !== 'mail') return false;
  return outer.local === undefined ? isHostIn(inner.host, outer.host) : inner.host === outer.host && inner.local === outer.local;
}

/** What two subtrees have in common: the inner one; undefined: nothing. */
export function commonSubtree(one: ScopeSubtree, other: ScopeSubtree): ScopeSubtree | undefined {
  if (isSubtreeIn(one, other)) return one;
  return isSubtreeIn(other, one) ? other : undefined;
}
