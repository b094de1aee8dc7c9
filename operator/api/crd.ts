// A kind as a CustomResourceDefinition (apiextensions.k8s.io/v1) with a structural schema. Knows nothing of any one kind.
import { z } from 'zod';
import type { Kind, Rule } from './kind.ts';

export interface JSONSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JSONSchema;
  readonly properties?: Readonly<Record<string, JSONSchema>>;
  readonly additionalProperties?: JSONSchema | false;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
  readonly 'x-kubernetes-list-type'?: 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const int32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const int64 = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };

/** The schema of what a user may write, as the API server's structural schemas want it. */
export function structuralSchema(schema: z.ZodType): JSONSchema {
  return z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // The API server checks a default as it is written, before it would complete it from the defaults inside.
      if (jsonSchema.default !== undefined) jsonSchema.default = z.parse(zodSchema, undefined);
      if (jsonSchema.type === 'integer') nameIntegerFormat(jsonSchema);
      // Structural schemas take `additionalProperties` or `properties`, not both: unknown fields are pruned, and refused by strict validation.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as JSONSchema;
}

/** zod bounds every integer by what its type can hold; OpenAPI says that by format. */
function nameIntegerFormat(integer: { format?: string; minimum?: number; maximum?: number }): void {
  const { minimum, maximum } = integer;
  integer.format = minimum === int64.minimum || maximum === int64.maximum ? 'int64' : 'int32';
  if (minimum === int64.minimum || minimum === int32.minimum) delete integer.minimum;
  if (maximum === int64.maximum || maximum === int32.maximum) delete integer.maximum;
}

/** The CustomResourceDefinition of `kind` in `group`, served and stored as `version`. */
export function customResourceDefinition(kind: Kind, { group, version }: GroupVersion) {
  const singular = kind.kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular,
        shortNames: [kind.shortName],
        categories: ['trustmesh'],
      },
      scope: kind.scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns.map((column) => ({ type: 'string', ...column })),
          schema: { openAPIV3Schema: objectSchema(kind) },
        },
      ],
    },
  };
}

function objectSchema(kind: Kind): JSONSchema {
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      // Named so that a rule may say where the fault lies.
      metadata: { type: 'object', properties: { name: { type: 'string' } } },
      spec: structuralSchema(kind.spec),
      // Tools take an object without a status for current: an object nobody has looked at yet says so.
      status: { ...structuralSchema(kind.status), default: { observedGeneration: -1 } },
    },
    ...(kind.rules.length > 0 && { 'x-kubernetes-validations': kind.rules }),
  };
}
