// What each verb does on a real API server, and what the client makes of networks and servers that fail.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeClient, type RequestMeasure } from '../../../operator/kube/client.ts';
import { ApiError, type ErrorReason } from '../../../operator/kube/errors.ts';
import { loadKubeConfig } from '../../../operator/kube/kube-config.ts';
import { configMaps, namespaces, type Resource, secrets, trustedServers } from '../../../operator/kube/resource.ts';
import { type ControlPlane, startControlPlane } from '../../support/controlplane/index.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { clientThrough } from '../../support/proxied-client.ts';
import { residueSince } from '../../support/residue.ts';
import { waitFor } from '../../support/wait.ts';

const namespace = 'default';
let names = 0;
const fresh = () => `object-${++names}`;
const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
});

async function failure(attempt: Promise<unknown>): Promise<ApiError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it succeeded');
}
const reasonOf = async (attempt: Promise<unknown>): Promise<ErrorReason> => (await failure(attempt)).reason;

let controlPlane: ControlPlane;
let proxy: FaultProxy;
let client: KubeClient;
const measures: RequestMeasure[] = [];
let nothingLeft: () => Promise<void>;
beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  nothingLeft = residueSince();
  proxy = await startFaultProxy(controlPlane);
  client = clientThrough(proxy, controlPlane.kubeconfig, {
    requestTimeoutMs: 5_000,
    onRequest: (measure) => measures.push(measure),
  });
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await nothingLeft?.();
  await controlPlane?.stop();
});
/** How often the API server, or the proxy before it, was asked since. */
const counted = () => {
  const before = proxy.requests.length;
  return () => proxy.requests.length - before;
};

describe('over TLS, as a kubeconfig says', () => {
  it('reaches the API server and is known there', async () => {
    await using direct = new KubeClient(loadKubeConfig(controlPlane.kubeconfig));
    expect((await direct.get(namespaces, { name: 'default' })).status?.phase).toBe('Active');
  });

  it('keeps its connections to itself and ends them when it is disposed of', async () => {
    const residue = residueSince();
    {
      await using direct = new KubeClient(loadKubeConfig(controlPlane.kubeconfig), { connections: 2 });
      await Promise.all(Array.from({ length: 20 }, () => direct.list(configMaps, { namespace })));
    }
    await residue();
  });

  it('is Forbidden with a token that nobody knows, after having asked for a newer one once', async () => {
    const config = loadKubeConfig(controlPlane.kubeconfig);
    config.users = config.users.map((user) => ({ name: user.name, token: 'unknown' }));
    await using stranger = new KubeClient(config);
    const error = await failure(stranger.list(configMaps, { namespace }));
    expect([error.reason, error.status]).toEqual(['Forbidden', 401]);
  });

  it('takes a rotated token up from the exec plugin as soon as the old one is refused', async () => {
    const config = loadKubeConfig(controlPlane.kubeconfig);
    const token = config.getCurrentUser()?.token;
    const file = join(await mkdtemp(join(tmpdir(), 'credential-')), 'credential.json');
    const handOut = (current: string | undefined) =>
      writeFile(file, JSON.stringify({ status: { token: current, expirationTimestamp: '2026-01-01T00:00:00Z' } }));
    config.users = config.users.map(({ name }) => ({ name, exec: { command: 'cat', args: [file] } }));
    await using rotating = new KubeClient(config);
    await handOut('expired');
    expect(await reasonOf(rotating.list(configMaps, { namespace }))).toBe('Forbidden');
    await handOut(token);
    await rotating.list(configMaps, { namespace });
    await rm(dirname(file), { recursive: true });
  });
});

