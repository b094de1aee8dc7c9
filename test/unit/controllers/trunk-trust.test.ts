// What a mediation pool is to trust on account of its trunks, and what to make for it first.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { generateKeyPair } from '../../../operator/authorities/keys.ts';
import {
  decodeTrunks,
  encodeTrunks,
  gatewayAuthoritySecret,
  scopeInputs,
  type TrunkRecords,
  trunkRecordOf,
  trunksConfigMap,
} from '../../../operator/controllers/trunk-records.ts';
import type { Generation, OwnSource, TrunkObservation } from '../../../operator/controllers/trunk-trust/observe.ts';
import { plan } from '../../../operator/controllers/trunk-trust/plan.ts';
import { createRoot } from '../../../operator/pki/authority.ts';
import { crossCertify } from '../../../operator/pki/cross-certificate.ts';
import { day, hierarchy, now } from '../pki/authorities.ts';
import { admitting, mediaGateway, trustDomain, trustedServer } from '../topology/objects.ts';

const domain = trustDomain('contoso', admitting('voice'));
const pool = trustedServer('med01', 'Mediation');
const leaf = { duration: 90 * day, renewAfterPercent: 66, privateKey: { algorithm: 'ECDSA', size: 256 } } as const;

const trunk = (name: string, spec: object = {}) => ({ gateway: mediaGateway(name, spec), domain, pool });
const held = (number: number, { notAfter = now + 1000 * day } = {}): Generation => {
  const keys = generateKeyPair({ algorithm: 'ECDSA' });
  const certificate = createRoot({
    commonName: 'med01.contoso.com gateway authority',
    serial: randomBytes(16),
    notBefore: now - 1000 * day,
    notAfter,
    ...keys,
  });
  return {
    number,
    found: { kind: 'Held', certificate, privateKey: createPrivateKey(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })) },
  };
};
const another: Generation = { number: 1, found: { kind: 'Another' } };
const damaged: Generation = { number: 1, found: { kind: 'Damaged', message: 'Secret x cannot be used.' } };

const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
};

/** What is kept of these beside their keys. */
const recordedOf = (generations: readonly Generation[]) =>
  generations.flatMap(({ number, found }) =>
    found.kind === 'Held' && found.certificate.notAfter > now ? [{ generation: number, certificate: found.certificate }] : [],
  );

const observed = (changes: Partial<TrunkObservation> = {}): TrunkObservation => ({
  key: 'voice/med01',
  pool,
  trunks: [trunk('gw01')],
  generations: [],
  leaf,
  own: [],
  kept: { scoped: new Map(), authorities: recordedOf(changes.generations ?? []) },
  issued: new Map(),
  uncrossed: new Map(),
  ours: { certificates: [], keyIds: [] },
  enterprise: [],
  ...changes,
});

/** In short: what is made, whether it can issue and with which generation, how many roots are trusted. */
function inShort(observation: TrunkObservation) {
  const { actions, trust } = plan(observation, now);
  return {
    made: actions.map((action) => (action.kind === 'CreateAuthority' ? `${action.kind} ${action.generation}` : action.kind)),
    issues: trust?.authority.available === true ? trust.authority.authority.generation : trust?.authority.reason,
    roots: trust?.roots.length,
  };
}

