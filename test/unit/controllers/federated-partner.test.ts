// What is believed of partners, and what they are told of it: each state with its reasons, and that no partner's fault is
// another's.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { type KnownEdge, knownEdges } from '../../../operator/controllers/federated-partner/edge-lookup.ts';
import type { FederationObservation, ObservedPartner } from '../../../operator/controllers/federated-partner/observe.ts';
import { plan } from '../../../operator/controllers/federated-partner/plan.ts';
import { recordName } from '../../../operator/controllers/federated-partner/records.ts';
import { withdrawn } from '../../../operator/controllers/federated-partner/withdrawal.ts';
import { renderedHash } from '../../../operator/controllers/federation-state.ts';
import type { SRVLookup } from '../../../operator/federation/resolver.ts';
import { utf8String } from '../../../operator/pki/der-writer.ts';
import { serverEnd } from '../../../operator/topology/link-media.ts';
import { authorityIdentity } from '../../../operator/trust/partner-authority.ts';
import { mostOctetsOfNames, octetsOfNames } from '../../../operator/trust/partner-listener.ts';
import { day, type Forged, generalName, keysOf, nameOf } from '../pki/forge.ts';
import { trustedServer } from '../topology/objects.ts';
import {
  conditionsOf,
  edgeWith,
  federationOf,
  messageOf,
  now,
  observed,
  ours,
  partnerOf,
  pemOf,
  rootOf,
  type Settled,
  settle,
  sourceOf,
  statusOf,
} from './federation.ts';

const fabrikam = rootOf('Fabrikam Root');
const litware = rootOf('Litware Root');
const settled = (partners: readonly ObservedPartner[], changes: Partial<FederationObservation> = {}): Settled =>
  settle(federationOf(partners, changes));

/** Of the partner of this name: its DNS names as the cross-certificates have them. */
function namesBelieved({ planned }: Settled, name: string): { permitted: readonly string[]; excluded: readonly string[] } {
  const { believed = [] } = planned.decisions.find(({ partner }) => partner.metadata.name === name) ?? {};
  const dns = (side: 'permitted' | 'excluded') =>
    believed.flatMap(({ authority }) => authority[side].flatMap((each) => (each.kind === 'dns' ? each.host : [])));
  return { permitted: dns('permitted'), excluded: dns('excluded') };
}

it('believes a partner that is in order, by one cross-certificate, and does nothing more', () => {
  const rest = settled([observed(partnerOf('fabrikam'), [fabrikam])]);
  expect(rest.done).toMatchObject([{ kind: 'CrossCertify' }]);
  const status = statusOf('fabrikam', rest);
  expect(conditionsOf(status)).toEqual([
    'Ready True Ready',
    'TopologyValid True Valid',
    'TrustEstablished True Established',
    'NamesConstrained True Constrained',
    'AnchorsAccepted True Accepted',
    'MediaEncrypted True Encrypted',
  ]);
  const { root, cross } = {
    root: rest.planned.federation.bundle.anchors[0],
    cross: rest.planned.federation.bundle.crossCertificates[0],
  };
  expect(status).toMatchObject({
    state: 'Trusted',
    accessEdges: ['sip.fabrikam.com:5061'],
    anchors: [{ fingerprint: fabrikam.certificate.fingerprint, crossCertificate: cross?.fingerprint }],
    edges: { total: 1, inPlace: 1 },
  });
  expect(root?.subject).toBe('CN=Fabrikam Root');
  expect(rest.planned.federation.partners).toMatchObject([{ name: 'fabrikam', names: ['sip.fabrikam.com', 'fabrikam.com'] }]);
});

it('says what media with a partner is, by its level and that of each Edge: a warning, unless it is blocked', () => {
  const media = (encryptionLevel: string) => ({ media: { encryptionLevel } });
  const rest = settled([
    observed(partnerOf('fabrikam', media('NotSupported')), [fabrikam]),
    observed(partnerOf('litware'), [litware]),
    observed(partnerOf('woodgrove', { mode: 'Blocked', ...media('NotSupported') })),
  ]);
  const none = 'none';
  const among = (name: string, ...levels: readonly string[]) =>
    conditionsOf(
      statusOf(
        name,
        rest,
        levels.map((level) => ({
          ...edgeWith(rest.planned),
          media: serverEnd(trustedServer('edge', 'Edge', level === none ? {} : media(level))),
        })),
      ),
    ).filter((condition) => /^(Ready|MediaEncrypted) /.test(condition));
  const ready = 'Ready True Ready';
  expect(among('fabrikam', 'Required')).toEqual([ready, 'MediaEncrypted False SRTPNotPossible']);
  expect(among('fabrikam', none)).toEqual([ready, 'MediaEncrypted False SRTPNotPossible']);
  expect(among('fabrikam', 'Supported', 'Required')).toEqual([ready, 'MediaEncrypted False SRTPNotPossible']);
  expect(among('litware', none)).toEqual([ready, 'MediaEncrypted True Encrypted']);
  expect(among('litware', none, 'Supported')).toEqual([ready, 'MediaEncrypted False EncryptedWherePossible']);
  expect(among('woodgrove', 'Required')).toEqual([ready]);
  expect(rest.planned.federation.partners.map(({ name, encryptionLevel }) => [name, encryptionLevel])).toEqual([
    ['fabrikam', 'NotSupported'],
    ['litware', undefined],
  ]);
});

