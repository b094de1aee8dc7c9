// Leader election on a coordination.k8s.io Lease. The holder stops writing before anybody else may take over, by its own clock;
// the others take a holder for dead when they have not seen the Lease change for its whole duration, by theirs. The timestamps
// in the Lease are for people. A holder that loses the Lease is a candidate again as soon as its work has stopped.
import type { Fence, KubeClient } from './client.ts';
import { ApiError, isApiError } from './errors.ts';
import { type Log, messageOf } from './log.ts';
import { pause, within } from './pause.ts';
import { type Lease, leases, microTime } from './resource.ts';

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: whoever shows it is taken for the holder. */
  readonly identity: string;
  /** How long others wait after the last sign of life, ms; whole seconds. */
  readonly leaseDurationMs: number;
  /** How long the holder goes on without a renewal, ms; less than the lease duration. */
  readonly renewDeadlineMs: number;
  /** Between renewals, and between looks of a candidate, ms. */
  readonly retryPeriodMs: number;
  /**
   * The work of a leader.
   * @param signal aborted when it is time to stop, whether the Lease is lost or the operator shuts down
   * @param fence for `client.fenced`: falls when the Lease is lost; in an orderly shutdown it stands until the work has ended
   */
  readonly lead: (signal: AbortSignal, fence: Fence) => Promise<void>;
  readonly log: Log;
  /** How long the work may take to end in an orderly shutdown before the fence falls, ms. Default: 25,000. */
  readonly drainLimitMs?: number;
  /** Told whenever this replica becomes, or ceases to be, the leader. */
  readonly onLeading?: (leading: boolean) => void;
}

/** A Lease that is ours. `since` is a moment before the request that made it so was sent, on both clocks. */
interface Held {
  readonly resourceVersion: string;
  readonly since: Moment;
}

/** The Lease of somebody else, and when it was first seen as it is, on the clock of performance.now(). */
interface Observed {
  /** Empty where there is no Lease. */
  readonly resourceVersion: string;
  readonly since: number;
}

/** The monotonic clock may stand still while the machine is suspended, the other may be set back: the later one counts. */
interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * Resolves when `signal` is aborted, the work has ended and the Lease is released, or when `lead` ends by itself.
 * @throws what `lead` throws while it leads; RangeError for durations that fence nothing
 */
export async function runLeaderElection(options: LeaderElectionOptions, signal: AbortSignal): Promise<void> {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs, identity, log, onLeading } = options;
  if (!(retryPeriodMs > 0 && retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)) {
    throw new RangeError('Leader election needs retryPeriodMs < renewDeadlineMs < leaseDurationMs.');
  }
  for (;;) {
    const held = await acquire(options, signal);
    if (held === undefined) return;
    log.info('leading', { identity });
    onLeading?.(true);
    try {
      if ((await hold(options, held, signal)) === 'ended') return;
    } finally {
      onLeading?.(false);
    }
    log.warn('no longer leading, a candidate again', { identity });
  }
}

/** Undefined where `signal` was aborted first. */
async function acquire(options: LeaderElectionOptions, signal: AbortSignal): Promise<Held | undefined> {
  const { log, retryPeriodMs, renewDeadlineMs } = options;
  let observed: Observed | undefined;
  while (!signal.aborted) {
    try {
      const found = await within(renewDeadlineMs, signal, noAnswer, (limited) => tryAcquire(options, observed, limited));
      if (found.held !== undefined) return found.held;
      observed = found.observed;
    } catch (error) {
      if (signal.aborted) break;
      const tell = isApiError(error, 'Conflict', 'AlreadyExists', 'NotFound') ? log.debug : log.warn;
      tell('the lease could not be taken', { error: messageOf(error) });
    }
    await pause(retryPeriodMs * (0.9 + Math.random() / 5), signal);
  }
  return undefined;
}

async function tryAcquire(
  options: LeaderElectionOptions,
  observed: Observed | undefined,
  signal: AbortSignal,
): Promise<{ readonly held: Held } | { readonly held?: never; readonly observed: Observed }> {
  const lease = await find(options, signal);
  const since = moment();
  const resourceVersion = lease?.metadata.resourceVersion ?? '';
  const seen = observed?.resourceVersion === resourceVersion ? observed : { resourceVersion, since: since.monotonic };
  const holder = lease?.spec?.holderIdentity;
  // A Lease that was there and is gone may have been deleted under a holder that has not noticed yet.
  const free = lease === undefined ? observed === undefined : !holder || holder === options.identity;
  const patienceMs = Math.max(options.leaseDurationMs, (lease?.spec?.leaseDurationSeconds ?? 0) * 1000);
  if (!free && since.monotonic - seen.since < patienceMs) return { observed: seen };
  return { held: { resourceVersion: await take(options, lease, signal), since } };
}