describe('the verbs', () => {
  it('create answers with metadata and the data keys that are ours', async () => {
    const name = fresh();
    const created = await client.create(configMaps, configMap(name, { a: '1', b: '2' }));
    expect(created).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { namespace, name, ownedDataKeys: ['a', 'b'] },
    });
    expect(created).not.toHaveProperty('data');
    expect((await client.get(configMaps, created.metadata)).data).toEqual({ a: '1', b: '2' });
  });

  it('create leaves what is there: AlreadyExists', async () => {
    const name = fresh();
    await client.create(configMaps, configMap(name, { a: '1' }));
    expect(await reasonOf(client.create(configMaps, configMap(name, { a: '2' })))).toBe('AlreadyExists');
  });

  it('patch changes the object as it was observed, and that alone', async () => {
    const created = await client.create(configMaps, configMap(fresh(), { a: '1', b: '2' }));
    const { resourceVersion } = created.metadata;
    const patched = await client.patch(configMaps, created.metadata, {
      metadata: { resourceVersion },
      data: { b: null, c: '3' },
    });
    expect(patched.metadata.ownedDataKeys).toEqual(['a', 'c']);
    expect(await reasonOf(client.patch(configMaps, created.metadata, { metadata: { resourceVersion }, data: { a: '9' } }))).toBe(
      'Conflict',
    );
    await client.delete(configMaps, created.metadata);
    expect(await reasonOf(client.patch(configMaps, created.metadata, { metadata: { resourceVersion }, data: { a: '9' } }))).toBe(
      'NotFound',
    );
  });

  it('says when another hand took a data key from us', async () => {
    await using other = new KubeClient(loadKubeConfig(controlPlane.kubeconfig), { fieldManager: 'somebody' });
    const created = await client.create(configMaps, configMap(fresh(), { a: '1', b: '2' }));
    const { resourceVersion } = created.metadata;
    await other.patch(configMaps, created.metadata, { metadata: { resourceVersion }, data: { b: 'theirs' } });
    const { items } = await client.list(configMaps, {
      namespace,
      fieldSelector: `metadata.name=${created.metadata.name}`,
      metadataOnly: true,
    });
    expect(items.map(({ metadata }) => metadata.ownedDataKeys)).toEqual([['a']]);
  });

  it('apply makes and changes what is wholly ours', async () => {
    const name = fresh();
    await client.apply(configMaps, configMap(name, { a: '1' }));
    expect((await client.apply(configMaps, configMap(name, { b: '2' }))).metadata.ownedDataKeys).toEqual(['b']);
  });

  it('delete asks for the object that was meant', async () => {
    const created = await client.create(configMaps, configMap(fresh()));
    expect(await reasonOf(client.delete(configMaps, created.metadata, { uid: 'of-another' }))).toBe('Conflict');
    await client.delete(configMaps, created.metadata, { uid: created.metadata.uid });
    expect(await reasonOf(client.delete(configMaps, created.metadata))).toBe('NotFound');
  });

  it('list goes page by page, and never sees a Secret in metadata mode', async () => {
    for (let index = 0; index < 5; index++) {
      const metadata = { namespace, name: fresh(), labels: { page: 'yes' } };
      await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data: { key: 'c2VjcmV0' } });
    }
    const pages: number[] = [];
    let next: string | undefined;
    do {
      const page = await client.list(secrets, {
        namespace,
        labelSelector: 'page=yes',
        limit: 2,
        metadataOnly: true,
        ...(next ? { continue: next } : {}),
      });
      pages.push(page.items.length);
      expect(JSON.stringify(page)).not.toContain('c2VjcmV0');
      expect(page.items[0]).toMatchObject({ kind: 'Secret', apiVersion: 'v1' });
      next = page.continue;
    } while (next !== undefined);
    expect(pages).toEqual([2, 2, 1]);
  });

  it('request is for what has no resource: JSON parsed, the rest as text', async () => {
    expect(await client.request<{ major: string }>('GET', '/version')).toMatchObject({ major: '1' });
    expect(await client.request<string>('GET', '/readyz', undefined, { accept: 'text/plain' })).toBe('ok');
  });

  it('measures each request by verb, resource and code', async () => {
    measures.length = 0;
    await client.create(configMaps, configMap(fresh()));
    await failure(client.get(configMaps, { namespace, name: 'absent' }));
    expect(measures.map(({ verb, resource, code }) => `${verb} ${resource} ${code}`)).toEqual([
      'create configmaps 201',
      'get configmaps 404',
    ]);
    expect(measures.every(({ seconds }) => seconds > 0)).toBe(true);
  });
});