describe('the gateway authority', () => {
  const ownTrunk = trunk('sbc', { certificate: { trustAnchors: [{ pem: 'x' }] } });
  const byEnterprise = trunk('gw02', { certificate: { issuer: 'EnterpriseCA' } });
  it.each<[string, Partial<TrunkObservation>, ReturnType<typeof inShort>]>([
    ['is made for the first trunk', {}, { made: ['CreateAuthority 1'], issues: 'Creating', roots: 0 }],
    ['is there', { generations: [held(1)] }, { made: [], issues: 1, roots: 1 }],
    [
      'is made anew beside that of a server that had the name before',
      { generations: [another] },
      { made: ['CreateAuthority 2'], issues: 'Creating', roots: 0 },
    ],
    [
      'is not made in silence where one cannot be read',
      { generations: [damaged] },
      { made: [], issues: 'AuthorityNotUsable', roots: 0 },
    ],
    [
      'gets a successor while two lives of a leaf are left',
      { generations: [held(1, { notAfter: now + 180 * day })] },
      { made: ['CreateAuthority 2'], issues: 1, roots: 1 },
    ],
    ['gets none before', { generations: [held(1, { notAfter: now + 181 * day })] }, { made: [], issues: 1, roots: 1 }],
    [
      'leaves issuing to its successor, and is trusted on',
      { generations: [held(1, { notAfter: now + day }), held(2)] },
      { made: [], issues: 2, roots: 2 },
    ],
    [
      'is trusted no more once it has expired',
      { generations: [held(1, { notAfter: now }), held(2)] },
      { made: [], issues: 2, roots: 1 },
    ],
    [
      'is made anew where it has expired',
      { generations: [held(1, { notAfter: now })] },
      { made: ['CreateAuthority 2'], issues: 'Creating', roots: 0 },
    ],
    [
      'is not needed for a gateway with a CA of its own',
      { trunks: [ownTrunk], generations: [held(1)] },
      { made: [], issues: 'NothingPlanned', roots: 0 },
    ],
    [
      'is not needed for a gateway of the enterprise',
      { trunks: [byEnterprise], generations: [held(1)] },
      { made: [], issues: 'NothingPlanned', roots: 0 },
    ],
  ])('%s', (_title, changes, expected) => {
    expect(inShort(observed(changes))).toEqual(expected);
  });

  it('is trusted, once no gateway asks for it, while one may still show what it signed', () => {
    const generation = held(1);
    const authority = generation.found.kind === 'Held' ? generation.found.certificate.subjectKeyId : '';
    const shown = (notAfter: number) => ({
      trunks: [ownTrunk],
      generations: [generation, held(2)],
      kept: { scoped: new Map(), authorities: notAfter > now ? recordedOf([generation]) : [] },
      issued: new Map([[ownTrunk.gateway.metadata.uid, [{ authority, notBefore: now - day, notAfter }]]]),
    });
    expect(inShort(observed(shown(now + day)))).toEqual({ made: [], issues: 'NothingPlanned', roots: 1 });
    expect(plan(observed(shown(now + day)), now).lookAgainAt).toBe(now + day);
    expect(inShort(observed(shown(now)))).toEqual({ made: [], issues: 'NothingPlanned', roots: 0 });
  });

  it.each<[string, object, number, boolean]>([
    ['while it has nothing else', {}, 0, true],
    ['for a day after the next lies in a Secret', {}, 1, true],
    ['no longer', {}, day, false],
    ['for a week where somebody has to carry the next over', { certificate: { csr: 'x' } }, day, true],
    ['to its end, where the next is from a CA of its own', { certificate: { trustAnchors: [{ pem: 'x' }] } }, 0, true],
  ])('a gateway that was issued to by the enterprise is believed by that %s', (_title, spec, ago, expected) => {
    const { gateway } = trunk('gw01', spec);
    const generation = held(1);
    const authority = generation.found.kind === 'Held' ? generation.found.certificate.subjectKeyId : '';
    const records = [
      { authority: 'enterprise', notBefore: now - 30 * day, notAfter: now + 60 * day },
      ...(ago === 0 ? [] : [{ authority, notBefore: now - ago - 300_000, notAfter: now + 90 * day }]),
    ];
    const { trust } = plan(
      observed({
        trunks: [{ gateway, domain, pool }],
        generations: [generation],
        issued: new Map([[gateway.metadata.uid, records]]),
      }),
      now,
    );
    expect(trust?.shown.get('voice/gw01')).toMatchObject({ enterprise: expected, roots: ago === 0 ? [] : [{}] });
  });

  it('is trusted while the settings of the CA are missing', () => {
    const { leaf: _, ...rest } = observed({ generations: [held(1)] });
    expect(inShort(rest)).toEqual({ made: [], issues: 'EnterpriseCANotFound', roots: 1 });
  });

  it('is looked at again when its successor is due', () => {
    expect(plan(observed({ generations: [held(1)] }), now).lookAgainAt).toBe(now + (1000 - 180) * day);
  });
});

