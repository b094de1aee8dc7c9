// The incremental index against one that is fed the final state alone: whatever the way there, they answer the same, and
// everything whose answer changed on the way was told.
import fc from 'fast-check';
import { type Role, roles, type TrustDomain, type TrustedServer } from '../../../operator/api/v1alpha1/index.ts';
import { peerSources } from '../../../operator/outputs/peers.ts';
import type { NamespaceFacts } from '../../../operator/topology/admission.ts';
import type { BundleKey } from '../../../operator/topology/bundle-key.ts';
import type { IssuedName } from '../../../operator/topology/claims.ts';
import type { Audience } from '../../../operator/topology/names.ts';
import { bucketCount } from '../../../operator/topology/peer-list.ts';
import { Topology } from '../../../operator/topology/topology.ts';
import { namespace, trustDomain, trustedServer } from './objects.ts';

const domainNames = ['contoso', 'fabrikam'];
const namespaceNames = ['voice', 'web', 'lab'];
const serverKeys = ['voice/a', 'voice/b', 'voice/c', 'web/a', 'web/b', 'lab/a', 'lab/b'];
const hosts = ['p1', 'p2', 'p3', 'p4', 'sip', 'meet'];
const zones = ['contoso.com', 'eu.contoso.com', 'fabrikam.com'];
const names = zones.flatMap((zone) => hosts.map((host) => `${host}.${zone}`));
const authorities = ['contoso', 'public', 'spare'];
const audiences: readonly Audience[] = [
  'clients',
  'edge-external',
  ...['front-end', 'director', 'mediation', 'edge', 'persistent-chat', 'server'],
];

interface State {
  readonly domains: Map<string, TrustDomain>;
  readonly namespaces: Map<string, NamespaceFacts>;
  readonly servers: Map<string, TrustedServer>;
}

/** What the journal and the clock would say; the same throughout a run. */
interface World {
  readonly issued: ReadonlyMap<string, readonly IssuedName[]>;
  readonly inGrace: ReadonlySet<string>;
}

interface Told {
  readonly servers: Set<string>;
  readonly domains: Set<string>;
  readonly bundles: Set<string>;
}

const name = fc.constantFrom(...names);
const role = fc.constantFrom<Role>('FrontEnd', 'Director', 'Mediation', 'Edge', 'PersistentChat', 'Server');
const identity = fc.record({
  uid: fc.constantFrom('u1', 'u2', 'u3', 'u4'),
  creationTimestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'),
});

const domainSpec = fc.record({
  enterpriseCA: fc.constantFrom('contoso', 'spare'),
  additionalEnterpriseCAs: fc.constant(['public']),
  sipDomains: fc.uniqueArray(fc.constantFrom(...zones), { minLength: 1, maxLength: 2 }),
  members: fc.constantFrom({ namespaceSelector: { matchLabels: { member: 'yes' } } }, { namespaceSelector: {} }, undefined),
  admission: fc.constantFrom(
    undefined,
    [],
    [{ namespaceSelector: { matchLabels: { admitted: 'yes' } }, roles, names: ['*.contoso.com', '*.fabrikam.com'] }],
    [{ namespaceSelector: {}, roles: ['FrontEnd', 'Server'], names: ['*.contoso.com'] }],
  ),
  simpleURLs: fc.constantFrom(undefined, { meet: 'meet.contoso.com' }, { meet: 'meet.fabrikam.com' }),
  security: fc.constantFrom({}, { mesh: 'Full' }),
});

const serverSpec = fc.record(
  {
    trustDomain: fc.constantFrom(...domainNames),
    poolFQDN: name,
    members: fc
      .uniqueArray(name, { minLength: 1, maxLength: 3 })
      .map((fqdns) => fqdns.map((fqdn, index) => ({ fqdn, name: `m${index}` }))),
    certificates: fc.constantFrom(
      undefined,
      { uses: [{ use: 'Default', enterpriseCA: 'public' }] },
      { uses: [{ use: 'Default', enterpriseCA: 'spare', extraNames: ['p4.contoso.com'] }] },
    ),
    outputs: fc.constantFrom(undefined, ['Kamailio']),
    peers: fc.option(fc.uniqueArray(fc.oneof(name, fc.constantFrom('a', 'b', 'c')), { minLength: 1, maxLength: 3 }), {
      freq: 1,
      nil: undefined,
    }),
  },
  { requiredKeys: ['trustDomain', 'poolFQDN', 'members'] },
);

