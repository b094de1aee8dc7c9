// TrustDomain: the trusted network. Its SIP domains, its CA, who is a member, who may declare what, and its policies.
import { z } from 'zod';
import { constrained, distinct, type Kind, keyedBy } from '../kind.ts';
import { baseStatus, encryptionLevel, labelSelector } from './fields.ts';
import { fqdn, namePattern, objectName, sipDomain } from './names.ts';
import { kebabCase, role, roles } from './roles.ts';

const admission = z.object({
  namespaceSelector: labelSelector
    .optional()
    .describe(
      'Namespaces that this entry admits. Absent, it admits none; prefer `kubernetes.io/metadata.name`, which a tenant cannot forge.',
    ),
  roles: z
    .array(role)
    .min(1)
    .max(roles.length)
    .meta({
      ...distinct,
      description: 'Roles that servers of these namespaces may have. Mediation admits media gateways too, Edge media relays.',
    }),
  names: z
    .array(namePattern)
    .min(1)
    .max(64)
    .meta({ ...distinct, description: 'Names that they may hold; `*.voice.contoso.com` is every name below voice.contoso.com.' }),
});

const simpleURLs = z.object({
  meet: namePattern.optional().describe('Host of the meeting URL, such as `meet.contoso.com`.'),
  dialin: namePattern.optional().describe('Host of the dial-in page, such as `dialin.contoso.com`.'),
  admin: namePattern.optional().describe('Host of the administration page, such as `admin.contoso.com`.'),
});

const security = z.object({
  tls: z
    .object({ minVersion: z.enum(['1.2', '1.3']).default('1.2').describe('The lowest TLS version; a string, so quote it.') })
    .prefault({})
    .describe('TLS of every server.'),
  fips: z
    .enum(['Disabled', 'Required'])
    .default('Disabled')
    .describe('Required: only FIPS 140 approved algorithms are issued, and a CA or key that is none is refused.'),
  mesh: z
    .enum(['ByRole', 'Full'])
    .default('ByRole')
    .describe('ByRole: servers talk to those that their role has business with. Full: every server with every other.'),
});

const traffic = z.object({
  instantMessaging: z
    .enum(['TLS', 'TCP'])
    .default('TLS')
    .describe('Instant messaging and presence. TCP is unencrypted and reported.'),
  mediationToGateway: z
    .enum(['TLS', 'TCP'])
    .default('TLS')
    .describe('Trunks of mediation servers to media gateways. TCP is unencrypted and reported.'),
});

// Every SPIFFE ID begins with it, so that a change would rename every server at once.
const spiffeTrustDomain = (object: string) =>
  `(has(${object}.spiffeTrustDomain) ? ${object}.spiffeTrustDomain : ${object}.sipDomains[0])`;

export const trustDomainSpec = constrained(
  z.object({
    enterpriseCA: objectName.describe('Name of the EnterpriseCA that issues the certificates of this domain.'),
    sipDomains: z
      .array(sipDomain)
      .min(1)
      .max(64)
      .meta({
        ...distinct,
        description:
          'The SIP domains, such as `contoso.com`. The first is immutable, unless `spiffeTrustDomain` is set: every SPIFFE ID begins with it.',
      }),
    spiffeTrustDomain: fqdn
      .optional()
      .describe('Trust domain of the SPIFFE IDs, where it is not the first SIP domain. Immutable.'),
    members: z
      .object({ namespaceSelector: labelSelector.describe('Namespaces that are members; `{}` selects all of them.') })
      .optional()
      .describe('Namespaces that receive the client bundle, and may declare servers as `admission` says.'),
    admission: z
      .array(admission)
      .max(64)
      .optional()
      .describe(
        'Who may declare what; only these entries count. Absent, a member namespace may declare the role Server, for names below `<namespace>.<SIP domain>`.',
      ),
    additionalEnterpriseCAs: z
      .array(objectName)
      .max(16)
      .optional()
      .meta({ ...distinct, description: 'EnterpriseCAs that a certificate use may name instead of the one of the domain.' }),
    simpleURLs: simpleURLs
      .optional()
      .describe(
        'Hosts of the simple URLs, held by the web services certificates of the front ends. A wildcard may stand for them.',
      ),
    security: security.prefault({}).describe('What servers of the domain must and may do.'),
    media: z
      .object({
        encryptionLevel: encryptionLevel
          .default('Required')
          .describe(
            'Whether media is SRTP: always, where the other side can, or never. Of links of which neither end declares a level.',
          ),
      })
      .prefault({})
      .describe('Audio, video and desktop sharing.'),
    traffic: traffic.prefault({}).describe('What may go unencrypted; all other traffic is fixed.'),
  }),
  {
    rule: `${spiffeTrustDomain('self')} == ${spiffeTrustDomain('oldSelf')}`,
    message: 'The first SIP domain is immutable, and so is spiffeTrustDomain: every SPIFFE ID begins with it.',
    messageExpression:
      `"Every SPIFFE ID begins with '%s', which cannot become '%s': keep %s as it is.".format([` +
      `${spiffeTrustDomain('oldSelf')}, ${spiffeTrustDomain('self')}, ` +
      `has(oldSelf.spiffeTrustDomain) ? 'spiffeTrustDomain' : 'the first of sipDomains'])`,
    reason: 'FieldValueForbidden',
  },
);

