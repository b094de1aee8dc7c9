// The status of a TrustDomain: what it says, how servers are counted, and when it may be written.
import type { FederatedPartner, MediaGateway, MediaRelay, TrustedServer } from '../../../operator/api/v1alpha1/index.ts';
import { type DomainCount, DomainCounts } from '../../../operator/controllers/trust-domain/counts.ts';
import type { DomainObservation } from '../../../operator/controllers/trust-domain/observe.ts';
import { plan } from '../../../operator/controllers/trust-domain/plan.ts';
import { report } from '../../../operator/controllers/trust-domain/report.ts';
import { Store } from '../../../operator/kube/store.ts';
import { now } from '../pki/authorities.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';
import { kstatus } from './kstatus.ts';
import { available, unavailable } from './observed.ts';

const counts = { servers: 3, readyServers: 2, certificates: 7 };
const count: DomainCount = { ...counts, findings: new Map() };
const domain = trustDomain();
const compliance = { problems: [], unknown: [], openSSL: { version: '3.5.8', fipsProvider: false } };
const observation = (changes: Partial<DomainObservation> = {}): DomainObservation => ({
  domain,
  authority: available,
  compliance,
  authorities: [],
  memberNamespaces: 1,
  count,
  ...changes,
});
const required = trustDomain('contoso', { security: { fips: 'Required' } });

