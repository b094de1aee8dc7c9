// Field types that several kinds share: names, durations, keys, conditions. Each says in a sentence what it takes.
import { z } from 'zod';

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

/** An absolute DNS name: lower case, ASCII (IDNA A-labels), at most 253 octets, labels at most 63, no wildcard (DOMAIN, names by role). */
export const fqdn = z
  .string()
  .min(1)
  .max(253)
  .regex(new RegExp(`^${label}(\\.${label})+$`));

/** `a.example.com`, or `*.example.com` for every name below it. */
export const namePattern = z
  .string()
  .min(1)
  .max(253)
  .regex(new RegExp(`^(\\*\\.)?${label}(\\.${label})+$`));

export const dnsLabel = z
  .string()
  .min(1)
  .max(63)
  .regex(new RegExp(`^${label}$`));

export const objectName = z.string().min(1).max(253);

/** A positive duration in hours, minutes and seconds, as `2160h` or `1h30m`. Days are not a unit. */
export const duration = z
  .string()
  .max(32)
  .regex(/^([0-9]+(h|m|s))+$/);

export const privateKey = z.object({
  algorithm: z.enum(['ECDSA', 'RSA', 'Ed25519']).default('ECDSA'),
  /** Bits: ECDSA 256, 384 or 521; RSA 2048 to 4096. Absent: 256 or 2048. Ed25519 has none. */
  size: z.int32().optional(),
});

export const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).max(64).optional(),
      }),
    )
    .max(16)
    .optional(),
});

export const condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  observedGeneration: z.int().min(0),
  lastTransitionTime: z.string(),
});

export const baseStatus = {
  observedGeneration: z.int().default(-1),
  conditions: z.array(condition).max(16).optional(),
};

export type PrivateKey = z.infer<typeof privateKey>;
export type LabelSelector = z.infer<typeof labelSelector>;
