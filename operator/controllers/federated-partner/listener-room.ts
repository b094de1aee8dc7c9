// What one listener and one ConfigMap can have of all partners together. Whoever is in place stays: of the others those
// of old come first. Nobody may fill a room alone: half of it is for whoever takes little.
import { subtreeBase } from '../../pki/extensions.ts';
import type { ScopeSubtree } from '../../pki/subtree-nesting.ts';
import { mostOctetsOfNames, octetsOfCross, tooManyAnchors } from '../../trust/partner-listener.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';

/** An authority that is left out as a whole. */
export interface Dropped {
  readonly reason: 'TooManyAnchors' | 'AnchorsRefused' | 'ListUnavailable';
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

/** A partner may always take this part of a room, as far as there is any; and more only of its first half. */
const share = 1 / 16;

/** Octets, of which each partner has taken some. */
interface Room {
  /** As messages call it. */
  readonly what: string;
  readonly most: number;
  taken: number;
  readonly by: Map<string, number>;
  /** What is wrong with so many octets; undefined: nothing. */
  readonly crowded: (octets: number) => { readonly message: string } | undefined;
}

const listenerRoom = (): Room => ({
  what: 'one listener has for names of CAs',
  most: mostOctetsOfNames,
  taken: 0,
  by: new Map(),
  crowded: tooManyAnchors,
});

export function fitting({ scopes, failureFor, isInPlace, entryOctets }: Applicants): {
  readonly kept: readonly ScopedAuthority[];
  readonly dropped: ReadonlyMap<ScopedAuthority, Dropped>;
} {
  const kept = new Set<ScopedAuthority>();
  const dropped = new Map<ScopedAuthority, Dropped>();
  const entered = new Set<string>();
  const files: Room = { what: 'a ConfigMap has for partners', most: mostOctets, taken: 0, by: new Map(), crowded: tooLarge };
  /** What any domain is found by has a listener of its own. */
  const names = { listed: listenerRoom(), discovered: listenerRoom() };
  const believable = scopes.filter(({ scope }) => scope !== 'Nothing');
  const inPlace = new Set(believable.filter(isInPlace));
  for (const authority of [...inPlace, ...believable.filter((each) => !inPlace.has(each))]) {
    const { partners, anyName, certificate } = authority;
    const listener = names[anyName ? 'discovered' : 'listed'];
    const entries = partners.filter((partner) => !entered.has(partner));
    const octets = octetsOfFiles(authority) + entries.reduce((sum, partner) => sum + entryOctets(partner), 0);
    const claims = [
      { room: listener, octets: octetsOfCross(certificate) },
      { room: files, octets },
    ];
    const failure = failureFor(authority);
    const message =
      failure ?? claims.map((claim) => noRoom(claim, partners, inPlace.has(authority))).find((each) => each !== undefined);
    if (message !== undefined) {
      dropped.set(authority, { reason: failure === undefined ? 'TooManyAnchors' : 'AnchorsRefused', message });
      continue;
    }
    kept.add(authority);
    for (const partner of entries) entered.add(partner);
    for (const claim of claims) take(claim, partners);
  }
  return { kept: believable.filter((authority) => kept.has(authority)), dropped };
}

interface RoomClaim {
  readonly room: Room;
  readonly octets: number;
}

/** Why there is no room for what these partners share: a sentence. */
function noRoom({ room, octets }: RoomClaim, partners: readonly string[], isInPlace: boolean): string | undefined {
  const { what, most, taken, by, crowded } = room;
  const sentence = crowded(taken + octets)?.message;
  if (sentence !== undefined) return `${sentence}${takenMost(room)}`;
  if (isInPlace || taken + octets <= most / 2) return undefined;
  if (partners.some((partner) => (by.get(partner) ?? 0) + octets <= most * share)) return undefined;
  return (
    `With it, its partner would take more than ${Math.floor(most * share)} of the ${most} octets that ${what}, and ${taken} are taken: what is left is for ` +
    `partners that take less. Name only the CAs that issue for its edge.${takenMost(room)}`
  );
}

function takenMost({ by }: Room): string {
  const [first] = [...by].sort(([, a], [, b]) => b - a);
  return first === undefined ? '' : ` The partner ${first[0]} takes the most, ${first[1]} octets.`;
}

/** Whoever shares is counted with all of it, and finds room where one of them does: sharing takes it from nobody. */
function take({ room, octets }: RoomClaim, partners: readonly string[]): void {
  room.taken += octets;
  for (const partner of partners) room.by.set(partner, (room.by.get(partner) ?? 0) + octets);
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
