// One run of the operator over a fleet that exists before it starts: until all are Ready, then at rest, then one more server.
import { setTimeout as pause } from 'node:timers/promises';
import type { TrustedServer } from '../operator/api/v1alpha1/index.ts';
import type { KubeClient } from '../operator/kube/client.ts';
import { Reflector } from '../operator/kube/reflector.ts';
import { leases, type MetadataObject, trustedServers } from '../operator/kube/resource.ts';
import { Store } from '../operator/kube/store.ts';
import { type OperatorProcess, startOperator } from '../test/support/operator.ts';
import { lastLines } from '../test/support/process.ts';
import { waitFor } from '../test/support/wait.ts';
import { createServers } from './fleet.ts';
import { usageOf } from './process-usage.ts';
import { between, countWrites, heartbeat, type WriteCounts, whenQuiet, withoutHeartbeat } from './write-counts.ts';

export interface OperatorRunOptions {
  readonly admin: KubeClient;
  readonly operatorKubeconfig: string;
  readonly operatorNamespace: string;
  readonly spread: readonly string[];
  /** How many there are already, in `spread`. */
  readonly servers: number;
  readonly restSeconds: number;
  readonly nodeOptions: string;
  readonly say: (line: string) => void;
}

export interface OperatorRun {
  readonly servers: number;
  /** From the start of the process until it holds the Lease, s. */
  readonly startSeconds: number;
  /** From there until the last server is Ready, and until the last Event is written, s. */
  readonly readySeconds: number;
  readonly writtenSeconds: number;
  /** From the start of the process until nothing more is written; heartbeats left out. */
  readonly issuing: WriteCounts;
  /** At that time. */
  readonly cpuSeconds: number;
  readonly peakRSS: number;
  readonly restSeconds: number;
  readonly rest: WriteCounts;
  readonly restHeartbeats: number;
  readonly oneMore: OneMore;
  /** It did not lose the Lease and win it again meanwhile, which begins the work anew. */
  readonly keptLease: boolean;
}

export interface OneMore {
  /** From the request that creates it until it is Ready, s. */
  readonly readySeconds: number;
  /** The creation itself left out. */
  readonly counts: WriteCounts;
}

/** Everything takes at most this long, ms, for each server and for a start. */
const LIMIT_PER_SERVER_MS = 100;
const LIMIT_AT_LEAST_MS = 120_000;

/** `onReady` is called while the operator runs, once all servers are Ready and nothing more is written. */
export async function runOperator(options: OperatorRunOptions, onReady: () => Promise<void>): Promise<OperatorRun> {
  const { admin, operatorKubeconfig, operatorNamespace, servers, restSeconds, say } = options;
  const limitMs = LIMIT_AT_LEAST_MS + servers * LIMIT_PER_SERVER_MS;
  const before = await countWrites(admin);
  await using fleet = await watchFleet(admin);
  const launched = Date.now();
  await using operator = await startOperator({
    kubeconfig: operatorKubeconfig,
    namespace: operatorNamespace,
    args: ['--leader-elect'],
    env: { NODE_OPTIONS: options.nodeOptions },
    limitMs,
  });
  const led = await leadingSince(admin, operatorNamespace, launched);
  await waitForAll(operator, fleet, servers, limitMs);
  const readyAt = fleet.lastReadyAt();
  const writtenAt = await eventsWritten(admin, before, servers, readyAt);
  const { cpuSeconds } = await usageOf(operator.pid);
  say(`${servers} Ready ${((readyAt - led) / 1000).toFixed(1)} s after the operator began to lead; waiting until it rests`);

  const settled = await whenQuiet(admin);
  await onReady();
  const rest = await restFor(admin, restSeconds);
  say(`at rest for ${restSeconds} s: ${withoutHeartbeat(rest.writes).size === 0 ? 'no' : 'some'} writes; one more server`);
  const oneMore = await addOne(options, fleet);
  const keptLease = (await leadingSince(admin, operatorNamespace, launched)) === led;
  const { peakRSS } = await usageOf(operator.pid);
  const issuing = between(before, settled);
  return {
    servers,
    startSeconds: (led - launched) / 1000,
    readySeconds: (readyAt - led) / 1000,
    writtenSeconds: (writtenAt - led) / 1000,
    issuing: { ...issuing, writes: withoutHeartbeat(issuing.writes), bytes: withoutHeartbeat(issuing.bytes) },
    cpuSeconds,
    peakRSS,
    restSeconds,
    rest: { ...rest, writes: withoutHeartbeat(rest.writes) },
    restHeartbeats: heartbeat(rest.writes),
    oneMore,
    keptLease,
  };
}

