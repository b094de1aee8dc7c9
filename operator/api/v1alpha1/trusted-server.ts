// TrustedServer: a server pool. Its role, its names, its certificate uses, its listeners and the files it wants rendered.
import { z } from 'zod';
import type { Kind } from '../kind.ts';
import { baseStatus, dnsLabel, fqdn, objectName } from './fields.ts';
import { role, use } from './roles.ts';

export const trustedServerSpec = z.object({
  trustDomain: objectName,
  role,
  poolFQDN: fqdn,
  members: z
    .array(z.object({ fqdn, name: dnsLabel.optional() }))
    .min(1)
    .max(128),
  webServices: z.object({ internalFQDN: fqdn.optional(), externalFQDN: fqdn.optional() }).optional(),
  edge: z
    .object({
      accessFQDN: fqdn.optional(),
      conferencingFQDN: fqdn.optional(),
      audioVideoFQDN: fqdn.optional(),
    })
    .optional(),
  certificates: z
    .object({
      scope: z.enum(['PerMember', 'Pool']).default('PerMember'),
      uses: z
        .array(
          z.object({
            use,
            enterpriseCA: objectName.optional(),
            extraNames: z.array(fqdn).max(64).optional(),
            secretName: objectName.optional(),
            formats: z
              .array(z.enum(['PKCS12', 'CombinedPEM']))
              .max(2)
              .optional(),
          }),
        )
        .max(8)
        .optional(),
    })
    .prefault({}),
  peers: z.array(objectName).max(256).optional(),
  listeners: z
    .array(
      z.object({
        name: dnsLabel,
        port: z.int32().min(1).max(65535),
        protocol: z.enum(['MTLS', 'TLS', 'TCP', 'HTTPS']),
      }),
    )
    .max(32)
    .optional(),
  outputs: z
    .array(z.enum(['Kamailio', 'Envoy', 'HAProxy', 'Nginx', 'FreeSWITCH', 'OpenSIPS', 'Asterisk']))
    .max(8)
    .optional(),
});

export const certificateStatus = z.object({
  use,
  member: z.string().optional(),
  secretName: z.string(),
  serial: z.string(),
  fingerprint: z.string(),
  notBefore: z.string(),
  notAfter: z.string(),
  renewAt: z.string(),
});

export const trustedServerStatus = z.object({
  ...baseStatus,
  certificates: z.array(certificateStatus).max(1024).optional(),
});

export type TrustedServerSpec = z.infer<typeof trustedServerSpec>;
export type TrustedServerStatus = z.infer<typeof trustedServerStatus>;
export type CertificateStatus = z.infer<typeof certificateStatus>;

export const trustedServer: Kind = {
  kind: 'TrustedServer',
  plural: 'trustedservers',
  shortName: 'ts',
  scope: 'Namespaced',
  description: 'A server pool: its role, its names, its certificate uses, its listeners and the files it wants rendered.',
  spec: trustedServerSpec,
  status: trustedServerStatus,
  rules: [],
  columns: [
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: '',
};
