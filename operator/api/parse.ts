// Objects of our kinds as they come from the API server, made into types that cannot be wrong. A CRD of another version may
// have let in what this one refuses: that is a problem to report on the object, never a reason to fail.
import { z } from 'zod';
import type { Kind } from './kind.ts';
import type { KubeObject } from './object.ts';

/** An object of `K` as the API server holds it, with every default in place. */
export interface ObjectOf<K extends Kind> extends KubeObject {
  readonly spec: z.output<K['spec']>;
  readonly status?: z.output<K['status']>;
}

interface ReceivedObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

export type Parsed<T> = { readonly object: T } | { readonly problem: { readonly reason: 'Invalid'; readonly message: string } };

/**
 * `received` with its spec checked and completed by the defaults. Fields that this version does not know are left out, as the
 * API server does with them. The status is the operator's own and is taken as it is.
 */
export function parseObject<K extends Kind>(kind: K, received: ReceivedObject): Parsed<ObjectOf<K>> {
  const parsed = z.safeParse<K['spec']>(kind.spec, received.spec);
  if (parsed.success) return { object: { ...received, spec: parsed.data } as ObjectOf<K> };
  const faults = parsed.error.issues.map(({ path, message }) => `${z.core.toDotPath(['spec', ...path])}: ${message}`);
  return {
    problem: { reason: 'Invalid', message: `The ${kind.kind} does not say what this version can read. ${faults.join('; ')}` },
  };
}
