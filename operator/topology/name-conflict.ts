// That a name is another object's, as a sentence: who has it, and what to do.
import { instant } from '../pki/problem.ts';
import type { Topology } from './topology.ts';

export interface NameConflict {
  readonly message: string;
  /** Epoch ms at which the name is free by itself. */
  readonly until?: number;
}

/** Undefined where nobody holds the name, or the object with this UID does. */
export function nameConflict(name: string, uid: string, topology: Pick<Topology, 'holder'>): NameConflict | undefined {
  const holder = topology.holder(name);
  if (holder === undefined) return undefined;
  if (holder.kind === 'Claim') {
    const { claim } = holder;
    return claim.uid === uid
      ? undefined
      : {
          message: `${name} is held by ${claim.kind} ${claim.namespace}/${claim.name}. Remove it there, or use another name here.`,
        };
  }
  const { until, namespace } = holder;
  return {
    message: `${name} stays reserved for namespace ${namespace} until the last certificate issued there for it has expired, at ${instant(until)}.`,
    until,
  };
}
