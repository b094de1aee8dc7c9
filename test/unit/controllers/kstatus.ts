// What kstatus (sigs.k8s.io/cli-utils/pkg/kstatus) makes of an object: how `kubectl wait`, Flux and Argo read a status.
import type { Condition, KubeObject } from '../../../operator/api/object.ts';

export type Kstatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

interface Reported extends KubeObject {
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] | undefined } | undefined;
}

export function kstatus({ metadata, status }: Reported): Kstatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== metadata.generation) return 'InProgress';
  const is = (type: string, value: Condition['status']) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === value) === true;
  if (is('Reconciling', 'True')) return 'InProgress';
  if (is('Stalled', 'True')) return 'Failed';
  return is('Ready', 'False') || is('Ready', 'Unknown') ? 'InProgress' : 'Current';
}
