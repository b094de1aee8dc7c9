// Fields that several kinds share: keys, label selectors, and what every status holds.
import { z } from 'zod';
import { atomic, constrained, keyedBy } from '../kind.ts';
import { dataKey, objectName } from './names.ts';

/** The sizes that a key of each algorithm may have, in bits. The first is what is made where none is given. */
const keySizes = { ECDSA: [256, 384, 521], RSA: [2048, 3072, 4096] } as const;

const inWords = (sizes: readonly number[]) => `${sizes.slice(0, -1).join(', ')} or ${sizes.at(-1)}`;

export const privateKey = constrained(
  z.object({
    algorithm: z
      .enum(['ECDSA', 'RSA', 'Ed25519'])
      .default('ECDSA')
      .describe('Kind of key. Ed25519 is refused where a TrustDomain requires FIPS.'),
    size: z
      .int32()
      .optional()
      .describe(
        `Bits of the key: ${inWords(keySizes.ECDSA)} for ECDSA (256 where absent), ${inWords(keySizes.RSA)} for RSA (2048 where absent), none for Ed25519.`,
      ),
  }),
  {
    rule:
      `!has(self.size) || (self.algorithm == 'ECDSA' && self.size in [${keySizes.ECDSA}]) || ` +
      `(self.algorithm == 'RSA' && self.size in [${keySizes.RSA}])`,
    message: `ECDSA keys have ${inWords(keySizes.ECDSA)} bits, RSA keys ${inWords(keySizes.RSA)}, Ed25519 keys no size.`,
    messageExpression:
      `(self.algorithm == 'Ed25519' ? "%s keys have one size, not %d bits: leave size out." : ` +
      `self.algorithm == 'RSA' ? "%s keys have ${inWords(keySizes.RSA)} bits, not %d." : ` +
      `"%s keys have ${inWords(keySizes.ECDSA)} bits, not %d.").format([self.algorithm, self.size])`,
    fieldPath: '.size',
  },
).meta(atomic);

const labelRequirement = constrained(
  z.object({
    key: z.string().max(317).describe('Key of the label.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the label is compared.'),
    values: z.array(z.string().max(63)).max(64).optional().describe('What In and NotIn compare with.'),
  }),
  {
    rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    message: 'In and NotIn need values; Exists and DoesNotExist take none.',
    fieldPath: '.values',
  },
);

export const labelSelector = z
  .object({
    matchLabels: z
      .record(z.string(), z.string().max(63))
      .optional()
      .meta({ maxProperties: 64, description: 'Labels that must all be present with these values.' }),
    matchExpressions: z.array(labelRequirement).max(16).optional().describe('Requirements that must all be met.'),
  })
  .meta(atomic);

/** CA certificates in PEM. What they hold is judged when they are read, not by the API server. */
export const anchorsPEM = z.string().min(1).max(65_536);

/** Whether media is SRTP. */
export const encryptionLevel = z.enum(['Required', 'Supported', 'NotSupported']);

/** What one server or partner declares. */
export const ownMedia = z.object({
  encryptionLevel: encryptionLevel.describe(
    'Whether its media is SRTP: always, where the other end can, or never. It goes before the level of the domain. Where both ends of a link declare one, Required goes before Supported, and with NotSupported there is no media.',
  ),
});

/** One key of a ConfigMap or Secret. */
export const configMapKey = z.object({
  name: objectName.describe('Name of the object.'),
  key: dataKey.default('ca.crt').describe('Key of its data.'),
});

const condition = z.object({
  type: z.string().describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().describe('Why, in one word that programs may rely on.'),
  message: z.string().describe('Why, for a person, and what to do.'),
  observedGeneration: z.int().describe('The metadata.generation that it tells of.'),
  lastTransitionTime: z.string().describe('When `status` last changed (RFC 3339).'),
});

/** What every status holds. Its schema is checked with every write of a status, so it carries no rules. */
export const baseStatus = {
  observedGeneration: z
    .int()
    .default(-1)
    .describe('The metadata.generation that this status tells of; -1 until the object was first looked at.'),
  conditions: z
    .array(condition)
    .max(16)
    .optional()
    .meta({ ...keyedBy('type'), description: 'What holds and what does not, and why.' }),
};

/** Of what must be admitted by its domain: servers, gateways and relays. */
export const delistedAt = z
  .string()
  .optional()
  .describe('When it leaves the peer lists, or left them, because it is not admitted any more (RFC 3339).');

/** What tells a certificate from every other, and when it is good. */
export const certificateFacts = {
  serial: z.string().describe('Serial number, in hex.'),
  fingerprint: z.string().describe('SHA-256 of the certificate, in hex.'),
  notBefore: z.string().describe('When it becomes valid (RFC 3339).'),
  notAfter: z.string().describe('When it expires (RFC 3339).'),
};

export type EncryptionLevel = z.infer<typeof encryptionLevel>;
export type PrivateKey = z.infer<typeof privateKey>;
export type LabelSelector = z.infer<typeof labelSelector>;
