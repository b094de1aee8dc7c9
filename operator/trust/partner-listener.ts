// How many anchors one listener can have: in each handshake it sends all their names to its clients (RFC 8446, 4.2.4), and
// beyond some size of that list every handshake fails, not only those of the last partner added.
import type { Certificate } from '../pki/certificate.ts';

/** Octets of names. Handshakes still succeed at 54 kB and fail at 86. */
export const mostOctetsOfNames = 48_000;

export interface TooManyAnchors {
  readonly reason: 'TooManyAnchors';
  /** A sentence for a person. */
  readonly message: string;
}

/** How many octets the names of these take in a handshake: each with its length. Software that sends equal names once needs less. */
export function octetsOfNames(certificates: readonly Certificate[]): number {
  return certificates.reduce((sum, { subjectDer }) => sum + 2 + subjectDer.length, 0);
}

/** What is wrong with having all of these on one listener; undefined: nothing. */
export function tooManyAnchors(certificates: readonly Certificate[]): TooManyAnchors | undefined {
  const octets = octetsOfNames(certificates);
  if (octets <= mostOctetsOfNames) return undefined;
  const message =
    `The ${certificates.length} anchors and cross-certificates of the listener have names of ${octets} octets, and handshakes are ` +
    `safe up to ${mostOctetsOfNames}: spread the partners over several Edges, or remove some.`;
  return { reason: 'TooManyAnchors', message };
}
