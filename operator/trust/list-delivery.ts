// When the revocation list of another CA may lie in files. Software refuses everybody of that CA by a list that has not begun or has
// ended, and a file stays for as long as it takes to bring another there and to have it read.

import { instant } from '../pki/problem.ts';
import type { RevocationList } from '../pki/revocation-list.ts';
import { backdating } from '../pki/validity.ts';

/** ms. What Kubernetes takes to update a mounted volume is a minute or two; the rest is for who reloads at intervals. */
const withdrawal = 3_600_000;

export interface DeliveryWindow {
  /** Epoch ms. Clocks may be as far behind ours as certificates are backdated for. */
  readonly from: number;
  readonly until: number;
}

export function deliveryWindow({ thisUpdate, nextUpdate }: Pick<RevocationList, 'thisUpdate' | 'nextUpdate'>): DeliveryWindow {
  return { from: thisUpdate + backdating, until: nextUpdate - withdrawal };
}

/** Why the list does not lie in files now, as a sentence goes on after a colon; undefined: it may. `now` is epoch ms. */
export function outsideDelivery(list: RevocationList, now: number): string | undefined {
  const { from, until } = deliveryWindow(list);
  if (now < from)
    return `it began at ${instant(list.thisUpdate)}, and clocks that are behind would take it for one of the future`;
  if (now >= until) return `it ends at ${instant(list.nextUpdate)}, and files take up to an hour to be read anew`;
  return undefined;
}