describe('a generation of the gateway authority whose Secret is gone', () => {
  const generation = held(1);
  const [recorded] = recordedOf([generation]);
  const authority = recorded?.certificate.subjectKeyId ?? '';
  const records = (notAfter: number, by = authority) => [{ authority: by, notBefore: now - 30 * day, notAfter }];
  const { gateway } = trunk('gw01', { certificate: { csr: 'x' } });
  const lost = (changes: Partial<TrunkObservation> = {}, issued = records(now + 60 * day)) =>
    observed({
      trunks: [{ gateway, domain, pool }],
      kept: { scoped: new Map(), authorities: recordedOf([...new Set([generation, ...(changes.generations ?? [])])]) },
      issued: new Map([[gateway.metadata.uid, issued]]),
      ...changes,
    });
  const successor = held(2);

  it.each<[string, TrunkObservation, ReturnType<typeof inShort>]>([
    ['is believed, and gets a successor', lost(), { made: ['CreateAuthority 2'], issues: 'Creating', roots: 1 }],
    ['is believed beside its successor', lost({ generations: [successor] }), { made: [], issues: 2, roots: 2 }],
    [
      'is believed no more once everything that it signed has expired, and not kept',
      lost({ generations: [successor] }, records(now)),
      { made: ['WriteRecords'], issues: 2, roots: 1 },
    ],
    [
      'is not believed for what others signed',
      lost({ generations: [successor] }, records(now + day, 'another')),
      { made: ['WriteRecords'], issues: 2, roots: 1 },
    ],
    [
      'is believed while its Secret cannot be read',
      lost({ generations: [damaged] }),
      { made: [], issues: 'AuthorityNotUsable', roots: 1 },
    ],
    [
      'is not lost any more where its Secret is back',
      lost({ generations: [generation, successor] }),
      { made: [], issues: 2, roots: 2 },
    ],
  ])('%s', (_title, observation, expected) => {
    expect(inShort(observation)).toEqual(expected);
  });

  it('is told to the gateways that may still show what it signed, and until when that is believed', () => {
    const shown = (observation: TrunkObservation) => plan(observation, now).trust?.shown.get('voice/gw01');
    const until = now + 60 * day;
    expect(shown(lost({ generations: [successor] }))).toMatchObject({
      lost: [{ generation: 1, until }],
      enterprise: false,
      roots: [{}],
    });
    expect(shown(lost({ generations: [successor] }, records(now + day, 'another')))?.lost).toEqual([]);
    expect(shown(lost({ generations: [generation, successor] }))?.lost).toEqual([]);
    expect(shown(lost({ generations: [damaged] }))?.lost).toEqual([]);
    expect(plan(lost({ generations: [successor] }), now).lookAgainAt).toBe(until);
  });

  it('is known by what is kept beside its Secret before anything is issued', () => {
    const { actions } = plan(lost({ generations: [generation], kept: { scoped: new Map(), authorities: [] } }), now);
    expect(actions).toMatchObject([
      { kind: 'WriteRecords', authorities: [{ generation: 1, certificate: recorded?.certificate }] },
    ]);
    const kept = { scoped: new Map(), authorities: recordedOf([generation, successor]) };
    const data = encodeTrunks(kept);
    expect(Object.keys(data)).toEqual(['gateways-1.crt', 'gateways-2.crt']);
    const fingerprints = ({ authorities }: Pick<TrunkRecords, 'authorities'>) =>
      authorities.map(({ generation: number, certificate }) => [number, certificate.fingerprint]);
    expect(fingerprints(decodeTrunks(data))).toEqual(fingerprints(kept));
    expect(decodeTrunks({ 'gateways-1.crt': 'x', 'gateways-0.crt': data['gateways-1.crt'] ?? '' }).authorities).toEqual([]);
  });
});

it('a server without trunks trusts nothing on their account, and what was kept goes', () => {
  const { pool: _, ...rest } = observed();
  expect(plan({ ...rest, trunks: [] }, now)).toEqual({ actions: [] });
  const object = configMap;
  expect(plan({ ...rest, trunks: [], kept: { scoped: new Map(), authorities: [], object } }, now).actions).toMatchObject([
    { kind: 'DeleteRecords' },
  ]);
});

