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

/** All conditions of the object: those given, and Ready, Reconciling and Stalled that follow from them. */
export function summarise(object: Reported, aspects: readonly Aspect[], now: number): readonly Condition[] {
  const failing = aspects.filter((aspect) => aspect.status !== 'True' && aspect.while !== undefined);
  const worst = failing.find((aspect) => aspect.while === 'Stalled') ?? failing[0];
  const all: readonly Aspect[] = [
    worst === undefined
      ? { type: 'Ready', status: 'True', reason: 'Ready', message: aspects.map((aspect) => aspect.message).join(' ') }
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

/** Whether a status says the same as the one the object has: then nothing is written. Key order does not count. */
export function sameStatus(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
