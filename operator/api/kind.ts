// What a kind is to the API server and to its readers: one value from which its CRD and its reference page are made.
import type { z } from 'zod';

/** A rule that the API server checks, in CEL, and the sentence it answers with when the rule is broken. */
export interface Rule {
  readonly rule: string;
  /** The rule in one sentence: what the reference page says, and what a user reads where there is no `messageExpression`. */
  readonly message: string;
  /** CEL that yields the sentence for the object at hand: what was seen, and what would be right. */
  readonly messageExpression?: string;
  /** Where under the node that carries the rule the fault lies, such as `.members`. */
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueForbidden' | 'FieldValueInvalid';
}

/** A column of `kubectl get`. Priority 1 shows with `-o wide` only. */
export interface Column {
  readonly name: string;
  readonly jsonPath: string;
  readonly type?: 'string' | 'integer' | 'date';
  readonly description?: string;
  readonly priority?: number;
}

export interface Kind<Spec extends z.ZodType = z.ZodType, Status extends z.ZodType = z.ZodType> {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly scope: 'Cluster' | 'Namespaced';
  /** What an object of this kind declares, in one or two sentences. */
  readonly description: string;
  readonly spec: Spec;
  readonly status: Status;
  /** Rules over the whole object: there, and only there, `self.metadata.name` can be read. */
  readonly rules: readonly Rule[];
  readonly columns: readonly Column[];
  /** A complete object in YAML that applies as it stands. */
  readonly example: string;
}

declare module 'zod' {
  interface GlobalMeta {
    'x-kubernetes-validations'?: readonly Rule[];
    'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
    'x-kubernetes-list-map-keys'?: readonly string[];
    'x-kubernetes-map-type'?: 'atomic' | 'granular';
  }
}

/** `schema`, of which the API server checks `rules` too, beside those that it has. */
export function constrained<T extends z.ZodType>(schema: T, ...rules: readonly Rule[]): T {
  return schema.meta({ 'x-kubernetes-validations': [...(schema.meta()?.['x-kubernetes-validations'] ?? []), ...rules] });
}

/** Metadata of a list whose items are told apart by the field `key`: merged by it, and refused when it comes twice. */
export function keyedBy(key: string) {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] } as const;
}

/** Metadata of a list that holds each value once. */
export const distinct = { 'x-kubernetes-list-type': 'set' } as const;

/** Metadata of an object that is replaced as a whole: an apply never mixes new fields with old ones. */
export const atomic = { 'x-kubernetes-map-type': 'atomic' } as const;

/** The rule that a field keeps the value it was created with. */
export function immutable(field: string, because: string): Rule {
  return {
    rule: 'self == oldSelf',
    message: `${field} is immutable: ${because}.`,
    messageExpression: `"${field} is immutable: it is '%s' and cannot become '%s', because ${because}.".format([oldSelf, self])`,
    reason: 'FieldValueForbidden',
  };
}
