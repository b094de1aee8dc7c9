// What each domain believes of its federated partners, as the Edges' external faces are to hold it: worked out by the
// federated-partner controller, read by whoever writes bundles, Secrets and rendered files.
import { type PartnerFiles, partnerFiles } from '../outputs/partners.ts';
import type { Discovery, MetPartner } from '../outputs/rendering.ts';
import type { TrustBundle } from '../trust/bundle.ts';

/** A partner that is believed. */
export interface PartnerTrust extends MetPartner {
  /** What calling it takes: its anchors and no other partner's. */
  readonly bundle: TrustBundle;
}

export interface Federation {
  /** The trust of all partners together: who may call. */
  readonly bundle: TrustBundle;
  /** Ordered by name. */
  readonly partners: readonly PartnerTrust[];
  /** Of what any domain may be found by (mode Discovered): for a listener of its own, and in no other bundle. */
  readonly discovered: TrustBundle;
  /** Its media, as each of those partners has it. */
  readonly discoveredMedia: Discovery['media'];
  /** SIP domains that are ours, or of a partner whatever its mode: nobody is discovered for them. Sorted. */
  readonly closedDomains: readonly string[];
  /** PEM: a current list of every CA of `bundle`. Absent while one is missing. */
  readonly revocationLists?: string;
}

/** Files of federations that are in use: every Edge bundle and every partner's status asks for them. */
const rendered = new WeakMap<Federation, PartnerFiles>();

/** What the bundle of an Edge's external face holds beside `ca.crt`. */
export function federationFiles(federation: Federation): PartnerFiles {
  const known = rendered.get(federation);
  if (known !== undefined) return known;
  const { partners, discovered, revocationLists } = federation;
  const files = partnerFiles({
    partners: partners.map(({ bundle, ...partner }) => ({ ...partner, pem: bundle.pem })),
    discovered: discovered.pem,
    ...(revocationLists === undefined ? {} : { revocationLists }),
  });
  rendered.set(federation, files);
  return files;
}

export class FederationState {
  readonly #federations = new Map<string, Federation>();

  /** Undefined while the partners of the domain were not looked at yet: then nothing that is in place may be replaced. */
  of(domain: string): Federation | undefined {
    return this.#federations.get(domain);
  }

  /** Returns whether that is something else than before. */
  set(domain: string, federation: Federation): boolean {
    const before = this.#federations.get(domain);
    if (before !== undefined && identityOf(before) === identityOf(federation)) return false;
    this.#federations.set(domain, federation);
    return true;
  }
}

function identityOf(federation: Federation): string {
  return `${federation.bundle.hash} ${federationFiles(federation).hash} ${JSON.stringify([federation.closedDomains, federation.discoveredMedia])}`;
}
