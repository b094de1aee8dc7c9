// What goes before anything is read or written: the trust of partners that are blocked, or are partners no more. What takes their
// place in the scope of others is made afterwards, and may take its time.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import { blockerOf, blockersOf } from '../../topology/blockers.ts';
import { trustBundle } from '../../trust/bundle.ts';
import type { Federation } from '../federation-state.ts';

/**
 * What is distributed, without who is blocked or not declared; undefined where nobody goes. `now` is epoch ms. What any domain may be found by
 * (`discovered`) is of all such partners together, and waits for the plan.
 */
export function withdrawn(
  distributed: Federation | undefined,
  declared: readonly FederatedPartner[],
  now: number,
): Federation | undefined {
  if (distributed === undefined) return undefined;
  const blockers = blockersOf(declared);
  const staying = new Set(
    declared.flatMap((partner) => (blockerOf(partner, blockers) === undefined ? [partner.metadata.name] : [])),
  );
  const partners = distributed.partners.filter(({ name }) => staying.has(name));
  if (partners.length === distributed.partners.length) return undefined;
  const bundle = trustBundle(
    partners.flatMap((partner) => partner.bundle.anchors),
    now,
    partners.flatMap((partner) => partner.bundle.crossCertificates),
  );
  // Lists of who has gone do no harm beside those of who stays. Where nobody stays there are no anchors that they go with.
  const { revocationLists, ...rest } = distributed;
  const lists = partners.length === 0 || revocationLists === undefined ? {} : { revocationLists };
  return { ...rest, ...lists, partners, bundle };
}