it('a pool that is missing leaves its authorities on record, while a gateway may show what one of them signed', () => {
  const { pool: _, ...rest } = observed({ generations: [held(1)] });
  const keyId = rest.kept.authorities[0]?.certificate.subjectKeyId ?? '';
  const until = now + 60 * day;
  const planned = (authority: string, at = now) => {
    const issued = new Map([['uid', [{ authority, notBefore: now - day, notAfter: until }]]]);
    return plan({ ...rest, trunks: [], generations: [], kept: { ...rest.kept, object: configMap }, issued }, at);
  };
  expect(planned(keyId)).toEqual({ actions: [], lookAgainAt: until });
  expect(planned(keyId, until).actions).toMatchObject([{ kind: 'DeleteRecords' }]);
  expect(planned('another').actions).toMatchObject([{ kind: 'DeleteRecords' }]);
});

describe('a CA that a gateway brings', () => {
  const { root } = hierarchy({ name: 'Appliance' });
  const gateway = mediaGateway('sbc', { certificate: { trustAnchors: [{ pem: root.pem }] } });
  const source = (changes: Partial<OwnSource> = {}): OwnSource => ({
    gateway,
    sources: [{ from: 'spec.certificate.trustAnchors[0].pem', certificates: [root] }],
    missing: [],
    ...changes,
  });
  const pair = crossCertify({
    partnerCA: root,
    permitted: [{ kind: 'dns', host: 'sbc.contoso.com' }],
    excluded: [],
    now,
    federationKeys: generateKeyPair({ algorithm: 'ECDSA' }),
    serials: { root: randomBytes(16) },
  });
  const record = {
    anchors: [root],
    scoped: [{ root: pair.root, cross: pair.cross }],
    inputs: scopeInputs('sbc.contoso.com', [root]),
    origin: { uid: gateway.metadata.uid, since: now - day, sources: {} },
  };
  const kept = { scoped: new Map([['sbc', record]]), authorities: [] };
  const trunks = [{ gateway, domain, pool }];
  const of = (changes: Partial<TrunkObservation>) => {
    const { actions, trust } = plan(observed({ trunks, own: [source()], ...changes }), now);
    return { actions, own: trust?.own.get('voice/sbc') };
  };

  it('is held to the name of the gateway before it is trusted', () => {
    const { actions, own } = of({});
    expect(actions).toMatchObject([
      {
        kind: 'WriteRecords',
        missing: [{ gateway: 'sbc', fqdn: 'sbc.contoso.com', anchors: [{ fingerprint: root.fingerprint }] }],
      },
    ]);
    expect(own).toMatchObject({ scoped: [], refusals: [] });
  });

  it('stays as it was made while nothing changes', () => {
    const { actions, own } = of({ kept });
    expect(actions).toEqual([]);
    expect(own?.scoped).toEqual(record.scoped);
  });

  it('is made anew for another name', () => {
    const renamed = { ...gateway, spec: { ...gateway.spec, fqdn: 'sbc01.contoso.com' } };
    const { actions } = of({ kept, own: [source({ gateway: renamed })] });
    expect(actions).toMatchObject([{ kind: 'WriteRecords', missing: [{ fqdn: 'sbc01.contoso.com' }] }]);
  });

  const from = (identity: string) => ({ ...record.origin, sources: { [identity]: [root.fingerprint] } });
  const keptFrom = (origin: typeof record.origin) => ({
    scoped: new Map([['sbc', { ...record, origin }]]),
    authorities: [],
  });
  const missing = { identity: 'ca/ca.crt', message: 'ca.crt is not there.' };

  it('stays while its ConfigMap is missing, and that is told', () => {
    const { actions, own } = of({ kept: keptFrom(from('ca/ca.crt')), own: [source({ sources: [], missing: [missing] })] });
    expect(actions).toEqual([]);
    expect(own).toMatchObject({ anchors: [{ fingerprint: root.fingerprint }], refusals: ['ca.crt is not there.'] });
  });

  it.each<[string, typeof record.origin]>([
    ['came from elsewhere', record.origin],
    ['came from another ConfigMap', from('former/ca.crt')],
    ['is of another gateway that had the name', { ...from('ca/ca.crt'), uid: 'another' }],
  ])('does not stay for a ConfigMap that is missing where it %s', (_title, origin) => {
    const object = configMap;
    const { actions, own } = of({
      kept: { ...keptFrom(origin), object },
      own: [source({ sources: [], missing: [missing] })],
    });
    expect(actions).toMatchObject([{ kind: 'DeleteRecords' }]);
    expect(own).toMatchObject({ anchors: [], scoped: [], refusals: ['ca.crt is not there.'] });
  });

  it('has on record from where it came, as soon as it comes from there', () => {
    const sources = [{ from: 'ca.crt of ConfigMap voice/ca', identity: 'ca/ca.crt', certificates: [root] }];
    const { actions, own } = of({ kept, own: [source({ sources })] });
    expect(actions).toMatchObject([{ kind: 'WriteRecords', missing: [] }]);
    expect(actions[0]?.kind === 'WriteRecords' && actions[0].stays.get('sbc')?.origin).toEqual(from('ca/ca.crt'));
    expect(own?.scoped).toEqual(record.scoped);
  });

  it('that cannot be held to a name is refused, and what else the gateway brings is not', () => {
    const other = hierarchy({ name: 'Other' }).root;
    const { actions, own } = of({
      uncrossed: new Map([[scopeInputs('sbc.contoso.com', [root]), 'its constraints cannot be read']]),
      own: [source({ sources: [{ from: 'f', certificates: [root, other] }] })],
    });
    expect(actions).toMatchObject([{ kind: 'WriteRecords', missing: [{ anchors: [{ fingerprint: other.fingerprint }] }] }]);
    expect(own).toMatchObject({
      anchors: [{ fingerprint: other.fingerprint }],
      refusals: [expect.stringMatching(/cannot be held to sbc\.contoso\.com: its constraints cannot be read\./)],
    });
  });

  it('is refused where there is no room to keep it, and nobody else’s is', () => {
    const large = { ...hierarchy({ name: 'Large' }).root, pem: 'x'.repeat(250_000) };
    const younger = mediaGateway('large', { certificate: { trustAnchors: [{ pem: 'x' }] } });
    const { trust } = plan(
      observed({
        trunks: [...trunks, { gateway: younger, domain, pool }],
        own: [source(), source({ gateway: younger, sources: [{ from: 'f', certificates: [large] }] })],
        kept,
      }),
      now,
    );
    expect(trust?.own.get('voice/sbc')).toMatchObject({ scoped: record.scoped, refusals: [] });
    expect(trust?.own.get('voice/large')).toMatchObject({
      anchors: [],
      refusals: [expect.stringMatching(/octets to keep, and there is room for 800000/)],
    });
  });

  describe('and whose gateway gets its certificate from elsewhere now', () => {
    const changed = (certificate: object) => mediaGateway('sbc', { certificate });
    const left = (certificate: object, issuedAt?: number, origin = record.origin) => {
      const changedTo = changed(certificate);
      const certificates =
        issuedAt === undefined ? [] : [{ authority: 'a', notBefore: issuedAt - 300_000, notAfter: issuedAt + 90 * day }];
      return of({
        trunks: [{ gateway: changedTo, domain, pool }],
        own: [],
        generations: [held(1)],
        kept: { ...keptFrom(origin), object: configMap },
        issued: new Map([[gateway.metadata.uid, certificates]]),
      });
    };
    const inSecret = { issuer: 'EnterpriseCA' };
    const byRequest = { csr: 'x' };

    it.each<[string, object, number | undefined]>([
      ['while the other is not issued', inSecret, undefined],
      ['while what was issued is older than its own CA', inSecret, now - 2 * day],
    ])('is trusted on %s', (_title, certificate, issuedAt) => {
      const { actions, own } = left(certificate, issuedAt);
      expect(actions).toEqual([]);
      expect(own?.scoped).toEqual(record.scoped);
    });

    it('is trusted on for a day after that lies in a Secret, and for a week where somebody has to carry it over', () => {
      for (const [certificate, time] of [[inSecret, day] as const, [byRequest, 7 * day] as const]) {
        const succeeded = (ago: number) => left(certificate, undefined, { ...record.origin, ...{ succeededAt: now - ago } });
        expect(succeeded(time - 1).own?.scoped).toEqual(record.scoped);
        expect(succeeded(time).own).toBeUndefined();
        expect(succeeded(time).actions).toMatchObject(
          certificate === byRequest ? [{ kind: 'WriteRecords', stays: new Map() }] : [{ kind: 'DeleteRecords' }],
        );
      }
    });

    it('has the time of the other on record, which the journal forgets', () => {
      const { actions } = left(inSecret, now - 60_000);
      expect(actions[0]?.kind === 'WriteRecords' && actions[0].stays.get('sbc')?.origin).toEqual({
        ...record.origin,
        succeededAt: now - 60_000,
      });
    });
  });

  it('goes with the gateway', () => {
    const object = configMap;
    const gone = (gatewaySpec: object) =>
      of({ own: [], trunks: [trunk('gw01', gatewaySpec)], generations: [held(1)], kept: { ...kept, object } }).actions;
    expect(gone({ certificate: { issuer: 'EnterpriseCA' } })).toMatchObject([{ kind: 'DeleteRecords' }]);
    expect(gone({})).toMatchObject([{ kind: 'WriteRecords', stays: new Map(), missing: [], authorities: [{ generation: 1 }] }]);
  });

  it.each<[string, Partial<TrunkObservation>, RegExp]>([
    ['that is one of ours', { ours: { certificates: [root], keyIds: [] } }, /has the key of a CA of ours/],
    [
      'that could be taken for one of ours',
      { ours: { certificates: [], keyIds: [root.subjectKeyId] } },
      /has the subject key identifier [0-9a-f]+ of a CA of ours, .*: the gateway must name another CA\.$/,
    ],
    [
      'that FIPS 140 does not approve, where the domain requires that,',
      {
        trunks: [{ gateway, domain: trustDomain('contoso', { ...admitting('voice'), security: { fips: 'Required' } }), pool }],
        own: [source({ sources: [{ from: 'x', certificates: [hierarchy({ rootKey: { algorithm: 'Ed25519' } }).root] }] })],
      },
      /has a key of Ed25519, which FIPS 140 does not approve/,
    ],
  ])('%s is refused', (_title, changes, message) => {
    const { actions, own } = of(changes);
    expect(actions).toEqual([]);
    expect(own).toMatchObject({ anchors: [], scoped: [], refusals: [expect.stringMatching(message)] });
  });

  it('that is the gateway authority of the pool is refused', () => {
    const generation = held(1);
    const certificates = generation.found.kind === 'Held' ? [generation.found.certificate] : [];
    const { own } = of({
      trunks: [...trunks, trunk('gw01')],
      generations: [generation],
      own: [source({ sources: [{ from: 'f', certificates }] })],
    });
    expect(own?.refusals).toEqual([expect.stringMatching(/has the key of a CA of ours/)]);
  });

  it('is kept as PEM, and what somebody damaged is not there', () => {
    const data = encodeTrunks(kept);
    expect(Object.keys(data)).toEqual(['sbc.anchors.crt', 'sbc.scoped.crt', 'sbc.inputs', 'sbc.origin']);
    const read = decodeTrunks(data).scoped.get('sbc');
    expect(read?.scoped.map(({ root: r, cross }) => [r.fingerprint, cross.fingerprint])).toEqual([
      [pair.root.fingerprint, pair.cross.fingerprint],
    ]);
    expect(read?.origin).toEqual(record.origin);
    expect(decodeTrunks({ ...data, 'sbc.origin': 'x' }).scoped.get('sbc')?.origin).toBeUndefined();
    expect(decodeTrunks({ ...data, 'sbc.scoped.crt': 'x' }).scoped.size).toBe(0);
    expect(decodeTrunks({ 'sbc.inputs': 'x' }).scoped.size).toBe(0);
  });
});

it('what trunks have in the operator’s namespace says whose it is, and nothing else does', () => {
  expect(trunkRecordOf(gatewayAuthoritySecret('a.b', 'voice', 12))).toEqual({ server: 'voice/a.b', generation: 12 });
  expect(trunkRecordOf(trunksConfigMap('med01', 'voice'))).toEqual({ server: 'voice/med01' });
  for (const name of [
    'med01',
    'med01.voice.gateways',
    'med01.voice.gateways-0',
    'gateways-1',
    '.voice.trunks',
    'med01.audio-video-authentication',
  ]) {
    expect(trunkRecordOf(name)).toBeUndefined();
  }
});
