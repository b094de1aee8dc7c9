// EnterpriseCA: an issuing CA with exactly one backend, its leaf defaults and how it revokes.
import { z } from 'zod';
import { baseStatus, duration, objectName, privateKey } from './fields.ts';

export const enterpriseCASpec = z.strictObject({
  managed: z
    .strictObject({
      root: z
        .strictObject({
          commonName: z.string().min(1).max(64).optional(),
          duration: duration.default('87600h'),
          privateKey: privateKey.default({ algorithm: 'ECDSA', size: 384 }),
        })
        .prefault({}),
      issuing: z
        .strictObject({
          duration: duration.default('26280h'),
          privateKey: privateKey.default({ algorithm: 'ECDSA', size: 256 }),
        })
        .prefault({}),
      generation: z.int32().min(1).default(1),
    })
    .optional(),
  provided: z.strictObject({ secretRef: z.strictObject({ name: objectName }) }).optional(),
  leaf: z
    .strictObject({
      duration: duration.default('2160h'),
      renewAfterPercent: z.int32().min(1).max(99).default(66),
      privateKey: privateKey.default({ algorithm: 'ECDSA', size: 256 }),
    })
    .prefault({}),
  revocation: z
    .strictObject({
      crl: z.strictObject({ validity: duration.default('48h'), refresh: duration.default('12h') }).prefault({}),
      ocsp: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
      baseURL: z.string().max(512).optional(),
    })
    .optional(),
});

export const enterpriseCAStatus = z.strictObject({
  ...baseStatus,
  /** Every authority of this CA, newest generation first. */
  authorities: z
    .array(
      z.strictObject({
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
