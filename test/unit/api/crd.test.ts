// What every CRD of ours has, whichever kind it is of.

import { z } from 'zod';
import { customResourceDefinition, type JSONSchema, structuralSchema } from '../../../operator/api/crd.ts';
import { constrained, type Kind } from '../../../operator/api/kind.ts';
import { group, kinds, version } from '../../../operator/api/v1alpha1/index.ts';

/** Every node of a schema with its path. */
function nodes(schema: JSONSchema, path: string): readonly (readonly [string, JSONSchema])[] {
  return [
    [path, schema] as const,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => nodes(inner, `${path}.${name}`)),
    ...(schema.items ? nodes(schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? nodes(schema.additionalProperties, `${path}{}`) : []),
  ];
}

const pathsWhere = (kind: Kind, part: 'spec' | 'status', found: (schema: JSONSchema, path: string) => boolean) =>
  nodes(structuralSchema(kind[part]), part).flatMap(([path, schema]) => (found(schema, path) ? [path] : []));

describe.each(kinds.map((kind) => [kind.kind, kind] as const))('the CRD of %s', (_name, kind) => {
  it('names the kind, its short name, its category and one version with a status subresource', () => {
    expect(customResourceDefinition(kind, { group, version })).toMatchObject({
      metadata: { name: `${kind.plural}.trustmesh.io` },
      spec: {
        group: 'trustmesh.io',
        names: { kind: kind.kind, plural: kind.plural, shortNames: [kind.shortName], categories: ['trustmesh'] },
        scope: kind.scope,
        versions: [{ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } }],
      },
    });
  });

  it('gives a new object a status that nobody takes for current', () => {
    const [served] = customResourceDefinition(kind, { group, version }).spec.versions;
    expect(served?.schema.openAPIV3Schema.properties?.['status']?.default).toEqual({ observedGeneration: -1 });
  });

  it('explains every field of the spec and of the status', () => {
    const unexplained = (schema: JSONSchema, path: string) => !/(\[\]|\{\}|^spec|^status)$/.test(path) && !schema.description;
    expect(pathsWhere(kind, 'spec', unexplained)).toEqual([]);
    expect(pathsWhere(kind, 'status', unexplained)).toEqual([]);
  });

  it('bounds every list, map and string of the spec that is no enumeration', () => {
    const unbounded = (schema: JSONSchema & { maxProperties?: number }) =>
      (schema.type === 'array' && schema.maxItems === undefined) ||
      (schema.type === 'string' && !schema.enum && schema.maxLength === undefined) ||
      (schema.additionalProperties !== undefined && schema.maxProperties === undefined);
    expect(pathsWhere(kind, 'spec', unbounded)).toEqual([]);
  });

  it('is structural: no node both names its properties and says what others may be', () => {
    expect(pathsWhere(kind, 'spec', (schema) => schema.additionalProperties === false)).toEqual([]);
  });

  it('lays no rule on the status, which is checked with every write', () => {
    expect(pathsWhere(kind, 'status', (schema) => schema['x-kubernetes-validations'] !== undefined)).toEqual([]);
  });

  it('has a sentence for every rule', () => {
    const rules = [
      ...kind.rules,
      ...nodes(structuralSchema(kind.spec), 'spec').flatMap(([, s]) => s['x-kubernetes-validations'] ?? []),
    ];
    expect(rules.map(({ message }) => message).filter((message) => !/^[A-Za-z].*\.$/.test(message))).toEqual([]);
  });
});

describe('a structural schema', () => {
  it('says the width of an integer by format, and keeps the bounds that were meant', () => {
    const schema = structuralSchema(
      z.object({ port: z.int32().min(1).max(65535), least: z.int32().min(1), any: z.int32(), wide: z.int() }),
    );
    expect(schema.properties).toEqual({
      port: { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 },
      least: { type: 'integer', format: 'int32', minimum: 1 },
      any: { type: 'integer', format: 'int32' },
      wide: { type: 'integer', format: 'int64' },
    });
  });

  it('completes the default of an object by the defaults inside, since the API server checks it as it is written', () => {
    const inner = z.object({ validity: z.string().default('48h') });
    expect(structuralSchema(z.object({ crl: inner.prefault({}) })).properties?.['crl']?.default).toEqual({ validity: '48h' });
  });

  it('keeps the rules of a type where a field adds its own', () => {
    const first = { rule: 'self != ""', message: 'It is not empty.' };
    const second = { rule: 'self == oldSelf', message: 'It is immutable.' };
    const field = constrained(constrained(z.string(), first), second).describe('A field.');
    expect(structuralSchema(field)['x-kubernetes-validations']).toEqual([first, second]);
  });
});
