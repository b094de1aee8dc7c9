// The identity of what a certificate should be, but for its key: a change means a new certificate.
import { createHash } from 'node:crypto';
import type { AuthorityState } from '../authorities/authority.ts';
import type { CertificateNeed } from '../topology/names.ts';

export function profileHash({ use, profile, dnsNames, spiffeID, formats }: CertificateNeed, state: AuthorityState): string {
  const leaf = state.available ? state.authority.leaf : undefined;
  return createHash('sha256')
    .update(JSON.stringify([use, profile, dnsNames, spiffeID, formats, leaf?.privateKey, leaf?.duration]))
    .digest('hex')
    .slice(0, 32);
}
