// Users are told once, are told that it happens again, and the operator never waits for it.
import type { KubeObject } from '../../../operator/api/object.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { EventRecorder, type EventRecorderOptions, type Occurrence } from '../../../operator/kube/events.ts';
import { configMaps, type Event, events, namespaces } from '../../../operator/kube/resource.ts';
import { type ControlPlane, startControlPlane } from '../../support/controlplane/index.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { clientThrough } from '../../support/proxied-client.ts';
import { residueSince } from '../../support/residue.ts';

let controlPlane: ControlPlane;
let proxy: FaultProxy;
let client: KubeClient;
let nothingLeft: () => Promise<void>;
beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  nothingLeft = residueSince();
  proxy = await startFaultProxy(controlPlane);
  client = clientThrough(proxy, controlPlane.kubeconfig, { requestTimeoutMs: 5_000 });
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await nothingLeft?.();
  await controlPlane?.stop();
});

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const recorder = (options: Partial<EventRecorderOptions> = {}) =>
  new EventRecorder({
    client,
    reportingController: 'trustmesh.io/operator',
    reportingInstance: 'pod-1',
    now: () => NOW,
    ...options,
  });

let objects = 0;
const freshObject = (): Promise<KubeObject> =>
  client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'default', name: `subject-${++objects}` },
  });

const issued = (regarding: KubeObject, key = 'serial 01'): Occurrence => ({
  regarding,
  type: 'Normal',
  reason: 'CertificateIssued',
  action: 'Issue',
  note: 'issued',
  key,
});

async function eventsOf({ metadata }: KubeObject): Promise<readonly Event[]> {
  const { items } = await client.list(events, { namespace: metadata.namespace ?? 'default' });
  return items.filter(({ regarding }) => regarding.uid === metadata.uid);
}

const requestsSince = (from: number) => proxy.requests.slice(from).map(({ method }) => method);

describe('an event', () => {
  it('says what happened to which object, who says so, and when', async () => {
    const regarding = await freshObject();
    const recording = recorder();
    recording.record({
      ...issued(regarding),
      type: 'Warning',
      reason: 'IssuanceFailed',
      note: 'The CA has expired. Replace it.',
    });
    await recording.drain();
    expect(await eventsOf(regarding)).toEqual([
      expect.objectContaining({
        type: 'Warning',
        reason: 'IssuanceFailed',
        action: 'Issue',
        note: 'The CA has expired. Replace it.',
        eventTime: '2026-01-02T03:04:05.678000Z',
        reportingController: 'trustmesh.io/operator',
        reportingInstance: 'pod-1',
        regarding: expect.objectContaining({ kind: 'ConfigMap', name: regarding.metadata.name, namespace: 'default' }),
      }),
    ]);
  });

  it('of a cluster-scoped object lies in namespace default', async () => {
    const regarding = await client.get(namespaces, { name: 'kube-system' });
    const recording = recorder();
    recording.record(issued(regarding));
    await recording.drain();
    expect((await eventsOf(regarding)).map(({ metadata }) => metadata.namespace)).toEqual(['default']);
  });

  it('has a note of at most 1,024 bytes', async () => {
    const regarding = await freshObject();
    const recording = recorder();
    recording.record({ ...issued(regarding), note: 'ü'.repeat(2_000) });
    await recording.drain();
    const [event] = await eventsOf(regarding);
    expect(Buffer.byteLength(event?.note ?? '')).toBeLessThanOrEqual(1_024);
    expect(event?.note).toMatch(/^ü+…$/);
  });

  it('is told once, and not again by the next process', async () => {
    const regarding = await freshObject();
    for (let process = 0; process < 2; process++) {
      const recording = recorder();
      recording.record(issued(regarding));
      await recording.drain();
    }
    const told = await eventsOf(regarding);
    expect(told).toHaveLength(1);
    expect(told[0]?.series).toBeUndefined();
  });

  it('that happens again in one process becomes a series', async () => {
    const regarding = await freshObject();
    const recording = recorder();
    for (let time = 0; time < 3; time++) {
      recording.record(issued(regarding));
      await recording.drain();
    }
    const told = await eventsOf(regarding);
    expect(told).toHaveLength(1);
    expect(told[0]?.series?.count).toBe(3);
  });

  it('that happens again after a restart goes on with the series of the former process', async () => {
    const regarding = await freshObject();
    for (let process = 0; process < 2; process++) {
      const recording = recorder();
      for (let time = 0; time < 2; time++) {
        recording.record(issued(regarding));
        await recording.drain();
      }
    }
    expect((await eventsOf(regarding))[0]?.series?.count).toBe(3);
  });

  it('is another one for another key, reason or object', async () => {
    const [first, second] = [await freshObject(), await freshObject()];
    const recording = recorder();
    recording.record(issued(first, 'serial 01'));
    recording.record(issued(first, 'serial 02'));
    recording.record({ ...issued(first), reason: 'CertificateRenewed' });
    recording.record(issued(second));
    await recording.drain();
    expect([(await eventsOf(first)).length, (await eventsOf(second)).length]).toEqual([3, 1]);
  });
});

