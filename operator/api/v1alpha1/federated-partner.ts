// FederatedPartner: another organisation. Its SIP domains, its edge, its CA, and how far it is trusted.
import { z } from 'zod';
import { atomic, constrained, distinct, immutable, type Kind, type Rule } from '../kind.ts';
import { anchorsPEM, baseStatus, configMapKey, ownMedia } from './fields.ts';
import { fqdn, httpsURL, httpURL, ipRange, objectName, sipDomain } from './names.ts';

const bundleEndpoint = constrained(
  z.object({
    url: httpsURL.describe('Where the partner publishes its bundle (SPIFFE bundle format, or PEM), https.'),
    ca: anchorsPEM.optional().describe('CA certificates (PEM) by which the certificate of the endpoint is believed.'),
    certificateSHA256: z
      .string()
      .max(64)
      .optional()
      .describe('SHA-256 of the certificate of the endpoint, in hex: that one and no other is believed.'),
  }),
  {
    rule: '!(has(self.ca) && has(self.certificateSHA256))',
    message: 'A bundle endpoint is believed by ca, or by certificateSHA256, or, with neither, by the public CAs.',
  },
  {
    rule: "!has(self.certificateSHA256) || self.certificateSHA256.matches('^[0-9a-f]{64}$')",
    message: 'certificateSHA256 is 64 hexadecimal digits in lower case, without colons.',
    fieldPath: '.certificateSHA256',
  },
);

const anchorSource = constrained(
  z.object({
    pem: anchorsPEM.optional().describe('Certificates, PEM.'),
    configMapRef: configMapKey
      .extend({ namespace: objectName.describe('Namespace of the ConfigMap.') })
      .optional()
      .describe('ConfigMap that holds them.'),
    secretRef: configMapKey.optional().describe("Secret in the operator's namespace that holds them."),
    bundleEndpoint: bundleEndpoint.optional().describe('Where the partner publishes them: its rollovers are followed.'),
  }),
  {
    rule: '[has(self.pem), has(self.configMapRef), has(self.secretRef), has(self.bundleEndpoint)].filter(x, x).size() == 1',
    message: 'An entry of trust.anchors is exactly one of pem, configMapRef, secretRef and bundleEndpoint.',
  },
).meta(atomic);

const trust = constrained(
  z.object({
    anchors: z
      .array(anchorSource)
      .max(8)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'atomic', description: 'CA certificates of the partner, at most 8 in all.' }),
    scope: z
      .enum(['NameConstrained', 'Unconstrained'])
      .default('NameConstrained')
      .describe(
        'NameConstrained: its CA is believed for its own names alone, by unmodified software. Unconstrained: for any name, shown as a warning.',
      ),
    permittedNames: z
      .array(fqdn)
      .max(64)
      .optional()
      .meta({
        ...distinct,
        description: 'DNS names to believe of it, with all below them, beside its SIP domains and its edge.',
      }),
    permittedIPs: z
      .array(ipRange)
      .max(64)
      .optional()
      .meta({ ...distinct, description: 'IP addresses or ranges to believe of it, such as `192.0.2.0/24`. Absent, none.' }),
    revocation: z
      .enum(['None', 'Published'])
      .default('None')
      .describe(
        "Published: the partner's CRLs are fetched, and delivered as `crl.pem`, which rendered files for Envoy, HAProxy and nginx name, while a current one of every CA of every partner of the domain is at hand. A CA that comes anew is believed once its own is. What a CA has issued that `anchors` does not name is then refused.",
      ),
    crlURLs: z
      .array(httpURL)
      .min(1)
      .max(8)
      .optional()
      .meta({
        ...distinct,
        description:
          'Where the CRLs of its CAs are published, DER or PEM: of each CA in `anchors` one. With revocation Published.',
      }),
  }),
  {
    rule: "self.scope == 'NameConstrained' || !self.anchors.exists(a, has(a.bundleEndpoint))",
    message: 'A bundle endpoint is refused with scope Unconstrained: whoever holds the endpoint could take any name.',
    fieldPath: '.scope',
  },
  {
    rule: "(self.revocation == 'Published') == has(self.crlURLs)",
    message: 'trust.revocation Published goes with trust.crlURLs, and neither is there without the other.',
    messageExpression:
      `(self.revocation == 'Published' ? "Revocation Published needs crlURLs: name where the partner publishes the CRL of each of its CAs." : ` +
      `"crlURLs are fetched with revocation Published alone: set that, or leave them out.")`,
    fieldPath: '.crlURLs',
  },
);

const listed = "self.mode in ['Direct', 'AllowedDomain', 'HostingProvider']";

const partnerRules: readonly Rule[] = [
  {
    rule: "!(self.mode in ['Direct', 'HostingProvider']) || has(self.accessEdge)",
    message: 'The modes Direct and HostingProvider need accessEdge.',
    messageExpression:
      '"The mode %s needs accessEdge: give its fqdn, or use AllowedDomain, which finds it by SRV.".format([self.mode])',
    fieldPath: '.accessEdge',
  },
  {
    rule: "!(self.mode in ['AllowedDomain', 'Discovered']) || !has(self.accessEdge)",
    message: 'The modes AllowedDomain and Discovered find the edge by SRV.',
    messageExpression: '"The mode %s finds the edge by SRV: leave accessEdge out, or use Direct.".format([self.mode])',
    fieldPath: '.accessEdge',
  },
  {
    rule: "(self.mode == 'Discovered') == (size(self.sipDomains) == 0)",
    message: 'A partner names its sipDomains; the mode Discovered, which is for any domain, names none.',
    messageExpression:
      `(self.mode == 'Discovered' ? "The mode %s is for any domain: leave sipDomains out, or use AllowedDomain." : ` +
      `"The mode %s needs sipDomains: name at least one.").format([self.mode])`,
    fieldPath: '.sipDomains',
  },
  {
    rule: `!(${listed} || self.mode == 'Discovered') || size(self.trust.anchors) > 0`,
    message: 'Every mode but Blocked needs trust.anchors: the CA of the partner.',
    messageExpression: '"The mode %s needs trust.anchors: name the CA of the partner.".format([self.mode])',
    fieldPath: '.trust',
  },
  {
    rule: "self.mode != 'Discovered' || self.trust.revocation == 'None'",
    message: 'The mode Discovered has a listener of its own, and no CRLs are fetched for it: leave trust.revocation out.',
    fieldPath: '.trust.revocation',
  },
];

