// EnterpriseCA: an issuing CA with exactly one backend, its leaf defaults and how it revokes.
import { z } from 'zod';
import type { Kind } from '../kind.ts';
import { baseStatus, duration, objectName, privateKey } from './fields.ts';

export const enterpriseCASpec = z.object({
  managed: z
    .object({
      root: z
        .object({
          commonName: z.string().min(1).max(64).optional(),
          duration: duration.default('87600h'),
          privateKey: privateKey.default({ algorithm: 'ECDSA', size: 384 }),
        })
        .prefault({}),
      issuing: z
        .object({
          duration: duration.default('26280h'),
          privateKey: privateKey.default({ algorithm: 'ECDSA', size: 256 }),
        })
        .prefault({}),
      generation: z.int32().min(1).default(1),
    })
    .optional(),
  provided: z.object({ secretRef: z.object({ name: objectName }) }).optional(),
  leaf: z
    .object({
      duration: duration.default('2160h'),
      renewAfterPercent: z.int32().min(1).max(99).default(66),
      privateKey: privateKey.default({ algorithm: 'ECDSA', size: 256 }),
    })
    .prefault({}),
  revocation: z
    .object({
      crl: z.object({ validity: duration.default('48h'), refresh: duration.default('12h') }).prefault({}),
      ocsp: z.object({ enabled: z.boolean().default(true) }).prefault({}),
      baseURL: z.string().max(512).optional(),
    })
    .optional(),
});

export const enterpriseCAStatus = z.object({
  ...baseStatus,
  /** Every authority of this CA, newest generation first. */
  authorities: z
    .array(
      z.object({
        role: z.enum(['Root', 'Issuing']),
        generation: z.int(),
        subject: z.string(),
        serial: z.string(),
        fingerprint: z.string(),
        keyAlgorithm: z.string(),
        notBefore: z.string(),
        notAfter: z.string(),
        secretName: z.string().optional(),
      }),
    )
    .max(32)
    .optional(),
  generation: z.int().optional(),
  phase: z.string().optional(),
});

export type EnterpriseCASpec = z.infer<typeof enterpriseCASpec>;
export type EnterpriseCAStatus = z.infer<typeof enterpriseCAStatus>;

export const enterpriseCA: Kind = {
  kind: 'EnterpriseCA',
  plural: 'enterprisecas',
  shortName: 'eca',
  scope: 'Cluster',
  description: 'An issuing CA: exactly one backend, the defaults of the certificates it issues, and how it revokes.',
  spec: enterpriseCASpec,
  status: enterpriseCAStatus,
  rules: [],
  columns: [
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: '',
};
