// TrustedServer: a server pool. Its role, its names, its certificate uses, its listeners and the files it wants rendered.
import { z } from 'zod';
import { constrained, distinct, immutable, type Kind, keyedBy, type Rule } from '../kind.ts';
import { baseStatus, certificateFacts, delistedAt, ownMedia } from './fields.ts';
import { dnsLabel, fqdn, objectName } from './names.ts';
import { kebabCase, role, roles, type Use, use, uses, usesByRole } from './roles.ts';

/** CEL: the name of a member, as given or else the first label of its FQDN. */
const nameOf = (member: string) => `(has(${member}.name) ? ${member}.name : ${member}.fqdn.split('.')[0])`;

const useNames = JSON.stringify(uses.map(kebabCase));

// A member's Secret is `<server>-<member>-tls`, and for a use other than Default `<server>-<member>-<use>-tls`.
const memberRules: readonly Rule[] = [
  {
    rule: `self.all(m, self.exists_one(other, ${nameOf('other')} == ${nameOf('m')}))`,
    message: 'Members have different names (by default the first label of the FQDN), because their Secrets are named after them.',
    messageExpression:
      `"Some members share a name: %s. It is the first label of the FQDN unless given, so name them apart."` +
      `.format([self.filter(m, !self.exists_one(other, ${nameOf('other')} == ${nameOf('m')})).map(m, m.fqdn)])`,
  },
  {
    rule: `!self.exists(m, ${nameOf('m')} in ${useNames})`,
    message: `No member is named like a certificate use, because its Secret would be taken for that of the use: ${uses.map(kebabCase).join(', ')}.`,
    messageExpression:
      `"A member is named '%s', which is a certificate use: give it another name, because its Secret would be taken for that of the use."` +
      `.format([${useNames}.filter(u, self.exists(m, ${nameOf('m')} == u))[0]])`,
  },
];

const member = z.object({
  fqdn: fqdn.describe('DNS name of the member, such as `fe01.contoso.com`.'),
  name: dnsLabel
    .optional()
    .describe("What the member's Secret is named after, such as `fe01`; the first label of `fqdn` where absent."),
});

const certificateUse = z.object({
  use: use.describe('What the certificate is for; one of those that the role has.'),
  enterpriseCA: objectName
    .optional()
    .describe(
      "Name of the EnterpriseCA that issues it: the domain's, where absent, or one of the domain's `additionalEnterpriseCAs`.",
    ),
  extraNames: z
    .array(fqdn)
    .max(64)
    .optional()
    .meta({ ...distinct, description: 'DNS names to add to those that follow from role and use.' }),
  secretName: objectName
    .optional()
    .describe('Name of the Secret, where it is not `<server>-<member>-<use>-tls`. For Pool scope or a single member only.'),
  formats: z
    .array(z.enum(['PKCS12', 'CombinedPEM']))
    .max(2)
    .optional()
    .meta({
      ...distinct,
      description:
        'Further forms in the Secret. PKCS12: `keystore.p12`, `truststore.p12`, `keystore-password`. CombinedPEM: `tls-combined.pem`.',
    }),
});

const certificates = z.object({
  scope: constrained(
    z.enum(['PerMember', 'Pool']).default('PerMember'),
    immutable('certificates.scope', 'the Secrets that servers mount are named by it'),
  ).describe('PerMember: one certificate for each member. Pool: one, with the names of all. Immutable.'),
  uses: constrained(z.array(certificateUse).min(1).max(uses.length), {
    rule: 'self.all(u, !has(u.secretName) || self.exists_one(other, has(other.secretName) && other.secretName == u.secretName))',
    message: 'Each use has a Secret of its own: no two have the same secretName.',
  })
    .optional()
    .meta({ ...keyedBy('use'), description: 'Exactly these uses. Absent: every use of the role whose FQDNs are given.' }),
});

const listener = z.object({
  name: dnsLabel.describe('Name of the listener, such as `sip`; unique in the server.'),
  port: z.int32().min(1).max(65535).describe('TCP port, such as 5061.'),
  protocol: z
    .enum(['MTLS', 'TLS', 'TCP', 'HTTPS'])
    .describe('MTLS: both sides show a certificate. TLS, HTTPS: the server does. TCP: unencrypted.'),
  face: z
    .enum(['Internal', 'External'])
    .optional()
    .describe('Of an Edge: the side of the network that it listens on. Without it, nothing is rendered for the listener.'),
  partners: z
    .enum(['Listed', 'Discovered'])
    .optional()
    .describe(
      'Of an Edge’s external face, with the protocol MTLS: whom it is for. Listed, where absent: partners by their names. Discovered: domains that are on no list, by the public CAs of a FederatedPartner of that mode, and nobody else.',
    ),
});

