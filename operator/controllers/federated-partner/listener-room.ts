// What one listener and one ConfigMap can have of all partners together.
import { tooManyAnchors } from '../../trust/partner-listener.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';

/** An authority that is left out as a whole. */
export interface Dropped {
  readonly reason: 'TooManyAnchors' | 'AnchorsRefused';
  readonly message: string;
}

/** What one listener can have, the partners of old before the new ones. */
export function fitting(
  scopes: readonly ScopedAuthority[],
  failureFor: (authority: ScopedAuthority) => string | undefined,
): {
  readonly kept: readonly ScopedAuthority[];
  readonly dropped: ReadonlyMap<ScopedAuthority, Dropped>;
} {
  const kept: ScopedAuthority[] = [];
  const dropped = new Map<ScopedAuthority, Dropped>();
  for (const authority of scopes.filter(({ scope }) => scope !== 'Nothing')) {
    const failure = failureFor(authority);
    const both = [...kept, authority].flatMap(({ certificate }) => [certificate, certificate]);
    const crowded = tooManyAnchors(both) ?? tooLarge([...kept, authority]);
    if (failure !== undefined) dropped.set(authority, { reason: 'AnchorsRefused', message: failure });
    else if (crowded !== undefined) dropped.set(authority, { reason: 'TooManyAnchors', message: crowded.message });
    else kept.push(authority);
  }
  return { kept, dropped };
}

/** Octets of PEM that the anchors of all partners may take, which lie in one ConfigMap twice: an object holds 1 MiB. */
const mostOctets = 320 * 1024;
/** What name constraints add to a certificate of the partner's. */
const constraintOctets = 1500;

function tooLarge(authorities: readonly ScopedAuthority[]): { readonly message: string } | undefined {
  const octets = authorities.reduce((sum, { certificate, permitted }) => {
    const names = permitted.length * 40;
    return sum + 2 * certificate.pem.length + constraintOctets + names;
  }, 0);
  if (octets <= mostOctets) return undefined;
  return {
    message:
      `The anchors of all partners would take ${Math.ceil(octets / 1024)} KiB, and a ConfigMap has room for ${mostOctets / 1024}: ` +
      'remove partners, or federate them by another TrustDomain with Edges of its own.',
  };
}
