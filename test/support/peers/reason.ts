// Why a handshake fails, in the project's terms (docs: "Why a handshake fails"), read from a program's own words.
import type { Handshake } from './peer.ts';

const reasons = [
  'untrusted-issuer',
  'name-mismatch',
  'name-not-permitted',
  'expired',
  'not-yet-valid',
  'revoked',
  'revocation-unknown',
  'no-certificate-presented',
  'wrong-key-usage',
  'peer-not-in-topology',
  'protocol-mismatch',
  'connection-refused',
  'timeout',
] as const;
export type Reason = (typeof reasons)[number];

export interface Vocabulary {
  /** What the program says when it refuses for this reason; null: it never does. */
  readonly own: Readonly<Record<Reason, RegExp | null>>;
  /** What it says when the other side refused it. Many alerts name no reason; those rows have none. */
  readonly peer: readonly (readonly [says: RegExp, reason?: Reason])[];
}

/** Throws when nobody has classified these words yet: a test that does not know why a handshake failed has failed. */
export function refusal(program: string, { own, peer }: Vocabulary, detail: string): Handshake {
  const reason = reasons.find((one) => own[one]?.test(detail));
  if (reason !== undefined) return { accepted: false, refusedBy: 'self', reason, detail };
  const told = peer.find(([says]) => says.test(detail));
  if (told === undefined) throw new Error(`${program} said something about a handshake that nobody has classified: ${detail}`);
  return { accepted: false, refusedBy: 'peer', ...(told[1] === undefined ? {} : { reason: told[1] }), detail };
}
