// In which order, how often and how late keys come out of the work queue.
import { WorkQueue } from '../../../operator/kube/queue.ts';

const never = new AbortController().signal;

/** Takes what is ready, in order, and leaves it in hand. */
async function takeAll(queue: WorkQueue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.size > 0) taken.push((await queue.next(never)) ?? 'nothing');
  return taken;
}

/** How long it takes until a key comes out, ms. */
async function delayOf(queue: WorkQueue): Promise<number> {
  const started = performance.now();
  const key = await queue.next(never);
  if (key !== undefined) queue.done(key);
  return performance.now() - started;
}

describe('a work queue', () => {
  it('hands each key out once, first come first served', async () => {
    const queue = new WorkQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(await takeAll(queue)).toEqual(['a', 'b', 'c']);
  });

  it('hands what a user changed out before mass work', async () => {
    const queue = new WorkQueue();
    queue.add('renewal 1', { priority: 'background' });
    queue.add('renewal 2', { priority: 'background' });
    queue.add('change', { priority: 'user' });
    queue.add('renewal 2', { priority: 'user' });
    queue.add('change', { priority: 'background' });
    expect(await takeAll(queue)).toEqual(['change', 'renewal 2', 'renewal 1']);
  });

  it('keeps order and count over thousands of keys', async () => {
    const queue = new WorkQueue();
    const keys = Array.from({ length: 5000 }, (_, index) => `key ${index}`);
    for (const key of keys) queue.add(key);
    expect(await takeAll(queue)).toEqual(keys);
  });

  it('never gives one key to two, and gives it again when it was added meanwhile', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.next(never);
    queue.add('a', { priority: 'background' });
    queue.add('a');
    queue.add('a');
    expect(queue.size).toBe(0);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a']);
    queue.done('a');
    expect(queue.size).toBe(0);
  });

  it('gives a key to whoever waits for one', async () => {
    const queue = new WorkQueue();
    const waiting = [queue.next(never), queue.next(never)];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
  });

  it('lets whoever waits go when told to stop, and loses no key over it', async () => {
    const queue = new WorkQueue();
    const stop = new AbortController();
    const waiting = queue.next(stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    expect(await queue.next(stop.signal)).toBeUndefined();
    expect(await queue.next(never)).toBe('a');
  });

  it('of several delays takes the earliest', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 60_000);
    queue.addAfter('a', 20);
    queue.addAfter('a', 3_600_000);
    const delay = await delayOf(queue);
    expect(delay).toBeGreaterThanOrEqual(19);
    expect(delay).toBeLessThan(5_000);
    queue.shutdown();
  });

  it('brings delayed keys in the order in which they are due', async () => {
    const queue = new WorkQueue();
    const delays = [50, 10, 40, 20, 30, 60, 15, 45];
    for (const delay of delays) queue.addAfter(`${delay}`, delay);
    const taken: number[] = [];
    for (const _ of delays) taken.push(Number(await queue.next(never)));
    expect(taken).toEqual([...delays].sort((a, b) => a - b));
  });

  it('forgets the delay of a key that is taken before: whoever looks at it now says when to look again', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 10);
    queue.add('a');
    expect(await queue.next(never)).toBe('a');
    queue.done('a');
    queue.addAfter('b', 30);
    expect(await queue.next(never)).toBe('b');
    expect(queue.size).toBe(0);
  });

  it('takes delays of months', async () => {
    const queue = new WorkQueue();
    queue.addAfter('renewal', 60 * 86_400_000);
    queue.addAfter('soon', 5);
    expect(await queue.next(never)).toBe('soon');
    expect(queue.size).toBe(0);
    queue.shutdown();
  });

  it('doubles the delay with each failure of a key, up to a limit', async () => {
    const queue = new WorkQueue({ firstRetryMs: 8, maxRetryMs: 64 });
    const delays: number[] = [];
    for (let failure = 0; failure < 6; failure++) {
      queue.retry('a');
      delays.push(await delayOf(queue));
    }
    // A timer is never early by more than its millisecond; how late it is depends on the machine.
    for (const [index, least] of [8, 16, 32, 64, 64, 64].entries()) expect(delays[index]).toBeGreaterThanOrEqual(least - 1);
  });

  it('starts from the first delay again once the failures of a key are forgotten', async () => {
    const queue = new WorkQueue({ firstRetryMs: 1, maxRetryMs: 3_600_000 });
    for (let failure = 0; failure < 22; failure++) queue.retry('a');
    await delayOf(queue);
    queue.forget('a');
    queue.retry('a');
    expect(await delayOf(queue)).toBeLessThan(5_000);
  });

  it('waits as long as the API server asked for', async () => {
    const queue = new WorkQueue({ firstRetryMs: 1 });
    queue.retry('a', { leastMs: 40 });
    expect(await delayOf(queue)).toBeGreaterThanOrEqual(39);
  });

  it('measures depth and waiting', async () => {
    const depths: number[] = [];
    const taken: string[] = [];
    const queue = new WorkQueue({
      onDepth: (depth) => depths.push(depth),
      onTaken: ({ priority, waitedSeconds }) => taken.push(`${priority} ${waitedSeconds >= 0 && waitedSeconds < 5}`),
    });
    queue.add('a');
    queue.add('b', { priority: 'background' });
    await takeAll(queue);
    expect(depths).toEqual([1, 2, 1, 0]);
    expect(taken).toEqual(['user true', 'background true']);
  });

  it('takes in nothing and keeps no timer once it is shut down', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const queue = new WorkQueue();
    queue.addAfter('a', 20);
    expect(timers()).toBe(before + 1);
    const waiting = queue.next(never);
    queue.shutdown();
    expect(await waiting).toBeUndefined();
    queue.add('b');
    queue.addAfter('c', 1);
    expect(queue.size).toBe(0);
    expect(timers()).toBe(before);
  });
});