const definite = <T extends object>(value: T): object =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));

interface Change {
  readonly what: string;
  readonly apply: (state: State, topology: Topology) => void;
  /** What fast-check prints of a counterexample. */
  readonly [fc.toStringMethod]: () => string;
}

const change = (what: string, apply: Change['apply']): Change => ({ what, apply, [fc.toStringMethod]: () => what });

const domainChange = fc
  .tuple(fc.constantFrom(...domainNames), fc.option(fc.tuple(domainSpec, identity), { freq: 4, nil: undefined }))
  .map(([which, made]): Change => {
    const domain = made && trustDomain(which, definite(made[0]), made[1]);
    return change(`domain ${which} ${JSON.stringify(domain?.spec)} ${JSON.stringify(made?.[1])}`, (state, topology) => {
      if (domain === undefined) state.domains.delete(which);
      else state.domains.set(which, domain);
      topology.setDomain(which, domain);
    });
  });

const namespaceChange = fc
  .tuple(
    fc.constantFrom(...namespaceNames),
    fc.option(fc.record({ member: fc.boolean(), admitted: fc.boolean(), terminating: fc.integer({ min: 0, max: 5 }) }), {
      freq: 8,
      nil: undefined,
    }),
  )
  .map(([which, flags]): Change => {
    const labels = { ...(flags?.member ? { member: 'yes' } : {}), ...(flags?.admitted ? { admitted: 'yes' } : {}) };
    const facts = flags && namespace(which, labels, flags.terminating === 0);
    return change(`namespace ${which} ${JSON.stringify(facts)}`, (state, topology) => {
      if (facts === undefined) state.namespaces.delete(which);
      else state.namespaces.set(which, facts);
      topology.setNamespace(which, facts);
    });
  });

const serverChange = fc
  .tuple(
    fc.constantFrom(...serverKeys),
    fc.option(fc.tuple(role, serverSpec, identity, fc.integer({ min: 0, max: 8 })), { freq: 5, nil: undefined }),
  )
  .map(([key, made]): Change => {
    const [inNamespace = '', called = ''] = key.split('/');
    const server =
      made &&
      trustedServer(called, made[0], specFor(made[0], made[1]), {
        namespace: inNamespace,
        ...made[2],
        // A UID is one object's: the same one never stands for two.
        uid: `${made[2].uid}-${key}`,
        ...(made[3] === 0 ? { deletionTimestamp: '2026-01-02T00:00:00Z' } : {}),
      });
    return change(`server ${key} ${JSON.stringify(server?.spec)} ${JSON.stringify(server?.metadata)}`, (state, topology) => {
      if (server === undefined) state.servers.delete(key);
      else state.servers.set(key, server);
      topology.setServer(key, server);
    });
  });

/** The Edge has no use Default, and only a Server names its peers. */
function specFor(
  as: Role,
  { certificates, peers, ...spec }: { readonly certificates?: unknown; readonly peers?: unknown },
): object {
  return definite({ ...spec, ...(as === 'Edge' ? {} : { certificates }), ...(as === 'Server' ? { peers } : {}) });
}

const refresh = fc
  .constantFrom(...serverKeys)
  .map((key): Change => change(`refresh ${key}`, (_state, topology) => topology.refresh(key)));

const world = fc.record({
  issued: fc
    .array(
      fc.tuple(name, fc.constantFrom('u1', 'u2'), fc.constantFrom(...serverKeys)).map(([issued, uid, key]) => ({
        issued,
        record: { uid: `${uid}-${key}`, namespace: key.split('/')[0] ?? '', notAfter: 1 },
      })),
      { maxLength: 6 },
    )
    .map((records) => {
      const byName = new Map<string, IssuedName[]>();
      for (const { issued, record } of records) byName.set(issued, [...(byName.get(issued) ?? []), record]);
      return byName;
    }),
  inGrace: fc.array(fc.constantFrom('u1', 'u2')).map((uids) => new Set(uids)),
});

