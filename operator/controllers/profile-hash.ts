// The identity of what a certificate should be, but for its key: a change means a new certificate.
import { createHash } from 'node:crypto';
import type { AuthorityState } from '../authorities/authority.ts';
import type { CertificateNeed } from '../topology/names.ts';

/**
 * A copy of a shared certificate has only its formats to itself. The first name is the subject; of the others, as of the
 * formats, it matters only which they are: whoever sorts a list of SIP domains means no new certificates.
 */
export function profileHash(
  { use, profile, dnsNames: [commonName, ...others], spiffeID, formats, shared }: CertificateNeed,
  state: AuthorityState,
): string {
  const leaf = state.available ? state.authority.leaf : undefined;
  const content = shared === undefined ? [profile, commonName, others.sort(), spiffeID, leaf?.privateKey, leaf?.duration] : [];
  return createHash('sha256')
    .update(JSON.stringify([use, [...formats].sort(), ...content]))
    .digest('hex')
    .slice(0, 32);
}
