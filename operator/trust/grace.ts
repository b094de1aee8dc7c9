// A label that flaps destroys nothing: for a while after a namespace lost membership or a server its admission, peers
// still list it and bundles stay.
import type { Condition } from '../api/object.ts';

export interface Admitted {
  readonly status?:
    | {
        readonly conditions?: readonly Condition[] | undefined;
        readonly certificates?: readonly unknown[] | undefined;
        readonly certificate?: unknown;
        /** Of a gateway that has a trunk. */
        readonly pool?: string | undefined;
      }
    | undefined;
}

/** When a server, gateway or relay that is not admitted any more leaves the peer lists, epoch ms; undefined if it never was admitted. */
export function graceEnd({ status }: Admitted, now: number, grace: number): number | undefined {
  const { certificates = [], certificate, pool } = status ?? {};
  if (certificates.length === 0 && certificate === undefined && pool === undefined) return undefined;
  const topology = status?.conditions?.find((condition) => condition.type === 'TopologyValid');
  if (topology === undefined || topology.status === 'True') return now + grace;
  return Date.parse(topology.lastTransitionTime) + grace;
}
