// Which ConfigMaps of a bundle are written, in which order, and what happens to a bundle that nobody should hold any more.
import type { BundleObservation } from '../../../operator/controllers/trust-bundle/observe.ts';
import { type BundleAction, plan } from '../../../operator/controllers/trust-bundle/plan.ts';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import { annotation } from '../../../operator/outputs/labels.ts';
import { type PeerSource, shardHash } from '../../../operator/outputs/peers.ts';
import { shardNames } from '../../../operator/outputs/trust-bundle.ts';
import { PeerList } from '../../../operator/topology/peer-list.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';
import { hierarchy, hour, now } from '../pki/authorities.ts';
import { bundle, domain } from './observed.ts';

const key = { domain: 'contoso', audience: 'front-end', namespace: 'voice' } as const;
const trust = { bundle, unknown: [] };
const other = trustBundle([hierarchy({ name: 'Fabrikam' }).root], now);

function sourcesOf(size: number): readonly PeerSource[] {
  const list = new PeerList();
  for (let index = 0; index < size; index++) {
    const pool = `pool${index}.contoso.com`;
    list.set(pool, { pool, role: 'FrontEnd', names: [pool, `fe.${pool}`] });
  }
  return [{ role: 'FrontEnd', list, reach: 'Any' }];
}

function configMap(
  name: string,
  annotations: Readonly<Record<string, string>>,
  owned = ['ca.crt', 'peers.json'],
): MetadataObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'voice',
      uid: `uid-${name}`,
      resourceVersion: '3',
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations,
      ownedDataKeys: owned,
    },
  };
}

const few = sourcesOf(3);
const current = {
  [annotation.trustHash]: bundle.hash,
  [annotation.peersHash]: shardHash(few, 0, 1),
  [annotation.shards]: '1',
};
const main = configMap('trustmesh-contoso-front-end', current);

function observation(changes: Partial<BundleObservation> = {}): BundleObservation {
  return {
    key,
    domain,
    alive: true,
    wanted: true,
    trust,
    peers: { sources: few, currentShards: 1 },
    main,
    shards: new Map(),
    grace: hour,
    ...changes,
  };
}

const { main: _, ...withoutMain } = observation();

/** In short: what is written of which ConfigMap, and what is deleted. */
function steps(of: BundleObservation, at = now): readonly string[] {
  return plan(of, at).actions.map(inShort);
}

function inShort(action: BundleAction): string {
  switch (action.kind) {
    case 'Delete':
      return `delete ${action.configMap.metadata.name}`;
    case 'WriteShard':
      return `${action.replaces === undefined ? 'create' : 'patch'} ${action.name}`;
    case 'WriteMain': {
      const what = [action.trust && 'trust', action.peers && 'peers'].filter(Boolean).join('+') || 'annotations';
      return `${action.replaces === undefined ? 'create' : 'patch'} ${action.name}: ${what}`;
    }
  }
}

describe('a bundle', () => {
  it.each<readonly [string, BundleObservation, readonly string[]]>([
    ['that is as it should be is left', observation(), []],
    ['that is not there is made whole', withoutMain, ['create trustmesh-contoso-front-end: trust+peers']],
    [
      'whose anchors changed has these written alone',
      observation({ trust: { bundle: other, unknown: [] } }),
      ['patch trustmesh-contoso-front-end: trust'],
    ],
    [
      'whose peers changed has these written alone',
      observation({ peers: { sources: sourcesOf(4), currentShards: 1 } }),
      ['patch trustmesh-contoso-front-end: peers'],
    ],
    [
      'whose anchors were edited has them back',
      observation({ main: configMap('trustmesh-contoso-front-end', current, ['peers.json']) }),
      ['patch trustmesh-contoso-front-end: trust'],
    ],
    [
      'whose peers were edited has them back',
      observation({ main: configMap('trustmesh-contoso-front-end', current, ['ca.crt']) }),
      ['patch trustmesh-contoso-front-end: peers'],
    ],
    [
      'of whose anchors some are not known keeps those it has',
      observation({ trust: { bundle: other, unknown: ['public'] } }),
      [],
    ],
    ['of whose anchors some are not known is not made', { ...withoutMain, trust: { bundle, unknown: ['public'] } }, []],
    ['whose domain is missing is left', observation({ domain: undefined, trust: undefined, wanted: false }), []],
    ['whose namespace terminates is left', observation({ alive: false, wanted: false }), []],
  ])('%s', (_what, of, expected) => {
    expect(steps(of)).toEqual(expected);
  });

  it('of clients has no peers, and a trust store that counts like its anchors', () => {
    const { peers: _peers, ...clients } = observation({ key: { ...key, audience: 'clients' } });
    const withStore = configMap('trustmesh-contoso', { [annotation.trustHash]: bundle.hash }, ['ca.crt', 'truststore.p12']);
    expect(steps({ ...clients, main: withStore })).toEqual([]);
    expect(
      steps({ ...clients, main: configMap('trustmesh-contoso', { [annotation.trustHash]: bundle.hash }, ['ca.crt']) }),
    ).toEqual(['patch trustmesh-contoso: trust']);
  });
});