describe('a recorder', () => {
  it('sends 25 of one object and reason at once and then no more for a while, and others as ever', async () => {
    const [noisy, quiet] = [await freshObject(), await freshObject()];
    const recording = recorder();
    for (let serial = 0; serial < 60; serial++) recording.record(issued(noisy, `serial ${serial}`));
    recording.record({ ...issued(noisy), reason: 'NameConflict' });
    recording.record(issued(quiet));
    await recording.drain();
    expect([(await eventsOf(noisy)).length, (await eventsOf(quiet)).length]).toEqual([26, 1]);
  });

  it('sends a burst of one event as one series, not as a request each', async () => {
    const regarding = await freshObject();
    const recording = recorder();
    const from = proxy.requests.length;
    for (let time = 0; time < 1_000; time++) recording.record(issued(regarding));
    await recording.drain();
    expect(requestsSince(from).length).toBeLessThanOrEqual(2);
  });

  it('returns at once when nothing answers, and holds no more than its limit', async () => {
    const regarding = await freshObject();
    const recording = recorder({ queueLimit: 10, senders: 2 });
    const giveUp = new AbortController();
    {
      using _ = proxy.inject(() => ({ kind: 'stall' }));
      const started = performance.now();
      for (let serial = 0; serial < 20; serial++) recording.record(issued(regarding, `serial ${serial}`));
      expect(performance.now() - started).toBeLessThan(1_000);
      giveUp.abort();
      await recording.drain(giveUp.signal);
    }
    const from = proxy.requests.length;
    recording.record(issued(regarding, 'too late'));
    await recording.drain();
    expect(requestsSince(from)).toEqual([]);
  });

  it('tries again when the API server fails or answers are lost, and tells it once', async () => {
    const regarding = await freshObject();
    const recording = recorder();
    const faults = [{ kind: 'answer', status: 500 }, { kind: 'lose answer' }] as const;
    let attempt = 0;
    using _ = proxy.inject(({ method }) => (method === 'POST' ? faults[attempt++] : undefined));
    recording.record(issued(regarding));
    await recording.drain();
    const told = await eventsOf(regarding);
    expect(told).toHaveLength(1);
    expect(told[0]?.series).toBeUndefined();
  });

  it('waits as long as an API server asks for that is too busy', async () => {
    const regarding = await freshObject();
    const recording = recorder();
    let busy = 1;
    using _ = proxy.inject(({ method }) =>
      method === 'POST' && busy-- > 0 ? { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } : undefined,
    );
    const started = performance.now();
    recording.record(issued(regarding));
    await recording.drain();
    expect(performance.now() - started).toBeGreaterThanOrEqual(999);
    expect(await eventsOf(regarding)).toHaveLength(1);
  });

  it('gives up quietly on what cannot be told: no such namespace, or one that is going away', async () => {
    const { metadata } = await client.create(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'going-away' },
    });
    const there = await client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: metadata.name, name: 'subject' },
    });
    // Without a controller manager it stays Terminating.
    await client.delete(namespaces, metadata);
    const nowhere = { ...there, metadata: { ...there.metadata, namespace: 'nowhere' } };
    const levels: string[] = [];
    const level = (name: string) => () => void levels.push(name);
    const recording = recorder({
      log: { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') },
    });
    const from = proxy.requests.length;
    recording.record(issued(there));
    recording.record(issued(nowhere));
    await recording.drain();
    expect(requestsSince(from)).toEqual(['POST', 'POST']);
    expect(levels).toEqual(['debug', 'debug']);
  });

  it('survives an object that is none', async () => {
    const recording = recorder();
    // As a caller in plain JavaScript might.
    expect(() => recording.record(issued({} as KubeObject))).not.toThrow();
    await recording.drain();
  });
});