/** Returns `lost` only after the work has ended. */
async function hold(options: LeaderElectionOptions, first: Held, stop: AbortSignal): Promise<'lost' | 'ended'> {
  const { renewDeadlineMs, retryPeriodMs, drainLimitMs = 25_000, log, lead } = options;
  const work = new AbortController();
  const ended = new AbortController();
  const fallen = new AbortController();
  let held = first;

  const fall = (why: string) => {
    if (fallen.signal.aborted) return;
    log.warn('writing stops', { why });
    fallen.abort(new ApiError('Fenced', why));
    work.abort(fallen.signal.reason);
  };
  const late = `the lease was not renewed within ${renewDeadlineMs} ms`;
  let deadline = setTimeout(fall, renewDeadlineMs - elapsedMs(held.since), late);
  let drain: NodeJS.Timeout | undefined;
  const onStop = () => {
    drain = setTimeout(fall, drainLimitMs, `the work did not end within ${drainLimitMs} ms`);
    work.abort(stop.reason);
  };
  stop.addEventListener('abort', onStop);
  if (stop.aborted) onStop();

  const fence: Fence = { signal: fallen.signal, holds: () => elapsedMs(held.since) < renewDeadlineMs };
  const working = (async () => lead(work.signal, fence))().finally(() => ended.abort());
  // Awaited below, after the last renewal: until then a failure is not unhandled.
  working.catch(() => {});
  try {
    for (;;) {
      await pause(retryPeriodMs, ended.signal, fallen.signal);
      if (ended.signal.aborted || fallen.signal.aborted) break;
      try {
        const renewed = await within(renewDeadlineMs / 2, fallen.signal, noAnswer, (limited) => renew(options, held, limited));
        if (renewed === undefined) fall('another replica holds the lease');
        else {
          held = renewed;
          clearTimeout(deadline);
          deadline = setTimeout(fall, renewDeadlineMs - elapsedMs(held.since), late);
        }
      } catch (error) {
        log.warn('the lease could not be renewed', { error: messageOf(error) });
      }
    }
    await working.catch((error: unknown) => {
      if (!fallen.signal.aborted) throw error;
      log.debug('the work of a former leader ended', { error: messageOf(error) });
    });
    return fallen.signal.aborted && !stop.aborted ? 'lost' : 'ended';
  } finally {
    clearTimeout(deadline);
    clearTimeout(drain);
    stop.removeEventListener('abort', onStop);
    if (!fallen.signal.aborted) await release(options, held);
  }
}

/** Undefined where the Lease is somebody else's. */
async function renew(options: LeaderElectionOptions, held: Held, signal: AbortSignal): Promise<Held | undefined> {
  const since = moment();
  try {
    const spec = { holderIdentity: options.identity, renewTime: microTime(since.wall) };
    return { resourceVersion: await write(options, held.resourceVersion, spec, signal), since };
  } catch (error) {
    if (!isApiError(error, 'Conflict', 'NotFound')) throw error;
  }
  // Someone's hand on the Lease, or our own renewal whose answer was lost.
  const lease = await find(options, signal);
  if (lease !== undefined && lease.spec?.holderIdentity !== options.identity) return undefined;
  const again = moment();
  return { resourceVersion: await take(options, lease, signal), since: again };
}

async function release(options: LeaderElectionOptions, held: Held): Promise<void> {
  const { renewDeadlineMs, log } = options;
  try {
    const never = new AbortController().signal;
    const spec = { holderIdentity: '', renewTime: microTime(Date.now()) };
    await within(renewDeadlineMs / 2, never, noAnswer, (limited) => write(options, held.resourceVersion, spec, limited));
    log.info('lease released', { identity: options.identity });
  } catch (error) {
    log.warn('the lease could not be released and will run out', { error: messageOf(error) });
  }
}

async function find({ client, namespace, name }: LeaderElectionOptions, signal: AbortSignal): Promise<Lease | undefined> {
  try {
    return await client.get(leases, { namespace, name }, signal);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** Makes the Lease ours if it is still as it was found. Returns its new resourceVersion. */
async function take(options: LeaderElectionOptions, found: Lease | undefined, signal: AbortSignal): Promise<string> {
  const { client, namespace, name, identity, leaseDurationMs } = options;
  const now = microTime(Date.now());
  const spec = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    acquireTime: now,
    renewTime: now,
    leaseTransitions:
      found === undefined ? 0 : (found.spec?.leaseTransitions ?? 0) + (found.spec?.holderIdentity === identity ? 0 : 1),
  };
  if (found !== undefined) return write(options, found.metadata.resourceVersion, spec, signal);
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, spec };
  return (await client.create(leases, lease, signal)).metadata.resourceVersion;
}

async function write(
  { client, namespace, name }: LeaderElectionOptions,
  resourceVersion: string,
  spec: NonNullable<Lease['spec']>,
  signal: AbortSignal,
): Promise<string> {
  const written = await client.patch(leases, { namespace, name }, { metadata: { resourceVersion }, spec }, {}, signal);
  return written.metadata.resourceVersion;
}

function moment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

function elapsedMs(since: Moment): number {
  return Math.max(performance.now() - since.monotonic, Date.now() - since.wall);
}

function noAnswer(): Error {
  return new ApiError('Transient', 'the API server did not answer in time');
}
