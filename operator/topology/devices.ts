// Media gateways and media relays as the topology sees them: objects beside the servers that declare one name, and must be
// admitted for it by their domain.
import type { MediaGateway, MediaRelay } from '../api/v1alpha1/index.ts';
import type { Admission } from './admission.ts';
import { link, unlink } from './multimap.ts';

export type Device = MediaGateway | MediaRelay;

export interface DevicePlacement<D extends Device = Device> {
  /** `namespace/name`. */
  readonly key: string;
  readonly device: D;
  readonly admission: Admission | undefined;
  /** Admitted, or lost its admission a short while ago. */
  readonly listed: boolean;
}

export class Devices<D extends Device> {
  readonly #placements = new Map<string, DevicePlacement<D>>();
  readonly #byNamespace = new Map<string, Set<string>>();
  readonly #byDomain = new Map<string, Set<string>>();

  get(key: string): DevicePlacement<D> | undefined {
    return this.#placements.get(key);
  }

  of(domain: string): ReadonlySet<string> {
    return this.#byDomain.get(domain) ?? new Set();
  }

  in(namespace: string): ReadonlySet<string> {
    return this.#byNamespace.get(namespace) ?? new Set();
  }

  set(key: string, placement: DevicePlacement<D> | undefined): void {
    const before = this.#placements.get(key)?.device;
    if (before !== undefined) {
      unlink(this.#byNamespace, before.metadata.namespace ?? '', key);
      unlink(this.#byDomain, before.spec.trustDomain, key);
      this.#placements.delete(key);
    }
    if (placement === undefined) return;
    this.#placements.set(key, placement);
    link(this.#byNamespace, placement.device.metadata.namespace ?? '', key);
    link(this.#byDomain, placement.device.spec.trustDomain, key);
  }

  /** Takes a newer version whose place is the same: only its status or its labels changed. */
  replace(key: string, device: D): void {
    const placement = this.#placements.get(key);
    if (placement !== undefined) this.#placements.set(key, { ...placement, device });
  }
}
