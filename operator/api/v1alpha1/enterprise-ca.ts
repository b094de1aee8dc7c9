// EnterpriseCA: an issuing CA with exactly one backend, its leaf defaults and how it revokes.
import { z } from 'zod';
import { constrained, type Kind } from '../kind.ts';
import { duration, durationsCompare } from './duration.ts';
import { baseStatus, certificateFacts, privateKey } from './fields.ts';
import { baseURL, objectName } from './names.ts';

const managed = constrained(
  z.object({
    root: z
      .object({
        commonName: z
          .string()
          .min(1)
          .max(64)
          .optional()
          .describe('Common name of the root, such as `Contoso Root CA`. Made from the name of the EnterpriseCA where absent.'),
        duration: duration.default('87600h').describe('How long a root lives, such as `87600h` for ten years.'),
        privateKey: privateKey
          .default({ algorithm: 'ECDSA', size: 384 })
          .describe("The root's key. A change takes effect with the next generation."),
      })
      .prefault({})
      .describe('The self-signed root, which signs issuing CAs and nothing else.'),
    issuing: z
      .object({
        duration: duration.default('26280h').describe('How long an issuing CA lives, such as `26280h` for three years.'),
        privateKey: privateKey
          .default({ algorithm: 'ECDSA' })
          .describe("The issuing CA's key. A change takes effect with the next generation."),
      })
      .prefault({})
      .describe('The intermediate that signs certificates.'),
    generation: constrained(z.int32().min(1).default(1), {
      rule: 'self >= oldSelf',
      message: 'The generation is only ever raised: what the present keys have signed is in use.',
      messageExpression:
        '"The generation is %d and cannot become %d: raise it for new keys, because what the present ones have signed is in use.".format([oldSelf, self])',
    }).describe(
      'Which generation of keys is wanted. Raise it to start a rollover to new ones; the operator also starts one before the old expire.',
    ),
  }),
  durationsCompare(['issuing.duration', '<=', 'root.duration'], 'no CA outlives the one that signed it'),
);

const provided = z.object({
  secretRef: z
    .object({ name: objectName.describe("Name of the Secret in the operator's namespace.") })
    .describe(
      "A Secret in the operator's namespace with your issuing CA: `tls.crt` (the CA, then its chain), `tls.key` (its key), `ca.crt` (the roots it leads to).",
    ),
});

const leaf = z.object({
  duration: duration.default('2160h').describe('How long a certificate lives, such as `2160h` for 90 days.'),
  renewAfterPercent: z
    .int32()
    .min(1)
    .max(99)
    .default(66)
    .describe('How much of its life passes before a certificate is renewed, in percent. Renewals are spread around it.'),
  privateKey: privateKey.default({ algorithm: 'ECDSA' }).describe('The key of each certificate. A change re-issues them.'),
});

const revocation = z.object({
  crl: constrained(
    z.object({
      validity: duration.default('48h').describe('How long a CRL served over HTTP is valid. Those in files live at least 720h.'),
      refresh: duration.default('12h').describe('How often a CRL is signed anew.'),
    }),
    durationsCompare(['refresh', '<', 'validity'], 'each CRL must be replaced before it expires'),
  )
    .prefault({})
    .describe('Certificate revocation lists.'),
  ocsp: z
    .object({ enabled: z.boolean().default(true).describe('Whether the operator answers OCSP requests.') })
    .prefault({})
    .describe('The online certificate status protocol.'),
  baseURL: baseURL
    .optional()
    .describe(
      'Where CRLs, OCSP and issuer certificates are reached, such as `http://pki.contoso.com`. Written into every certificate; absent, none of them is named there.',
    ),
});

export const enterpriseCASpec = constrained(
  z.object({
    managed: managed.optional().describe('Backend: a root and an issuing CA that the operator makes and keeps.'),
    provided: provided.optional().describe('Backend: an issuing CA of your own.'),
    leaf: leaf.prefault({}).describe('Defaults of the certificates that this CA issues.'),
    revocation: revocation
      .optional()
      .describe('How this CA says which certificates are no longer good. Absent, it says nothing.'),
  }),
  {
    rule: '[has(self.managed), has(self.provided)].exists_one(given, given)',
    message: 'An EnterpriseCA has exactly one backend: managed or provided.',
    messageExpression:
      "has(self.managed) ? 'An EnterpriseCA has exactly one backend: keep managed or provided, not both.' : " +
      "'An EnterpriseCA needs a backend: set managed or provided.'",
  },
  {
    rule: 'has(self.managed) == has(oldSelf.managed)',
    message:
      'The backend of an EnterpriseCA is immutable, because its servers would not believe each other while they move: create another EnterpriseCA, and name that in the TrustDomain.',
  },
  durationsCompare(
    ['leaf.duration', '<=', 'managed.issuing.duration'],
    'no certificate outlives the CA that signed it',
    'has(self.managed)',
  ),
);

export const enterpriseCAStatus = z.object({
  ...baseStatus,
  backend: z.enum(['Managed', 'Provided']).optional().describe('The backend in use.'),
  generation: z.int().optional().describe('The generation of keys that issues now.'),
  phase: z.string().optional().describe('Where a rollover stands.'),
  notAfter: z.string().optional().describe('When the CA that issues now expires (RFC 3339).'),
  authorities: z
    .array(
      z.object({
        role: z.enum(['Root', 'Issuing']).describe('Root or issuing CA.'),
        generation: z.int().describe('Its generation of keys.'),
        subject: z.string().describe('Subject (RFC 4514).'),
        ...certificateFacts,
        keyAlgorithm: z.string().describe('Its key, such as `ECDSA P-256`.'),
        secretName: z.string().optional().describe("Secret in the operator's namespace that holds its key."),
      }),
    )
    .max(32)
    .optional()
    .describe('Every authority of this CA, newest generation first.'),
});

export type EnterpriseCASpec = z.infer<typeof enterpriseCASpec>;
export type EnterpriseCAStatus = z.infer<typeof enterpriseCAStatus>;

export const enterpriseCA = {
  kind: 'EnterpriseCA',
  plural: 'enterprisecas',
  shortName: 'eca',
  scope: 'Cluster',
  description: 'An issuing CA: exactly one backend, the defaults of the certificates it issues, and how it revokes.',
  spec: enterpriseCASpec,
  status: enterpriseCAStatus,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'The name is at most 63 characters, because the Secrets of the CA are named after it.',
      messageExpression:
        '"The name has %d characters: write at most 63, because the Secrets of the CA are named after it.".format([size(self.metadata.name)])',
      fieldPath: '.metadata.name',
    },
  ],
  columns: [
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Backend', jsonPath: '.status.backend' },
    { name: 'Generation', jsonPath: '.status.generation', type: 'integer' },
    { name: 'Expires', jsonPath: '.status.notAfter', description: 'When the CA that issues now expires.' },
    { name: 'Reason', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
    { name: 'Phase', jsonPath: '.status.phase', priority: 1 },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: `apiVersion: trustmesh.io/v1alpha1
kind: EnterpriseCA
metadata:
  name: contoso
spec:
  managed:
    root:
      commonName: Contoso Root CA
      duration: 87600h
      privateKey: {algorithm: ECDSA, size: 384}
    issuing:
      duration: 26280h
      privateKey: {algorithm: ECDSA, size: 256}
    generation: 1
  leaf:
    duration: 2160h
    renewAfterPercent: 66
    privateKey: {algorithm: ECDSA, size: 256}
  revocation:
    crl: {validity: 48h, refresh: 12h}
    ocsp: {enabled: true}
    baseURL: http://pki.contoso.com
`,
} satisfies Kind;