describe('a partner', () => {
  const empty = observed(partnerOf('empty', { trust: { anchors: [] } }));
  const missing = 'ConfigMap x/y does not exist.';
  const table: readonly (readonly [string, ObservedPartner, string, readonly string[], string])[] = [
    [
      'that blocks itself',
      observed(partnerOf('woodgrove', { mode: 'Blocked' })),
      'Blocked',
      ['TrustEstablished False Blocked'],
      'It is blocked: nothing',
    ],
    [
      'without a source that has answered',
      empty,
      'Pending',
      ['Reconciling True AnchorsUnavailable'],
      'No source has given an anchor yet.',
    ],
    [
      'whose source is not there',
      observed(partnerOf('woodgrove'), [], { sources: [sourceOf('woodgrove', { problem: missing })] }),
      'Pending',
      ['Reconciling True AnchorsUnavailable'],
      missing,
    ],
    [
      'whose source holds nonsense',
      observed(partnerOf('woodgrove'), 'nonsense\n'),
      'Refused',
      ['Stalled True AnchorsRefused'],
      'holds no certificate',
    ],
    [
      'with a CA that has expired',
      observed(partnerOf('woodgrove'), [rootOf('Old', { notAfter: now - day })]),
      'Refused',
      ['Stalled True AnchorsRefused'],
      'expired at',
    ],
    [
      'with a CA of ours',
      observed(partnerOf('woodgrove'), [ours]),
      'Refused',
      ['Stalled True AnchorsRefused'],
      'has the key of a CA of ours',
    ],
    [
      'with a domain of ours',
      observed(partnerOf('woodgrove', { sipDomains: ['a.contoso.com'] }), [fabrikam]),
      'Refused',
      ['Stalled True SIPDomainRefused'],
      'lies in contoso.com',
    ],
    [
      'with none but a name of ours',
      observed(partnerOf('woodgrove', { sipDomains: ['edge.elsewhere.com'], accessEdge: { fqdn: 'edge.elsewhere.com' } }), [
        fabrikam,
      ]),
      'Refused',
      ['Stalled True NothingPermitted'],
      'nothing is left to believe it for',
    ],
    [
      'that is believed for everything',
      observed(partnerOf('woodgrove', { trust: { scope: 'Unconstrained' } }), [fabrikam]),
      'Trusted',
      ['Ready True Ready', 'NamesConstrained False Unconstrained'],
      'for any name',
    ],
    [
      'that any domain may be',
      observed(partnerOf('woodgrove', { mode: 'Discovered' }), [fabrikam]),
      'Trusted',
      ['Ready True Ready', 'NamesConstrained False AnyName'],
      'discovered.crt alone',
    ],
    [
      'with something beside its CA that is none',
      observed(partnerOf('woodgrove'), pemOf(fabrikam, rootOf('Old', { notAfter: now - day }))),
      'Trusted',
      ['Ready True Ready', 'AnchorsAccepted False SomeAnchorsRefused'],
      'What is in place stays.',
    ],
    [
      'whose CA ends soon',
      observed(partnerOf('woodgrove'), [rootOf('Soon', { notBefore: now - 1000 * day, notAfter: now + 20 * day })]),
      'Trusted',
      ['Ready True Ready', 'AnchorsCurrent False AnchorExpiring'],
      'CN=Soon',
    ],
  ];
  it.each(table)('%s', (_, partner, state, conditions, sentence) => {
    const status = statusOf(partner.partner.metadata.name, settled([partner]));
    expect(status.state).toBe(state);
    expect(conditionsOf(status)).toEqual(expect.arrayContaining([...conditions]));
    expect(status.conditions?.map(({ message }) => message).join('\n')).toContain(sentence);
  });

  it('whose domain does not exist keeps what was distributed', () => {
    const { domain: _, ...gone } = federationOf([observed(partnerOf('fabrikam'), [fabrikam])]);
    const status = statusOf('fabrikam', settle({ ...gone, domain: undefined }));
    expect(conditionsOf(status)).toContain('Stalled True TrustDomainNotFound');
    expect(messageOf(status, 'TopologyValid')).toContain('What was distributed stays as it is.');
  });

  it('of a domain that is not valid says why', () => {
    const status = statusOf(
      'fabrikam',
      settled([observed(partnerOf('fabrikam'), [fabrikam])], { domainProblem: 'It overlaps another.' }),
    );
    expect(messageOf(status, 'Stalled')).toBe('It overlaps another.');
  });
});