/** What a use cannot do without: the field that holds its first name. */
const fqdnOfUse: readonly (readonly [Use, group: string, field: string])[] = [
  ['WebServicesExternal', 'webServices', 'externalFQDN'],
  ['AccessEdgeExternal', 'edge', 'accessFQDN'],
  ['AccessEdgeOutbound', 'edge', 'accessFQDN'],
  ['AudioVideoAuthentication', 'edge', 'audioVideoFQDN'],
];

const usesOfRole = `${JSON.stringify(usesByRole)}[self.role]`;
const usesInWords = JSON.stringify(Object.fromEntries(roles.map((name) => [name, usesByRole[name].join(', ')])));

const serverRules: readonly Rule[] = [
  {
    rule: "!has(self.webServices) || self.role in ['FrontEnd', 'StandardEdition']",
    message: 'webServices is for the roles FrontEnd and StandardEdition.',
    messageExpression:
      '"webServices is for the roles FrontEnd and StandardEdition, not for %s: leave it out.".format([self.role])',
    fieldPath: '.webServices',
  },
  {
    rule: "!has(self.edge) || self.role == 'Edge'",
    message: 'edge is for the role Edge.',
    messageExpression: '"edge is for the role Edge, not for %s: leave it out.".format([self.role])',
    fieldPath: '.edge',
  },
  {
    rule: "!has(self.peers) || self.role == 'Server'",
    message: 'peers is for the role Server; whom any other role talks to follows from the topology.',
    messageExpression:
      '"peers is for the role Server, not for %s, whose peers follow from the topology: leave it out.".format([self.role])',
    fieldPath: '.peers',
  },
  {
    rule: "self.role == 'Edge' || !has(self.listeners) || !self.listeners.exists(l, has(l.face))",
    message: 'listeners[].face is for the role Edge: every other role has one side only.',
    messageExpression:
      '"face is for listeners of the role Edge, not of %s, which has one side only: leave it out.".format([self.role])',
    fieldPath: '.listeners',
  },
  {
    rule: "!has(self.listeners) || self.listeners.all(l, !has(l.partners) || (self.role == 'Edge' && has(l.face) && l.face == 'External' && l.protocol == 'MTLS'))",
    message:
      'listeners[].partners is for listeners of the role Edge with face External and protocol MTLS: nobody else meets partners.',
    fieldPath: '.listeners',
  },
  {
    rule: `!has(self.certificates.uses) || self.certificates.uses.all(u, u.use in ${usesOfRole})`,
    message: 'certificates.uses holds only uses that the role has.',
    messageExpression:
      `"The role %s has no use %s: it has %s."` +
      `.format([self.role, self.certificates.uses.filter(u, !(u.use in ${usesOfRole}))[0].use, ${usesInWords}[self.role]])`,
    fieldPath: '.certificates.uses',
  },
  ...fqdnOfUse.map(
    ([name, group, field]): Rule => ({
      rule: `!has(self.certificates.uses) || !self.certificates.uses.exists(u, u.use == '${name}') || (has(self.${group}) && has(self.${group}.${field}))`,
      message: `The use ${name} needs ${group}.${field}, which is the first name of its certificate.`,
      fieldPath: '.certificates.uses',
    }),
  ),
  {
    rule: "self.certificates.scope == 'Pool' || size(self.members) == 1 || !has(self.certificates.uses) || !self.certificates.uses.exists(u, has(u.secretName))",
    message:
      'secretName is for certificates.scope Pool or a single member, because every other member needs a Secret of its own.',
    messageExpression:
      '"secretName names one Secret, but %d members need one each: leave secretName out, or create the server with certificates.scope Pool."' +
      '.format([size(self.members)])',
    fieldPath: '.certificates.uses',
  },
];

const identity = 'every certificate and SPIFFE ID of the server hangs on it';

