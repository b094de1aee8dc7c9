// Who may call whom: every kind of pair by a table, and servers against the peer lists that they read.
import fc from 'fast-check';
import { type Role, roles } from '../../../operator/api/v1alpha1/index.ts';
import { peerSources } from '../../../operator/outputs/peers.ts';
import { ruleBetween } from '../../../operator/topology/mesh.ts';
import { narrowedEntries } from '../../../operator/topology/named-peers.ts';
import type { Anchor, Party } from '../../../operator/topology/party.ts';
import { bucketOf, parsePeer } from '../../../operator/topology/peer-list.ts';
import type { Placement } from '../../../operator/topology/placements.ts';
import type { Topology } from '../../../operator/topology/topology.ts';
import { type Verdict, verdict } from '../../../operator/topology/verdict.ts';
import { gateway, partner, relay } from './declared.ts';
import { admitting, namespace, trustDomain, trustedServer } from './objects.ts';
import { contoso, type Recorder } from './recorder.ts';

const server = (name: string, more: object = {}): Party => ({ kind: 'Server', key: `voice/${name}`, ...more });
const trunk = (name: string, more: object = {}): Party => ({ kind: 'Gateway', key: `voice/${name}`, ...more });
const federated = (name: string, more: object = {}): Party => ({ kind: 'Partner', name, ...more });
const turn: Party = { kind: 'Relay', key: 'voice/turn' };
const client: Party = { kind: 'Client', domain: 'contoso' };
const enterprise: Anchor = { kind: 'EnterpriseCA', name: 'contoso' };

const pem = { trustAnchors: [{ pem: 'as read by others' }] };

/** One of everything. */
function network(): Recorder {
  const made = contoso();
  const admission = [...admitting('voice', 'web').admission];
  made.topology.setDomain('contoso', trustDomain('contoso', { admission, additionalEnterpriseCAs: ['public'] }));
  made.topology.setDomain('fabrikam', trustDomain('fabrikam', { sipDomains: ['fabrikam.com'], enterpriseCA: 'fabrikam' }));
  made.set(
    trustedServer('fe', 'FrontEnd', {
      members: [{ fqdn: 'fe1.contoso.com' }, { fqdn: 'fe2.contoso.com' }],
      listeners: [
        { name: 'sip', port: 5071, protocol: 'MTLS' },
        { name: 'web', port: 8443, protocol: 'HTTPS' },
      ],
    }),
    trustedServer('dir', 'Director'),
    trustedServer('sba', 'SurvivableBranch'),
    trustedServer('med01', 'Mediation'),
    trustedServer('med02', 'Mediation'),
    trustedServer('chat', 'PersistentChat'),
    trustedServer('acd', 'TrustedApplication', { certificates: { uses: [{ use: 'Default', enterpriseCA: 'public' }] } }),
    trustedServer('crm', 'Server'),
    trustedServer('cdr', 'Server', { peers: ['crm'] }),
    trustedServer('hermit', 'Server', { peers: ['nobody.contoso.com'] }),
    trustedServer('edge', 'Edge', {
      edge: { accessFQDN: 'access.contoso.com' },
      listeners: [
        { name: 'sip', port: 5061, protocol: 'MTLS', face: 'Internal' },
        { name: 'media', port: 5062, protocol: 'MTLS', face: 'Internal' },
        { name: 'access', port: 5063, protocol: 'MTLS', face: 'External' },
        { name: 'anybody', port: 5064, protocol: 'MTLS', face: 'External', partners: 'Discovered' },
      ],
    }),
    trustedServer('inner', 'Edge'),
    trustedServer('strict', 'Edge', { edge: { accessFQDN: 'strict.contoso.com' } }),
    trustedServer('twin', 'FrontEnd', { poolFQDN: 'fe.contoso.com' }, { creationTimestamp: '2026-09-01T00:00:00Z' }),
    trustedServer('stranger', 'Server', { trustDomain: 'fabrikam' }),
  );
  const trunks = {
    gw: {},
    own: { certificate: pem },
    wide: { certificate: { issuer: 'EnterpriseCA' } },
    plain: { transport: 'TCP' },
    branch: { mediationServer: { name: 'sba' } },
    wrong: { mediationServer: { name: 'fe' } },
    lost: { mediationServer: { name: 'nowhere' } },
  };
  for (const [name, spec] of Object.entries(trunks)) made.topology.setGateway(`voice/${name}`, gateway(name, spec));
  made.topology.setRelay('voice/turn', relay('turn'));
  const discovered = { mode: 'Discovered', sipDomains: [], accessEdge: undefined };
  const partners = [
    partner('northwind'),
    partner('allowed', { mode: 'AllowedDomain', accessEdge: undefined }),
    partner(
      'found',
      { mode: 'AllowedDomain', accessEdge: undefined },
      { observedGeneration: 1, accessEdges: ['edge.found.com:5067'] },
    ),
    partner('anybody', discovered),
    partner('barred'),
    partner('blocker', { mode: 'Blocked', sipDomains: ['barred.com'] }),
    partner('torn', { sipDomains: ['torn.com', 'barred.com', 'northwind.com'] }),
    partner('refused', {}, { observedGeneration: 1, state: 'Refused' }),
  ];
  for (const each of partners) made.topology.setPartner(each.metadata.name, each);
  return made;
}