describe('where its trust is in place', () => {
  const rest = settled([observed(partnerOf('fabrikam'), [fabrikam])]);
  const whole = edgeWith(rest.planned);
  const lagging = (edge: typeof whole) => ({ ...edge, secrets: edge.secrets.map((secret) => ({ ...secret, hash: 'former' })) });
  const behind = lagging(whole);
  const { rendered: _, ...withoutFiles } = whole;
  it.each([
    ['no Edge', [], 'Pending', 'Stalled True NoEdge'],
    [
      'an Edge that holds nothing yet',
      [{ ...whole, bundle: { ...whole.bundle, hash: undefined, files: undefined }, secrets: [] }],
      'Pending',
      'Reconciling True Distributing',
    ],
    ['an Edge whose Secret lags behind', [behind], 'Pending', 'Reconciling True Distributing'],
    [
      'an Edge whose files lag behind',
      [{ ...whole, bundle: { ...whole.bundle, files: 'former' } }],
      'Pending',
      'Reconciling True Distributing',
    ],
    [
      'an Edge whose rendered files lag behind',
      [{ ...whole, rendered: { ...whole.rendered, hash: 'former' } }],
      'Pending',
      'Reconciling True Distributing',
    ],
    ['an Edge that asks for no rendered files', [withoutFiles], 'Trusted', 'Ready True Ready'],
    ['one of two Edges', [whole, behind], 'Pending', 'Reconciling True Distributing'],
    ['two Edges', [whole, whole], 'Trusted', 'Ready True Ready'],
  ])('%s', (_, edges, state, condition) => {
    const status = statusOf('fabrikam', rest, edges);
    expect(status.state).toBe(state);
    expect(conditionsOf(status)).toContain(condition);
  });

  it('tells which objects keep it from being so, once that lasts', () => {
    const partner = partnerOf('fabrikam');
    const first = settled([observed(partner, [fabrikam])]);
    const status = statusOf('fabrikam', first, [edgeWith(first.planned), lagging(edgeWith(first.planned))]);
    expect(messageOf(status, 'TrustEstablished')).toBe('Its trust is in place at 1 of 2 Edge pools.');
    const next = settled([observed({ ...partner, status }, [fabrikam])]);
    const stillBehind = [edgeWith(next.planned), lagging(edgeWith(next.planned))];
    expect(messageOf(statusOf('fabrikam', next, stillBehind, now + 2000), 'TrustEstablished')).toBe(
      'Its trust is in place at 1 of 2 Edge pools.',
    );
    expect(messageOf(statusOf('fabrikam', next, stillBehind, now + 6000), 'TrustEstablished')).toBe(
      'Its trust is in place at 1 of 2 Edge pools. Secret media/edge-access-edge-external-tls still holds something else: see the ' +
        'TrustedServers there, and delete what its owner has made immutable.',
    );
  });

  it('a partner that is blocked says where that has not come to yet', () => {
    const blocked = settled([observed(partnerOf('fabrikam', { mode: 'Blocked' }))]);
    const status = statusOf('fabrikam', blocked, [lagging(edgeWith(blocked.planned))]);
    expect(status.state).toBe('Pending');
    expect(conditionsOf(status)).toContain('Reconciling True Blocking');
    expect(messageOf(status, 'TrustEstablished')).toBe('It is blocked. 0 of 1 Edge pools believe nothing of it any more.');
  });

  it.each([
    ['its domain is open still to whoever is on no list', true, 'Pending'],
    ['nobody is let in who is on no list', false, 'Blocked'],
  ])('a partner that was never believed is blocked, or not, where %s', (_, listensForAnybody, state) => {
    const { rendered, ...edge } = edgeWith(settled([]).planned);
    const hash = renderedHash(settled([]).planned.federation, listensForAnybody);
    const blocked = settled([observed(partnerOf('fabrikam', { mode: 'Blocked' }))]);
    const held = { ...edge, rendered: { ...rendered, hash, listensForAnybody } };
    expect(statusOf('fabrikam', blocked, [held]).state).toBe(state);
  });

  it.each([
    ['believed', partnerOf('fabrikam'), 'Trusted'],
    ['blocked', partnerOf('fabrikam', { mode: 'Blocked' }), 'Blocked'],
  ])('a partner that is %s stays so while the Edges get the trust of another', (_, spec, state) => {
    const alone = settled([observed(spec, spec.spec.mode === 'Blocked' ? [] : [fabrikam])]);
    const status = statusOf('fabrikam', alone);
    expect(status.state).toBe(state);
    const partners = [
      { ...observed({ ...spec, status }, spec.spec.mode === 'Blocked' ? [] : [fabrikam]) },
      observed(partnerOf('litware'), [litware]),
    ];
    const { records } = alone.observation;
    const both = settled(partners, { records });
    expect(statusOf('fabrikam', both, [edgeWith(alone.planned)])).toEqual(status);
    expect(statusOf('litware', both, [edgeWith(alone.planned)]).state).toBe('Pending');
  });

  it('a partner that gets another name is on its way again', () => {
    const status = statusOf('fabrikam', rest);
    const wider = { ...partnerOf('fabrikam', { trust: { permittedNames: ['av.fabrikam.net'] } }), status };
    const after = settled([observed(wider, [fabrikam])], { records: rest.observation.records });
    expect(statusOf('fabrikam', after, [whole]).state).toBe('Pending');
    expect(statusOf('fabrikam', after).state).toBe('Trusted');
  });
});

describe('who blocks', () => {
  const unwanted = observed(partnerOf('unwanted', { mode: 'Blocked', sipDomains: ['fabrikam.com'] }));

  it.each([
    ['younger', [observed(partnerOf('fabrikam'), [fabrikam]), unwanted]],
    ['older', [unwanted, observed(partnerOf('fabrikam'), [fabrikam])]],
  ])('wins, though it is %s', (_, partners) => {
    const rest = settled(partners);
    const status = statusOf('fabrikam', rest);
    expect(status.state).toBe('Blocked');
    expect(messageOf(status, 'TrustEstablished')).toContain('FederatedPartner unwanted blocks its SIP domains');
    expect(rest.planned.federation).toMatchObject({ partners: [], bundle: { pem: '' } });
    expect(rest.observation.records.size).toBe(0);
  });

  it('one domain of two leaves the other', () => {
    const two = partnerOf('fabrikam', { sipDomains: ['fabrikam.com', 'fabrikam.net'] });
    const rest = settled([observed(two, [fabrikam]), unwanted]);
    expect(statusOf('fabrikam', rest)).toMatchObject({ state: 'Trusted' });
    expect(rest.planned.federation.partners).toMatchObject([{ sipDomains: ['fabrikam.net'], names: ['fabrikam.net'] }]);
    expect(namesBelieved(rest, 'fabrikam').permitted).toEqual(['fabrikam.net']);
    for (const name of ['fabrikam', 'unwanted'])
      expect(conditionsOf(statusOf(name, rest))).toContain('TopologyValid False PartnerConflict');
  });

  it('is in the scope of partners whose names lie around', () => {
    const inner = observed(partnerOf('inner', { mode: 'Blocked', sipDomains: ['bad.fabrikam.com'] }));
    const rest = settled([observed(partnerOf('fabrikam'), [fabrikam]), inner]);
    expect(namesBelieved(rest, 'fabrikam')).toEqual({
      permitted: ['fabrikam.com', 'sip.fabrikam.com'],
      excluded: ['bad.fabrikam.com'],
    });
  });
});

