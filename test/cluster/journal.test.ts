import { KubeConfig } from '@kubernetes/client-node';
import { Journal, type JournalOptions } from '../../operator/journal/journal.ts';
import { encodeRecord, type JournalRecord } from '../../operator/journal/record.ts';
import { segmentName, segmentObject } from '../../operator/journal/segment-object.ts';
import { type ClientOptions, KubeClient, type RequestMeasure } from '../../operator/kube/client.ts';
import { type ConfigMap, configMaps, namespaces } from '../../operator/kube/resource.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { installOperator } from '../support/install.ts';
import { waitFor } from '../support/wait.ts';
import { record } from '../unit/journal/records.ts';

let controlPlane: ControlPlane;
let config: KubeConfig;
let client: KubeClient;
let namespace: string;
let terms: AbortController[];
let namespaceCount = 0;

beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  config = configOf(controlPlane.kubeconfig);
  client = new KubeClient(config);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await controlPlane?.stop();
});
beforeEach(async () => {
  namespaceCount += 1;
  namespace = `journal-${process.pid}-${namespaceCount}`;
  terms = [];
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});
afterEach(() => {
  for (const term of terms) term.abort();
});

function configOf(path: string, server?: string): KubeConfig {
  const loaded = new KubeConfig();
  loaded.loadFromFile(path);
  const user = loaded.getCurrentUser();
  if (server !== undefined && user) loaded.loadFromClusterAndUser({ name: 'proxy', server, skipTLSVerify: true }, user);
  return loaded;
}

/** A new leader's journal. Its certificates expire at 1,000 unless a test says otherwise. */
function lead(options: Partial<JournalOptions> & { readonly term?: AbortController } = {}): Promise<Journal> {
  const { term = new AbortController(), ...others } = options;
  terms.push(term);
  return Journal.load({ client, namespace, now: () => 500, signal: term.signal, idleMs: 20, ...others });
}

async function segments(): Promise<readonly ConfigMap[]> {
  const { items } = await client.list(configMaps, { namespace, labelSelector: 'trustmesh.io/journal=segment' });
  return items;
}

const segmentNames = async (): Promise<readonly string[]> => (await segments()).map(({ metadata }) => metadata.name);

/** One after the other, so that each gets a segment of its own. */
async function commitEach(journal: Journal, records: readonly JournalRecord[]): Promise<void> {
  for (const each of records) await journal.commit(each);
}

const several = (count: number, from = 1, changes: Partial<JournalRecord> = {}): readonly JournalRecord[] =>
  Array.from({ length: count }, (_, n) => record(from + n, changes));

/** Everything that one object was issued, as a new leader finds it. */
const found = async (uid: string): Promise<readonly JournalRecord[]> => (await lead()).recordsOf(uid);

/** Runs it until `done`. */
async function tidy(journal: Journal, what: string, done: () => Promise<boolean>): Promise<void> {
  const stop = new AbortController();
  const running = journal.run(stop.signal);
  try {
    await waitFor(what, done, { everyMs: 20, seen: () => undefined });
  } finally {
    stop.abort();
    await running;
  }
}

const isWrite = ({ verb }: RequestMeasure): boolean => verb !== 'get' && verb !== 'list';