describe('the shards of a bundle', () => {
  const many = sourcesOf(5000);
  const peers = { sources: many, currentShards: 1 };
  const names = shardNames('contoso', 'front-end', 4);
  const shard = (name: string, index: number, sources = many) =>
    [name, configMap(name, { [annotation.peersHash]: shardHash(sources, index, 4) }, ['peers.json'])] as const;
  const inPlace = new Map(names.map((name, index) => shard(name, index)));
  const indexed = configMap('trustmesh-contoso-front-end', {
    ...current,
    [annotation.peersHash]: 'shards-4',
    [annotation.shards]: '4',
  });

  it('are all there before the index that names them', () => {
    expect(steps(observation({ peers }))).toEqual([
      ...names.map((name) => `create ${name}`),
      'patch trustmesh-contoso-front-end: peers',
    ]);
  });

  it('come after the anchors, which certificates wait for', () => {
    const anchorsFirst = 'trustmesh-contoso-front-end: trust';
    expect(steps({ ...withoutMain, peers })).toEqual([`create ${anchorsFirst}`]);
    expect(steps(observation({ peers, trust: { bundle: other, unknown: [] } }))).toEqual([`patch ${anchorsFirst}`]);
  });

  it('are left where nothing changed', () => {
    expect(steps(observation({ peers: { sources: many, currentShards: 4 }, main: indexed, shards: inPlace }))).toEqual([]);
  });

  it('are written alone, one of them, where one pool changed', () => {
    const sources = sourcesOf(5001);
    const written = steps(observation({ peers: { sources, currentShards: 4 }, main: indexed, shards: inPlace }));
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^patch trustmesh-contoso-front-end-peers-4-[0-3]$/);
  });

  it('come back where somebody deletes or edits one', () => {
    const shards = new Map(
      [...inPlace]
        .slice(1)
        .map(([name, object], index) => [name, index === 0 ? configMap(name, object.metadata.annotations ?? {}, []) : object]),
    );
    expect(steps(observation({ peers: { sources: many, currentShards: 4 }, main: indexed, shards }))).toEqual([
      `create ${names[0]}`,
      `patch ${names[1]}`,
    ]);
  });

  it('of another number are a complete set beside the old one, which goes after the index has changed', () => {
    const more = sourcesOf(12_000);
    const written = steps(observation({ peers: { sources: more, currentShards: 4 }, main: indexed, shards: inPlace }));
    expect(written).toEqual([
      ...shardNames('contoso', 'front-end', 8).map((name) => `create ${name}`),
      'patch trustmesh-contoso-front-end: peers',
      ...names.map((name) => `delete ${name}`),
    ]);
  });

  it('go once one document holds the list again', () => {
    expect(steps(observation({ peers: { sources: few, currentShards: 4 }, main: indexed, shards: inPlace }))).toEqual([
      'patch trustmesh-contoso-front-end: peers',
      ...names.map((name) => `delete ${name}`),
    ]);
  });
});

describe('a bundle that nobody should hold any more', () => {
  const left = (since: number, shards: BundleObservation['shards'] = new Map()) =>
    observation({
      wanted: false,
      shards,
      main: configMap('trustmesh-contoso-front-end', { ...current, [annotation.leftAt]: new Date(since).toISOString() }),
    });

  it('is marked, and looked at again after a while', () => {
    const planned = plan(observation({ wanted: false }), now);
    expect(planned.actions).toMatchObject([
      { kind: 'WriteMain', annotations: { [annotation.leftAt]: '2026-06-15T12:00:00Z' }, replaces: main },
    ]);
    expect(planned.lookAgainAt).toBe(now + hour);
  });

  it('stays for that while, and goes whole after it', () => {
    const shards = new Map([['s', configMap('s', {})]]);
    expect(plan(left(now - hour + 1, shards), now)).toEqual({ actions: [], lookAgainAt: now + 1 });
    expect(steps(left(now - hour, shards))).toEqual(['delete trustmesh-contoso-front-end', 'delete s']);
  });

  it('loses its mark when it is wanted again', () => {
    expect(plan({ ...left(now - hour), wanted: true }, now).actions).toMatchObject([
      { annotations: { [annotation.leftAt]: null } },
    ]);
  });

  it('is nothing to do with where it never was', () => {
    expect(steps({ ...withoutMain, wanted: false })).toEqual([]);
  });
});