describe('errors', () => {
  const unknown: Resource = { ...trustedServers, plural: 'nothings' };
  it.each([
    ['NotFound', 404, () => client.list(unknown)],
    ['Gone', 410, () => expiredWatch()],
    ['Invalid', 422, () => client.create(configMaps, configMap('Not_A_Name'))],
  ] as const)('%s has status %d', async (reason, status, attempt) => {
    const error = await failure(attempt());
    expect([error.reason, error.status]).toEqual([reason, status]);
  });

  it('say what was asked, of what, and what the API server answered', async () => {
    const error = await failure(client.get(configMaps, { namespace, name: 'absent' }));
    expect(error.message).toBe('get configmaps default/absent: configmaps "absent" not found (404)');
  });

  it('never hold the body of a request', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: 'Bad_Name' },
      data: { 'tls.key': 'c2VjcmV0' },
    };
    const error = await failure(client.create(secrets, secret));
    expect(JSON.stringify([error.message, error.details, error.stack])).not.toContain('c2VjcmV0');
  });
});

describe('an API server that is too busy', () => {
  const answered = (status: number, headers: Readonly<Record<string, string>>, times: number) => {
    let left = times;
    return proxy.inject(() => (left-- > 0 ? { kind: 'answer', status, headers } : undefined));
  };

  it.each([429, 503])('is asked again after the time that it gave with %d, be it a write', async (status) => {
    using _ = answered(status, { 'retry-after': '1' }, 1);
    const requests = counted();
    const started = performance.now();
    await client.create(configMaps, configMap(fresh()));
    expect(performance.now() - started).toBeGreaterThanOrEqual(999);
    expect(requests()).toBe(2);
  });

  it('is not asked for ever', async () => {
    using _ = answered(429, { 'retry-after': '0' }, Number.POSITIVE_INFINITY);
    const requests = counted();
    const error = await failure(client.create(configMaps, configMap(fresh())));
    expect([error.reason, error.status, error.retryAfterMs]).toEqual(['Transient', 429, 0]);
    expect(requests()).toBe(5);
  });

  it('is left alone when the caller gives up meanwhile', async () => {
    using _ = answered(429, { 'retry-after': '30' }, Number.POSITIVE_INFINITY);
    const giveUp = new AbortController();
    const requests = counted();
    const attempt = client.create(configMaps, configMap(fresh()), giveUp.signal);
    await waitFor('the first attempt', () => requests() === 1);
    giveUp.abort(new Error('no patience'));
    await expect(attempt).rejects.toThrow('no patience');
    expect(requests()).toBe(1);
  });

  it.each([500, 502, 504])('fails as Transient with %d, at once', async (status) => {
    using _ = answered(status, {}, Number.POSITIVE_INFINITY);
    const requests = counted();
    expect(await reasonOf(client.create(configMaps, configMap(fresh())))).toBe('Transient');
    expect(requests()).toBe(1);
  });
});

