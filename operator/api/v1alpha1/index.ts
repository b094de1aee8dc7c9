// The kinds of trustmesh.io/v1alpha1: their schemas, and the types inferred from them.
import type { Kind } from '../kind.ts';
import type { ObjectOf } from '../parse.ts';
import { enterpriseCA } from './enterprise-ca.ts';
import { federatedPartner } from './federated-partner.ts';
import { mediaGateway } from './media-gateway.ts';
import { mediaRelay } from './media-relay.ts';
import { trustDomain } from './trust-domain.ts';
import { trustedServer } from './trusted-server.ts';

export const group = 'trustmesh.io';
export const version = 'v1alpha1';

/** Every kind of the group: CRDs and reference pages are generated from these. */
export const kinds: readonly Kind[] = [enterpriseCA, trustDomain, trustedServer, mediaGateway, federatedPartner, mediaRelay];

export type EnterpriseCA = ObjectOf<typeof enterpriseCA>;
export type TrustDomain = ObjectOf<typeof trustDomain>;
export type TrustedServer = ObjectOf<typeof trustedServer>;
export type MediaGateway = ObjectOf<typeof mediaGateway>;
export type FederatedPartner = ObjectOf<typeof federatedPartner>;
export type MediaRelay = ObjectOf<typeof mediaRelay>;

export { parseDuration } from './duration.ts';
export type { EnterpriseCASpec, EnterpriseCAStatus } from './enterprise-ca.ts';
export type { FederatedPartnerSpec, FederatedPartnerStatus } from './federated-partner.ts';
export type { EncryptionLevel, LabelSelector, PrivateKey } from './fields.ts';
export type { MediaGatewaySpec, MediaGatewayStatus } from './media-gateway.ts';
export type { MediaRelaySpec, MediaRelayStatus } from './media-relay.ts';
export { kebabCase, type Role, roles, type Use, uses, usesByRole } from './roles.ts';
export type { TrustDomainSpec, TrustDomainStatus } from './trust-domain.ts';
export type { CertificateStatus, TrustedServerSpec, TrustedServerStatus } from './trusted-server.ts';
export { enterpriseCA, federatedPartner, mediaGateway, mediaRelay, trustDomain, trustedServer };
