// A store follows what the API server holds, whatever happens on the way: nothing is missed, nothing is told twice, and the API
// server is not hammered.
import type { KubeObject } from '../../../operator/api/object.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { type ConfigMap, configMaps, type MetadataObject, namespaces, secrets } from '../../../operator/kube/resource.ts';
import { type Change, keyOf, Store } from '../../../operator/kube/store.ts';
import { type ControlPlane, startControlPlane } from '../../support/controlplane/index.ts';
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../../support/fault-proxy.ts';
import { clientThrough } from '../../support/proxied-client.ts';
import { residueSince } from '../../support/residue.ts';
import { waitFor } from '../../support/wait.ts';

let controlPlane: ControlPlane;
/** The way of the reflectors. */
let proxy: FaultProxy;
let client: KubeClient;
/** The way of everybody else, which is never disturbed. */
let calm: FaultProxy;
let author: KubeClient;
let nothingLeft: () => Promise<void>;
beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  nothingLeft = residueSince();
  proxy = await startFaultProxy(controlPlane);
  calm = await startFaultProxy(controlPlane);
  client = clientThrough(proxy, controlPlane.kubeconfig, { requestTimeoutMs: 2_000 });
  author = clientThrough(calm, controlPlane.kubeconfig);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await author?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await calm?.[Symbol.asyncDispose]();
  await nothingLeft?.();
  await controlPlane?.stop();
});

let groups = 0;
/** ConfigMaps that carry a label of their own, so that tests do not see each other's. */
function family(namespace = 'default') {
  const group = `group-${++groups}`;
  const current = new Map<string, MetadataObject>();
  return {
    labelSelector: `group=${group}`,
    async create(name: string, data: Record<string, string> = {}) {
      const metadata = { namespace, name: `${group}-${name}`, labels: { group } };
      current.set(name, await author.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }));
    },
    async change(name: string, data: Record<string, string>) {
      const { metadata } = current.get(name) as MetadataObject;
      const { resourceVersion } = metadata;
      current.set(name, await author.patch(configMaps, metadata, { metadata: { resourceVersion }, data }));
    },
    async remove(name: string) {
      await author.delete(configMaps, (current.get(name) as MetadataObject).metadata);
      current.delete(name);
    },
    /** Each object's key and resourceVersion, as the author knows them. */
    state: () => stateOf([...current.values()]),
  };
}

const stateOf = (objects: readonly KubeObject[]) =>
  objects.map((object) => `${keyOf(object)}@${object.metadata.resourceVersion}`).sort();

interface Following<T extends KubeObject> extends AsyncDisposable {
  readonly store: Store<T>;
  readonly told: readonly Change<T>[];
}

function following<T extends KubeObject>(store: Store<T>, reflector: Reflector<KubeObject> | Reflector<T>): Following<T> {
  const told: Change<T>[] = [];
  const handler = store.onChange((change) => told.push(change));
  const stop = new AbortController();
  const ended = reflector.run(stop.signal);
  return {
    store,
    told,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      handler[Symbol.dispose]();
    },
  };
}

/** Follows a family of ConfigMaps and is in step with it. */
async function follow(
  selection: { labelSelector: string },
  options: { silenceLimitMs?: number; pageSize?: number } = {},
): Promise<Following<ConfigMap>> {
  const store = new Store<ConfigMap>();
  const followed = following(store, new Reflector({ client, resource: configMaps, store, ...selection, ...options }));
  await store.whenSynced(AbortSignal.timeout(20_000));
  return followed;
}

async function inStep(followed: Following<KubeObject>, expected: readonly string[], limitMs = 15_000): Promise<void> {
  const wanted = JSON.stringify(expected);
  await waitFor(`the store holds ${wanted}`, () => JSON.stringify(stateOf(followed.store.list())) === wanted, {
    limitMs,
    seen: () => stateOf(followed.store.list()),
  });
}

/** Changes in short: + came, * changed, - went. */
const inShort = (told: readonly Change<KubeObject>[]) =>
  told.map(
    (change) =>
      `${change.old && change.new ? '*' : change.new ? '+' : '-'}${(change.new ?? change.old)?.metadata.name.split('-').at(-1)}`,
  );

const requestsSince = (from: number, what: (request: SeenRequest) => boolean = () => true) =>
  proxy.requests.slice(from).filter(what);
const openWatch = (selection: { labelSelector: string }) => (request: SeenRequest) =>
  request.watch && request.path.includes(encodeURIComponent(selection.labelSelector));

