// How many anchors one listener can have: in each handshake it sends all their names to its clients (RFC 8446, 4.2.4), and
// beyond some size of that list every handshake fails, not only those of the last partner added.
import type { Certificate } from '../pki/certificate.ts';

/** Octets of names. Handshakes still succeed at 54 kB and fail at 86. */
export const mostOctetsOfNames = 48_000;

/** Of one name of a partner's CA: whoever writes a longer one takes the room of others. */
export const mostOctetsOfName = 1024;

export interface TooManyAnchors {
  readonly reason: 'TooManyAnchors';
  /** A sentence for a person. */
  readonly message: string;
}

/** How many octets the names of these take in a handshake: each with its length. Software that sends equal names once needs less. */
export function octetsOfNames(certificates: readonly Certificate[]): number {
  return certificates.reduce((sum, { subjectDer }) => sum + 2 + subjectDer.length, 0);
}

/** The same for what stands for a CA of others: the cross-certificate has its subject, and the federation root its issuer. */
export function octetsOfCross({ subjectDer, issuerDer }: Certificate): number {
  return 2 + subjectDer.length + 2 + issuerDer.length;
}

/** What is wrong with names of so many octets on one listener; undefined: nothing. */
export function tooManyAnchors(octets: number): TooManyAnchors | undefined {
  if (octets <= mostOctetsOfNames) return undefined;
  const message =
    `The anchors and cross-certificates of the listener would have names of ${octets} octets, and handshakes are ` +
    `safe up to ${mostOctetsOfNames}: spread the partners over several Edges, or remove some.`;
  return { reason: 'TooManyAnchors', message };
}
