// A label that flaps destroys nothing: for a while after a namespace lost membership or a server its admission, peers
// still list it and bundles stay.
import type { TrustedServer } from '../api/v1alpha1/index.ts';

/** When a server that is not admitted any more leaves the peer lists, epoch ms; undefined if it never was admitted. */
export function graceEnd(server: TrustedServer, now: number, grace: number): number | undefined {
  if ((server.status?.certificates ?? []).length === 0) return undefined;
  const topology = server.status?.conditions?.find((condition) => condition.type === 'TopologyValid');
  if (topology === undefined || topology.status === 'True') return now + grace;
  return Date.parse(topology.lastTransitionTime) + grace;
}
