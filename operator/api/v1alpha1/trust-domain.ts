// TrustDomain: the trusted network. Its SIP domains, its CA, who is a member, who may declare what, and its policies.
import { z } from 'zod';
import type { Kind } from '../kind.ts';
import { baseStatus, fqdn, labelSelector, namePattern, objectName } from './fields.ts';
import { role } from './roles.ts';

export const trustDomainSpec = z.object({
  enterpriseCA: objectName,
  sipDomains: z.array(fqdn).min(1).max(64),
  spiffeTrustDomain: fqdn.optional(),
  members: z.object({ namespaceSelector: labelSelector }).optional(),
  admission: z
    .array(
      z.object({
        namespaceSelector: labelSelector.optional(),
        roles: z.array(role).min(1).max(16),
        names: z.array(namePattern).min(1).max(64),
      }),
    )
    .max(64)
    .optional(),
  additionalEnterpriseCAs: z.array(objectName).max(16).optional(),
  simpleURLs: z
    .object({ meet: namePattern.optional(), dialin: namePattern.optional(), admin: namePattern.optional() })
    .optional(),
  security: z
    .object({
      tls: z.object({ minVersion: z.enum(['1.2', '1.3']).default('1.2') }).prefault({}),
      fips: z.enum(['Disabled', 'Required']).default('Disabled'),
      mesh: z.enum(['ByRole', 'Full']).default('ByRole'),
    })
    .prefault({}),
  media: z.object({ encryptionLevel: z.enum(['Required', 'Supported', 'NotSupported']).default('Required') }).prefault({}),
  traffic: z
    .object({
      instantMessaging: z.enum(['TLS', 'TCP']).default('TLS'),
      mediationToGateway: z.enum(['TLS', 'TCP']).default('TLS'),
    })
    .prefault({}),
});

export const trustDomainStatus = z.object({
  ...baseStatus,
  memberNamespaces: z.int().optional(),
  servers: z.int().optional(),
  readyServers: z.int().optional(),
  certificates: z.int().optional(),
});

export type TrustDomainSpec = z.infer<typeof trustDomainSpec>;
export type TrustDomainStatus = z.infer<typeof trustDomainStatus>;

export const trustDomain: Kind = {
  kind: 'TrustDomain',
  plural: 'trustdomains',
  shortName: 'td',
  scope: 'Cluster',
  description: 'The trusted network: its SIP domains, its CA, who is a member, who may declare what, and its policies.',
  spec: trustDomainSpec,
  status: trustDomainStatus,
  rules: [],
  columns: [
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: '',
};
