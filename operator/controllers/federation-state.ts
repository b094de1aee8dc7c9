// What each domain believes of its federated partners, as the Edges' external faces are to hold it: worked out by the
// federated-partner controller, read by whoever writes bundles, Secrets and rendered files.
import type { RenderedPartner } from '../outputs/rendering.ts';
import type { TrustBundle } from '../trust/bundle.ts';

/** A partner that is believed. */
export interface PartnerTrust extends Omit<RenderedPartner, 'anchors'> {
  /** What calling it takes: its anchors and no other partner's. */
  readonly bundle: TrustBundle;
}

export interface Federation {
  /** The trust of all partners together: who may call. */
  readonly bundle: TrustBundle;
  /** Ordered by name. */
  readonly partners: readonly PartnerTrust[];
}

export class FederationState {
  readonly #federations = new Map<string, Federation>();
  #version = 0;

  /** Another number after every change. */
  get version(): number {
    return this.#version;
  }

  /** Undefined while the partners of the domain were not looked at yet: then nothing that is in place may be replaced. */
  of(domain: string): Federation | undefined {
    return this.#federations.get(domain);
  }

  /** Returns whether that is something else than before. */
  set(domain: string, federation: Federation): boolean {
    const before = this.#federations.get(domain);
    if (before !== undefined && identityOf(before) === identityOf(federation)) return false;
    this.#federations.set(domain, federation);
    this.#version += 1;
    return true;
  }
}

function identityOf({ bundle, partners }: Federation): string {
  return JSON.stringify([bundle.hash, partners.map((partner) => ({ ...partner, bundle: partner.bundle.hash }))]);
}
