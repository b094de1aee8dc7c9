// How findings are shown: as conditions that never feed Ready, as events once, and as counts by domain.
import type { Condition } from '../../../operator/api/object.ts';
import type { FederatedPartner, MediaGateway, MediaRelay, TrustedServer } from '../../../operator/api/v1alpha1/index.ts';
import { summarise } from '../../../operator/controllers/conditions.ts';
import { announceFindings, concernedBy, findingAspects, findingsShown } from '../../../operator/controllers/shown-findings.ts';
import { DomainCounts } from '../../../operator/controllers/trust-domain/counts.ts';
import type { EventRecorder } from '../../../operator/kube/events.ts';
import { Store } from '../../../operator/kube/store.ts';
import type { Finding, FindingReason } from '../../../operator/topology/findings.ts';
import { now } from '../pki/authorities.ts';
import { gateway, partner } from '../topology/declared.ts';
import { trustedServer } from '../topology/objects.ts';

const finding = (reason: FindingReason, message: string): Finding => ({ reason, message, concerns: [] });
const server = trustedServer('fe', 'FrontEnd');
const conditionsOf = (findings: readonly Finding[]) => summarise(server, findingAspects(findings), now);
const condition = (reason: string, status: Condition['status'] = 'False'): Condition => ({
  type: 'Any',
  status,
  reason,
  message: '',
  observedGeneration: 1,
  lastTransitionTime: '',
});

describe('findings', () => {
  it('have a condition for each reason, with a sentence for each finding, and do not keep the object from being Ready', () => {
    const findings = [
      finding('UnencryptedLink', 'One.'),
      finding('ListenerNotAllowed', 'Two.'),
      finding('UnencryptedLink', 'Three.'),
    ];
    expect(conditionsOf(findings).map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ['Ready', 'True', 'Ready', ''],
      ['LinkEncrypted', 'False', 'UnencryptedLink', 'One. Three.'],
      ['ListenersAllowed', 'False', 'ListenerNotAllowed', 'Two.'],
    ]);
  });

  it('are counted where they are many', () => {
    const many = Array.from({ length: 7 }, (_, index) => finding('ReferenceNotFound', `${index}.`));
    expect(findingAspects(many).map(({ message }) => message)).toEqual(['0. 1. 2. 3. 4. And 2 more.']);
  });

  it('are told of by an event when they come up, and not again', () => {
    const told: string[] = [];
    const events: Pick<EventRecorder, 'record'> = { record: ({ reason }) => void told.push(reason) };
    const before = {
      ...server,
      status: { observedGeneration: 1, conditions: [...conditionsOf([finding('UnencryptedLink', 'One.')])] },
    };
    const after = conditionsOf([finding('UnencryptedLink', 'Another.'), finding('ListenerNotAllowed', 'Two.')]);
    announceFindings(before, after, { events });
    expect(told).toEqual(['ListenerNotAllowed']);
  });
});

it('are told of by the name that they have as a finding, and not where they pass by themselves', () => {
  const told: string[] = [];
  const events: Pick<EventRecorder, 'record'> = { record: ({ reason }) => void told.push(reason) };
  const shown = ['NoEdge', 'PartnerConflict', 'EnterpriseCANotFound', 'MediaUnencrypted'];
  announceFindings(
    server,
    shown.map((reason) => condition(reason)),
    { events },
  );
  expect(told).toEqual(['NoEdgeForPartner', 'PartnerConflict', 'UnencryptedLink']);
});

