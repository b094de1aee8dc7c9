// What `edge-external` holds beside the anchors of all partners: who they are, and the anchors of each alone, so that calling
// one partner never believes another.
import { createHash } from 'node:crypto';
import type { RenderedPartner } from './rendering.ts';
import { partnerFile } from './trust-bundle.ts';

/** A partner, and its own anchors in PEM. */
export interface ListedPartner extends Omit<RenderedPartner, 'anchors'> {
  readonly pem: string;
}

export interface PartnerFiles {
  /** By data key: `peers.json`, and `partner-<name>.crt` for each. */
  readonly data: Readonly<Record<string, string>>;
  /** SHA-256 of them, lower-case hex. */
  readonly hash: string;
}

/** `partners` ordered by name. `peers.json` is `{"peers": [], "partners": [{"name", "sipDomains", "accessEdge"?, "names", "anchors"}]}`. */
export function partnerFiles(partners: readonly ListedPartner[]): PartnerFiles {
  const entries = partners.map(({ pem: _, ...partner }) => JSON.stringify({ ...partner, anchors: partnerFile(partner.name) }));
  const list = entries.length === 0 ? '[]' : `[\n${entries.join(',\n')}\n]`;
  const data = {
    'peers.json': `{"peers":[],"partners":${list}}\n`,
    ...Object.fromEntries(partners.map(({ name, pem }) => [partnerFile(name), pem])),
  };
  return { data, hash: createHash('sha256').update(JSON.stringify(data)).digest('hex') };
}

/** Whether a data key holds the anchors of one partner. */
export function isPartnerFile(key: string): boolean {
  return /^partner-.+\.crt$/.test(key);
}
