// The kinds of trustmesh.io/v1alpha1: types inferred from their schemas, and how the API server addresses each.
import type { z } from 'zod';
import type { Kind } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { enterpriseCA, type enterpriseCASpec, type enterpriseCAStatus } from './enterprise-ca.ts';
import { trustDomain, type trustDomainSpec, type trustDomainStatus } from './trust-domain.ts';
import { trustedServer, type trustedServerSpec, type trustedServerStatus } from './trusted-server.ts';

export const group = 'trustmesh.io';
export const version = 'v1alpha1';

/** Every kind of the group, from which CRDs and reference pages are generated. */
export const kinds: readonly Kind[] = [enterpriseCA, trustDomain, trustedServer];

export interface EnterpriseCA extends KubeObject {
  readonly spec: z.infer<typeof enterpriseCASpec>;
  readonly status?: z.infer<typeof enterpriseCAStatus>;
}

export interface TrustDomain extends KubeObject {
  readonly spec: z.infer<typeof trustDomainSpec>;
  readonly status?: z.infer<typeof trustDomainStatus>;
}

export interface TrustedServer extends KubeObject {
  readonly spec: z.infer<typeof trustedServerSpec>;
  readonly status?: z.infer<typeof trustedServerStatus>;
}

export type { EnterpriseCASpec, EnterpriseCAStatus } from './enterprise-ca.ts';
export type { LabelSelector, PrivateKey } from './fields.ts';
export { kebabCase, type Role, roles, type Use, uses } from './roles.ts';
export type { TrustDomainSpec, TrustDomainStatus } from './trust-domain.ts';
export type { CertificateStatus, TrustedServerSpec, TrustedServerStatus } from './trusted-server.ts';