describe('a reflector', () => {
  it('fills its store page by page, then tells each change once, with the old and the new', async () => {
    const objects = family();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await objects.create(name);
    const from = proxy.requests.length;
    await using followed = await follow(objects, { pageSize: 2 });
    expect(inShort(followed.told)).toEqual(['+a', '+b', '+c', '+d', '+e']);
    expect(requestsSince(from, ({ watch }) => !watch).map(({ path }) => path.includes('continue='))).toEqual([false, true, true]);
    await objects.change('a', { key: '1' });
    await objects.remove('b');
    await objects.create('f');
    await inStep(followed, objects.state());
    expect(inShort(followed.told.slice(5))).toEqual(['*a', '-b', '+f']);
    expect([followed.told[5]?.old?.data, followed.told[5]?.new?.data]).toEqual([undefined, { key: '1' }]);
  });

  it('takes the answer to an own write first, and is not told of it again', async () => {
    const objects = family();
    await using followed = await follow(objects);
    const metadata = { namespace: 'default', name: `own-${groups}`, labels: { group: `group-${groups}` } };
    const created = await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: '1' } });
    followed.store.apply(await client.get(configMaps, created.metadata));
    await objects.create('marker');
    await waitFor('the watch brings the marker', () => followed.told.length >= 2);
    expect(followed.told.map((change) => change.new?.metadata.name)).toEqual([metadata.name, `group-${groups}-marker`]);
  });

  it('knows Secrets by their metadata alone', async () => {
    const store = new Store<MetadataObject>();
    const labelSelector = 'app.kubernetes.io/managed-by=trustmesh';
    await using followed = following(
      store,
      new Reflector({ client, resource: secrets, store, metadataOnly: true, labelSelector }),
    );
    await store.whenSynced(AbortSignal.timeout(20_000));
    const metadata = { namespace: 'default', name: 'fe01-tls', labels: { 'app.kubernetes.io/managed-by': 'trustmesh' } };
    const written = await author.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data: { 'tls.key': 'c2VjcmV0' } });
    await waitFor('the watch brings it', () => followed.told.length === 1);
    expect(store.list()).toEqual([written]);
    expect(JSON.stringify(store.list())).not.toContain('c2VjcmV0');
    expect(store.list()[0]?.metadata.ownedDataKeys).toEqual(['tls.key']);
  });

  it('sees the namespaces that it is limited to, and asks for no others', async () => {
    for (const name of ['limited-1', 'limited-2', 'other']) {
      await author.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const metadata = { namespace: name, name: 'there', labels: { limited: 'yes' } };
      await author.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    }
    const from = proxy.requests.length;
    const limits = ['limited-1', 'limited-2'];
    const maps = new Store<ConfigMap>();
    const spaces = new Store<KubeObject>();
    await using _maps = following(
      maps,
      new Reflector({ client, resource: configMaps, store: maps, namespaces: limits, labelSelector: 'limited=yes' }),
    );
    await using _spaces = following(spaces, new Reflector({ client, resource: namespaces, store: spaces, namespaces: limits }));
    await Promise.all([maps, spaces].map((store) => store.whenSynced(AbortSignal.timeout(20_000))));
    expect([...maps.keys()].sort()).toEqual(['limited-1/there', 'limited-2/there']);
    expect([...spaces.keys()].sort()).toEqual(limits);
    const wide = requestsSince(from).filter(
      ({ path }) => !path.includes('/namespaces/limited-') && !path.includes('fieldSelector=metadata.name'),
    );
    expect(wide).toEqual([]);
  });

  it('goes on when a handler throws', async () => {
    const objects = family();
    const store = new Store<ConfigMap>();
    store.onChange(() => {
      throw new Error('broken');
    });
    await using followed = following(
      store,
      new Reflector({ client, resource: configMaps, store, labelSelector: objects.labelSelector }),
    );
    await objects.create('a');
    await objects.create('b');
    await inStep(followed, objects.state());
  });
});

