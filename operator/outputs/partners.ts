// What `edge-external` holds beside the anchors of all partners: who they are, and the anchors of each alone, so that calling
// one partner never believes another.
import { createHash } from 'node:crypto';
import type { MetPartner } from './rendering.ts';
import { discoveredFile, partnerFile, revocationListFile } from './trust-bundle.ts';

/** A partner, and its own anchors in PEM. */
export interface ListedPartner extends MetPartner {
  readonly pem: string;
}

export interface PartnerFiles {
  /** By data key: `peers.json`, `partner-<name>.crt` for each, and what else there is. */
  readonly data: Readonly<Record<string, string>>;
  /** SHA-256 of them, lower-case hex. */
  readonly hash: string;
}

export interface FederationContent {
  /** Ordered by name. */
  readonly partners: readonly ListedPartner[];
  /** Anchors for a listener of its own, that any domain may call; empty where there are none. */
  readonly discovered: string;
  /** PEM; absent while a list is missing, since software that checks lists would refuse everybody of that CA. */
  readonly revocationLists?: string;
}

/** `peers.json` is `{"peers": [], "partners": [{"name", "sipDomains", "accessEdge"?, "names", "encryptionLevel"?, "anchors"}]}`. */
export function partnerFiles({ partners, discovered, revocationLists }: FederationContent): PartnerFiles {
  const entries = partners.map(({ pem: _, ...partner }) => JSON.stringify({ ...partner, anchors: partnerFile(partner.name) }));
  const list = entries.length === 0 ? '[]' : `[\n${entries.join(',\n')}\n]`;
  const data = {
    'peers.json': `{"peers":[],"partners":${list}}\n`,
    ...Object.fromEntries(partners.map(({ name, pem }) => [partnerFile(name), pem])),
    ...(discovered === '' ? {} : { [discoveredFile]: discovered }),
    ...(revocationLists === undefined ? {} : { [revocationListFile]: revocationLists }),
  };
  return { data, hash: createHash('sha256').update(JSON.stringify(data)).digest('hex') };
}

/** Whether a data key comes and goes with the partners. */
export function isPartnerFile(key: string): boolean {
  return key === discoveredFile || key === revocationListFile || /^partner-.+\.crt$/.test(key);
}
