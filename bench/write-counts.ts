// How many writes the API server has served, and how many bytes they carried, by its own metrics: whoever made them, and
// whatever they think of it.
import { setTimeout as pause } from 'node:timers/promises';
import type { KubeClient } from '../operator/kube/client.ts';

/** `POST secrets`, `PATCH trustedservers/status` and the like, to a number. */
export type ByWrite = ReadonlyMap<string, number>;

export interface WriteCounts {
  /** Requests that the API server carried out. */
  readonly writes: ByWrite;
  /** Requests that it refused: conflicts, names that are taken. */
  readonly refused: ByWrite;
  /** Of request bodies, by `create secrets`, `patch trustedservers` (with its subresources) and the like. */
  readonly bytes: ByWrite;
  /** CPU of the API server, s. */
  readonly cpuSeconds: number;
}

const line = /^(apiserver_request_total|apiserver_request_body_size_bytes_sum|process_cpu_seconds_total)(?:\{(.*)\})? (\S+)$/gm;
const pair = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const writing = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION']);

export async function countWrites(admin: KubeClient): Promise<WriteCounts> {
  const text = await admin.request<string>('GET', '/metrics');
  const writes = new Map<string, number>();
  const refused = new Map<string, number>();
  const bytes = new Map<string, number>();
  let cpuSeconds = 0;
  for (const [, name, labels = '', value] of text.matchAll(line)) {
    const given = Object.fromEntries([...labels.matchAll(pair)].map(([, key = '', quoted = '']) => [key, quoted]));
    const { verb = '', resource = '', subresource = '', code = '' } = given;
    if (name === 'process_cpu_seconds_total') cpuSeconds = Number(value);
    else if (name === 'apiserver_request_body_size_bytes_sum') raise(bytes, `${verb} ${resource}`, Number(value));
    else if (writing.has(verb)) {
      const what = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`;
      raise(code.startsWith('2') ? writes : refused, what, Number(value));
    }
  }
  return { writes, refused, bytes, cpuSeconds };
}

/** What came between two counts; entries of zero are left out. */
export function between(before: WriteCounts, after: WriteCounts): WriteCounts {
  return {
    writes: difference(before.writes, after.writes),
    refused: difference(before.refused, after.refused),
    bytes: difference(before.bytes, after.bytes),
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  };
}

const isHeartbeat = (what: string) => what.endsWith(' leases');

/** Leases are the heartbeat of whoever runs, the API server included: shown apart. */
export function withoutHeartbeat(counts: ByWrite): ByWrite {
  return new Map([...counts].filter(([what]) => !isHeartbeat(what)));
}

export function heartbeat(counts: ByWrite): number {
  return sum(new Map([...counts].filter(([what]) => isHeartbeat(what))));
}

export function sum(counts: ByWrite): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

/** Longer than anything that the operator puts off: the counts of a domain wait for ten seconds. */
const QUIET_MS = 15_000;
const POLL_MS = 2_500;

/** Resolves with the counts once nothing but heartbeats has been written for a while. */
export async function whenQuiet(admin: KubeClient, limitMs = 300_000): Promise<WriteCounts> {
  const deadline = performance.now() + limitMs;
  let counts = await countWrites(admin);
  let since = performance.now();
  while (performance.now() - since < QUIET_MS) {
    await pause(POLL_MS);
    const next = await countWrites(admin);
    const moved = withoutHeartbeat(between(counts, next).writes);
    if (moved.size === 0) continue;
    if (performance.now() > deadline) {
      throw new Error(`writes go on after ${limitMs / 1000} s: ${[...moved].map((entry) => entry.join(': ')).join(', ')}`);
    }
    counts = next;
    since = performance.now();
  }
  return countWrites(admin);
}

function raise(counts: Map<string, number>, what: string, by: number): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

function difference(before: ByWrite, after: ByWrite): ByWrite {
  return new Map(
    [...after].map(([what, count]) => [what, count - (before.get(what) ?? 0)] as const).filter(([, by]) => by !== 0),
  );
}