function topologyOf({ issued, inGrace }: World): { readonly topology: Topology; readonly told: Told } {
  const told: Told = { servers: new Set(), domains: new Set(), bundles: new Set() };
  const topology = new Topology({
    dirty: {
      server: (key) => told.servers.add(key),
      domain: (domain) => told.domains.add(domain),
      bundle: (key) => told.bundles.add(idOf(key)),
      gateway: () => undefined,
      relay: () => undefined,
      federation: () => undefined,
    },
    issued: (asked) => issued.get(asked) ?? [],
    inGrace: (object) => inGrace.has(object.metadata.uid.slice(0, 2)),
  });
  return { topology, told };
}

function idOf({ domain, audience, namespace: where }: BundleKey): string {
  return `${domain}/${audience}/${where}`;
}

function entriesOf(topology: Topology, domain: string, of: Role): readonly string[] {
  const list = topology.peerList(domain, of);
  return Array.from({ length: bucketCount }, (_, bucket) => list?.entries(bucket) ?? []).flat();
}

const allBundles = domainNames.flatMap((domain) =>
  audiences.flatMap((audience) => namespaceNames.map((where): BundleKey => ({ domain, audience, namespace: where }))),
);

function namedBy(topology: Topology, domain: string): readonly string[] {
  return (['Any', 'Internal'] as const).flatMap((face) =>
    authorities
      .filter((authority) => topology.namesAuthority(domain, authority, face))
      .map((authority) => `${face}/${authority}`),
  );
}

/** Everything that the public questions answer. */
function answers(topology: Topology) {
  return {
    domains: topology
      .domains()
      .map((domain) => domain.metadata.name)
      .sort(),
    byDomain: domainNames.map((domain) => ({
      domain: topology.domain(domain),
      problem: topology.domainProblem(domain),
      members: [...topology.memberNamespaces(domain)].sort(),
      servers: [...topology.serversOf(domain)].sort(),
      authorities: namedBy(topology, domain),
      peers: roles.map((of) => [
        topology.peerList(domain, of)?.size,
        topology.peerList(domain, of)?.bytes,
        entriesOf(topology, domain, of),
      ]),
      bundles: topology.bundles(domain).map(idOf).sort(),
    })),
    namespaces: namespaceNames.map((where) => topology.namespace(where)),
    placements: serverKeys.map((key) => topology.placement(key)),
    holders: names.map((each) => topology.holder(each)),
    wanted: allBundles.filter((key) => topology.wants(key)).map(idOf),
  };
}

/** What a server's reconcile is made of. */
function serverAnswer(topology: Topology, key: string): string {
  const placement = topology.placement(key);
  const { trustDomain: of = '', role: as = 'Server' } = placement?.server.spec ?? {};
  const { peers, outputs = [] } = placement?.server.spec ?? {};
  const named = peers?.map((peer) => {
    const pool = topology.placement(`${placement?.server.metadata.namespace}/${peer}`)?.server.spec.poolFQDN;
    return [topology.peerList(of, as)?.get(peer), pool && topology.peerList(of, as)?.get(pool)];
  });
  return JSON.stringify({
    placement,
    domain: topology.domain(of)?.spec,
    problem: topology.domainProblem(of),
    namespace: topology.namespace(placement?.server.metadata.namespace ?? '')?.terminating,
    holders: placement?.names.map((each) => topology.holder(each)),
    authorities: placement && namedBy(topology, of),
    peers: named ?? (outputs.length > 0 && peersOf(topology, of, as)),
  });
}

function peersOf(topology: Topology, domain: string, of: Role): unknown {
  const mesh = topology.domain(domain)?.spec.security.mesh ?? 'ByRole';
  return peerSources(of, mesh, (other) => topology.peerList(domain, other), roles).map(({ role: other, reach }) => [
    reach,
    entriesOf(topology, domain, other),
  ]);
}