export const trustedServerSpec = constrained(
  z.object({
    trustDomain: constrained(objectName, immutable('trustDomain', identity)).describe(
      'Name of the TrustDomain that this server belongs to. Immutable.',
    ),
    role: constrained(role, immutable('role', identity)).describe(
      'What the server is: its names, uses and peers follow from it. Immutable.',
    ),
    poolFQDN: constrained(fqdn, immutable('poolFQDN', identity)).describe(
      'DNS name of the pool, such as `pool01.contoso.com`; of the server itself where it is alone. Immutable.',
    ),
    members: constrained(z.array(member).min(1).max(128), ...memberRules).meta({
      ...keyedBy('fqdn'),
      description: 'The servers of the pool.',
    }),
    webServices: z
      .object({
        internalFQDN: fqdn.optional().describe('Name of the web services inside; the pool where absent.'),
        externalFQDN: fqdn.optional().describe('Name of the web services outside, at the reverse proxy.'),
      })
      .optional()
      .describe('Web services, of the roles FrontEnd and StandardEdition.'),
    edge: z
      .object({
        accessFQDN: fqdn.optional().describe('External name of the access edge, such as `sip.contoso.com`.'),
        conferencingFQDN: fqdn.optional().describe('External name of web conferencing, such as `webconf.contoso.com`.'),
        audioVideoFQDN: fqdn.optional().describe('External name of audio and video, such as `av.contoso.com`.'),
      })
      .optional()
      .describe('External names, of the role Edge.'),
    certificates: certificates.prefault({}).describe('Which certificates are issued, and into which Secrets.'),
    media: ownMedia.optional().describe('Its media; absent, as the domain has it.'),
    peers: z
      .array(objectName)
      .max(256)
      .optional()
      .meta({
        ...distinct,
        description:
          'Whom this server talks to, of the role Server: pool FQDNs, or names of TrustedServers in its namespace. Absent: every other Server of the domain. Its own pool is always among them.',
      }),
    listeners: z
      .array(listener)
      .max(32)
      .optional()
      .meta({ ...keyedBy('name'), description: 'Where the server listens.' }),
    outputs: z
      .array(z.enum(['Kamailio', 'Envoy', 'HAProxy', 'Nginx', 'FreeSWITCH', 'OpenSIPS', 'Asterisk']))
      .max(8)
      .optional()
      .meta({ ...distinct, description: 'Software whose configuration is rendered into the ConfigMap `<server>-trust`.' }),
  }),
  ...serverRules,
);

export const certificateStatus = z.object({
  use: use.describe('What it is for.'),
  member: z.string().optional().describe('Name of the member that it belongs to; absent for one of the whole pool.'),
  secretName: z.string().describe('Secret that holds it.'),
  ...certificateFacts,
  renewAt: z.string().describe('When it will be renewed (RFC 3339).'),
});

export const trustedServerStatus = z.object({
  ...baseStatus,
  delistedAt,
  notAfter: z.string().optional().describe('When the first of the certificates expires (RFC 3339).'),
  renewAt: z.string().optional().describe('When the next of them is renewed (RFC 3339).'),
  certificates: z.array(certificateStatus).max(1024).optional().describe('Every certificate of this server.'),
});

export type TrustedServerSpec = z.infer<typeof trustedServerSpec>;
export type TrustedServerStatus = z.infer<typeof trustedServerStatus>;
export type CertificateStatus = z.infer<typeof certificateStatus>;

export const trustedServer = {
  kind: 'TrustedServer',
  plural: 'trustedservers',
  shortName: 'ts',
  scope: 'Namespaced',
  description: 'A server pool: its role, its names, its certificate uses, its listeners and the files it wants rendered.',
  spec: trustedServerSpec,
  status: trustedServerStatus,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'The name is at most 63 characters, because Secrets are named after it.',
      messageExpression:
        '"The name has %d characters: write at most 63, because Secrets are named after it.".format([size(self.metadata.name)])',
      fieldPath: '.metadata.name',
    },
  ],
  columns: [
    { name: 'Role', jsonPath: '.spec.role' },
    { name: 'Pool', jsonPath: '.spec.poolFQDN' },
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Renewal', jsonPath: '.status.renewAt', description: 'When the next certificate is renewed.' },
    { name: 'Domain', jsonPath: '.spec.trustDomain', priority: 1 },
    { name: 'Expires', jsonPath: '.status.notAfter', description: 'When the first certificate expires.', priority: 1 },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: `apiVersion: trustmesh.io/v1alpha1
kind: TrustedServer
metadata:
  name: pool01
  namespace: voice
spec:
  trustDomain: contoso
  role: FrontEnd
  poolFQDN: pool01.contoso.com
  members:
    - fqdn: fe01.contoso.com
    - {fqdn: fe02.contoso.com, name: second}
  webServices:
    internalFQDN: web-int.contoso.com
    externalFQDN: web-ext.contoso.com
  certificates:
    scope: PerMember
    uses:
      - {use: Default, formats: [CombinedPEM]}
      - {use: WebServicesInternal, formats: [PKCS12]}
      - {use: WebServicesExternal, enterpriseCA: public}
      - use: OAuthTokenIssuer
  listeners:
    - {name: sip, port: 5061, protocol: MTLS}
    - {name: web, port: 443, protocol: HTTPS}
  outputs: [Kamailio, HAProxy]
`,
} satisfies Kind;
