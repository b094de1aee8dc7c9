// The kinds of trustmesh.io/v1alpha1: types inferred from their schemas, and how the API server addresses each.
import type { z } from 'zod';
import type { KubeObject } from '../object.ts';
import type { enterpriseCASpec, enterpriseCAStatus } from './enterprise-ca.ts';
import type { trustDomainSpec, trustDomainStatus } from './trust-domain.ts';
import type { trustedServerSpec, trustedServerStatus } from './trusted-server.ts';

export const group = 'trustmesh.io';
export const version = 'v1alpha1';

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