describe('a commit', () => {
  it('is found by the next leader, whole', async () => {
    const journal = await lead();
    const first = record(1, { uid: 'fe', names: ['pool.contoso.com', 'fe1.contoso.com'], secret: 'voice/fe-tls' });
    const renewed = record(2, { ...first, serial: 'aa'.repeat(16), notAfter: 2_000 });
    await commitEach(journal, [first, renewed, record(3)]);
    for (const each of [journal, await lead()]) {
      expect(each.recordsOf('fe')).toEqual([first, renewed]);
      expect(each.latestOf('voice/fe-tls')).toEqual(renewed);
      expect(each.holdersOf('pool.contoso.com')).toEqual([
        expect.objectContaining({ uid: 'fe', namespace: 'voice', notAfter: 2_000 }),
      ]);
      expect(each.bySerial('aa'.repeat(16))).toEqual([renewed]);
      expect(each.issuesSince('fe', 'voice/fe-tls', 0)).toBe(2);
      expect(each.size).toBe(3);
    }
  });

  it('is durable when it resolves, and not found before', async () => {
    const journal = await lead();
    const committed = journal.commit(record(1));
    expect(journal.recordsOf('uid-1')).toEqual([]);
    await committed;
    expect((await segments()).map(({ data }) => data)).toEqual([{ 'records.jsonl': `${encodeRecord(record(1))}\n` }]);
  });

  it('is written as an immutable object of the operator', async () => {
    const journal = await lead();
    await journal.commit(record(1));
    const [segment] = await segments();
    expect(segment).toMatchObject({
      immutable: true,
      metadata: {
        name: 'trustmesh-journal-0000000001',
        labels: { 'app.kubernetes.io/managed-by': 'trustmesh', 'trustmesh.io/journal': 'segment' },
      },
    });
    const resourceVersion = segment?.metadata.resourceVersion ?? '';
    const forgery = client.patch(
      configMaps,
      { namespace, name: segmentName(1) },
      { metadata: { resourceVersion }, data: { 'records.jsonl': '' } },
    );
    await expect(forgery).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('shares its object with those of the same moment', async () => {
    const journal = await lead();
    await Promise.all(several(2_000).map((each) => journal.commit(each)));
    const written = await segments();
    expect(written.length).toBeLessThanOrEqual(3);
    for (const segment of written) expect(Buffer.byteLength(JSON.stringify(segment))).toBeLessThan(512 * 1024);
    expect((await lead()).size).toBe(2_000);
  });

  it('shares its object with those that come while the one before is being written', async () => {
    const journal = await lead();
    const rest = [...several(640)];
    const worker = async (): Promise<void> => {
      for (let next = rest.pop(); next; next = rest.pop()) await journal.commit(next);
    };
    await Promise.all(Array.from({ length: 64 }, worker));
    expect((await segments()).length).toBeLessThanOrEqual(640 / 16);
    expect((await lead()).size).toBe(640);
  });

  it('of what is no record is refused and writes nothing', async () => {
    const journal = await lead();
    await expect(journal.commit(record(1, { serial: 'XY' }))).rejects.toThrow('serial');
    await expect(journal.commit(record(1, { names: Array.from({ length: 40_000 }, () => 'fe1.contoso.com') }))).rejects.toThrow(
      'longer',
    );
    await journal.commit(record(2));
    expect(await segmentNames()).toEqual([segmentName(1)]);
  });
});

describe('through a bad network', () => {
  let proxy: FaultProxy;
  const clients: KubeClient[] = [];
  const throughProxy = (options: ClientOptions = {}): KubeClient => {
    const made = new KubeClient(configOf(controlPlane.kubeconfig, proxy.url), options);
    clients.push(made);
    return made;
  };

  beforeEach(async () => {
    proxy = await startFaultProxy(controlPlane);
  });
  afterEach(async () => {
    for (const made of clients.splice(0)) await made[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** Befalls the next `count` requests of that method for the journal's objects. */
  function befall(method: string, fault: Fault, count = 1): Disposable {
    let left = count;
    return proxy.inject((request) =>
      request.method === method && request.path.includes('/configmaps') && left-- > 0 ? fault : undefined,
    );
  }

  it.each<[string, string, Fault, number]>([
    ['the answer is lost', 'POST', { kind: 'lose answer' }, 1],
    ['the request is lost', 'POST', { kind: 'drop' }, 2],
    ['no answer comes in time', 'POST', { kind: 'stall' }, 1],
    ['the API server fails', 'POST', { kind: 'answer', status: 500 }, 2],
    ['the API server is overloaded', 'POST', { kind: 'answer', status: 429, headers: { 'retry-after': '0' } }, 2],
    ['the look at the generation is lost', 'GET', { kind: 'drop' }, 2],
    ['the look at the generation fails', 'GET', { kind: 'answer', status: 503 }, 2],
  ])('a commit is there once though %s', async (_, method, fault, count) => {
    const journal = await lead({ client: throughProxy({ requestTimeoutMs: 500 }) });
    await journal.commit(record(1, { uid: 'fe' }));
    using _fault = befall(method, fault, count);
    await journal.commit(record(2, { uid: 'fe' }));
    await journal.commit(record(3, { uid: 'fe' }));
    expect(await segmentNames()).toEqual([1, 2, 3].map(segmentName));
    expect(await found('fe')).toEqual(several(3, 1, { uid: 'fe' }));
  });

  it('loads though the answers to taking it over are lost', async () => {
    await commitEach(await lead(), several(2));
    using _patch = befall('PATCH', { kind: 'lose answer' });
    using _list = befall('GET', { kind: 'answer', status: 410, body: { kind: 'Status', code: 410, reason: 'Expired' } });
    const journal = await lead({ client: throughProxy() });
    expect(journal.size).toBe(2);
    await journal.commit(record(3));
  });

  it('a commit that the API server refuses fails with what it said, and the next one is not held up', async () => {
    const journal = await lead({ client: throughProxy() });
    {
      using _fault = befall('POST', {
        kind: 'answer',
        status: 403,
        body: { kind: 'Status', message: 'exceeded quota', code: 403 },
      });
      await expect(journal.commit(record(1))).rejects.toMatchObject({
        reason: 'Forbidden',
        message: expect.stringContaining('exceeded quota'),
      });
    }
    await journal.commit(record(2));
    expect((await lead()).recordsOf('uid-1')).toEqual([]);
    expect(await found('uid-2')).toEqual([record(2)]);
  });

  it('a commit that nobody answers fails when the term ends', async () => {
    const term = new AbortController();
    const journal = await lead({ client: throughProxy(), term });
    using _partition = proxy.partition();
    const commits = several(3).map((each) => journal.commit(each));
    await waitFor('the write is on its way', () => proxy.requests.at(-1)?.method === 'POST');
    const late = journal.commit(record(4));
    term.abort();
    for (const commit of [...commits, late]) await expect(commit).rejects.toMatchObject({ reason: 'Fenced' });
    await expect(journal.commit(record(5))).rejects.toMatchObject({ reason: 'Fenced' });
  });

  it('outlasts a restart of the API server', async () => {
    const journal = await lead();
    const restarted = controlPlane.restartApiServer();
    let up = false;
    void restarted.finally(() => {
      up = true;
    });
    let count = 0;
    do {
      count += 1;
      await journal.commit(record(count));
    } while (!up);
    await restarted;
    const next = await lead();
    expect(next.size).toBe(count);
    expect(await segmentNames()).toHaveLength(count);
  });
});

describe('two leaders', () => {
  const rejected = (commits: readonly Promise<void>[]): Promise<readonly unknown[]> =>
    Promise.all(
      commits.map((commit) =>
        commit.then(
          () => 'committed',
          (error: { reason: unknown }) => error.reason,
        ),
      ),
    );

  it.each([
    ['has written', 3],
    ['has only taken over', 0],
  ])('the former one is told once its successor %s', async (_, commits) => {
    const former = await lead();
    await former.commit(record(1));
    const successor = await lead();
    await commitEach(successor, several(commits, 10));
    expect(await rejected(several(5, 20).map((each) => former.commit(each)))).toEqual(Array.from({ length: 5 }, () => 'Fenced'));
    expect(await rejected([former.commit(record(30))])).toEqual(['Fenced']);
    await expect(former.run(AbortSignal.timeout(10_000))).rejects.toMatchObject({ reason: 'Fenced' });
    const next = await lead();
    expect(next.recordsOf('uid-1')).toEqual([record(1)]);
    for (const each of several(commits, 10)) expect(next.recordsOf(each.uid)).toEqual([each]);
  });

  it('the former one is told even where merging has freed the number that it writes under', async () => {
    const former = await lead();
    const successor = await lead();
    await commitEach(successor, several(9));
    await tidy(successor, 'nine segments to be one', async () => (await segmentNames()).join() === segmentName(10));
    expect(await rejected([former.commit(record(99))])).toEqual(['Fenced']);
    expect(await segmentNames()).toEqual([segmentName(1), segmentName(10)]);
    const next = await lead();
    expect(next.size).toBe(9);
    await tidy(next, 'the stray segment to go', async () => (await segmentNames()).join() === segmentName(10));
  });

  it('the former one cannot merge', async () => {
    const former = await lead();
    await commitEach(former, several(9));
    const successor = await lead();
    await expect(former.run(AbortSignal.timeout(10_000))).rejects.toMatchObject({ reason: 'Fenced' });
    expect(await segmentNames()).toEqual(expect.arrayContaining(several(9).map((_, n) => segmentName(n + 1))));
    expect(successor.size).toBe(9);
    expect((await lead()).size).toBe(9);
  });

  it('the last one to take over writes, and no other, when several do so at the same moment', async () => {
    const loads = await Promise.allSettled(Array.from({ length: 6 }, () => lead()));
    for (const load of loads) if (load.status === 'rejected') expect(load.reason).toMatchObject({ reason: 'Fenced' });
    const loaded = loads.flatMap((load) => (load.status === 'fulfilled' ? [load.value] : []));
    const outcomes = await rejected(loaded.map((journal, n) => journal.commit(record(n))));
    expect(outcomes.filter((outcome) => outcome === 'committed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'Fenced')).toHaveLength(loaded.length - 1);
    expect((await lead()).recordsOf(`uid-${outcomes.indexOf('committed')}`)).toHaveLength(1);
  });

  it('the successor is not held up by what the former one writes in vain', async () => {
    const former = await lead();
    const successor = await lead();
    expect(await rejected([former.commit(record(1))])).toEqual(['Fenced']);
    await successor.commit(record(2));
    expect(await segmentNames()).toEqual([1, 2].map(segmentName));
  });

  it('never acknowledge what the last one to load does not find', async () => {
    const acknowledged: JournalRecord[] = [];
    for (let round = 0; round < 8; round += 1) {
      const former = await lead();
      const commits = several(30, 100 * round).map(async (each, n) => {
        if (n % 2 === 1) await former.commit(record(50_000 + 100 * round + n)).catch(() => undefined);
        await former.commit(each);
        acknowledged.push(each);
      });
      const successor = lead();
      await Promise.allSettled(commits);
      await successor;
    }
    const last = await lead();
    expect(acknowledged.filter((each) => last.recordsOf(each.uid).length !== 1)).toEqual([]);
  });
});

describe('at rest', () => {
  it('merges what came in one by one, keeps every record in its order, and then writes no more', async () => {
    const writes: RequestMeasure[] = [];
    await using own = new KubeClient(config, { onRequest: (request) => isWrite(request) && writes.push(request) });
    let looks = 0;
    const now = (): number => {
      looks += 1;
      return 500;
    };
    const journal = await lead({ client: own, now });
    const all = several(100, 1, { uid: 'fe', secret: 'voice/fe-tls' });
    await commitEach(journal, all);
    const stop = new AbortController();
    const running = journal.run(stop.signal);
    let written = 0;
    await waitFor('twenty looks in a row that write nothing', () => {
      if (writes.length > written) [written, looks] = [writes.length, 0];
      return looks > 20;
    });
    expect((await segmentNames()).length).toBeLessThanOrEqual(3);
    stop.abort();
    await running;
    const next = await lead();
    expect(next.recordsOf('fe')).toEqual(all);
    expect(next.latestOf('voice/fe-tls')).toEqual(all.at(-1));
  });

  it('merges on while nothing is lost of what is committed meanwhile', async () => {
    const journal = await lead({ idleMs: 1 });
    const stop = new AbortController();
    const running = journal.run(stop.signal);
    for (let burst = 0; burst < 6; burst += 1) {
      await commitEach(journal, several(12, 100 * burst, { uid: 'fe' }));
      const before = (await segmentNames()).length;
      await waitFor('a merge', async () => before < 8 || (await segmentNames()).length < before);
    }
    stop.abort();
    await running;
    expect(await found('fe')).toEqual([0, 1, 2, 3, 4, 5].flatMap((burst) => several(12, 100 * burst, { uid: 'fe' })));
  });

  it('drops segments whose certificates have all expired, and the expired ones of those that it merges', async () => {
    let now = 0;
    const journal = await lead({ now: () => now });
    await commitEach(journal, several(3, 1, { notAfter: 10 }));
    await commitEach(journal, [...several(9, 10), record(20, { notAfter: 10 })]);
    now = 10;
    await tidy(journal, 'one segment', async () => (await segmentNames()).join() === segmentName(14));
    expect((await segments()).map(({ data }) => data?.['records.jsonl']?.trim().split('\n').length)).toEqual([9]);
    expect(journal.size).toBe(9);
    expect((await lead()).size).toBe(9);
  });

  it('keeps the last segment though it has expired, so that no number comes twice', async () => {
    const journal = await lead({ now: () => 1_000 });
    await commitEach(journal, several(3));
    await tidy(journal, 'the last segment alone', async () => (await segmentNames()).join() === segmentName(3));
    const next = await lead();
    await next.commit(record(4));
    expect(await segmentNames()).toEqual([segmentName(3), segmentName(4)]);
  });
});

describe('a crash while merging', () => {
  // Ten segments: the merged one is written first, then each of the ten is deleted.
  it.each(Array.from({ length: 11 }, (_, n) => [n + 1]))('after %i writes loses nothing and is repaired', async (survived) => {
    const all = several(10, 1, { uid: 'fe' });
    await commitEach(await lead(), all);
    const term = new AbortController();
    let writes = -1; // Taking over is one.
    const crash = (request: RequestMeasure): void => {
      if (!isWrite(request)) return;
      writes += 1;
      if (writes >= survived) term.abort();
    };
    await using own = new KubeClient(config, { connections: 1, onRequest: crash });
    const crashing = await lead({ client: own.fenced(term.signal), term });
    await crashing.run(term.signal).catch(() => undefined);
    expect((await segmentNames()).length).toBe(12 - survived);

    const next = await lead();
    expect(next.recordsOf('fe')).toEqual(all);
    await next.commit(record(11, { uid: 'fe' }));
    await tidy(next, 'at most the merged one and the new one', async () => (await segmentNames()).length <= 2);
    expect(await found('fe')).toEqual([...all, record(11, { uid: 'fe' })]);
  });
});

describe('loading', () => {
  it('reads page after page, and merges without waiting for quiet where there is so much to merge', async () => {
    const all = several(520);
    const rest = all.map((each, n) =>
      segmentObject(namespace, { sequence: n + 1, from: n + 1, to: n + 1 }, [encodeRecord(each)], 'w'),
    );
    const worker = async (): Promise<void> => {
      for (let next = rest.pop(); next; next = rest.pop()) await client.create(configMaps, next);
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    const journal = await lead({ idleMs: 1_000 });
    expect([...Array(521).keys()].filter((n) => journal.recordsOf(`uid-${n}`).length === 1)).toHaveLength(520);
    const stop = new AbortController();
    const running = journal.run(stop.signal);
    let last = 10_000;
    await waitFor(
      'few segments, though commits go on',
      async () => {
        last += 1;
        await journal.commit(record(last));
        return (await segmentNames()).length <= 256;
      },
      { limitMs: 60_000 },
    );
    stop.abort();
    await running;
    expect((await lead()).size).toBe(520 + last - 10_000);
  });

  it('loses nothing to a damaged line, names it, and leaves its segment as it is', async () => {
    const lines = [encodeRecord(record(1)), '{"kind":"iss', encodeRecord(record(2))];
    await client.create(configMaps, segmentObject(namespace, { sequence: 1, from: 1, to: 1 }, lines, 'w'));
    const said: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (_: string, fields?: object) => void said.push(fields) };
    const journal = await lead({ log, now: () => 1_000_000 });
    const problem = { segment: segmentName(1), line: 2, message: 'not JSON' };
    expect(journal.problems).toEqual([problem]);
    expect(said).toEqual([problem]);
    expect(journal.recordsOf('uid-1')).toEqual([record(1)]);
    expect(journal.recordsOf('uid-2')).toEqual([record(2)]);
    await commitEach(journal, several(10, 10, { notAfter: 2_000_000 }));
    await tidy(journal, 'all others merged', async () => (await segmentNames()).join() === [1, 12].map(segmentName).join());
    expect((await segments())[0]?.data?.['records.jsonl']).toBe(`${lines.join('\n')}\n`);
  });

  it('leaves an object alone that only looks like a segment', async () => {
    const { metadata, ...rest } = segmentObject(namespace, { sequence: 1, from: 1, to: 1 }, ['x'], 'w');
    await client.create(configMaps, { ...rest, metadata: { ...metadata, name: 'mine' } });
    const journal = await lead();
    await commitEach(journal, several(9));
    await tidy(journal, 'the others merged', async () => (await segmentNames()).join() === ['mine', segmentName(10)].join());
    expect(journal.problems).toEqual([]);
  });

  it('needs no more than the chart permits', async () => {
    const { kubeconfig } = await installOperator(controlPlane, { namespace: 'trustmesh-system' });
    await using operator = new KubeClient(configOf(kubeconfig));
    namespace = 'trustmesh-system';
    const journal = await lead({ client: operator });
    await commitEach(journal, several(10));
    await tidy(journal, 'one segment', async () => (await segmentNames()).length === 1);
    expect((await lead({ client: operator })).size).toBe(10);
  });
});