interface Fleet extends AsyncDisposable {
  readonly ready: () => number;
  /** Epoch ms at which the last change to Ready came in. */
  readonly lastReadyAt: () => number;
  readonly isReady: (server: MetadataObject) => boolean;
}

/** Follows the servers by a watch of its own, which costs the API server less than asking again and again. */
async function watchFleet(admin: KubeClient): Promise<Fleet> {
  const store = new Store<TrustedServer>();
  const ready = new Set<string>();
  let lastReadyAt = 0;
  store.onChange(({ old, new: current }) => {
    const { uid } = (current ?? old)?.metadata ?? { uid: '' };
    if (current === undefined || !isReady(current)) ready.delete(uid);
    else if (!ready.has(uid)) {
      ready.add(uid);
      lastReadyAt = Date.now();
    }
  });
  const end = new AbortController();
  const running = new Reflector({ client: admin, resource: trustedServers, store }).run(end.signal);
  await store.whenSynced(AbortSignal.timeout(LIMIT_AT_LEAST_MS));
  return {
    ready: () => ready.size,
    lastReadyAt: () => lastReadyAt,
    isReady: ({ metadata }) => ready.has(metadata.uid),
    async [Symbol.asyncDispose]() {
      end.abort();
      await running;
    },
  };
}

function isReady({ status, metadata }: TrustedServer): boolean {
  const current = status?.conditions?.find(({ type }) => type === 'Ready');
  return current?.status === 'True' && current.observedGeneration === metadata.generation;
}

async function waitForAll(operator: OperatorProcess, fleet: Fleet, servers: number, limitMs: number): Promise<void> {
  const gone = new AbortController();
  void operator.exited.then(() => gone.abort(new Error(`the operator ended:\n${lastLines(operator.logs(), 20)}`)));
  await waitFor(`${servers} servers to be Ready`, () => fleet.ready() >= servers, {
    limitMs,
    everyMs: 20,
    signal: gone.signal,
    seen: () => `${fleet.ready()} are; the end of its log:\n${lastLines(operator.logs(), 20)}`,
  });
}

/** Events are sent aside and may come after the last status. Returns when the last one was there, epoch ms. */
async function eventsWritten(admin: KubeClient, before: WriteCounts, servers: number, readyAt: number): Promise<number> {
  const written = async () => between(before, await countWrites(admin)).writes.get('POST events') ?? 0;
  let last = await written();
  // Those of the bundles are beside one for each server.
  if (last >= servers) return readyAt;
  for (let now = last; now < servers; ) {
    await pause(100);
    now = await written();
    if (now === last) return readyAt;
    last = now;
  }
  return Date.now();
}

/** When the operator that was launched then came to hold the Lease, epoch ms. */
async function leadingSince(admin: KubeClient, namespace: string, launched: number): Promise<number> {
  return waitFor(
    'the operator to lead',
    async () => {
      const { spec } = await admin.get(leases, { namespace, name: 'trustmesh' });
      const acquired = Date.parse(spec?.acquireTime ?? '');
      return acquired >= launched && acquired;
    },
    { limitMs: LIMIT_AT_LEAST_MS },
  );
}

async function restFor(admin: KubeClient, seconds: number): Promise<WriteCounts> {
  const before = await countWrites(admin);
  await pause(seconds * 1000);
  return between(before, await countWrites(admin));
}

async function addOne({ admin, spread, servers }: OperatorRunOptions, fleet: Fleet): Promise<OneMore> {
  const before = await countWrites(admin);
  const started = Date.now();
  const [server] = await createServers(admin, spread, 1, servers);
  if (server === undefined) throw new Error('no server was made');
  await waitFor('one more server to be Ready', () => fleet.isReady(server), { limitMs: LIMIT_AT_LEAST_MS, everyMs: 5 });
  const readySeconds = (fleet.lastReadyAt() - started) / 1000;
  const after = between(before, await whenQuiet(admin));
  const own = { write: 'POST trustedservers', body: 'create trustedservers' };
  return {
    readySeconds,
    counts: {
      ...after,
      writes: without(withoutHeartbeat(after.writes), own.write),
      bytes: without(withoutHeartbeat(after.bytes), own.body),
    },
  };

  function without(counts: WriteCounts['writes'], key: string): WriteCounts['writes'] {
    return new Map([...counts].filter(([what]) => what !== key));
  }
}
