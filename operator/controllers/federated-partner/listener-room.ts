// What one listener and one ConfigMap can have of all partners together. Whoever is in place stays: of the others those
// of old come first.
import { subtreeBase } from '../../pki/extensions.ts';
import type { ScopeSubtree } from '../../pki/subtree-nesting.ts';
import { octetsOfCross, tooManyAnchors } from '../../trust/partner-listener.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';

/** An authority that is left out as a whole. */
export interface Dropped {
  readonly reason: 'TooManyAnchors' | 'AnchorsRefused';
  readonly message: string;
}

export interface Applicants {
  /** Those of old first. */
  readonly scopes: readonly ScopedAuthority[];
  /** Why what must stand for an authority cannot be made: a sentence. */
  readonly failureFor: (authority: ScopedAuthority) => string | undefined;
  /** Whether the Edges believe it already, if in another scope. */
  readonly isInPlace: (authority: ScopedAuthority) => boolean;
  /** Octets at most that a partner itself takes in peers.json. */
  readonly entryOctets: (partner: string) => number;
}

export function fitting({ scopes, failureFor, isInPlace, entryOctets }: Applicants): {
  readonly kept: readonly ScopedAuthority[];
  readonly dropped: ReadonlyMap<ScopedAuthority, Dropped>;
} {
  const kept = new Set<ScopedAuthority>();
  const dropped = new Map<ScopedAuthority, Dropped>();
  const entered = new Set<string>();
  /** What any domain is found by has a listener of its own. */
  const octetsOfNames = { listed: 0, discovered: 0 };
  let octets = 0;
  const believable = scopes.filter(({ scope }) => scope !== 'Nothing');
  const inPlace = new Set(believable.filter(isInPlace));
  for (const authority of [...inPlace, ...believable.filter((each) => !inPlace.has(each))]) {
    const listener = authority.anyName ? 'discovered' : 'listed';
    const names = octetsOfNames[listener] + octetsOfCross(authority.certificate);
    const entries = authority.partners.filter((partner) => !entered.has(partner));
    const more = octets + octetsOfFiles(authority) + entries.reduce((sum, partner) => sum + entryOctets(partner), 0);
    const failure = failureFor(authority);
    const crowded = tooManyAnchors(names) ?? tooLarge(more);
    if (failure !== undefined) dropped.set(authority, { reason: 'AnchorsRefused', message: failure });
    else if (crowded !== undefined) dropped.set(authority, { reason: 'TooManyAnchors', message: crowded.message });
    else {
      kept.add(authority);
      for (const partner of entries) entered.add(partner);
      octetsOfNames[listener] = names;
      octets = more;
    }
  }
  return { kept: believable.filter((authority) => kept.has(authority)), dropped };
}

/**
 * Octets that the anchors of all partners and peers.json may take: they lie in one ConfigMap, which holds 1 MiB, with
 * 256 KiB of revocation lists.
 */
const mostOctets = 720 * 1024;
/** Of a federation root without its names, and of what the cross-certificate has that the partner's certificate has not. */
const octetsBesideNames = 1200;
/** PEM has 65 characters for 48 octets. */
const inPem = (octets: number): number => Math.ceil((octets * 65) / 48);

/** PEM of an authority: once among the anchors of all, and once in the file of each of its partners. */
function octetsOfFiles({ certificate, scope, partners, anyName, permitted, excluded }: ScopedAuthority): number {
  const files = anyName ? 1 : 1 + partners.length;
  if (scope === 'Unconstrained') return files * certificate.pem.length;
  const names = [...permitted, ...excluded].reduce((sum, subtree) => sum + octetsOfSubtree(subtree), 0);
  return files * (certificate.pem.length + inPem(octetsBesideNames + 2 * certificate.issuerDer.length + names));
}

/** With the tag and the length of a subtree. */
function octetsOfSubtree(subtree: ScopeSubtree): number {
  return 4 + subtreeBase(subtree).length;
}

function tooLarge(octets: number): { readonly message: string } | undefined {
  if (octets <= mostOctets) return undefined;
  return {
    message:
      `The anchors and names of all partners would take ${Math.ceil(octets / 1024)} KiB, and a ConfigMap has room for ${mostOctets / 1024}: ` +
      'remove partners, or federate them by another TrustDomain with Edges of its own.',
  };
}
