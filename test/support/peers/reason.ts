// Why a handshake fails, in the project's terms (docs: "Why a handshake fails"), read from a program's own words.
import type { Handshake } from './peer.ts';

export const reasons = [
  'untrusted-issuer',
  'name-mismatch',
  'expired',
  'not-yet-valid',
  'no-certificate-presented',
  'wrong-key-usage',
  'peer-not-in-topology',
  'protocol-mismatch',
  'connection-refused',
  'timeout',
] as const;
export type Reason = (typeof reasons)[number];

/** What a program says when it refuses: the first row that matches counts. */
export type OwnWords = readonly (readonly [says: RegExp, reason: Reason])[];

/** What it says when the other side refused it. Many alerts name no reason; those rows have none. */
export type PeerWords = readonly (readonly [says: RegExp, reason?: Reason])[];

export interface Vocabulary {
  readonly own: OwnWords;
  readonly peer: PeerWords;
}

/** Throws when nobody has classified these words yet: a test that does not know why a handshake failed has failed. */
export function refusal(program: string, { own, peer }: Vocabulary, detail: string): Handshake {
  const refused = own.find(([says]) => says.test(detail));
  if (refused !== undefined) return { accepted: false, refusedBy: 'self', reason: refused[1], detail };
  const told = peer.find(([says]) => says.test(detail));
  if (told === undefined) throw new Error(`${program} said something about a handshake that nobody has classified: ${detail}`);
  return { accepted: false, refusedBy: 'peer', ...(told[1] === undefined ? {} : { reason: told[1] }), detail };
}
