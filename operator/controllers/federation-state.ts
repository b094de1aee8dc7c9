// What each domain believes of its federated partners, as the Edges' external faces are to hold it: worked out by the
// federated-partner controller, read by whoever writes bundles, Secrets and rendered files.
import { createHash } from 'node:crypto';
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

interface Rendered {
  readonly files: PartnerFiles;
  /** Of those and of the domains that are closed to whoever is on no list. */
  readonly closedHash: string;
}

/** Of federations that are in use: every Edge bundle and every partner's status asks for them. */
const rendered = new WeakMap<Federation, Rendered>();

/** What the bundle of an Edge's external face holds beside `ca.crt`. */
export function federationFiles(federation: Federation): PartnerFiles {
  return renderedOf(federation).files;
}

/** Identifies what the `<server>-trust` of an Edge holds of partners: more where it `listensForAnybody`. SHA-256, lower-case hex. */
export function renderedHash(federation: Federation, listensForAnybody: boolean): string {
  const { files, closedHash } = renderedOf(federation);
  return listensForAnybody ? closedHash : files.hash;
}

function renderedOf(federation: Federation): Rendered {
  const known = rendered.get(federation);
  if (known !== undefined) return known;
  const { partners, discovered, closedDomains, revocationLists } = federation;
  const files = partnerFiles({
    partners: partners.map(({ bundle, ...partner }) => ({ ...partner, pem: bundle.pem })),
    discovered: discovered.pem,
    ...(revocationLists === undefined ? {} : { revocationLists }),
  });
  const closedHash = createHash('sha256')
    .update(JSON.stringify([files.hash, closedDomains]))
    .digest('hex');
  const both = { files, closedHash };
  rendered.set(federation, both);
  return both;
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