describe('several partners', () => {
  it('with one CA have the names of both, and both are told', () => {
    const rest = settled([observed(partnerOf('fabrikam'), [fabrikam]), observed(partnerOf('northwind'), [fabrikam])]);
    expect(rest.done).toHaveLength(1);
    expect(namesBelieved(rest, 'fabrikam').permitted).toEqual([
      'fabrikam.com',
      'northwind.com',
      'sip.fabrikam.com',
      'sip.northwind.com',
    ]);
    for (const [name, other] of [
      ['fabrikam', 'northwind'],
      ['northwind', 'fabrikam'],
    ] as const) {
      expect(conditionsOf(statusOf(name, rest))).toContain('NamesConstrained True SharedAuthority');
      expect(messageOf(statusOf(name, rest), 'NamesConstrained')).toContain(other);
    }
  });

  it.each([
    ['NameConstrained', 'NamesConstrained True SharedAuthority', 'A CA of the partner tailspin issued its CA'],
    ['Unconstrained', 'NamesConstrained False Unconstrained', 'on account of the partner tailspin (trust.scope Unconstrained)'],
  ])('of which one has the CA that issued the other’s, and believes it %s: the other says so', (scope, condition, told) => {
    const root = rootOf('Tailspin Root');
    const branch = rootOf('Tailspin Branch', { by: root });
    const rest = settled([
      observed(partnerOf('fabrikam'), [branch]),
      observed(partnerOf('tailspin', { trust: { scope, anchors: [{ pem: pemOf(root) }] } }), [root]),
    ]);
    expect(conditionsOf(statusOf('fabrikam', rest))).toContain(condition);
    expect(messageOf(statusOf('fabrikam', rest), 'NamesConstrained')).toContain(told);
    const own = scope === 'Unconstrained' ? 'NamesConstrained False Unconstrained' : 'NamesConstrained True Constrained';
    expect(conditionsOf(statusOf('tailspin', rest))).toContain(own);
    expect(messageOf(statusOf('tailspin', rest), 'NamesConstrained')).not.toContain('fabrikam');
  });

  it('with two certificates of one CA, neither its own: who has it in place keeps it, and both are told', () => {
    const branch = rootOf('Branch', { by: rootOf('Above') });
    const first = settled([observed(partnerOf('fabrikam'), [branch])]);
    const madeUp = rootOf('Branch', { keys: branch.keys, by: rootOf('Mallory') });
    const { records } = first.observation;
    const both = settled([observed(partnerOf('mallory'), [madeUp]), observed(partnerOf('fabrikam'), [branch])], { records });
    const holder = statusOf('fabrikam', both);
    expect(holder.state).toBe('Trusted');
    expect(conditionsOf(holder)).toContain('AnchorsAccepted False AuthorityContested');
    expect(messageOf(holder, 'AnchorsAccepted')).toContain('The partner mallory claims "CN=Branch" too');
    expect(conditionsOf(statusOf('mallory', both))).toContain('Stalled True AnchorsRefused');
    const blocked = settled([observed(partnerOf('mallory', { mode: 'Blocked' })), observed(partnerOf('fabrikam'), [branch])], {
      records,
    });
    expect(conditionsOf(statusOf('fabrikam', blocked))).toContain('AnchorsAccepted True Accepted');
  });

  it('with nested domains: the outer is not believed for the inner', () => {
    const voice = partnerOf('voice', { sipDomains: ['voice.fabrikam.com'], accessEdge: { fqdn: 'sip.voice.fabrikam.com' } });
    const rest = settled([observed(partnerOf('fabrikam'), [fabrikam]), observed(voice, [litware])]);
    expect(namesBelieved(rest, 'fabrikam').excluded).toEqual(['voice.fabrikam.com']);
    expect(namesBelieved(rest, 'voice')).toMatchObject({
      permitted: ['sip.voice.fabrikam.com', 'voice.fabrikam.com'],
      excluded: [],
    });
  });

  it('with one domain: the older has it, and both are told', () => {
    const rest = settled([
      observed(partnerOf('fabrikam'), [fabrikam]),
      observed(partnerOf('litware', { sipDomains: ['fabrikam.com', 'litware.com'] }), [litware]),
    ]);
    expect(rest.planned.federation.partners.map(({ name, sipDomains }) => [name, sipDomains])).toEqual([
      ['fabrikam', ['fabrikam.com']],
      ['litware', ['litware.com']],
    ]);
    for (const name of ['fabrikam', 'litware'])
      expect(conditionsOf(statusOf(name, rest))).toContain('Stalled True PartnerConflict');
  });

  it('that are too many for one listener: those of old stay', () => {
    const attribute = (index: number): [string, Buffer] => ['2.5.4.10', utf8String(`${'O'.repeat(600)}${index}`)];
    const partners = Array.from({ length: 45 }, (_, index) =>
      observed(partnerOf(`partner${index}`), [rootOf('', { subject: nameOf(attribute(index)), keys: keysOf('crowd') })]),
    );
    const rest = settled(partners);
    const left = rest.planned.decisions.filter(({ refusal }) => refusal?.reason === 'TooManyAnchors');
    expect(left.length).toBeGreaterThan(0);
    expect(left).toEqual(rest.planned.decisions.slice(-left.length));
    expect(rest.planned.federation.partners).toHaveLength(partners.length - left.length);
  });

  it('that are too many for one listener: who is in place stays, though those of old come later', () => {
    const crowd = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => {
        const name = nameOf(['2.5.4.10', utf8String(`${'O'.repeat(600)}${from + index}`)]);
        return observed(partnerOf(`crowd${from + index}`), [rootOf('', { subject: name, keys: keysOf('crowd') })]);
      });
    const [old, young] = [crowd(0, 45), crowd(45, 80)];
    const { observation } = settled(young);
    const rest = settled([...old, ...young], { records: observation.records });
    const refusals = new Map(rest.planned.decisions.map(({ partner, refusal }) => [partner.metadata.name, refusal?.reason]));
    expect(young.map(({ partner }) => refusals.get(partner.metadata.name))).toEqual(young.map(() => undefined));
    expect(old.map(({ partner }) => refusals.get(partner.metadata.name))).toContain('TooManyAnchors');
  });

  it('that are believed for any name: who is in place keeps its CA from whoever imitates it, by what its status says', () => {
    const imitation = observed(partnerOf('old'), [rootOf('Fabrikam Root', { keys: keysOf('imitation') })]);
    const young = partnerOf('young', { trust: { scope: 'Unconstrained' } });
    const status = statusOf('young', settled([observed(young, [fabrikam])]));
    const rest = settled([imitation, observed({ ...young, status }, [fabrikam])]);
    expect(rest.planned.decisions.map(({ partner, refusal }) => [partner.metadata.name, refusal?.reason])).toEqual([
      ['old', 'AnchorsRefused'],
      ['young', undefined],
    ]);
  });

  it('that bring names of 24 kB by their issuers: as many as a handshake takes', () => {
    const partners = Array.from({ length: 60 }, (_, index) => {
      const name = nameOf(['2.5.4.10', utf8String(`${'I'.repeat(900)}${index}`)]);
      const above = rootOf('', { subject: name, keys: keysOf('above') });
      return observed(partnerOf(`below${index}`), [rootOf(`Below ${index}`, { by: above })]);
    });
    const { bundle } = settled(partners).planned.federation;
    const certificates = [...bundle.anchors, ...bundle.crossCertificates];
    expect(octetsOfNames(certificates)).toBeGreaterThan(mostOctetsOfNames - 2000);
    expect(octetsOfNames(certificates)).toBeLessThanOrEqual(mostOctetsOfNames);
  });

  it('with one CA of which one may be any domain: each is believed for its own names', () => {
    const rest = settled([
      observed(partnerOf('fabrikam'), [fabrikam]),
      observed(partnerOf('anybody', { mode: 'Discovered' }), [fabrikam]),
    ]);
    expect(namesBelieved(rest, 'fabrikam')).toEqual({ permitted: ['fabrikam.com', 'sip.fabrikam.com'], excluded: [] });
    expect(namesBelieved(rest, 'anybody').permitted).toEqual(['']);
    const { bundle, discovered } = rest.planned.federation;
    expect(bundle.crossCertificates).toHaveLength(1);
    expect(discovered.crossCertificates).toHaveLength(1);
    expect(discovered.hash).not.toBe(bundle.hash);
  });

  it('with whoever is on no list: nobody is found for our domains, nor for one that any partner names', () => {
    const rest = settled([
      observed(partnerOf('fabrikam'), [fabrikam]),
      observed(partnerOf('barred', { mode: 'Blocked' })),
      observed(partnerOf('anybody', { mode: 'Discovered' }), [litware]),
    ]);
    expect(rest.planned.federation.closedDomains).toEqual(['barred.com', 'contoso.com', 'fabrikam.com']);
  });

  it('with one CA and one domain: the older alone has it on the lists', () => {
    const twice = { sipDomains: ['shared.com'], accessEdge: { fqdn: 'sip.provider.net' } };
    const rest = settled([
      observed(partnerOf('old', twice), [fabrikam]),
      observed(partnerOf('any', { ...twice, trust: { scope: 'Unconstrained' } }), [litware]),
      observed(partnerOf('late', { ...twice, sipDomains: ['shared.com', 'late.com'] }), [fabrikam]),
    ]);
    expect(rest.planned.federation.partners).toMatchObject([
      { name: 'any', sipDomains: [], names: [] },
      { name: 'late', sipDomains: ['late.com'], names: ['sip.provider.net', 'late.com'] },
      { name: 'old', sipDomains: ['shared.com'], names: ['sip.provider.net', 'shared.com'] },
    ]);
  });

  it('whose edge is that of another with another CA are told so', () => {
    const edge = { accessEdge: { fqdn: 'sip.provider.net' } };
    const rest = settled([observed(partnerOf('fabrikam', edge), [fabrikam]), observed(partnerOf('litware', edge), [litware])]);
    expect(conditionsOf(statusOf('fabrikam', rest))).toContain('TopologyValid True Valid');
    expect(messageOf(statusOf('litware', rest), 'TopologyValid')).toContain(
      'The access edge sip.provider.net is ours, or of another partner',
    );
  });

  it('of which one is believed for any name, and has an edge or a domain of another: it is told so all the same', () => {
    const edge = { accessEdge: { fqdn: 'sip.provider.net' } };
    const unconstrained = { trust: { scope: 'Unconstrained' } };
    const first = observed(partnerOf('fabrikam', edge), [fabrikam]);
    const conflictOf = (spec: object) =>
      statusOf('litware', settled([first, observed(partnerOf('litware', { ...unconstrained, ...spec }), [litware])]));
    expect(conditionsOf(conflictOf(edge))).toContain('TopologyValid False PartnerConflict');
    expect(conditionsOf(conflictOf({ sipDomains: ['fabrikam.com'] }))).toContain('TopologyValid False PartnerConflict');
    expect(conditionsOf(conflictOf({}))).toContain('TopologyValid True Valid');
  });

  it('whose edge is found within the domain of another are not called there', () => {
    const found = { edges: [{ fqdn: 'edge.sub.fabrikam.com', port: 5061, seenAt: now }] };
    const around = observed(partnerOf('fabrikam', { mode: 'AllowedDomain' }), [fabrikam], {
      lookups: [{ sipDomain: 'fabrikam.com', found }],
    });
    const sub = { sipDomains: ['sub.fabrikam.com'], accessEdge: { fqdn: 'edge.sub.fabrikam.com' } };
    const [listed] = settled([around, observed(partnerOf('sub', sub), [litware])]).planned.federation.partners;
    expect(listed).not.toHaveProperty('accessEdge');
    expect(listed).toMatchObject({ name: 'fabrikam', names: ['sip.fabrikam.com', 'fabrikam.com'] });
  });

  it('of which one may be any domain: in no bundle of the others, and not for their names', () => {
    const rest = settled([
      observed(partnerOf('fabrikam'), [fabrikam]),
      observed(partnerOf('anybody', { mode: 'Discovered' }), [litware]),
    ]);
    const { bundle, discovered, partners } = rest.planned.federation;
    expect(partners.map(({ name }) => name)).toEqual(['fabrikam']);
    expect(bundle.anchors.map(({ subject }) => subject)).toEqual(['CN=Fabrikam Root']);
    expect(discovered.anchors.map(({ subject }) => subject)).toEqual(['CN=Litware Root']);
    expect(namesBelieved(rest, 'anybody')).toEqual({
      permitted: [''],
      excluded: ['contoso.com', 'edge.elsewhere.com', 'fabrikam.com'],
    });
  });
});

