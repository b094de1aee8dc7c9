// MediaRelay: a TURN relay, and the credentials that media sessions are authenticated with.
import { z } from 'zod';
import { constrained, immutable, type Kind } from '../kind.ts';
import { duration, durationsCompare } from './duration.ts';
import { baseStatus, certificateFacts, delistedAt } from './fields.ts';
import { fqdn, objectName } from './names.ts';

const port = z.int32().min(1).max(65535);

const relayPorts = constrained(
  z.object({
    from: port.describe('First port.'),
    to: port.describe('Last port.'),
  }),
  {
    rule: 'self.from <= self.to',
    message: 'from is at most to.',
    messageExpression: '"The ports %d to %d are none: from is at most to.".format([self.from, self.to])',
    fieldPath: '.to',
  },
);

const credentials = constrained(
  z.object({
    lifetime: constrained(duration.default('8h'), {
      rule: "!self.matches('^([0-9]{1,6}h|[0-9]{1,7}m|[0-9]{1,9}s)+$') || (duration(self) >= duration('1m') && duration(self) <= duration('4320h'))",
      message: 'Credentials live for 1m to 4320h (180 days).',
      messageExpression: '"Credentials live for 1m to 4320h (180 days), not for %s.".format([self])',
    }).describe('How long a credential is good after a registrar has made it.'),
    rollEvery: duration.default('720h').describe('How often the shared secret is rolled.'),
    propagation: duration
      .default('2m')
      .describe('How long whoever reads a changed Secret may take to load it. A kubelet brings it to a Pod within two minutes.'),
    generation: z.int32().min(1).default(1).describe('Raise it to roll the shared secret now.'),
  }),
  durationsCompare(['lifetime', '<=', 'rollEvery'], 'old and new are valid together for the lifetime of a credential'),
);

export const mediaRelaySpec = z.object({
  trustDomain: constrained(objectName, immutable('trustDomain', 'its certificate and its SPIFFE ID hang on it')).describe(
    'Name of the TrustDomain that the relay belongs to. Immutable.',
  ),
  fqdn: fqdn.describe('DNS name of the relay, such as `turn.contoso.com`.'),
  realm: fqdn.optional().describe('Realm of its credentials (RFC 8489); the first SIP domain of the domain where absent.'),
  ports: z
    .object({
      turn: port.default(3478).describe('UDP and TCP port of STUN and TURN.'),
      turns: port.default(5349).describe('TCP port of TURN over TLS.'),
      relay: relayPorts.optional().describe('UDP ports that media is relayed on; 49152 to 65535 where absent.'),
    })
    .prefault({})
    .describe('Where the relay listens.'),
  credentials: credentials.prefault({}).describe('The shared secret that time-limited credentials are made with.'),
  registrars: z
    .array(
      z.object({
        namespace: objectName.describe('Namespace of the TrustedServer.'),
        name: objectName.describe('Name of the TrustedServer.'),
      }),
    )
    .max(64)
    .optional()
    .meta({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['namespace', 'name'],
      description:
        'The servers that make credentials for it. Absent: every registrar (FrontEnd, StandardEdition, Director, SurvivableBranch) and every Mediation server of the domain.',
    }),
  certificate: z
    .object({
      secretName: objectName.optional().describe('Name of its Secret, where it is not `<relay>-tls`.'),
    })
    .prefault({})
    .describe('The certificate of its TLS listener.'),
});

export const mediaRelayStatus = z.object({
  ...baseStatus,
  delistedAt,
  phase: z.string().optional().describe('Where the roll of the shared secret stands.'),
  rollAt: z.string().optional().describe('When the shared secret is rolled next (RFC 3339).'),
  registrars: z.int().optional().describe('Servers that make credentials for it.'),
  certificate: z
    .object({
      secretName: z.string().describe('Secret that holds it.'),
      ...certificateFacts,
      renewAt: z.string().describe('When it will be renewed (RFC 3339).'),
    })
    .optional()
    .describe('The certificate of its TLS listener.'),
});

export type MediaRelaySpec = z.infer<typeof mediaRelaySpec>;
export type MediaRelayStatus = z.infer<typeof mediaRelayStatus>;

export const mediaRelay = {
  kind: 'MediaRelay',
  plural: 'mediarelays',
  shortName: 'mr',
  scope: 'Namespaced',
  description: 'A TURN relay, and the credentials that media sessions are authenticated with.',
  spec: mediaRelaySpec,
  status: mediaRelayStatus,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'The name is at most 63 characters, because its Secrets are named after it.',
      messageExpression:
        '"The name has %d characters: write at most 63, because its Secrets are named after it.".format([size(self.metadata.name)])',
      fieldPath: '.metadata.name',
    },
  ],
  columns: [
    { name: 'Relay', jsonPath: '.spec.fqdn' },
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Phase', jsonPath: '.status.phase', description: 'Where the roll of the shared secret stands.' },
    { name: 'Roll', jsonPath: '.status.rollAt', description: 'When the shared secret is rolled next.' },
    { name: 'Domain', jsonPath: '.spec.trustDomain', priority: 1 },
    { name: 'Expires', jsonPath: '.status.certificate.notAfter', description: 'When its certificate expires.', priority: 1 },
    { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' },
  ],
  example: `apiVersion: trustmesh.io/v1alpha1
kind: MediaRelay
metadata:
  name: turn
  namespace: perimeter
spec:
  trustDomain: contoso
  fqdn: turn.contoso.com
  credentials: {lifetime: 8h, rollEvery: 720h}
`,
} satisfies Kind;
