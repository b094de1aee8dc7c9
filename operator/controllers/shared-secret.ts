// What the shared certificates are called: as keys of their controller, and as Secrets in the operator's namespace.
import { kebabCase, type TrustDomain, type TrustedServer } from '../api/v1alpha1/index.ts';
import type { CertificateNeed } from '../topology/names.ts';

/** The key of the shared certificate that a need copies. */
export function sharedKey(need: CertificateNeed, server: TrustedServer): string {
  return need.shared === 'Domain'
    ? `Domain/${server.spec.trustDomain}`
    : `Pool/${server.metadata.namespace}/${server.metadata.name}`;
}

/** Dots keep the parts apart, which are names without dots or in a fixed place. */
export function sharedSecretName(need: CertificateNeed, server: TrustedServer, domain: TrustDomain): string {
  const owner = need.shared === 'Domain' ? domain.metadata.name : `${server.metadata.name}.${server.metadata.namespace}`;
  return `${owner}.${kebabCase(need.use)}`;
}

/** The namespace of the server that a shared Secret belongs to; undefined where it belongs to a domain. */
export function sharedOwnerNamespace(secretName: string): string | undefined {
  const [, namespace, use] = secretName.split('.');
  return use === undefined ? undefined : namespace;
}
