// Of two replicas one works, and never both: not after a clean stop, not when the leader is cut off, not when it was paused.
import type { Fence, KubeClient } from '../../../operator/kube/client.ts';
import { isApiError } from '../../../operator/kube/errors.ts';
import { type LeaderElectionOptions, runLeaderElection } from '../../../operator/kube/lease.ts';
import { silent } from '../../../operator/kube/log.ts';
import { configMaps, leases } from '../../../operator/kube/resource.ts';
import { type ControlPlane, startControlPlane } from '../../support/controlplane/index.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { clientThrough } from '../../support/proxied-client.ts';
import { residueSince } from '../../support/residue.ts';
import { waitFor } from '../../support/wait.ts';

const namespace = 'default';
const TIMES = { leaseDurationMs: 4_000, renewDeadlineMs: 2_500, retryPeriodMs: 400 } as const;

let controlPlane: ControlPlane;
let nothingLeft: () => Promise<void>;
beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  nothingLeft = residueSince();
});
afterAll(async () => {
  await nothingLeft?.();
  await controlPlane?.stop();
});

let elections = 0;
const freshName = () => `election-${++elections}`;

interface Candidate extends AsyncDisposable {
  readonly identity: string;
  readonly proxy: FaultProxy;
  readonly client: KubeClient;
  readonly leading: boolean;
  /** The terms that it has led, the present one last. */
  readonly terms: readonly Term[];
  /** Shuts it down in order. */
  stop(): Promise<void>;
}

interface Term {
  /** A client that only writes while the term lasts. */
  readonly writer: KubeClient;
  readonly fence: Fence;
  readonly began: number;
  ended?: number;
}

/** A replica with a network of its own whose work is to wait for the end, or what `work` says. */
async function candidate(
  name: string,
  identity: string,
  options: Partial<LeaderElectionOptions> & { readonly work?: (signal: AbortSignal, term: Term) => Promise<void> } = {},
): Promise<Candidate> {
  const proxy = await startFaultProxy(controlPlane);
  const client = clientThrough(proxy, controlPlane.kubeconfig);
  const terms: Term[] = [];
  const stop = new AbortController();
  let leading = false;
  const lead = async (signal: AbortSignal, fence: Fence) => {
    const term: Term = { writer: client.fenced(fence), fence, began: performance.now() };
    terms.push(term);
    try {
      await (options.work ?? aborted)(signal, term);
    } finally {
      term.ended = performance.now();
    }
  };
  const { work: _, ...rest } = options;
  const onLeading = (now: boolean) => {
    leading = now;
  };
  const ended = runLeaderElection(
    { client, namespace, name, identity, ...TIMES, lead, log: silent, onLeading, ...rest },
    stop.signal,
  );
  const stopped = async () => {
    stop.abort();
    await ended;
  };
  return {
    identity,
    proxy,
    client,
    terms,
    get leading() {
      return leading;
    },
    stop: stopped,
    async [Symbol.asyncDispose]() {
      await stopped();
      await client[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve());
  return promise;
}

const leads = (replica: Candidate) =>
  waitFor(`${replica.identity} leads`, () => replica.leading && replica.terms.at(-1), { limitMs: 20_000 });
const write = (client: KubeClient, name: string, data: Record<string, string> = {}) =>
  client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
async function reasonOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'succeeded';
  } catch (error) {
    return isApiError(error) ? error.reason : String(error);
  }
}