const { topology } = network();
const inShort = (result: Verdict) =>
  result.allowed
    ? `${result.rule} ${result.ways.map(({ protocol, ports }) => `${protocol} ${ports.join(',')}`.trim()).join('; ')}`
    : result.reason;

describe('a verdict', () => {
  it.each<readonly [string, Party, Party, string]>([
    [
      'members of one pool',
      server('fe', { member: 'fe1.contoso.com' }),
      server('fe', { member: 'fe2.contoso.com' }),
      'same-pool MTLS 5071',
    ],
    ['members of one pool that has no business with others of its role', server('chat'), server('chat'), 'same-pool MTLS'],
    ['registrars', server('fe'), server('dir'), 'registrar-registrar MTLS 5061'],
    ['a registrar that says where it listens', server('dir'), server('fe'), 'registrar-registrar MTLS 5071'],
    ['a registrar and a mediation server', server('fe'), server('med01'), 'registrar-mediation MTLS 5067,5070'],
    ['a registrar and an Edge', server('fe'), server('edge'), 'registrar-edge MTLS 5061,5062'],
    ['a mediation server and an Edge', server('med01'), server('edge'), 'mediation-edge MTLS 5062'],
    ['a registrar and persistent chat', server('dir'), server('chat'), 'registrar-persistent-chat MTLS 5061'],
    ['a registrar and an application', server('acd'), server('sba'), 'registrar-trusted-application MTLS 5061'],
    ['servers', server('crm'), server('cdr'), 'server-server MTLS'],
    ['two mediation pools', server('med01'), server('med02'), 'WrongRole'],
    ['an application and a mediation server', server('acd'), server('med01'), 'WrongRole'],
    ['a server that names others', server('hermit'), server('crm'), 'NotAPeer'],
    ['a server that is not named by the other', server('crm'), server('hermit'), 'NotAPeer'],
    ['a server that was never declared', server('fe'), server('nobody'), 'NotInTopology'],
    ['a member that was never declared', server('fe', { member: 'fe3.contoso.com' }), server('dir'), 'NotInTopology'],
    ['a server of another domain', server('crm'), server('stranger'), 'NotInTopology'],
    ['a server whose pool another one holds', server('twin'), server('dir'), 'NameConflict'],
    ['a server at the external face of an Edge', server('fe'), server('edge', { face: 'External' }), 'WrongInterface'],
    ['a mediation server and its gateway', server('med01'), trunk('gw'), 'mediation-gateway MTLS 5067'],
    ['a gateway and its mediation server', trunk('gw'), server('med01'), 'mediation-gateway MTLS 5067'],
    ['a branch appliance and its gateway', server('sba'), trunk('branch'), 'mediation-gateway MTLS 5082'],
    ['a gateway and another mediation server', trunk('gw'), server('med02'), 'NotItsTrunk'],
    ['a gateway and a registrar', trunk('gw'), server('fe'), 'NotItsTrunk'],
    ['a gateway over TCP', server('med01'), trunk('plain'), 'PlainTCPNotAllowed'],
    ['a gateway whose server has no trunks', trunk('wrong'), server('fe'), 'WrongRole'],
    ['a gateway whose server does not exist', trunk('lost'), server('med01'), 'NotInTopology'],
    ['a gateway and a gateway', trunk('gw'), trunk('own'), 'WrongRole'],
    ['an Edge and a partner', server('edge'), federated('northwind'), 'edge-partner MTLS 5061'],
    ['a partner and an Edge', federated('northwind'), server('edge'), 'edge-partner MTLS 5063'],
    ['a partner whose edge is not found yet', server('edge'), federated('allowed'), 'AddressNotKnown'],
    ['such a partner that calls', federated('allowed'), server('edge'), 'edge-partner MTLS 5063'],
    ['a partner whose edge was found', server('edge'), federated('found'), 'edge-partner MTLS 5067'],
    ['a partner that is merely discovered', federated('anybody'), server('edge'), 'edge-partner MTLS 5064'],
    ['such a partner where no listener is for it', federated('anybody'), server('strict'), 'WrongInterface'],
    ['such a partner that is called', server('edge'), federated('anybody'), 'AddressNotKnown'],
    ['a partner that another one blocks', federated('barred'), server('edge'), 'Blocked'],
    ['a partner of which nothing is believed', federated('refused'), server('edge'), 'CANotTrusted'],
    ['a partner and a registrar', federated('northwind'), server('fe'), 'WrongRole'],
    ['a partner at the internal face', federated('northwind'), server('edge', { face: 'Internal' }), 'WrongInterface'],
    ['a partner and an Edge without an external face', federated('northwind'), server('inner'), 'WrongInterface'],
    ['a client and a registrar', client, server('fe'), 'client-registrar TLS 5061; HTTPS 8443'],
    ['a client and an Edge', client, server('edge'), 'client-edge TLS 5061; HTTPS 443'],
    ['a client and a server', client, server('crm'), 'client-server TLS; HTTPS'],
    ['a client at the internal face of an Edge', client, server('edge', { face: 'Internal' }), 'WrongInterface'],
    ['a client and a mediation server', client, server('med01'), 'WrongRole'],
    ['a server and a client', server('fe'), client, 'WrongRole'],
    ['a client and a relay', client, turn, 'media-relay TLS 5349'],
    ['a registrar and a relay', server('fe'), turn, 'media-relay TLS 5349'],
    ['a server that makes no credentials, and a relay', server('crm'), turn, 'WrongRole'],
    ['a partner and a relay', federated('northwind'), turn, 'WrongRole'],
  ])('on %s', (_what, from, to, expected) => {
    const result = verdict(from, to, topology);
    expect(inShort(result)).toBe(expected);
    expect(result.allowed ? result.because : result.message).toMatch(/^\S.*\.$/);
  });

  it('lets a TCP trunk be where the domain says so, and then nobody shows a certificate', () => {
    const made = network();
    const traffic = { mediationToGateway: 'TCP' };
    made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), traffic }));
    const result = verdict(server('med01'), trunk('plain'), made.topology);
    expect(inShort(result)).toBe('mediation-gateway TCP 5066');
    expect(result).toMatchObject({ from: { names: [], holds: [] }, to: { names: [], holds: [] } });
  });

  it('lets every server talk to every other where the mesh is full, by the particular rule where there is one', () => {
    const made = network();
    made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), security: { mesh: 'Full' } }));
    expect(inShort(verdict(server('chat'), server('med01'), made.topology))).toBe('full-mesh MTLS');
    expect(inShort(verdict(server('dir'), server('chat'), made.topology))).toBe('registrar-persistent-chat MTLS 5061');
    expect(inShort(verdict(server('hermit'), server('chat'), made.topology))).toBe('NotAPeer');
  });
});