export const federatedPartnerSpec = constrained(
  z.object({
    trustDomain: constrained(objectName, immutable('trustDomain', 'the trust in the partner lies there')).describe(
      'Name of the TrustDomain that federates. Immutable.',
    ),
    sipDomains: z
      .array(sipDomain)
      .max(64)
      .default([])
      .meta({ ...distinct, description: 'Its SIP domains, such as `fabrikam.com`. None with the mode Discovered.' }),
    mode: z
      .enum(['Direct', 'AllowedDomain', 'Discovered', 'HostingProvider', 'Blocked'])
      .describe(
        'Direct: its edge is given. AllowedDomain: found by SRV. HostingProvider: many domains behind one edge. Discovered: any domain, found by SRV. Blocked: refused, whatever else says otherwise.',
      ),
    accessEdge: z
      .object({
        fqdn: fqdn.describe('DNS name of its access edge, such as `sip.fabrikam.com`.'),
        port: z.int32().min(1).max(65535).default(5061).describe('TCP port of its access edge.'),
      })
      .optional()
      .describe('Its access edge, with the modes Direct and HostingProvider.'),
    trust: trust.prefault({}).describe('What is believed of it.'),
    media: ownMedia.optional().describe('Its media; absent, as the domain has it.'),
  }),
  ...partnerRules,
);

export const federatedPartnerStatus = z.object({
  ...baseStatus,
  state: z
    .enum(['Trusted', 'Pending', 'Refused', 'Blocked'])
    .optional()
    .describe(
      'Trusted: its CA is in place at every Edge. Pending: on its way. Refused: see the conditions. Blocked, by its mode or by another partner: no Edge believes anything of it.',
    ),
  accessEdges: z.array(z.string()).max(512).optional().describe('Where it is called, `fqdn:port`, as given or as found by SRV.'),
  anchors: z
    .array(
      z.object({
        subject: z.string().describe('Subject (RFC 4514).'),
        fingerprint: z.string().describe('SHA-256 of the certificate, in hex.'),
        notAfter: z.string().describe('When it expires (RFC 3339).'),
        source: z.string().describe('Where it comes from.'),
        crossCertificate: z
          .string()
          .optional()
          .describe('SHA-256 of the cross-certificate that scopes it, in hex; absent with scope Unconstrained.'),
      }),
    )
    .max(8)
    .optional()
    .describe('Its CA certificates that are believed.'),
  notAfter: z.string().optional().describe('When the first of them expires (RFC 3339).'),
  edges: z
    .object({
      total: z.int().describe('Edge pools of the domain.'),
      inPlace: z.int().describe('Those that hold its trust as it is now.'),
    })
    .optional()
    .describe('Where its trust is in place; of a blocked one, where nothing is believed of it any more.'),
  bundle: z
    .object({
      sequence: z.int().optional().describe('Sequence number of the last bundle taken from its endpoint.'),
      fetchedAt: z.string().describe('When it was fetched (RFC 3339).'),
    })
    .optional()
    .describe('The last bundle that its endpoint gave.'),
  lastChange: z.string().optional().describe('When what is believed of it last changed (RFC 3339).'),
});

export type FederatedPartnerSpec = z.infer<typeof federatedPartnerSpec>;
export type FederatedPartnerStatus = z.infer<typeof federatedPartnerStatus>;

export const federatedPartner = {
  kind: 'FederatedPartner',
  plural: 'federatedpartners',
  shortName: 'fp',
  scope: 'Cluster',
  description: 'Another organisation: its SIP domains, its edge, its CA, and how far it is trusted.',
  spec: federatedPartnerSpec,
  status: federatedPartnerStatus,
  rules: [
    {
      rule: "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
      message: 'The name is a DNS label (at most 63 of a-z, 0-9 and hyphens), because files are named after it.',
      messageExpression: `"'%s' is not a DNS label: write at most 63 of a-z, 0-9 and hyphens, because files are named after it.".format([self.metadata.name])`,
      fieldPath: '.metadata.name',
    },
  ],
  columns: [
    { name: 'Mode', jsonPath: '.spec.mode' },
    { name: 'State', jsonPath: '.status.state' },
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Expires', jsonPath: '.status.notAfter', description: 'When the first of its anchors expires.' },
    { name: 'Edge', jsonPath: '.status.accessEdges[0]', description: 'Where it is called.', priority: 1 },
    { name: 'Domain', jsonPath: '.spec.trustDomain', priority: 1 },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: `apiVersion: trustmesh.io/v1alpha1
kind: FederatedPartner
metadata:
  name: fabrikam
spec:
  trustDomain: contoso
  sipDomains: [fabrikam.com]
  mode: Direct
  accessEdge: {fqdn: sip.fabrikam.com, port: 5061}
  trust:
    anchors:
      - bundleEndpoint: {url: 'https://federation.fabrikam.com/bundles/fabrikam.com'}
    scope: NameConstrained
    permittedNames: [av.fabrikam.net]
`,
} satisfies Kind;