describe('a reflector on a bad way', () => {
  it('watches on from where it was when connections break, and lists nothing again', async () => {
    const objects = family();
    await objects.create('a');
    await using followed = await follow(objects);
    const from = proxy.requests.length;
    for (let round = 0; round < 3; round++) {
      await waitFor('a watch', () => proxy.requests.filter(openWatch(objects)).length > round);
      proxy.cutConnections();
      await objects.change('a', { round: `${round}` });
      await inStep(followed, objects.state());
    }
    expect(inShort(followed.told)).toEqual(['+a', '*a', '*a', '*a']);
    expect(requestsSince(from, ({ watch }) => !watch)).toEqual([]);
    expect(requestsSince(from).length).toBeLessThan(12);
  });

  it('notices a watch that has fallen silent, and catches up', async () => {
    const objects = family();
    await objects.create('a');
    await using followed = await follow(objects, { silenceLimitMs: 1_000 });
    await waitFor('a watch to stall', () => proxy.stallWatches() > 0);
    await objects.change('a', { key: 'unheard' });
    await objects.create('b');
    await inStep(followed, objects.state());
  });

  it('lists again when its resourceVersion is gone, and tells what happened in the gap and nothing else', async () => {
    const objects = family();
    for (const name of ['kept', 'changed', 'deleted']) await objects.create(name);
    await using followed = await follow(objects);
    await waitFor('a watch', () => proxy.requests.some(openWatch(objects)));
    const told = followed.told.length;
    {
      using _ = proxy.inject((request) => (openWatch(objects)(request) ? { kind: 'drop' } : undefined));
      proxy.cutConnections();
      await objects.change('changed', { key: '1' });
      await objects.remove('deleted');
      await objects.create('created');
    }
    let gone = 1;
    using _ = proxy.inject((request) =>
      openWatch(objects)(request) && gone-- > 0 ? { kind: 'watch error', code: 410, reason: 'Expired' } : undefined,
    );
    await inStep(followed, objects.state());
    await objects.create('later');
    await inStep(followed, objects.state());
    const changes = followed.told.slice(told);
    expect(inShort(changes).sort()).toEqual(['*changed', '+created', '+later', '-deleted']);
    expect(changes.find((change) => change.new === undefined)?.old?.metadata.name).toContain('deleted');
  });

  it('starts its list again when the pages after the first are gone', async () => {
    const objects = family();
    for (const name of ['a', 'b', 'c']) await objects.create(name);
    let gone = 1;
    using _ = proxy.inject(({ path }) =>
      path.includes('continue=') && gone-- > 0
        ? { kind: 'answer', status: 410, body: { kind: 'Status', code: 410, reason: 'Expired' } }
        : undefined,
    );
    await using followed = await follow(objects, { pageSize: 1 });
    await inStep(followed, objects.state());
    expect(inShort(followed.told)).toEqual(['+a', '+b', '+c']);
  });

  it.each([
    ['410 to every watch', { kind: 'watch error', code: 410, reason: 'Expired' }],
    ['500', { kind: 'answer', status: 500 }],
    ['a watch that ends at once', { kind: 'answer', status: 200 }],
    ['a broken connection', { kind: 'drop' }],
  ] as const)('does not hammer an API server that gives %s, and catches up when it is well', async (_name, fault) => {
    const objects = family();
    await objects.create('a');
    await using followed = await follow(objects);
    await waitFor('a watch', () => proxy.requests.some(openWatch(objects)));
    {
      using _ = proxy.inject((request) => (openWatch(objects)(request) ? fault : undefined));
      proxy.cutConnections();
      const from = proxy.requests.length;
      const started = performance.now();
      await objects.change('a', { key: '1' });
      await waitFor('some attempts', () => requestsSince(from).length >= 4, { limitMs: 20_000 });
      // From 250 ms on, doubled each time, a quarter off at most by chance.
      expect(performance.now() - started).toBeGreaterThan(250);
      expect(requestsSince(from, openWatch(objects)).length).toBeLessThanOrEqual(5);
    }
    await inStep(followed, objects.state(), 30_000);
  });

  it('waits as long as an API server asks for that is too busy to list', async () => {
    const objects = family();
    await objects.create('a');
    let busy = 2;
    using _ = proxy.inject(({ watch }) =>
      !watch && busy-- > 0 ? { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } : undefined,
    );
    const from = proxy.requests.length;
    const started = performance.now();
    await using followed = await follow(objects);
    expect(performance.now() - started).toBeGreaterThanOrEqual(1_999);
    expect(requestsSince(from, ({ watch }) => !watch)).toHaveLength(3);
    await inStep(followed, objects.state());
  });

  it('is patient with slow answers', async () => {
    const objects = family();
    await objects.create('a');
    using _ = proxy.inject(() => ({ kind: 'delay', ms: 500 }));
    await using followed = await follow(objects);
    await objects.change('a', { key: '1' });
    await inStep(followed, objects.state());
  });

  it('misses nothing over a restart of the API server', async () => {
    const objects = family();
    for (const name of ['kept', 'changed', 'deleted']) await objects.create(name);
    await using followed = await follow(objects);
    const from = proxy.requests.length;
    await controlPlane.restartApiServer();
    await objects.change('changed', { key: '1' });
    await objects.remove('deleted');
    await objects.create('created');
    await inStep(followed, objects.state(), 40_000);
    expect(inShort(followed.told.slice(3)).sort()).toEqual(['*changed', '+created', '-deleted']);
    expect(requestsSince(from).length).toBeLessThan(30);
  });

  it('misses nothing of hundreds of changes while connections break at random', async () => {
    const objects = family();
    await using followed = await follow(objects);
    const from = proxy.requests.length;
    await Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let index = 0; index < 25; index++) {
          const name = `${worker}x${index}`;
          await objects.create(name);
          await objects.change(name, { key: '1' });
          await objects.change(name, { key: '2' });
          if (index % 2 === 0) await objects.remove(name);
          if (index % 5 === 0) proxy.cutConnections();
        }
      }),
    );
    await inStep(followed, objects.state(), 60_000);
    expect(requestsSince(from).length).toBeLessThan(200);
  });

  it('ends at once when it is told to, with nothing left running', async () => {
    const residue = residueSince();
    const objects = family();
    {
      await using stopped = clientThrough(proxy, controlPlane.kubeconfig);
      const store = new Store<ConfigMap>();
      const stop = new AbortController();
      const ended = new Reflector({ client: stopped, resource: configMaps, store, labelSelector: objects.labelSelector }).run(
        stop.signal,
      );
      await store.whenSynced(AbortSignal.timeout(20_000));
      stop.abort();
      await ended;
    }
    await residue();
  });
});
