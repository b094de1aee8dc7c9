// MediaGateway: a PSTN gateway or SBC, and its trunk to a mediation pool.
import { z } from 'zod';
import { atomic, constrained, immutable, type Kind, type Rule } from '../kind.ts';
import { anchorsPEM, baseStatus, certificateFacts, configMapKey, delistedAt } from './fields.ts';
import { fqdn, objectName } from './names.ts';

const anchorSource = constrained(
  z.object({
    pem: anchorsPEM.optional().describe('Certificates, PEM.'),
    configMapRef: configMapKey.optional().describe('ConfigMap in the namespace of the gateway that holds them.'),
  }),
  {
    rule: 'has(self.pem) != has(self.configMapRef)',
    message: 'An entry of trustAnchors is exactly one of pem and configMapRef.',
  },
).meta(atomic);

const certificate = constrained(
  z.object({
    secretName: objectName
      .optional()
      .describe('Issued here, into this Secret of the namespace; `<gateway>-tls` where no certificate is described at all.'),
    csr: z
      .string()
      .max(16_384)
      .optional()
      .describe('A certificate request (PKCS#10, PEM) for a key that never leaves the gateway. What it gets lies in the status.'),
    trustAnchors: z.array(anchorSource).min(1).max(8).optional().meta({
      'x-kubernetes-list-type': 'atomic',
      description: "CA certificates of the gateway's own CA, trusted by its mediation pool alone, for its FQDN alone.",
    }),
    issuer: z
      .enum(['Gateway', 'EnterpriseCA'])
      .default('Gateway')
      .describe(
        "Who issues: the gateway authority, which only the mediation pool trusts, or the domain's EnterpriseCA, which every server trusts: shown as a warning.",
      ),
  }),
  {
    rule: '[has(self.secretName), has(self.csr), has(self.trustAnchors)].filter(x, x).size() <= 1',
    message: 'A certificate is one of three: issued into secretName, issued for csr, or from a CA of its own (trustAnchors).',
    messageExpression:
      '"A certificate is issued into secretName, or for csr, or comes from trustAnchors: %d of them are set, leave one.".format([[has(self.secretName), has(self.csr), has(self.trustAnchors)].filter(x, x).size()])',
  },
  {
    rule: "!has(self.trustAnchors) || self.issuer == 'Gateway'",
    message: 'issuer is for certificates that are issued here, not for a gateway with trustAnchors of its own.',
    fieldPath: '.issuer',
  },
);

const gatewayRules: readonly Rule[] = [
  {
    rule: "self.transport == 'TLS' || self.srtp != 'Required'",
    message:
      'srtp Required needs transport TLS: over TCP the keys of SRTP would travel in the clear, and media is never encrypted by keys that everybody can read.',
    messageExpression:
      '"srtp is Required and transport is %s: the keys of SRTP would travel in the clear. Set transport to TLS, or srtp to NotSupported.".format([self.transport])',
    fieldPath: '.srtp',
  },
  {
    rule: "self.transport == 'TLS' || !has(self.certificate)",
    message: 'certificate is for transport TLS: a trunk over TCP shows none.',
    messageExpression:
      '"transport is %s, which shows no certificate: set it to TLS, or leave certificate out.".format([self.transport])',
    fieldPath: '.certificate',
  },
];

