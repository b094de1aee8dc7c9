// The whole chain, from the API server through reflector, store, queue and controller back to it, held together only by its
// parts' promises: whatever breaks on the way, the end is as if nothing had, at no more cost than was needed.
import type { KubeObject } from '../../../operator/api/object.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { Controller } from '../../../operator/kube/controller.ts';
import { WorkQueue } from '../../../operator/kube/queue.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { type ConfigMap, configMaps } from '../../../operator/kube/resource.ts';
import { keyOf, Store } from '../../../operator/kube/store.ts';
import { type ControlPlane, startControlPlane } from '../../support/controlplane/index.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { clientThrough } from '../../support/proxied-client.ts';
import { residueSince } from '../../support/residue.ts';
import { waitFor } from '../../support/wait.ts';

const namespace = 'default';

let controlPlane: ControlPlane;
let proxy: FaultProxy;
let client: KubeClient;
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
  for (const part of [client, author, proxy, calm]) await part?.[Symbol.asyncDispose]();
  await nothingLeft?.();
  await controlPlane?.stop();
});

/** A controller that gives each ConfigMap labelled `original` a twin that says what it says, made as outputs are made. */
function twinning(group: string) {
  const originals = new Store<ConfigMap>();
  const twins = new Store<ConfigMap>();
  const queue = new WorkQueue({ firstRetryMs: 50, maxRetryMs: 1_000 });
  const stop = new AbortController();
  const reflectors = (
    [
      ['original', originals],
      ['twin', twins],
    ] as const
  ).map(([part, store]) =>
    new Reflector({ client, resource: configMaps, store, labelSelector: `group=${group},part=${part}` }).run(stop.signal),
  );
  originals.onChange((change) => queue.add(keyOf((change.new ?? change.old) as KubeObject)));
  twins.onChange((change) => queue.add(keyOf((change.new ?? change.old) as KubeObject).replace(/-twin$/, '')));

  const reconcile = async (key: string) => {
    const original = originals.get(key);
    const twin = twins.get(`${key}-twin`);
    if (original === undefined) {
      if (twin !== undefined) {
        await client.delete(configMaps, twin.metadata, { uid: twin.metadata.uid });
        twins.remove(keyOf(twin), { uid: twin.metadata.uid });
      }
      return;
    }
    const data = original.data ?? {};
    if (twin === undefined) {
      const metadata = { namespace, name: `${original.metadata.name}-twin`, labels: { group, part: 'twin' } };
      twins.apply({ ...(await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })), data });
    } else if (JSON.stringify(twin.data ?? {}) !== JSON.stringify(data)) {
      const { resourceVersion } = twin.metadata;
      twins.apply({ ...(await client.patch(configMaps, twin.metadata, { metadata: { resourceVersion }, data })), data });
    }
  };
  const controller = new Controller({ name: 'twins', queue, concurrency: 4, reconcile });
  const ended = Promise.all([originals, twins].map((store) => store.whenSynced(stop.signal))).then(
    () => controller.run(stop.signal),
    () => undefined,
  );
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([ended, ...reflectors]);
      queue.shutdown();
    },
  };
}

let groups = 0;
/** Originals that nobody but the test changes, and what their twins are by the API server itself. */
function originals() {
  const group = `twins-${++groups}`;
  const current = new Map<string, { readonly metadata: KubeObject['metadata']; readonly data: Record<string, string> }>();
  const listed = async (part: string) =>
    (await author.list(configMaps, { namespace, labelSelector: `group=${group},part=${part}` })).items;
  const contents = (objects: readonly ConfigMap[]) =>
    objects.map(({ metadata, data }) => `${metadata.name} ${JSON.stringify(data ?? {})}`).sort();
  return {
    group,
    async set(name: string, data: Record<string, string>) {
      const known = current.get(name);
      const metadata = { namespace, name: `${group}-${name}`, labels: { group, part: 'original' } };
      const written = known
        ? await author.patch(configMaps, known.metadata, { metadata: { resourceVersion: known.metadata.resourceVersion }, data })
        : await author.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      current.set(name, { metadata: written.metadata, data });
    },
    async remove(name: string) {
      await author.delete(configMaps, { namespace, name: `${group}-${name}` });
      current.delete(name);
    },
    async twinned(limitMs = 30_000) {
      const wanted = JSON.stringify(
        [...current].map(([name, { data }]) => `${group}-${name}-twin ${JSON.stringify(data)}`).sort(),
      );
      await waitFor(`twins are ${wanted}`, async () => JSON.stringify(contents(await listed('twin'))) === wanted, {
        limitMs,
      });
    },
  };
}

const writesSince = (from: number) => proxy.requests.slice(from).filter(({ method }) => method !== 'GET').length;

describe('a controller on a real API server', () => {
  it('does each thing once and then nothing more', async () => {
    const from = proxy.requests.length;
    const family = originals();
    await using _ = twinning(family.group);
    for (let index = 0; index < 20; index++) await family.set(`${index}`, { index: `${index}` });
    await family.twinned();
    expect(writesSince(from)).toBe(20);
    await family.set('0', { index: 'changed' });
    await family.remove('1');
    await family.twinned();
    expect(writesSince(from)).toBe(22);
  });

  it.each([
    ['breaks connections', { kind: 'drop' }],
    ['loses answers', { kind: 'lose answer' }],
    ['fails', { kind: 'answer', status: 500 }],
    ['is too busy', { kind: 'answer', status: 429, headers: { 'retry-after': '0' } }],
    ['is slow', { kind: 'delay', ms: 300 }],
  ] satisfies readonly (readonly [string, Fault])[])(
    'gets everything done although every third request meets one that %s',
    async (_name, fault) => {
      const family = originals();
      let request = 0;
      using _fault = proxy.inject(() => (++request % 3 === 0 ? fault : undefined));
      await using _ = twinning(family.group);
      const from = proxy.requests.length;
      for (let index = 0; index < 10; index++) await family.set(`${index}`, { index: `${index}` });
      await family.set('0', { index: 'changed' });
      await family.remove('1');
      await family.twinned();
      expect(proxy.requests.length - from).toBeLessThan(120);
    },
  );

  it('gets everything done over a restart of the API server', async () => {
    const family = originals();
    await using _ = twinning(family.group);
    for (let index = 0; index < 5; index++) await family.set(`${index}`, { index: `${index}` });
    await family.twinned();
    const from = proxy.requests.length;
    await controlPlane.restartApiServer();
    await family.set('0', { index: 'changed' });
    await family.remove('1');
    await family.set('new', {});
    await family.twinned();
    expect(proxy.requests.length - from).toBeLessThan(60);
  });
});