describe('the status', () => {
  it.each<readonly [string, Partial<DomainObservation>, object, string]>([
    [
      'of a domain that is well',
      {},
      { Ready: 'True Ready', TopologyValid: 'True Valid', FIPSCompliant: 'Unknown NotRequired' },
      'Current',
    ],
    [
      'of one that overlaps another',
      { problem: 'overlaps' },
      {
        Ready: 'False SIPDomainsOverlap',
        Stalled: 'True SIPDomainsOverlap',
        TopologyValid: 'False SIPDomainsOverlap',
        FIPSCompliant: 'Unknown NotRequired',
      },
      'Failed',
    ],
    [
      'of one whose CA is not available',
      { authority: unavailable },
      {
        Ready: 'False Expired',
        Reconciling: 'True Expired',
        TopologyValid: 'False Expired',
        FIPSCompliant: 'Unknown NotRequired',
      },
      'InProgress',
    ],
    [
      'of one that must be compliant and is',
      { domain: required },
      { Ready: 'True Ready', TopologyValid: 'True Valid', FIPSCompliant: 'True Compliant' },
      'Current',
    ],
    [
      'of one that must be compliant and is not',
      { domain: required, compliance: { ...compliance, problems: [{ message: 'Ed25519', servers: [] }] } },
      {
        Ready: 'False NotFIPSCompliant',
        Stalled: 'True NotFIPSCompliant',
        TopologyValid: 'True Valid',
        FIPSCompliant: 'False NotFIPSCompliant',
      },
      'Failed',
    ],
  ])('%s', (_what, changes, expected, computed) => {
    const status = report(observation(changes), now);
    expect(
      Object.fromEntries((status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`])),
    ).toEqual(expected);
    expect(kstatus({ ...domain, status })).toBe(computed);
    expect(status).toMatchObject({ ...counts, memberNamespaces: 1, observedGeneration: 1 });
  });
});

describe('compliance with FIPS 140', () => {
  const said = (changes: Partial<typeof compliance> | object) =>
    report(observation({ domain: required, compliance: { ...compliance, ...changes } }), now).conditions?.find(
      ({ type }) => type === 'FIPSCompliant',
    );

  it('names who stands in the way: each CA, and three of the servers that it is to issue for', () => {
    const problems = [
      { message: 'CA one issues Ed25519.', servers: ['a/1', 'a/2', 'b/3', 'b/4', 'b/5'] },
      { message: 'CA two is signed with SHA-1.', servers: [] },
    ];
    expect(said({ problems })?.message).toBe(
      'CA one issues Ed25519. TrustedServers outside FIPS on its account: a/1, a/2, b/3 and 2 more. CA two is signed with SHA-1. ' +
        'The operator itself runs OpenSSL 3.5.8 without the FIPS provider.',
    );
  });

  it("says of the operator's own OpenSSL whether it runs the FIPS provider", () => {
    expect(said({ openSSL: { version: '3.5.8', fipsProvider: true } })?.message).toMatch(
      /OpenSSL 3\.5\.8 with the FIPS provider\.$/,
    );
  });

  it('is not known while a CA is not available, and says so rather than yes', () => {
    expect(said({ unknown: ['public'] })).toMatchObject({ status: 'Unknown', reason: 'ComplianceUnknown' });
  });
});

describe('findings', () => {
  it('are counted by reason, those of the domain itself among them, and keep nothing from being Ready', () => {
    const found = observation({
      count: { ...counts, findings: new Map([['ReferenceNotFound', 2] as const, ['UnencryptedLink', 1] as const]) },
      authorities: [
        { name: 'contoso', exists: true, anchors: [] },
        { name: 'public', exists: false, anchors: [] },
      ],
    });
    const { findings, findingsTotal, conditions } = report(found, now);
    expect(findings).toEqual([
      { reason: 'UnencryptedLink', count: 1 },
      { reason: 'ReferenceNotFound', count: 3 },
    ]);
    expect(findingsTotal).toBe(4);
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'ReferencesFound', reason: 'ReferenceNotFound' }));
  });
});

describe('a status is written', () => {
  const status = report(observation(), now);
  const held = { ...domain, status };
  const moreServers = { ...status, servers: 4 };
  const oneFinding = { ...status, findings: [{ reason: 'UnencryptedLink', count: 1 }], findingsTotal: 1 };
  const invalid = report(observation({ problem: 'overlaps' }), now);

  it.each([
    ['not, where nothing changed', held, status, now - 1000, { kind: 'Nothing' }],
    ['at once, the first time', domain, status, undefined, { kind: 'Write' }],
    ['at once, where more than counts changed', held, invalid, now - 1, { kind: 'Write' }],
    ['later, where counts changed and were written just now', held, moreServers, now - 4000, { kind: 'Wait', until: now + 6000 }],
    ['later, where findings alone changed', held, oneFinding, now - 4000, { kind: 'Wait', until: now + 6000 }],
    ['at once, where counts changed and were written a while ago', held, moreServers, now - 10_000, { kind: 'Write' }],
    ['at once, where counts changed and this process wrote none yet', held, moreServers, undefined, { kind: 'Write' }],
  ] as const)('%s', (_what, of, next, writtenAt, expected) => {
    expect(plan(of, next, writtenAt, now)).toEqual(expected);
  });
});

const emptyStores = () => ({
  trustedServers: new Store<TrustedServer>(),
  mediaGateways: new Store<MediaGateway>(),
  mediaRelays: new Store<MediaRelay>(),
  federatedPartners: new Store<FederatedPartner>(),
});

describe('servers are counted', () => {
  const certificate = {
    use: 'Default',
    secretName: 's',
    serial: '',
    fingerprint: '',
    notBefore: '',
    notAfter: '',
    renewAt: '',
  } as const;
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: '',
    observedGeneration: 1,
    lastTransitionTime: '',
  } as const;
  let version = 0;
  function server(name: string, about: { ready?: boolean; certificates?: number; domain?: string } = {}): TrustedServer {
    const { metadata, ...object } = trustedServer(
      name,
      'Server',
      { trustDomain: about.domain ?? 'contoso' },
      {
        status: {
          observedGeneration: 1,
          conditions: about.ready === true ? [ready] : [],
          certificates: Array.from({ length: about.certificates ?? 0 }, () => certificate),
        },
      },
    );
    return { ...object, metadata: { ...metadata, resourceVersion: String(++version) } };
  }

  it('as they come, change and go, and only then', () => {
    const stores = emptyStores();
    const store = stores.trustedServers;
    store.apply(server('before', { ready: true, certificates: 2 }));
    const told: string[] = [];
    using counts = new DomainCounts(stores, (name) => told.push(name));
    expect(counts.of('contoso')).toEqual({ servers: 1, readyServers: 1, certificates: 2, findings: new Map() });
    store.apply(server('one'));
    store.apply(server('one', { ready: true, certificates: 1 }));
    expect(counts.of('contoso')).toMatchObject({ servers: 2, readyServers: 2, certificates: 3 });
    expect(told).toEqual(['contoso', 'contoso']);
    store.apply(server('one', { ready: true, certificates: 1 }));
    expect(told).toHaveLength(2);
    store.remove({ namespace: 'voice', name: 'one' });
    store.remove({ namespace: 'voice', name: 'before' });
    expect(counts.of('contoso')).toMatchObject({ servers: 0, readyServers: 0, certificates: 0 });
  });

  it('for the domain that they name now, where an object was made again for another', () => {
    const stores = emptyStores();
    const store = stores.trustedServers;
    const told: string[] = [];
    using counts = new DomainCounts(stores, (name) => told.push(name));
    store.apply(server('one', { ready: true }));
    told.length = 0;
    store.apply(server('one', { ready: true, domain: 'fabrikam' }));
    expect([counts.of('contoso').servers, counts.of('fabrikam').servers, told.sort()]).toEqual([0, 1, ['contoso', 'fabrikam']]);
  });
});