it('are told of with the first object that they concern beside the one that shows them', () => {
  const told: unknown[] = [];
  const events: Pick<EventRecorder, 'record'> = { record: ({ reason, related }) => void told.push([reason, related]) };
  const self = { kind: 'TrustedServer', namespace: 'voice', name: 'fe' } as const;
  const gateways = ['gw1', 'gw2'].map((name) => ({ kind: 'MediaGateway', namespace: 'voice', name }) as const);
  const findings: readonly Finding[] = [
    { ...finding('UnencryptedLink', 'One.'), concerns: [self, ...gateways] },
    { ...finding('UnencryptedLink', 'Two.'), concerns: [self] },
    { ...finding('AnchorExpiring', 'Three.'), concerns: [self, { kind: 'EnterpriseCA', name: 'contoso' }] },
    { ...finding('ReferenceNotFound', 'Four.'), concerns: [self] },
  ];
  announceFindings(server, conditionsOf(findings), { events }, concernedBy(findings));
  expect(told).toEqual([
    ['UnencryptedLink', { apiVersion: 'trustmesh.io/v1alpha1', kind: 'MediaGateway', namespace: 'voice', name: 'gw1' }],
    ['ReferenceNotFound', undefined],
    ['AnchorExpiring', { apiVersion: 'trustmesh.io/v1alpha1', kind: 'EnterpriseCA', name: 'contoso' }],
  ]);
});

describe('what conditions show', () => {
  it.each<readonly [readonly Condition[], readonly FindingReason[]]>([
    [[], []],
    [[condition('Ready', 'True'), condition('Admitted', 'True')], []],
    [[condition('NameConflict'), condition('NameConflict')], ['NameConflict']],
    [
      [condition('PlainTCPNotAllowed'), condition('SRTPNotPossible')],
      ['UnencryptedLink', 'SRTPNotPossible'],
    ],
    [[condition('MediaUnencrypted')], ['UnencryptedLink']],
    [[condition('EncryptedWherePossible')], ['UnencryptedLink']],
    [[condition('EncryptedWherePossible', 'Unknown')], []],
    [[condition('NoEdge')], ['NoEdgeForPartner']],
    [[condition('EnterpriseCANotFound')], ['ReferenceNotFound']],
    [[condition('ListenerNotAllowed', 'True')], []],
  ])('%j: %j', (conditions, expected) => {
    expect(findingsShown(conditions)).toEqual(expected);
  });
});

describe('counts', () => {
  let version = 0;
  const showing = <T extends TrustedServer | MediaGateway | FederatedPartner>(object: T, ...reasons: readonly string[]): T => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(++version) },
    status: { observedGeneration: 1, conditions: reasons.map((reason) => condition(reason)) },
  });

  it('are of objects of every kind, and follow them', () => {
    const stores = {
      trustedServers: new Store<TrustedServer>(),
      mediaGateways: new Store<MediaGateway>(),
      mediaRelays: new Store<MediaRelay>(),
      federatedPartners: new Store<FederatedPartner>(),
    };
    stores.mediaGateways.apply(showing(gateway('gw'), 'PlainTCP'));
    const told: string[] = [];
    using counts = new DomainCounts(stores, (domain) => told.push(domain));
    const found = () => Object.fromEntries(counts.of('contoso').findings);
    expect(found()).toEqual({ UnencryptedLink: 1 });
    stores.trustedServers.apply(showing(trustedServer('fe', 'FrontEnd'), 'UnencryptedLink', 'ListenerNotAllowed'));
    stores.federatedPartners.apply(showing(partner('fabrikam'), 'PartnerConflict'));
    expect(found()).toEqual({ UnencryptedLink: 2, PartnerConflict: 1, ListenerNotAllowed: 1 });
    expect(told).toEqual(['contoso', 'contoso']);
    stores.trustedServers.apply(showing(trustedServer('fe', 'FrontEnd'), 'UnencryptedLink', 'ListenerNotAllowed'));
    expect(told).toHaveLength(2);
    stores.trustedServers.apply(showing(trustedServer('fe', 'FrontEnd')));
    stores.federatedPartners.remove({ name: 'fabrikam' });
    expect(found()).toEqual({ UnencryptedLink: 1 });
    stores.mediaGateways.remove({ namespace: 'voice', name: 'gw' });
    expect(found()).toEqual({});
    expect(counts.of('contoso')).toMatchObject({ servers: 1 });
  });
});