describe('leader election', () => {
  it('lets one of two lead, and the other when the first has stopped, at once', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first');
    await leads(first);
    await using second = await candidate(name, 'second');
    await waitFor('the second has looked', () => second.proxy.requests.length > 1);
    expect([first.leading, second.leading]).toEqual([true, false]);
    const stopping = performance.now();
    await first.stop();
    const { began } = await leads(second);
    expect(began - stopping).toBeLessThan(TIMES.renewDeadlineMs);
    const lease = await second.client.get(leases, { namespace, name });
    expect(lease.spec).toMatchObject({ holderIdentity: 'second', leaseDurationSeconds: 4, leaseTransitions: 1 });
  });

  it('writes nothing at rest but its renewals, and the candidate nothing at all', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first');
    await leads(first);
    await using second = await candidate(name, 'second');
    const from = first.proxy.requests.length;
    const started = performance.now();
    await waitFor('five renewals', () => first.proxy.requests.length >= from + 5);
    expect(performance.now() - started).toBeGreaterThan(4 * TIMES.retryPeriodMs);
    expect(new Set(first.proxy.requests.slice(from).map(({ method, path }) => `${method} ${path.split('/').at(-2)}`))).toEqual(
      new Set(['PATCH leases']),
    );
    expect(new Set(second.proxy.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  it('finishes its work in an orderly shutdown with its writes still going out, then gives the lease back', async () => {
    const name = freshName();
    let atRelease: string | undefined;
    await using first = await candidate(name, 'first', {
      work: async (signal, { writer }) => {
        await aborted(signal);
        await write(writer, `last-of-${name}`);
        atRelease = (await writer.get(leases, { namespace, name })).spec?.holderIdentity;
      },
    });
    await leads(first);
    await first.stop();
    expect(atRelease).toBe('first');
    expect((await first.client.get(leases, { namespace, name })).spec?.holderIdentity).toBe('');
    expect((await first.client.get(configMaps, { namespace, name: `last-of-${name}` })).metadata.name).toBe(`last-of-${name}`);
  });

  it('stops the writes of work that does not end in an orderly shutdown', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first', {
      drainLimitMs: 300,
      work: async (_signal, { fence }) => aborted(fence.signal),
    });
    const { writer } = await leads(first);
    await first.stop();
    expect(await reasonOf(write(writer, `late-of-${name}`))).toBe('Fenced');
  });

  it('stops the writes of a leader that is cut off before another leads, and makes it a candidate again', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first');
    const term = await leads(first);
    await using second = await candidate(name, 'second');
    await waitFor('the second has looked', () => second.proxy.requests.length > 1);
    let fencedAt: number | undefined;
    term.fence.signal.addEventListener('abort', () => {
      fencedAt = performance.now();
    });
    {
      using _ = first.proxy.partition();
      const onItsWay = reasonOf(write(term.writer, `during-${name}`));
      const successor = await leads(second);
      expect(fencedAt).toBeLessThan(successor.began);
      expect(term.ended).toBeLessThan(successor.began);
      expect(await onItsWay).toBe('Fenced');
      expect(await reasonOf(write(term.writer, `after-${name}`))).toBe('Fenced');
    }
    await second.stop();
    await waitFor('the first leads again', () => first.leading && first.terms.length === 2, { limitMs: 20_000 });
  });

  it('lets no write out after a pause that the timers have not noticed yet', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first');
    const { writer, fence } = await leads(first);
    await write(writer, `before-${name}`);
    const until = performance.now() + TIMES.renewDeadlineMs + 100;
    // What a stopped process is to its own clocks: no timer runs.
    while (performance.now() < until);
    expect(fence.holds()).toBe(false);
    expect(await reasonOf(write(writer, `after-${name}`))).toBe('Fenced');
  });

  it('leaves nothing to a late write of a former leader: it fails by resourceVersion, or because the object is there', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first');
    await leads(first);
    const seen = await write(first.client, `shared-${name}`, { by: 'first' });
    await first.stop();
    await using second = await candidate(name, 'second');
    const { writer } = await leads(second);
    await writer.patch(configMaps, seen.metadata, {
      metadata: { resourceVersion: seen.metadata.resourceVersion },
      data: { by: 'second' },
    });
    await write(writer, `new-${name}`, { by: 'second' });
    // Without a fence, as if they had been on their way all the time.
    const { resourceVersion } = seen.metadata;
    expect(
      await reasonOf(first.client.patch(configMaps, seen.metadata, { metadata: { resourceVersion }, data: { by: 'first' } })),
    ).toBe('Conflict');
    expect(await reasonOf(write(first.client, `new-${name}`, { by: 'first' }))).toBe('AlreadyExists');
  });

  it('gives up the lease that another hand has given to another', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first');
    const { fence } = await leads(first);
    await waitFor('the hand is quicker than the renewal', async () => {
      const { metadata } = await first.client.get(leases, { namespace, name });
      const { resourceVersion } = metadata;
      return first.client.patch(leases, metadata, { metadata: { resourceVersion }, spec: { holderIdentity: 'admin' } });
    });
    await waitFor('the fence falls', () => fence.signal.aborted);
    await waitFor('it leads no more', () => !first.leading);
  });

  it('goes on when the answer to a renewal is lost, when the API server fails for a moment, and when it restarts', async () => {
    const name = freshName();
    await using first = await candidate(name, 'first', { leaseDurationMs: 30_000, renewDeadlineMs: 25_000 });
    const { fence } = await leads(first);
    for (const fault of [{ kind: 'lose answer' }, { kind: 'answer', status: 500 }, { kind: 'drop' }] as const) {
      let left = 1;
      using _ = first.proxy.inject(({ method }) => (method === 'PATCH' && left-- > 0 ? fault : undefined));
      const before = (await first.client.get(leases, { namespace, name })).spec?.renewTime;
      await waitFor(
        `a renewal after ${fault.kind}`,
        async () => left < 0 && (await first.client.get(leases, { namespace, name })).spec?.renewTime !== before,
      );
    }
    await controlPlane.restartApiServer();
    const restarted = (await first.client.get(leases, { namespace, name })).spec?.renewTime;
    await waitFor(
      'a renewal after the restart',
      async () => (await first.client.get(leases, { namespace, name })).spec?.renewTime !== restarted,
    );
    expect([first.leading, fence.signal.aborted, first.terms.length]).toEqual([true, false, 1]);
  });

  it('releases the lease and tells when the work fails', async () => {
    const name = freshName();
    const proxy = await startFaultProxy(controlPlane);
    await using _proxy = proxy;
    await using client = clientThrough(proxy, controlPlane.kubeconfig);
    const lead = async () => {
      throw new Error('out of order');
    };
    const election = runLeaderElection(
      { client, namespace, name, identity: 'first', ...TIMES, lead, log: silent },
      new AbortController().signal,
    );
    await expect(election).rejects.toThrow('out of order');
    expect((await client.get(leases, { namespace, name })).spec?.holderIdentity).toBe('');
  });

  it('refuses times that fence nothing', async () => {
    await using first = await candidate(freshName(), 'first');
    const { client } = first;
    const options = {
      client,
      namespace,
      name: 'never',
      identity: 'x',
      ...TIMES,
      renewDeadlineMs: TIMES.leaseDurationMs,
      lead: aborted,
      log: silent,
    };
    await expect(runLeaderElection(options, new AbortController().signal)).rejects.toThrow(RangeError);
  });
});
