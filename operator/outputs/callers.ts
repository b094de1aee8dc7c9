// Whom a listener lets in, by the names in the certificate that a caller shows: what every format holds callers to.
import type { Face, Rendering } from './rendering.ts';

export interface Callers {
  /** A certificate with one of these as its only URI is let in: SPIFFE IDs of peers, compared octet by octet. */
  readonly uris: readonly string[];
  /** A certificate with one of these among its DNS names is let in: names of partners and gateways, in lower case, never a pattern. */
  readonly dnsNames: readonly string[];
}

/** Both sorted and without repetition. Nobody is let in where both are empty. */
export function callersOf({ peers, partners, trunks }: Face): Callers {
  const gateways = trunks.filter(({ transport }) => transport === 'TLS');
  return {
    uris: sorted(peers.flatMap(({ spiffeIDs }) => spiffeIDs)),
    dnsNames: sorted(
      [...partners.flatMap(({ names }) => names), ...gateways.map(({ fqdn }) => fqdn)].map((name) => name.toLowerCase()),
    ),
  };
}

/**
 * The file of anchors behind a face. Where nobody is let in it may be empty, which software does not read: it would go on with
 * what it has read before, and believe the partner that was blocked last. Then it is the face's own certificate, which
 * vouches for nobody who is on the list.
 */
export function anchorsOf(face: Face): string {
  const { uris, dnsNames } = callersOf(face);
  return uris.length + dnsNames.length === 0 ? face.certificate : face.anchors;
}

/** A line for the heading: of CRLs, and by default of software that reads files when it starts or reloads. */
export function revocationSays(
  { revocationLists }: Face,
  whereNamed = 'It refuses by the CRLs that it read last, and everybody of a CA whose CRL has expired: reload it when they change, or every half hour.',
): string {
  return revocationLists === undefined
    ? 'No CRLs are checked: those of every CA that is believed here are not at hand.'
    : whereNamed;
}

/** The faces behind which callers are asked for a certificate, each once. */
export function facesWithCallers({ listeners }: Rendering): readonly Face[] {
  return [...new Set(listeners.filter(({ protocol }) => protocol === 'MTLS').map(({ face }) => face))];
}

const sorted = (names: readonly string[]) => [...new Set(names)].sort();