describe('what a source holds', () => {
  const at = (changes: Parameters<typeof sourceOf>[1]) =>
    observed(partnerOf('fabrikam'), [], { sources: [sourceOf('fabrikam', changes)] });
  const recorded = { pem: pemOf(fabrikam) };

  it('is recorded once it is believed', () => {
    const rest = settled([at({ current: recorded })]);
    expect(rest.done.map(({ kind }) => kind)).toEqual(['CrossCertify', 'WriteSource']);
  });

  it.each([
    ['gone', { recorded, problem: 'It is gone.' }, 'SourceUnavailable'],
    ['nonsense', { recorded, current: { pem: 'nonsense' } }, 'SomeAnchorsRefused'],
    [
      'a CA that has expired',
      { recorded, current: { pem: pemOf(rootOf('Old', { notAfter: now - day })) } },
      'SomeAnchorsRefused',
    ],
    ['a CA of ours', { recorded, current: { pem: pemOf(ours) } }, 'SomeAnchorsRefused'],
  ])('stays when it is %s now', (_, changes, reason) => {
    const { records } = settled([at({ current: recorded })]).observation;
    const rest = settled([at(changes)], { records });
    expect(rest.done).toEqual([]);
    expect(statusOf('fabrikam', rest)).toMatchObject({
      state: 'Trusted',
      anchors: [{ fingerprint: fabrikam.certificate.fingerprint }],
    });
    expect(conditionsOf(statusOf('fabrikam', rest))).toContain(`AnchorsAccepted False ${reason}`);
  });

  it('is followed when it is another CA', () => {
    const { records } = settled([at({ current: recorded })]).observation;
    const rest = settled([at({ recorded, current: { pem: pemOf(litware) } })], { records });
    expect(rest.done.map(({ kind }) => kind)).toEqual(['CrossCertify', 'WriteSource', 'Remove']);
    expect(statusOf('fabrikam', rest)).toMatchObject({ anchors: [{ fingerprint: litware.certificate.fingerprint }] });
  });

  it('is recorded as far as it is believed: of what else lies there, nothing is written down', () => {
    const odd = rootOf('Odd', { notAfter: now - day });
    const rest = settled([at({ current: { pem: `a note\n${pemOf(odd, fabrikam)}` } })]);
    expect(rest.done.at(-1)).toMatchObject({ kind: 'WriteSource', data: { 'ca.crt': pemOf(fabrikam) } });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const pem of [key, pemOf(fabrikam) + key, pemOf(odd), 'nonsense']) {
      expect(settled([at({ current: { pem } })]).done).toEqual([]);
    }
  });

  it('is written once where two entries name one place', () => {
    const [source, again] = [recorded, { pem: pemOf(litware) }].map((current) => sourceOf('fabrikam', { current }));
    if (source === undefined || again === undefined) throw new Error('no sources');
    const rest = settled([observed(partnerOf('fabrikam'), [], { sources: [source, again] })]);
    expect(rest.done.filter(({ kind }) => kind === 'WriteSource')).toMatchObject([{ data: { 'ca.crt': recorded.pem } }]);
  });

  it('is remembered while its partner is blocked: an older bundle is no better afterwards', () => {
    const { records } = settled([at({ current: { ...recorded, sequence: 7 } })]).observation;
    const rest = settled([observed(partnerOf('fabrikam', { mode: 'Blocked' }))], { records });
    expect(rest.done.map(({ kind }) => kind)).toEqual(['Remove']);
    expect([...rest.observation.records.values()]).toMatchObject([{ 'facts.json': expect.stringContaining('"sequence":7') }]);
  });

  it('is forgotten with its partner', () => {
    const { records } = settled([at({ current: recorded })]).observation;
    const rest = settled([], { records });
    expect(rest.done.map(({ kind }) => kind)).toEqual(['Remove', 'Remove']);
    expect(rest.observation.records.size).toBe(0);
  });
});

