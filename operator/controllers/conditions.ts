// The one place that turns what was seen into kstatus conditions (Ready, and Reconciling or Stalled while abnormal), so
// that no controller invents its own Ready.
import type { Condition, KubeObject } from '../api/object.ts';
import { timestamp } from '../outputs/labels.ts';

/** What a controller says of one aspect of its object. */
export interface Aspect {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** While not True: `Reconciling` will pass by itself, `Stalled` waits for somebody to change something. */
  readonly while?: 'Reconciling' | 'Stalled';
}

interface Reported extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

export function conditionIn(status: Reported['status'], wanted: string): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === wanted);
}

/** All conditions of the object: those given, and Ready, Reconciling and Stalled that follow from them. */
export function summarise(object: Reported, aspects: readonly Aspect[], now: number): readonly Condition[] {
  const failing = aspects.filter((aspect) => aspect.status !== 'True' && aspect.while !== undefined);
  const worst = failing.find((aspect) => aspect.while === 'Stalled') ?? failing[0];
  const sentences = aspects.filter((aspect) => aspect.status === 'True').map((aspect) => aspect.message);
  const all: readonly Aspect[] = [
    worst === undefined
      ? { type: 'Ready', status: 'True', reason: 'Ready', message: sentences.join(' ') }
      : { type: 'Ready', status: 'False', reason: worst.reason, message: worst.message },
    ...(worst?.while === undefined
      ? []
      : [{ type: worst.while, status: 'True', reason: worst.reason, message: worst.message } as const]),
    ...aspects,
  ];
  const known = new Map((object.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  return all.map(({ type, status, reason, message }) => {
    const before = known.get(type);
    return {
      type,
      status,
      reason,
      message,
      observedGeneration: object.metadata.generation ?? 0,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : timestamp(now),
    };
  });
}

/**
 * Whether a status says the same as the one the object has: then nothing is written. Key order does not count, and what is
 * undefined counts as absent, as on the wire. It is asked at every reconcile, so nothing is copied or sorted.
 */
export function sameStatus(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => sameStatus(each, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const given = Object.keys(a).filter((key) => a[key] !== undefined);
  const count = Object.keys(b).filter((key) => b[key] !== undefined).length;
  return given.length === count && given.every((key) => sameStatus(a[key], b[key]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
