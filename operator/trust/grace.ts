// A label that flaps destroys nothing: for a while after a namespace lost membership or a server its admission, peers
// still list it and bundles stay.

export interface Admitted {
  readonly status?:
    | {
        readonly certificates?: readonly unknown[] | undefined;
        readonly certificate?: unknown;
        /** RFC 3339. */
        readonly delistedAt?: string | undefined;
        /** Of a gateway that has a trunk. */
        readonly pool?: string | undefined;
      }
    | undefined;
}

/**
 * When a server, gateway or relay that is not admitted any more leaves the peer lists, epoch ms; undefined if it never was
 * admitted. What its status says of that counts, so that no restart begins the time anew, and nothing else ends it early.
 */
export function graceEnd({ status }: Admitted, now: number, grace: number): number | undefined {
  const { certificates = [], certificate, pool, delistedAt } = status ?? {};
  if (certificates.length === 0 && certificate === undefined && pool === undefined) return undefined;
  return delistedAt === undefined ? now + grace : Date.parse(delistedAt);
}