describe('what each side shows and holds', () => {
  it.each<readonly [string, Party, Party, object]>([
    [
      'of servers: names of pool and members, and the CA that the other has its certificate from',
      server('fe', { member: 'fe1.contoso.com' }),
      server('acd'),
      {
        from: {
          names: ['fe.contoso.com', 'fe1.contoso.com'],
          spiffeIDs: [
            'spiffe://contoso.com/front-end/fe.contoso.com',
            'spiffe://contoso.com/front-end/fe.contoso.com/fe.contoso.com',
            'spiffe://contoso.com/front-end/fe.contoso.com/fe1.contoso.com',
          ],
          holds: [{ kind: 'EnterpriseCA', name: 'public' }],
        },
        to: { names: ['acd.contoso.com', 'acd-a.contoso.com'], holds: [enterprise] },
      },
    ],
    [
      'of a trunk: the gateway authority of the pool, which opens no other listener',
      trunk('gw'),
      server('med01'),
      {
        from: {
          names: ['gw.contoso.com'],
          spiffeIDs: ['spiffe://contoso.com/media-gateway/gw.contoso.com'],
          holds: [enterprise],
        },
        to: { holds: [{ kind: 'GatewayAuthority', pool: 'voice/med01' }] },
      },
    ],
    [
      'of a trunk to a gateway with a CA of its own',
      trunk('own'),
      server('med01'),
      { from: { spiffeIDs: [] }, to: { holds: [{ kind: 'GatewayCA', gateway: 'voice/own' }] } },
    ],
    ['of a trunk to a gateway with an enterprise certificate', trunk('wide'), server('med01'), { to: { holds: [enterprise] } }],
    [
      'of a partner: its edge or a SIP domain of its (RFC 5922), and its CA alone',
      federated('northwind'),
      server('edge'),
      {
        from: { names: ['sip.northwind.com', 'northwind.com'], holds: [enterprise] },
        to: { names: ['access.contoso.com', 'sip.contoso.com'], holds: [{ kind: 'PartnerCA', partner: 'northwind' }] },
      },
    ],
    [
      'of a partner that is looked up: what was found, sip.<domain>, and its domains',
      federated('found'),
      server('edge'),
      { from: { names: ['edge.found.com', 'sip.found.com', 'found.com'] } },
    ],
    [
      'of a partner that is not found yet',
      federated('allowed'),
      server('edge'),
      { from: { names: ['sip.allowed.com', 'allowed.com'] } },
    ],
    [
      'of a partner of whose domains one is blocked, and one is another’s',
      federated('torn'),
      server('edge'),
      { from: { names: ['sip.torn.com', 'torn.com'] } },
    ],
    [
      'of a client: no certificate',
      client,
      server('fe'),
      {
        from: { names: [], holds: [enterprise] },
        to: { names: expect.arrayContaining(['sip.contoso.com', 'lyncdiscoverinternal.contoso.com']), holds: [] },
      },
    ],
  ])('%s', (_what, from, to, expected) => {
    expect(verdict(from, to, topology)).toMatchObject(expected);
  });

  it.each<readonly [string, Party, Party, string]>([
    [
      'right',
      server('fe', { presents: { names: ['fe.contoso.com'], issuer: enterprise } }),
      server('dir'),
      'registrar-registrar MTLS 5061',
    ],
    [
      'of another name',
      server('fe', { presents: { names: ['dir.contoso.com'], issuer: enterprise } }),
      server('dir'),
      'NameMismatch',
    ],
    [
      'of a partner, for one of our names',
      server('fe', { presents: { names: ['fe.contoso.com'], issuer: { kind: 'PartnerCA', partner: 'northwind' } } }),
      server('dir'),
      'CANotTrusted',
    ],
    [
      'of the enterprise, at the external face',
      federated('northwind', { presents: { names: ['sip.northwind.com'], issuer: enterprise } }),
      server('edge'),
      'CANotTrusted',
    ],
    [
      'of another partner',
      federated('northwind', { presents: { names: ['sip.northwind.com'], issuer: { kind: 'PartnerCA', partner: 'found' } } }),
      server('edge'),
      'CANotTrusted',
    ],
    [
      'of another pool’s gateway authority',
      trunk('gw', { presents: { names: ['gw.contoso.com'], issuer: { kind: 'GatewayAuthority', pool: 'voice/med02' } } }),
      server('med01'),
      'CANotTrusted',
    ],
    [
      'of the right CA, by a server that is not named',
      server('nobody', { presents: { names: ['nobody.contoso.com'], issuer: enterprise } }),
      server('fe'),
      'NotInTopology',
    ],
  ])('is held against a certificate %s', (_what, from, to, expected) => {
    expect(inShort(verdict(from, to, topology))).toBe(expected);
  });
});