describe('where FIPS 140 is required', () => {
  const { domain } = federationOf([]);
  if (domain === undefined) throw new Error('no domain');
  const strict = {
    domain: { ...domain, spec: { ...domain.spec, security: { ...domain.spec.security, fips: 'Required' } } },
  } as const;
  const edwards = rootOf('Edwards', { keys: generateKeyPairSync('ed25519'), by: litware });

  it('a CA that is not approved is believed for nothing, and named', () => {
    const status = statusOf('fabrikam', settled([observed(partnerOf('fabrikam'), [edwards])], strict));
    expect(status.state).toBe('Refused');
    expect(messageOf(status, 'TrustEstablished')).toMatch(/CN=Edwards.*FIPS 140 does not approve, and the domain requires that/);
    expect(statusOf('fabrikam', settled([observed(partnerOf('fabrikam'), [edwards])])).state).toBe('Trusted');
  });

  it('another of the same partner is believed', () => {
    const rest = settled([observed(partnerOf('fabrikam'), [edwards, fabrikam])], strict);
    expect(statusOf('fabrikam', rest)).toMatchObject({ state: 'Trusted', anchors: [{ subject: 'CN=Fabrikam Root' }] });
    expect(conditionsOf(statusOf('fabrikam', rest))).toContain('AnchorsAccepted False SomeAnchorsRefused');
  });
});

describe('a record of ours that cannot be read', () => {
  const good = observed(partnerOf('good'), [litware]);
  const why = 'ConfigMap trustmesh-system/x cannot be read: decryption failed';
  const without = (before: Settled, record: string) => ({
    records: new Map([...before.observation.records].filter(([name]) => name !== record)),
    unreadable: new Map([[record, why]]),
  });

  it('of a cross-certificate costs nobody anything: there is another, and its partner is told', () => {
    const partners = [observed(partnerOf('fabrikam'), [fabrikam]), good];
    const before = settled(partners);
    const record = recordName('contoso', 'cross', authorityIdentity(fabrikam.certificate));
    const rest = settled(partners, without(before, record));
    expect(rest.done).toMatchObject([{ kind: 'CrossCertify', record }]);
    expect(rest.planned.undecided).toBe(false);
    expect(statusOf('fabrikam', rest).state).toBe('Trusted');
    expect(conditionsOf(statusOf('fabrikam', rest))).toContain('AnchorsAccepted False SourceUnavailable');
    expect(messageOf(statusOf('fabrikam', rest), 'AnchorsAccepted')).toContain(why);
    expect(statusOf('good', rest)).toEqual(statusOf('good', before));
  });

  it('of a source that is out of reach too leaves open what is in place, and is told on its partner alone', () => {
    const source = sourceOf('fabrikam', { current: { pem: pemOf(fabrikam) } });
    const lost = sourceOf('fabrikam', { problem: 'It is gone.' });
    const partners = (one: typeof source) => [observed(partnerOf('fabrikam'), [], { sources: [one] }), good];
    const before = settled(partners(source));
    const rest = settled(partners(lost), without(before, source.record ?? ''));
    expect(rest.planned.undecided).toBe(true);
    expect(messageOf(statusOf('fabrikam', rest), 'TrustEstablished')).toContain(why);
    expect(statusOf('good', rest).state).toBe('Trusted');
    expect(settled(partners(source), without(before, source.record ?? '')).planned.undecided).toBe(false);
  });

  it('of an edge leaves open what is in place until DNS has answered', () => {
    const searched = (lookup?: SRVLookup) => [
      observed(partnerOf('fabrikam', { mode: 'AllowedDomain' }), [fabrikam], {
        lookups: [{ sipDomain: 'fabrikam.com', found: { edges: [], ...(lookup && { lookup }) } }],
      }),
    ];
    const unreadable = new Map([[recordName('contoso', 'edge', 'fabrikam.com'), why]]);
    const failed = { outcome: 'Failed', message: 'It says no.', expiresAt: now } as const;
    expect(settled(searched(), { unreadable }).planned.undecided).toBe(true);
    expect(settled(searched({ ...failed, reason: 'DNSTimeout' }), { unreadable }).planned.undecided).toBe(true);
    expect(settled(searched({ ...failed, reason: 'DNSNameNotFound' }), { unreadable }).planned.undecided).toBe(false);
  });
});

