// One of each fault on a real API server: shown on the object, told of once, counted by the domain, and gone when it is corrected,
// while everything beside it works.
import { between, countWrites, whenQuiet, withoutHeartbeat } from '../../bench/write-counts.ts';
import type { Condition, KubeObject, ObjectKey } from '../../operator/api/object.ts';
import {
  events,
  federatedPartners,
  mediaGateways,
  mediaRelays,
  type Resource,
  trustDomains,
  trustedServers,
} from '../../operator/kube/resource.ts';
import { makeCA } from '../support/foreign-ca.ts';
import {
  domainManifest,
  enterpriseCAManifest,
  mediaNamespace,
  partnerManifest,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { gatewayManifest, poolManifest } from '../support/media-gateway.ts';
import { waitFor } from '../support/wait.ts';

interface Conditioned extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

let trustmesh: Trustmesh;

const member = (name: string) => ({ poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}-a.contoso.com` }] });
const plain = { name: 'plain', port: 5060, protocol: 'TCP' };
const sip = { name: 'sip', port: 5061, protocol: 'MTLS' };
const domain = (spec: Readonly<Record<string, unknown>> = {}) =>
  domainManifest('contoso', { traffic: { instantMessaging: 'TCP' }, ...spec });
const relayManifest = (registrars: readonly string[]) =>
  `${JSON.stringify({
    apiVersion: 'trustmesh.io/v1alpha1',
    kind: 'MediaRelay',
    metadata: { name: 'turn', namespace: 'media' },
    spec: {
      trustDomain: 'contoso',
      fqdn: 'turn.contoso.com',
      registrars: registrars.map((name) => ({ namespace: 'media', name })),
    },
  })}\n---\n`;

beforeAll(async () => {
  const [fabrikam, northwind] = await Promise.all([
    makeCA('Fabrikam Root'),
    makeCA('Northwind Root', { notAfter: Date.now() + 2 * 3_600_000 }),
  ]);
  const anchored = (ca: { readonly pem: string }, spec: object = {}) => ({ trust: { anchors: [{ pem: ca.pem }] }, ...spec });
  trustmesh = await startTrustmesh();
  await trustmesh.apply(
    mediaNamespace +
      enterpriseCAManifest('contoso', { managed: {} }) +
      enterpriseCAManifest('modern', { managed: {}, leaf: { privateKey: { algorithm: 'Ed25519' } } }) +
      domain({ additionalEnterpriseCAs: ['public'] }) +
      domainManifest('modern', { security: { fips: 'Required' } }),
  );
  // The older of two holds their name.
  await trustmesh.apply(serverManifest('first', { role: 'Server', ...member('twin') }));
  await trustmesh.ready('media', 'first');
  await trustmesh.apply(
    [
      serverManifest('second', { role: 'Server', ...member('twin') }),
      serverManifest('chatty', {
        role: 'FrontEnd',
        ...member('chatty'),
        listeners: [sip, plain],
        media: { encryptionLevel: 'NotSupported' },
      }),
      serverManifest('loose', {
        role: 'Server',
        ...member('loose'),
        listeners: [plain],
        media: { encryptionLevel: 'Supported' },
      }),
      serverManifest('crm', { role: 'Server', ...member('crm'), peers: ['nobody', 'twin.contoso.com'] }),
      serverManifest('fast', {
        role: 'Server',
        trustDomain: 'modern',
        poolFQDN: 'a.modern.com',
        members: [{ fqdn: 'b.modern.com' }],
      }),
      poolManifest('med'),
      gatewayManifest('clear', 'med', { transport: 'TCP', srtp: 'NotSupported' }),
      gatewayManifest('lost', 'nowhere'),
      gatewayManifest('alien', 'med', { certificate: { trustAnchors: [{ configMapRef: { name: 'missing' } }] } }),
      relayManifest(['chatty', 'nobody']),
      partnerManifest('fabrikam', anchored(fabrikam)),
      partnerManifest('fabrikam-too', anchored(fabrikam, { sipDomains: ['fabrikam.com'] })),
      partnerManifest('northwind', anchored(northwind, { media: { encryptionLevel: 'NotSupported' } })),
    ].join(''),
  );
});

afterAll(() => trustmesh?.[Symbol.asyncDispose]());

interface Fault {
  readonly resource: Resource<Conditioned>;
  readonly key: ObjectKey;
  readonly type: string;
  readonly reason: string;
  readonly event: string;
}

const inMedia = (name: string) => ({ namespace: 'media', name });

const faults: readonly Fault[] = (
  [
    [trustDomains, { name: 'contoso' }, 'ReferencesFound', 'ReferenceNotFound'],
    [trustDomains, { name: 'modern' }, 'FIPSCompliant', 'NotFIPSCompliant'],
    [trustedServers, inMedia('fast'), 'FIPSCompliant', 'NotFIPSCompliant'],
    [trustedServers, inMedia('second'), 'TopologyValid', 'NameConflict'],
    [trustedServers, inMedia('chatty'), 'LinkEncrypted', 'UnencryptedLink'],
    [trustedServers, inMedia('chatty'), 'MediaEncrypted', 'SRTPNotPossible'],
    [trustedServers, inMedia('loose'), 'ListenersAllowed', 'ListenerNotAllowed'],
    [trustedServers, inMedia('loose'), 'MediaEncrypted', 'EncryptedWherePossible', 'UnencryptedLink'],
    [trustedServers, inMedia('med'), 'LinkEncrypted', 'UnencryptedLink'],
    [trustedServers, inMedia('med'), 'MediaEncrypted', 'SRTPNotPossible'],
    [trustedServers, inMedia('med'), 'CertificateTrusted', 'UntrustedGateway'],
    [trustedServers, inMedia('crm'), 'ReferencesFound', 'ReferenceNotFound'],
    [mediaGateways, inMedia('clear'), 'LinkEncrypted', 'PlainTCPNotAllowed', 'UnencryptedLink'],
    [mediaGateways, inMedia('clear'), 'MediaEncrypted', 'SRTPNotPossible'],
    [mediaGateways, inMedia('lost'), 'TopologyValid', 'MediationServerNotFound', 'ReferenceNotFound'],
    [mediaGateways, inMedia('alien'), 'CertificateTrusted', 'UntrustedGateway'],
    [mediaRelays, inMedia('turn'), 'ReferencesFound', 'ReferenceNotFound'],
    [federatedPartners, { name: 'fabrikam' }, 'TopologyValid', 'PartnerConflict'],
    [federatedPartners, { name: 'fabrikam-too' }, 'TopologyValid', 'PartnerConflict'],
    [federatedPartners, { name: 'northwind' }, 'TrustEstablished', 'NoEdge', 'NoEdgeForPartner'],
    [federatedPartners, { name: 'northwind' }, 'MediaEncrypted', 'SRTPNotPossible'],
    [federatedPartners, { name: 'northwind' }, 'AnchorsCurrent', 'AnchorExpiring', 'PartnerExpiring'],
  ] as const
).map(([resource, key, type, reason, event = reason]) => ({ resource, key, type, reason, event }));

async function conditionOf({ resource, key, type }: Pick<Fault, 'resource' | 'key' | 'type'>): Promise<Condition | undefined> {
  return (await trustmesh.find(resource, key))?.status?.conditions?.find((condition) => condition.type === type);
}

/** Waits until the domain counts exactly these. */
async function counted(name: string, expected: Readonly<Record<string, number>>): Promise<void> {
  let seen: object = {};
  await waitFor(
    `TrustDomain ${name} to count ${JSON.stringify(expected)}`,
    async () => {
      const { status } = await trustmesh.admin.get(trustDomains, { name });
      seen = {
        ...Object.fromEntries((status?.findings ?? []).map(({ reason, count }) => [reason, count])),
        total: status?.findingsTotal,
      };
      const total = Object.values(expected).reduce((sum, count) => sum + count, 0);
      const entries = Object.entries({ ...expected, total }).sort();
      return JSON.stringify(Object.entries(seen).sort()) === JSON.stringify(entries);
    },
    { limitMs: 60_000, seen: () => seen },
  );
}

describe('one of each fault', () => {
  it.each(faults)('$reason on $key.name is shown in $type, and told of', async (fault) => {
    const { resource, key, type, reason, event } = fault;
    let seen: Condition | undefined;
    await waitFor(
      `${type} of ${resource.kind} ${key.name} to be False, ${reason}`,
      async () => {
        seen = await conditionOf(fault);
        return seen?.status === 'False' && seen.reason === reason;
      },
      { limitMs: 40_000, seen: () => seen },
    );
    const namespace = key.namespace ?? 'default';
    await waitFor(
      `the event ${event} on ${resource.kind} ${key.name}`,
      async () => {
        const { items } = await trustmesh.admin.list(events, { namespace });
        const ours = items.filter(({ regarding }) => regarding?.kind === resource.kind && regarding.name === key.name);
        return ours.some((each) => each.reason === event && each.type === 'Warning');
      },
      { limitMs: 20_000 },
    );
  });

  it.each<[string, string, string, string, string]>([
    ['TrustedServer', 'med', 'UnencryptedLink', 'MediaGateway', 'clear'],
    ['TrustedServer', 'med', 'UntrustedGateway', 'MediaGateway', 'alien'],
    ['TrustedServer', 'chatty', 'UnencryptedLink', 'TrustDomain', 'contoso'],
    ['MediaGateway', 'clear', 'SRTPNotPossible', 'TrustedServer', 'med'],
    ['MediaGateway', 'alien', 'UntrustedGateway', 'TrustedServer', 'med'],
  ])('the event on %s %s of %s is related to %s %s', async (kind, name, reason, otherKind, other) => {
    const { items } = await trustmesh.admin.list(events, { namespace: 'media' });
    const ours = items.filter((each) => each.regarding?.kind === kind && each.regarding.name === name && each.reason === reason);
    expect(ours.map(({ related }) => related)).toContainEqual({
      apiVersion: 'trustmesh.io/v1alpha1',
      kind: otherKind,
      ...(otherKind === 'TrustDomain' ? {} : { namespace: 'media' }),
      name: other,
    });
  });

  it('names the gateways on the server at the other end of their trunks, which is Ready', async () => {
    const conditions = (await trustmesh.ready('media', 'med')).status?.conditions ?? [];
    const messageOf = (type: string) => conditions.find((condition) => condition.type === type)?.message;
    expect(messageOf('LinkEncrypted')).toContain('media/clear (1 of 2)');
    expect(messageOf('CertificateTrusted')).toContain('media/alien (1 of 2)');
    expect(messageOf('TopologyValid')).toContain('What is found about it: UnencryptedLink, SRTPNotPossible, UntrustedGateway.');
  });

  it('is counted, an object once for each reason', async () => {
    await counted('contoso', {
      UnencryptedLink: 4,
      SRTPNotPossible: 4,
      UntrustedGateway: 2,
      NameConflict: 1,
      PartnerConflict: 2,
      ReferenceNotFound: 4,
      NoEdgeForPartner: 3,
      AnchorExpiring: 1,
      ListenerNotAllowed: 1,
    });
    await counted('modern', { NotFIPSCompliant: 2 });
  });

  it('stops nobody: what works is Ready, with the finding or beside it', async () => {
    for (const name of ['first', 'chatty', 'loose', 'crm', 'med']) await trustmesh.ready('media', name);
    const ready = await conditionOf({ resource: trustDomains, key: { name: 'contoso' }, type: 'Ready' });
    expect(ready?.status).toBe('True');
  });

  it('costs nothing more once it is told', async () => {
    const before = await whenQuiet(trustmesh.admin);
    // The time is what is tested here: counts are written every ten seconds at most.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    expect([...withoutHeartbeat(between(before, await countWrites(trustmesh.admin)).writes)]).toEqual([]);
  });
});

it('is gone when it is corrected', async () => {
  for (const name of ['fabrikam-too', 'northwind']) await trustmesh.admin.delete(federatedPartners, { name });
  for (const name of ['lost', 'alien']) await trustmesh.admin.delete(mediaGateways, inMedia(name));
  await trustmesh.admin.delete(trustedServers, inMedia('second'));
  await trustmesh.apply(
    [
      domain(),
      enterpriseCAManifest('modern', { managed: {}, leaf: { privateKey: { algorithm: 'ECDSA', size: 256 } } }),
      serverManifest('chatty', { role: 'FrontEnd', ...member('chatty'), listeners: [sip] }),
      serverManifest('loose', { role: 'Server', ...member('loose'), listeners: [sip] }),
      serverManifest('nobody', { role: 'Server', ...member('nobody') }),
      serverManifest('edge', { role: 'Edge', ...member('edge'), edge: { accessFQDN: 'access.contoso.com' } }),
      gatewayManifest('clear', 'med', { transport: 'TLS', srtp: 'Required' }),
    ].join(''),
  );
  await counted('contoso', {});
  await counted('modern', {});
  for (const name of ['chatty', 'loose', 'crm', 'nobody', 'fast', 'med']) {
    const { status } = await trustmesh.ready('media', name);
    expect(status?.conditions?.filter(({ status: is }) => is === 'False')).toEqual([]);
  }
});
