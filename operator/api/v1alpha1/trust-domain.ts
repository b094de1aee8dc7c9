// TrustDomain: the trusted network. Its SIP domains, its CA, who is a member, who may declare what, and its policies.
import { z } from 'zod';
import { baseStatus, fqdn, labelSelector, namePattern, objectName } from './fields.ts';
import { role } from './roles.ts';

export const trustDomainSpec = z.strictObject({
  enterpriseCA: objectName,
  sipDomains: z.array(fqdn).min(1).max(64),
  spiffeTrustDomain: fqdn.optional(),
  members: z.strictObject({ namespaceSelector: labelSelector }).optional(),
  admission: z
    .array(
      z.strictObject({
        namespaceSelector: labelSelector.optional(),
        roles: z.array(role).min(1).max(16),
        names: z.array(namePattern).min(1).max(64),
      }),
    )
    .max(64)
    .optional(),
  additionalEnterpriseCAs: z.array(objectName).max(16).optional(),
  simpleURLs: z
    .strictObject({ meet: namePattern.optional(), dialin: namePattern.optional(), admin: namePattern.optional() })
    .optional(),
  security: z
    .strictObject({
      tls: z.strictObject({ minVersion: z.enum(['1.2', '1.3']).default('1.2') }).prefault({}),
      fips: z.enum(['Disabled', 'Required']).default('Disabled'),
      mesh: z.enum(['ByRole', 'Full']).default('ByRole'),
    })
    .prefault({}),
  media: z.strictObject({ encryptionLevel: z.enum(['Required', 'Supported', 'NotSupported']).default('Required') }).prefault({}),
  traffic: z
    .strictObject({
      instantMessaging: z.enum(['TLS', 'TCP']).default('TLS'),
      mediationToGateway: z.enum(['TLS', 'TCP']).default('TLS'),
    })
    .prefault({}),
});

export const trustDomainStatus = z.strictObject({
  ...baseStatus,
  memberNamespaces: z.int().optional(),
  servers: z.int().optional(),
  readyServers: z.int().optional(),
  certificates: z.int().optional(),
});

export type TrustDomainSpec = z.infer<typeof trustDomainSpec>;
export type TrustDomainStatus = z.infer<typeof trustDomainStatus>;