describe('what could not be written', () => {
  const good = observed(partnerOf('good'), [litware]);
  const partners = [observed(partnerOf('fabrikam'), [fabrikam]), good];
  const record = recordName('contoso', 'cross', authorityIdentity(fabrikam.certificate));
  const planned = plan(
    federationOf(partners, { ...settled([good]).observation, partners, unwritten: new Map([[record, 'it is too large']]) }),
    now,
  );

  it('is tried again, and everybody else is believed meanwhile', () => {
    expect(planned.actions).toMatchObject([{ kind: 'CrossCertify', record }]);
    expect(planned.federation.partners.map(({ name }) => name)).toEqual(['good']);
    expect(planned.decisions.map(({ refusal }) => refusal)).toEqual([
      {
        reason: 'AnchorsUnavailable',
        while: 'Reconciling',
        message: expect.stringContaining('has no cross-certificate yet: it is too large.'),
      },
      undefined,
    ]);
  });
});

describe('what is withdrawn before anything is read or written', () => {
  const others = [observed(partnerOf('good'), [litware])];
  const blocking = partnerOf('unwanted', { mode: 'Blocked', sipDomains: ['fabrikam.com'] });
  const { federation } = settled([observed(partnerOf('fabrikam'), [fabrikam]), ...others]).planned;
  const declared = (partners: readonly ObservedPartner[]) => partners.map(({ partner }) => partner);
  const of = (partners: readonly ObservedPartner[]) => withdrawn(federation, declared(partners), now);

  it.each([
    ['blocked', [observed(partnerOf('fabrikam', { mode: 'Blocked' })), ...others]],
    ['blocked by another', [observed(partnerOf('fabrikam')), observed(blocking), ...others]],
    ['gone', others],
  ])('is all of a partner that is %s, and nothing of another', (_, partners) => {
    const good = federation.partners.find(({ name }) => name === 'good');
    expect(of(partners)).toEqual({ ...federation, partners: [good], bundle: good?.bundle });
  });

  it('takes the lists with the last partner', () => {
    const listed = { ...federation, revocationLists: 'lists' };
    const left = (partners: readonly ObservedPartner[]) => withdrawn(listed, declared(partners), now)?.revocationLists;
    expect(left(others)).toBe('lists');
    expect(left([])).toBeUndefined();
  });

  it('is nothing where a partner is believed for something else, or cannot be believed for a moment', () => {
    const wider = partnerOf('fabrikam', { trust: { permittedNames: ['av.fabrikam.net'] } });
    expect(of([observed(wider, [fabrikam]), ...others])).toBeUndefined();
    expect(of([observed(partnerOf('fabrikam'), 'nonsense'), ...others])).toBeUndefined();
    expect(withdrawn(undefined, [], now)).toBeUndefined();
  });
});

describe('the record of a cross-certificate', () => {
  const partner = observed(partnerOf('fabrikam'), [fabrikam]);
  const record = recordName('contoso', 'cross', authorityIdentity(fabrikam.certificate));
  const { records } = settled([partner]).observation;
  const data = records.get(record) ?? {};

  it('is used for as long as nothing changes, at any time', () => {
    expect(settle(federationOf([partner], { records }), now + 3000 * day).done).toEqual([]);
  });

  it.each([
    ['its root is nonsense', { 'federation-root.crt': 'nonsense' }],
    ['its root is gone', { 'federation-root.crt': '' }],
    ['its cross-certificate is nonsense', { 'cross-certificate.crt': '-----BEGIN CERTIFICATE-----' }],
    ['its list is nonsense', { 'federation-root.crl': 'nonsense' }],
    ['its list is gone', { 'federation-root.crl': '' }],
    ['it is said to be for another scope', { 'scope-hash': 'other' }],
  ])('is made anew where somebody edited it: %s', (_, edit) => {
    const rest = settled([partner], { records: new Map([[record, { ...data, ...edit }]]) });
    expect(rest.done.map(({ kind }) => kind)).toEqual(['CrossCertify']);
  });

  it.each([
    ['it is believed for more', partnerOf('fabrikam', { trust: { permittedNames: ['av.fabrikam.net'] } })],
    ['it is believed for less', partnerOf('fabrikam', { accessEdge: { fqdn: 'fabrikam.com' } })],
    ['it has addresses', partnerOf('fabrikam', { trust: { permittedIPs: ['192.0.2.0/24'] } })],
  ])('is made anew where %s', (_, changed) => {
    const before = data['federation-root.crt'];
    const rest = settled([observed(changed, [fabrikam])], { records });
    expect(rest.done.map(({ kind }) => kind)).toEqual(['CrossCertify']);
    expect(rest.observation.records.get(record)?.['federation-root.crt']).not.toBe(before);
  });

  it('goes once its partner is believed for everything', () => {
    const rest = settled([observed(partnerOf('fabrikam', { trust: { scope: 'Unconstrained' } }), [fabrikam])], { records });
    expect(rest.done.map(({ kind }) => kind)).toEqual(['Remove']);
    expect(rest.planned.federation.bundle.anchors).toMatchObject([{ fingerprint: fabrikam.certificate.fingerprint }]);
  });
});