/** The pools on the list that a server reads, as it is written for it. */
function listOf({ server: { spec, metadata } }: Placement, of: Topology): readonly string[] {
  const narrowed = narrowedEntries({ spec, metadata } as Placement['server'], of);
  if (narrowed !== undefined) return narrowed.map((entry) => parsePeer(entry).pool);
  const mesh = of.domain(spec.trustDomain)?.spec.security.mesh ?? 'ByRole';
  return peerSources(spec.role, mesh, (other) => of.peerList(spec.trustDomain, other), roles).flatMap(({ list, reach }) =>
    reach === 'SamePool'
      ? list.has(spec.poolFQDN)
        ? [spec.poolFQDN]
        : []
      : names.filter((pool) => list.entries(bucketOf(pool)).some((entry) => parsePeer(entry).pool === pool)),
  );
}

const hosts = ['a', 'b', 'c', 'd', 'e', 'f'];
const names = hosts.map((host) => `${host}.contoso.com`);
const fleet = fc.record({
  mesh: fc.constantFrom<'ByRole' | 'Full'>('ByRole', 'Full'),
  servers: fc.array(
    fc.record({
      role: fc.constantFrom<Role>(
        'FrontEnd',
        'Director',
        'Mediation',
        'Edge',
        'PersistentChat',
        'TrustedApplication',
        'Server',
        'Server',
        'Server',
      ),
      pool: fc.constantFrom(...names),
      where: fc.constantFrom('voice', 'web', 'elsewhere'),
      domain: fc.constantFrom('contoso', 'contoso', 'contoso', 'other'),
      age: fc.integer({ min: 1, max: 9 }),
      peers: fc.option(fc.uniqueArray(fc.constantFrom(...names, 's0', 's1', 's2', 'nobody'), { maxLength: 3 }), {
        nil: undefined,
      }),
    }),
    { minLength: 2, maxLength: 6 },
  ),
});