export const mediaGatewaySpec = constrained(
  z.object({
    trustDomain: constrained(objectName, immutable('trustDomain', 'its certificate hangs on it')).describe(
      'Name of the TrustDomain that the gateway belongs to. Immutable.',
    ),
    fqdn: fqdn.describe('DNS name of the gateway, such as `gw01.contoso.com`: the name that its certificate must hold.'),
    mediationServer: z
      .object({
        name: objectName.describe(
          'Name of a TrustedServer of the role Mediation or SurvivableBranch in the namespace of the gateway.',
        ),
      })
      .describe('The pool at the other end of the trunk.'),
    transport: z.enum(['TLS', 'TCP']).default('TLS').describe('TLS means mutual TLS. TCP is unencrypted and reported.'),
    port: z
      .int32()
      .min(1)
      .max(65535)
      .optional()
      .describe('Where the gateway listens: 5067 for TLS and 5066 for TCP where absent, at a SurvivableBranch 5082 and 5081.'),
    srtp: z
      .enum(['Required', 'Optional', 'NotSupported'])
      .default('Optional')
      .describe(
        'Whether the gateway encrypts media: always, as the other end asks, or never. Required needs TLS, over which the keys travel.',
      ),
    certificate: certificate.optional().describe('How the gateway comes to its certificate, with transport TLS.'),
  }),
  ...gatewayRules,
);

export const mediaGatewayStatus = z.object({
  ...baseStatus,
  delistedAt,
  pool: z.string().optional().describe('FQDN of the mediation pool.'),
  port: z.int32().optional().describe('The port of the trunk, given or by default.'),
  media: z
    .enum(['Encrypted', 'EncryptedWherePossible', 'Unencrypted', 'None'])
    .optional()
    .describe(
      'What media on this trunk is, from `srtp` and the level of its pool; the level of the domain where neither declares any. None: no call has any.',
    ),
  certificate: z
    .object({
      ...certificateFacts,
      source: z
        .enum(['GatewayAuthority', 'EnterpriseCA'])
        .describe('Who issued it: the gateway authority of the pool, or the EnterpriseCA of the domain.'),
      secretName: z.string().optional().describe('Secret that holds it with its key.'),
      renewAt: z.string().describe('When it will be renewed (RFC 3339).'),
      pem: z.string().optional().describe('Of a certificate for a csr: the leaf, then intermediates, ready to paste.'),
      ca: z.string().optional().describe('What the gateway must trust to believe its mediation pool, PEM.'),
    })
    .optional()
    .describe('The certificate that was issued here.'),
  anchors: z
    .array(
      z.object({
        subject: z.string().describe('Subject (RFC 4514).'),
        fingerprint: z.string().describe('SHA-256 of the certificate, in hex.'),
        notAfter: z.string().describe('When it expires (RFC 3339).'),
      }),
    )
    .max(8)
    .optional()
    .describe("The gateway's own CA, as its mediation pool trusts it."),
});

export type MediaGatewaySpec = z.infer<typeof mediaGatewaySpec>;
export type MediaGatewayStatus = z.infer<typeof mediaGatewayStatus>;

export const mediaGateway = {
  kind: 'MediaGateway',
  plural: 'mediagateways',
  shortName: 'mgw',
  scope: 'Namespaced',
  description: 'A PSTN gateway or SBC, and its trunk to a mediation pool.',
  spec: mediaGatewaySpec,
  status: mediaGatewayStatus,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'The name is at most 63 characters, because its Secret is named after it.',
      messageExpression:
        '"The name has %d characters: write at most 63, because its Secret is named after it.".format([size(self.metadata.name)])',
      fieldPath: '.metadata.name',
    },
  ],
  columns: [
    { name: 'Gateway', jsonPath: '.spec.fqdn' },
    { name: 'Pool', jsonPath: '.status.pool' },
    { name: 'Transport', jsonPath: '.spec.transport' },
    { name: 'Media', jsonPath: '.status.media' },
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Port', jsonPath: '.status.port', type: 'integer', priority: 1 },
    { name: 'Domain', jsonPath: '.spec.trustDomain', priority: 1 },
    { name: 'Expires', jsonPath: '.status.certificate.notAfter', description: 'When its certificate expires.', priority: 1 },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: `apiVersion: trustmesh.io/v1alpha1
kind: MediaGateway
metadata:
  name: gw01
  namespace: voice
spec:
  trustDomain: contoso
  fqdn: gw01.contoso.com
  mediationServer: {name: med01}
  transport: TLS
  port: 5067
  srtp: Required
  certificate: {secretName: gw01-trunk}
`,
} satisfies Kind;
