// How a controller works its queue off: how many at once, what it retries and how, and how it stops.
import { Controller, type ControllerOptions, type Reconciled } from '../../../operator/kube/controller.ts';
import { ApiError } from '../../../operator/kube/errors.ts';
import type { Log } from '../../../operator/kube/log.ts';
import { WorkQueue } from '../../../operator/kube/queue.ts';
import { waitFor } from '../../support/wait.ts';

type Line = readonly [level: string, message: string, fields: Readonly<Record<string, unknown>> | undefined];

/** A running controller; disposing of it stops it and shuts its queue. */
function running(reconcile: ControllerOptions['reconcile'], options: Partial<ControllerOptions> = {}) {
  const queue = new WorkQueue({ firstRetryMs: 1, maxRetryMs: 20 });
  const lines: Line[] = [];
  const level = (name: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    void lines.push([name, message, fields]);
  const log: Log = { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') };
  const reconciled: Reconciled[] = [];
  const stop = new AbortController();
  const controller = new Controller({
    name: 'test',
    queue,
    concurrency: 2,
    reconcile,
    onReconciled: (done) => reconciled.push(done),
    log,
    ...options,
  });
  const ended = controller.run(stop.signal);
  return {
    queue,
    lines,
    reconciled,
    stop,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
      queue.shutdown();
    },
  };
}

/** A reconcile that stays in hand until it is let go. */
function held() {
  const inHand: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reconcile = async (key: string) => {
    inHand.push(key);
    await gate.promise;
  };
  return { inHand, release: gate.resolve, reconcile };
}

describe('a controller', () => {
  it('has as many keys in hand as it may, and no more', async () => {
    const { inHand, release, reconcile } = held();
    await using controller = running(reconcile, { concurrency: 3 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) controller.queue.add(key);
    await waitFor('three in hand', () => inHand.length === 3);
    expect(controller.queue.size).toBe(2);
    release();
    await waitFor('all reconciled', () => controller.reconciled.length === 5);
  });

  it('looks again when it was told to', async () => {
    let looks = 0;
    await using controller = running(async () => (++looks === 1 ? { requeueAfterMs: 5 } : undefined));
    controller.queue.add('a');
    await waitFor('a second look', () => looks === 2);
    expect(controller.reconciled.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
  });

  it.each(['Conflict', 'NotFound', 'AlreadyExists'] as const)('looks again soon and quietly after %s', async (reason) => {
    let looks = 0;
    await using controller = running(async () => {
      if (++looks < 3) throw new ApiError(reason, 'too late');
    });
    controller.queue.add('a');
    await waitFor('success', () => controller.reconciled.some(({ outcome }) => outcome === 'succeeded'));
    expect(controller.lines.map(([level]) => level)).toEqual(['debug', 'debug']);
  });

  it('warns of an API server that fails, and waits as long as it asks', async () => {
    const times: number[] = [];
    await using controller = running(async () => {
      times.push(performance.now());
      if (times.length === 1) throw new ApiError('Transient', 'too busy', { status: 429, retryAfterMs: 60 });
    });
    controller.queue.add('voice/fe01');
    const [first, second] = await waitFor('a second look', () => (times.length === 2 ? times : undefined));
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(59);
    expect(controller.lines).toEqual([
      ['warn', 'reconcile failed', { controller: 'test', object: 'voice/fe01', error: 'too busy', reason: 'Transient' }],
    ]);
  });

  it('reports an error nobody expected with its object and stack, and goes on with the others', async () => {
    await using controller = running(async (key) => {
      if (key === 'bad') throw new TypeError('broken');
    });
    controller.queue.add('bad');
    controller.queue.add('good');
    await waitFor('the good one', () =>
      controller.reconciled.some(({ key, outcome }) => key === 'good' && outcome === 'succeeded'),
    );
    const [level, , fields] = await waitFor('a line', () => controller.lines[0]);
    expect(level).toBe('error');
    expect(fields).toMatchObject({ object: 'bad', error: 'broken', stack: expect.stringContaining('TypeError') });
  });

  it('is not broken by whoever measures it', async () => {
    let looks = 0;
    await using controller = running(async () => void looks++, {
      onReconciled: () => {
        throw new Error('no such metric');
      },
    });
    controller.queue.add('a');
    await waitFor('the first', () => looks === 1);
    controller.queue.add('b');
    await waitFor('the second', () => looks === 2);
    expect(controller.queue.size).toBe(0);
  });

  it('finishes what is in hand when told to stop, and starts nothing new', async () => {
    const { inHand, release, reconcile } = held();
    await using controller = running(reconcile, { concurrency: 1 });
    controller.queue.add('a');
    controller.queue.add('b');
    await waitFor('one in hand', () => inHand.length === 1);
    controller.stop.abort();
    release();
    await controller.ended;
    expect(inHand).toEqual(['a']);
    expect(controller.reconciled.map(({ key, outcome }) => `${key} ${outcome}`)).toEqual(['a succeeded']);
    expect(controller.queue.size).toBe(1);
  });

  it('cuts off what takes too long after it was told to stop', async () => {
    let started = false;
    const reconcile = (_key: string, signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        started = true;
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    await using controller = running(reconcile, { drainLimitMs: 20 });
    controller.queue.add('a');
    await waitFor('one in hand', () => started);
    controller.stop.abort();
    await controller.ended;
    expect(controller.reconciled).toEqual([expect.objectContaining({ key: 'a', outcome: 'failed' })]);
  });
});