it('lets two servers talk exactly when each is on the list that the other reads, whoever calls', () => {
  let met = 0;
  fc.assert(
    fc.property(fleet, ({ mesh, servers }) => {
      const made = contoso();
      made.topology.setNamespace('elsewhere', namespace('elsewhere'));
      made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice', 'web'), security: { mesh } }));
      made.topology.setDomain('other', trustDomain('other', { ...admitting('voice', 'web'), sipDomains: ['other.com'] }));
      const keys = servers.map(({ role, pool, where, domain, age, peers }, index) => {
        const spec = {
          poolFQDN: pool,
          members: [{ fqdn: pool }],
          trustDomain: domain,
          ...(role === 'Server' && peers !== undefined ? { peers } : {}),
        };
        made.set(trustedServer(`s${index}`, role, spec, { namespace: where, creationTimestamp: `2026-01-0${age}T00:00:00Z` }));
        return `${where}/s${index}`;
      });
      for (const one of keys) {
        for (const other of keys) {
          const [reader, peer] = [made.topology.placement(one), made.topology.placement(other)];
          if (reader === undefined || peer === undefined) throw new Error('a server that was set is not there');
          const holds = (each: Placement) => {
            const holder = made.topology.holder(each.server.spec.poolFQDN);
            return each.listed && holder?.kind === 'Claim' && holder.claim.uid === each.server.metadata.uid;
          };
          const knows = (by: Placement, of: Placement) =>
            by.server.spec.trustDomain === of.server.spec.trustDomain &&
            listOf(by, made.topology).includes(of.server.spec.poolFQDN);
          const expected = holds(reader) && holds(peer) && knows(reader, peer) && knows(peer, reader);
          const { allowed } = verdict({ kind: 'Server', key: one }, { kind: 'Server', key: other }, made.topology);
          expect({ one, other, allowed }).toEqual({ one, other, allowed: expected });
          if (allowed && one !== other) met++;
        }
      }
    }),
    { numRuns: 200 },
  );
  expect(met).toBeGreaterThan(50);
});

it('follows the same rule from either end', () => {
  for (const role of roles) {
    for (const other of roles) expect(ruleBetween(role, other, 'ByRole')).toBe(ruleBetween(other, role, 'ByRole'));
  }
});