export const trustDomainStatus = z.object({
  ...baseStatus,
  memberNamespaces: z.int().optional().describe('How many namespaces are members.'),
  servers: z.int().optional().describe('How many TrustedServers name this domain.'),
  readyServers: z.int().optional().describe('How many of them are Ready.'),
  certificates: z.int().optional().describe('How many certificates they hold.'),
  findings: z
    .array(
      z.object({
        reason: z.string().describe('What was found; a reason of their conditions.'),
        count: z.int().describe('How many objects of the domain show it.'),
      }),
    )
    .max(32)
    .optional()
    .meta({
      ...keyedBy('reason'),
      description: 'What is not as it should be in the domain: objects that show it in a condition.',
    }),
  findingsTotal: z.int().optional().describe('The sum of `findings`.'),
});

export type TrustDomainSpec = z.infer<typeof trustDomainSpec>;
export type TrustDomainStatus = z.infer<typeof trustDomainStatus>;

// ConfigMaps are `trustmesh-<domain>` and `trustmesh-<domain>-<audience>`: a domain named like the second would share one with another.
const audiences = [...roles.map(kebabCase), 'edge-external'];
const audienceOf = (name: string) => `${JSON.stringify(audiences)}.filter(a, ${name}.endsWith('-' + a))`;

export const trustDomain = {
  kind: 'TrustDomain',
  plural: 'trustdomains',
  shortName: 'td',
  scope: 'Cluster',
  description: 'The trusted network: its SIP domains, its CA, who is a member, who may declare what, and its policies.',
  spec: trustDomainSpec,
  status: trustDomainStatus,
  rules: [
    {
      rule: "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
      message: 'The name is a DNS label (at most 63 of a-z, 0-9 and hyphens), because ConfigMaps are named after it.',
      messageExpression:
        `"'%s' is not a DNS label: write at most 63 of a-z, 0-9 and hyphens, because ConfigMaps are named after it."` +
        '.format([self.metadata.name])',
      fieldPath: '.metadata.name',
    },
    {
      rule: `size(${audienceOf('self.metadata.name')}) == 0`,
      message: `The name does not end in ${audiences.map((audience) => `-${audience}`).join(', ')}, because a ConfigMap of another domain could have the same name.`,
      messageExpression:
        `"'%s' must not end in '-%s': the ConfigMap of a domain without that ending, for servers of that role, has the same name."` +
        `.format([self.metadata.name, ${audienceOf('self.metadata.name')}[0]])`,
      fieldPath: '.metadata.name',
    },
  ],
  columns: [
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'CA', jsonPath: '.spec.enterpriseCA' },
    { name: 'Servers', jsonPath: '.status.servers', type: 'integer' },
    { name: 'Ready Servers', jsonPath: '.status.readyServers', type: 'integer' },
    { name: 'Findings', jsonPath: '.status.findingsTotal', type: 'integer', description: 'What is not as it should be.' },
    { name: 'SIP Domain', jsonPath: '.spec.sipDomains[0]', description: 'The first SIP domain.' },
    { name: 'Reason', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
    { name: 'Certificates', jsonPath: '.status.certificates', type: 'integer', priority: 1 },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: `apiVersion: trustmesh.io/v1alpha1
kind: TrustDomain
metadata:
  name: contoso
spec:
  enterpriseCA: contoso
  sipDomains: [contoso.com, contoso.net]
  members:
    namespaceSelector:
      matchExpressions:
        - {key: kubernetes.io/metadata.name, operator: In, values: [voice, perimeter]}
  admission:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: voice}}
      roles: [FrontEnd, Director, Mediation]
      names: ["*.contoso.com", "*.contoso.net"]
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: perimeter}}
      roles: [Edge]
      names: ["*.contoso.com"]
  additionalEnterpriseCAs: [public]
  simpleURLs:
    meet: meet.contoso.com
    dialin: dialin.contoso.com
    admin: admin.contoso.com
  security:
    tls: {minVersion: "1.2"}
    fips: Disabled
    mesh: ByRole
  media:
    encryptionLevel: Required
  traffic:
    instantMessaging: TLS
    mediationToGateway: TLS
`,
} satisfies Kind;