describe('a network that fails', () => {
  it('is tried again for reads', async () => {
    let left = 2;
    using _ = proxy.inject(() => (left-- > 0 ? { kind: 'drop' } : undefined));
    const requests = counted();
    await client.list(configMaps, { namespace });
    expect(requests()).toBe(3);
  });

  it('is Transient for a write, which is sent once: it may have been carried out', async () => {
    using _ = proxy.inject(({ method }) => (method === 'POST' ? { kind: 'lose answer' } : undefined));
    const name = fresh();
    const requests = counted();
    const error = await failure(client.create(configMaps, configMap(name)));
    expect([error.reason, error.status]).toEqual(['Transient', 0]);
    expect(requests()).toBe(1);
    expect((await client.get(configMaps, { namespace, name })).metadata.name).toBe(name);
  });

  it('does not hold a request longer than it may take, waiting for a connection included', async () => {
    await using hasty = clientThrough(proxy, controlPlane.kubeconfig, { connections: 1, requestTimeoutMs: 300 });
    await hasty.list(configMaps, { namespace });
    using _ = proxy.inject(() => ({ kind: 'stall' }));
    const started = performance.now();
    const reasons = await Promise.all([1, 2, 3].map(() => reasonOf(hasty.create(configMaps, configMap(fresh())))));
    expect(reasons).toEqual(['Transient', 'Transient', 'Transient']);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('is waited for when it is merely slow', async () => {
    using _ = proxy.inject(() => ({ kind: 'delay', ms: 400 }));
    await client.create(configMaps, configMap(fresh()));
  });

  it('never sends a write whose caller has given up while it waited for a connection', async () => {
    await using narrow = clientThrough(proxy, controlPlane.kubeconfig, { connections: 1 });
    await narrow.list(configMaps, { namespace });
    using _ = proxy.inject(({ method }) => (method === 'GET' ? { kind: 'delay', ms: 300 } : undefined));
    const giveUp = new AbortController();
    const name = fresh();
    const slow = narrow.list(configMaps, { namespace });
    const waiting = narrow.create(configMaps, configMap(name), giveUp.signal);
    giveUp.abort(new Error('no patience'));
    await expect(waiting).rejects.toThrow('no patience');
    await slow;
    expect(await reasonOf(narrow.get(configMaps, { namespace, name }))).toBe('NotFound');
  });

  it('survives the restart of the API server', async () => {
    await controlPlane.restartApiServer();
    await client.list(configMaps, { namespace });
    await client.create(configMaps, configMap(fresh()));
  });
});

describe('behind a fence', () => {
  it('writes go out while it stands, and fail as Fenced once it has fallen; reads go on', async () => {
    const fence = new AbortController();
    const fenced = client.fenced(fence.signal);
    const created = await fenced.create(configMaps, configMap(fresh()));
    fence.abort();
    const requests = counted();
    const { resourceVersion } = created.metadata;
    expect(await reasonOf(fenced.create(configMaps, configMap(fresh())))).toBe('Fenced');
    expect(await reasonOf(fenced.patch(configMaps, created.metadata, { metadata: { resourceVersion } }))).toBe('Fenced');
    expect(await reasonOf(fenced.delete(configMaps, created.metadata))).toBe('Fenced');
    expect(requests()).toBe(0);
    expect((await fenced.get(configMaps, created.metadata)).metadata.uid).toBe(created.metadata.uid);
    await client.create(configMaps, configMap(fresh()));
  });

  it('a write on its way is cut off', async () => {
    using _ = proxy.inject(({ method }) => (method === 'POST' ? { kind: 'stall' } : undefined));
    const fence = new AbortController();
    const requests = counted();
    const write = client.fenced(fence.signal).create(configMaps, configMap(fresh()));
    await waitFor('the write is on its way', () => requests() === 1);
    fence.abort();
    expect(await reasonOf(write)).toBe('Fenced');
  });

  it('asks whether the lease still holds before each write, for a signal may be late', async () => {
    let holds = true;
    const fenced = client.fenced({ signal: new AbortController().signal, holds: () => holds });
    await fenced.create(configMaps, configMap(fresh()));
    holds = false;
    const requests = counted();
    expect(await reasonOf(fenced.create(configMaps, configMap(fresh())))).toBe('Fenced');
    expect(requests()).toBe(0);
  });
});

/** As from an API server that has forgotten the resourceVersion: it says so in the stream, with status 200. */
async function expiredWatch(): Promise<void> {
  using _ = proxy.inject(({ watch }) => (watch ? { kind: 'watch error', code: 410, reason: 'Expired' } : undefined));
  const signal = new AbortController().signal;
  await client.watch(configMaps, { resourceVersion: '1', timeoutSeconds: 5, silenceLimitMs: 10_000, signal }, () => {});
}
