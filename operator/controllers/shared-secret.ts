// What the shared certificates are called: as keys of their controller, and as Secrets in the operator's namespace.
import { kebabCase, type TrustDomain, type TrustedServer } from '../api/v1alpha1/index.ts';
import type { CertificateNeed } from '../topology/names.ts';

/** The key of the shared certificate that a need copies. */
export function sharedKey(need: CertificateNeed, server: TrustedServer): string {
  return need.shared === 'Domain'
    ? `Domain/${server.spec.trustDomain}`
    : `Pool/${server.metadata.namespace}/${server.metadata.name}`;
}

/** Dots keep the parts apart: only the first may hold dots of its own. */
export function sharedSecretName(need: CertificateNeed, server: TrustedServer, domain: TrustDomain): string {
  const owner = need.shared === 'Domain' ? domain.metadata.name : `${server.metadata.name}.${server.metadata.namespace}`;
  return `${owner}.${kebabCase(need.use)}`;
}

export type SharedOwner =
  | { readonly kind: 'Domain'; readonly name: string }
  | { readonly kind: 'Pool'; readonly namespace: string; readonly server: string };

/** Whose certificate a shared Secret holds, by its name. */
export function sharedOwner(secretName: string): SharedOwner {
  const parts = secretName.split('.').slice(0, -1);
  const namespace = parts.length > 1 ? parts.at(-1) : undefined;
  if (namespace === undefined) return { kind: 'Domain', name: parts.join('.') };
  return { kind: 'Pool', namespace, server: parts.slice(0, -1).join('.') };
}