describe('an edge that is looked up', () => {
  const target = (fqdn: string, port = 5061) => ({ fqdn, port, priority: 0, weight: 0 });
  const soon = now + 60_000;
  const failure = { reason: 'DNSTimeout', message: 'No server answers.', expiresAt: soon } as const;
  const before = [{ fqdn: 'sip.fabrikam.com', port: 5061, seenAt: now - 60_000 }];
  const lookups: readonly (readonly [string, SRVLookup | undefined, readonly KnownEdge[], readonly string[], string, string])[] =
    [
      ['not yet', undefined, [], [], 'EdgeFound False EdgeNotFound', 'The edge of fabrikam.com was not looked up yet.'],
      [
        'not yet since the start',
        undefined,
        before,
        ['sip.fabrikam.com:5061'],
        'EdgeFound True EdgeFoundInPart',
        'The edge of fabrikam.com was not looked up yet.',
      ],
      [
        'found',
        { outcome: 'Found', targets: [target('sip.fabrikam.com'), target('b.fabrikam.com', 5062)], expiresAt: soon },
        [],
        ['sip.fabrikam.com:5061', 'b.fabrikam.com:5062'],
        'EdgeFound True EdgeFound',
        'DNS says that its edge is sip.fabrikam.com:5061, b.fabrikam.com:5062.',
      ],
      [
        'found before',
        { outcome: 'Stale', targets: [target('sip.fabrikam.com')], ...failure },
        before,
        ['sip.fabrikam.com:5061'],
        'EdgeFound True EdgeFoundInPart',
        'No server answers.',
      ],
      ['not found', { outcome: 'Failed', ...failure }, [], [], 'EdgeFound False EdgeNotFound', 'No server answers.'],
      [
        'outside its domain',
        { outcome: 'Found', targets: [target('sip.example.net')], expiresAt: soon },
        [],
        [],
        'EdgeFound False EdgeNotFound',
        'leads to sip.example.net, which is neither sip.fabrikam.com nor lies in fabrikam.com',
      ],
      [
        'in part outside its domain',
        { outcome: 'Found', targets: [target('sip.example.net'), target('sip.fabrikam.com')], expiresAt: soon },
        [],
        ['sip.fabrikam.com:5061'],
        'EdgeFound True EdgeFoundInPart',
        'leads to sip.example.net',
      ],
    ];
  it.each(lookups)('%s', (_, lookup, known, edges, condition, sentence) => {
    const found = lookup === undefined ? { edges: known } : { lookup, edges: knownEdges('fabrikam.com', known, lookup, now) };
    const partner = observed(partnerOf('fabrikam', { mode: 'AllowedDomain' }), [fabrikam], {
      lookups: [{ sipDomain: 'fabrikam.com', found }],
    });
    const rest = settled([partner]);
    const status = statusOf('fabrikam', rest);
    expect(status.state).toBe('Trusted');
    expect(status.accessEdges ?? []).toEqual(edges);
    expect(conditionsOf(status)).toContain(condition);
    expect(messageOf(status, 'EdgeFound')).toContain(sentence);
    // It may call whether or not we know where to call it.
    expect(rest.planned.federation.partners[0]?.names).toEqual(expect.arrayContaining(['sip.fabrikam.com', 'fabrikam.com']));
    expect(rest.done.map(({ kind }) => kind)).toEqual(edges.length === 0 ? ['CrossCertify'] : ['CrossCertify', 'WriteEdges']);
  });
});

it('remembers that a CA cannot be cross-certified, and says so on its partners alone', () => {
  const odd = rootOf('Odd', { constraints: { permitted: [generalName.dns('fabrikam.com')] } });
  const [action] = settled([observed(partnerOf('odd'), [odd])]).done;
  if (action?.kind !== 'CrossCertify') throw new Error('nothing was cross-certified');
  const failed = new Map([[`${action.record}/${action.authority.hash}`, 'It cannot be held to its names.']]);
  const rest = settled([observed(partnerOf('odd'), [odd]), observed(partnerOf('fabrikam'), [fabrikam])], { failed });
  expect(conditionsOf(statusOf('odd', rest))).toContain('Stalled True AnchorsRefused');
  expect(messageOf(statusOf('odd', rest), 'TrustEstablished')).toBe('It cannot be held to its names.');
  expect(statusOf('fabrikam', rest).state).toBe('Trusted');
});

describe('one partner’s fault changes nothing of another’s', () => {
  const good = observed(partnerOf('good'), [rootOf('Good Root')]);
  const alone = settled([good]);
  const stolen = rootOf('Stolen', { keys: keysOf('stolen') });
  const contents: readonly (readonly Forged[] | string)[] = [
    'nonsense',
    [ours],
    [rootOf('Old', { notAfter: now - day })],
    [rootOf('Good Root', { keys: keysOf('another Good Root') })],
    [rootOf('Odd', { constraints: { excluded: [generalName.dns('com')] } })],
    [stolen],
    Array.from({ length: 12 }, (_, index) => rootOf(`Many ${index}`)),
  ];
  const specs = [
    {},
    { sipDomains: ['contoso.com'] },
    { sipDomains: ['co.uk'] },
    { mode: 'AllowedDomain' },
    { mode: 'Blocked' },
    { mode: 'Discovered' },
    { mode: 'HostingProvider' },
    { trust: { permittedNames: ['net.example'] } },
  ];

  it('whatever it names, and whatever its source holds', () => {
    fc.assert(
      fc.property(fc.constantFrom(...specs), fc.constantFrom(...contents), fc.boolean(), (spec, content, older) => {
        const bad = observed(partnerOf('bad', spec), content);
        const { records } = alone.observation;
        const rest = settled(older ? [bad, good] : [good, bad], { records });
        const pem = (of: Settled) => of.planned.federation.partners.find(({ name }) => name === 'good');
        expect(pem(rest)).toEqual(pem(alone));
        expect(statusOf('good', rest)).toEqual(statusOf('good', alone));
      }),
      { numRuns: 80 },
    );
  });
});