const rolesByAudience: Readonly<Record<string, Role>> = {
  'front-end': 'FrontEnd',
  director: 'Director',
  mediation: 'Mediation',
  edge: 'Edge',
  'persistent-chat': 'PersistentChat',
  server: 'Server',
};

/** What a bundle is made of. */
function bundleAnswer(topology: Topology, key: BundleKey): string {
  const domain = topology.domain(key.domain);
  const as = rolesByAudience[key.audience];
  if (domain === undefined || !topology.wants(key)) return 'not wanted';
  return JSON.stringify({
    enterpriseCA: domain.spec.enterpriseCA,
    authorities: namedBy(topology, key.domain),
    peers: as && peersOf(topology, key.domain, as),
  });
}

function clear(told: Told): void {
  told.servers.clear();
  told.domains.clear();
  told.bundles.clear();
}

/** Feeds a state to a fresh index in the given order of kinds. */
function fresh(state: State, of: World, order: readonly ('domains' | 'namespaces' | 'servers')[]): Topology {
  const { topology } = topologyOf(of);
  for (const kind of order) {
    if (kind === 'domains') for (const [key, value] of state.domains) topology.setDomain(key, value);
    if (kind === 'namespaces') for (const [key, value] of state.namespaces) topology.setNamespace(key, value);
    if (kind === 'servers') for (const [key, value] of state.servers) topology.setServer(key, value);
  }
  return topology;
}

/** Compares text first: to look for the difference in thousands of equal answers would take most of the time. */
function expectSame(topology: Topology, other: Topology): void {
  const [actual, expected] = [answers(topology), answers(other)];
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

describe('the topology index', () => {
  it('answers as one that never knew anything but the final state, and tells whatever changed on the way', () => {
    const changes = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: domainChange },
        { weight: 3, arbitrary: namespaceChange },
        { weight: 6, arbitrary: serverChange },
        { weight: 1, arbitrary: refresh },
      ),
      { minLength: 1, maxLength: 24 },
    );
    fc.assert(
      fc.property(world, changes, (of, steps) => {
        const state: State = { domains: new Map(), namespaces: new Map(), servers: new Map() };
        const { topology, told } = topologyOf(of);
        for (const step of steps) {
          const serversBefore = new Map(serverKeys.map((key) => [key, serverAnswer(topology, key)]));
          const bundlesBefore = new Map(allBundles.map((key) => [idOf(key), bundleAnswer(topology, key)]));
          clear(told);
          step.apply(state, topology);
          const untold = [
            ...serverKeys.filter((key) => serverAnswer(topology, key) !== serversBefore.get(key) && !told.servers.has(key)),
            ...allBundles
              .filter((key) => bundleAnswer(topology, key) !== bundlesBefore.get(idOf(key)) && !told.bundles.has(idOf(key)))
              .map(idOf),
          ];
          if (untold.length > 0) throw new Error(`after ${step.what}, nobody was told of ${untold.join(', ')}`);
          expectSame(topology, fresh(state, of, ['namespaces', 'domains', 'servers']));
        }
        expectSame(topology, fresh(state, of, ['servers', 'domains', 'namespaces']));
      }),
      { numRuns: 120 },
    );
  });

  it('is empty again once everything is gone', () => {
    fc.assert(
      fc.property(world, fc.array(fc.oneof(domainChange, namespaceChange, serverChange), { maxLength: 20 }), (of, steps) => {
        const state: State = { domains: new Map(), namespaces: new Map(), servers: new Map() };
        const { topology } = topologyOf(of);
        for (const step of steps) step.apply(state, topology);
        for (const key of serverKeys) topology.setServer(key, undefined);
        for (const domain of domainNames) topology.setDomain(domain, undefined);
        for (const where of namespaceNames) topology.setNamespace(where, undefined);
        expectSame(topology, topologyOf(of).topology);
      }),
      { numRuns: 60 },
    );
  });
});
