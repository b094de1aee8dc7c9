// The chart's values: one list in three places (values.yaml, the schema, the README), and what is refused with which sentence.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { chartDirectory, HELM_LIMIT_MS, helm, renderChart, type Values } from '../../support/chart.ts';

type Schema = {
  readonly $ref?: string | undefined;
  readonly type?: string | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly additionalProperties?: boolean | Schema | undefined;
  readonly items?: Schema | undefined;
};

const schema: z.ZodType<Schema> = z.object({
  $ref: z.string().optional(),
  type: z.string().optional(),
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), schema]).optional();
  },
  get items() {
    return schema.optional();
  },
});

const [valuesFile, schemaFile, readme] = await Promise.all(
  ['values.yaml', 'values.schema.json', 'README.md'].map((name) => readFile(join(chartDirectory, name), 'utf8')),
);
const defaults = z.record(z.string(), z.unknown()).parse(parse(valuesFile ?? ''));
const root = schema.parse(JSON.parse(schemaFile ?? ''));
const { definitions } = z.object({ definitions: z.record(z.string(), schema) }).parse(JSON.parse(schemaFile ?? ''));

/** Every path of a tree of values, with what stands at its end: a scalar, a list or an empty map. */
function leaves(value: unknown, path = ''): readonly (readonly [path: string, value: unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}

/** Every schema below this one, with where it lies. */
function nodes(node: Schema, path: string): readonly (readonly [path: string, node: Schema])[] {
  return [
    [path, node],
    ...Object.entries(node.properties ?? {}).flatMap(([key, inner]) => nodes(inner, `${path}.${key}`)),
    ...(node.items ? nodes(node.items, `${path}[]`) : []),
    ...(typeof node.additionalProperties === 'object' ? nodes(node.additionalProperties, `${path}.*`) : []),
  ];
}

beforeAll(() => helm(['version']), HELM_LIMIT_MS);

describe('the values', () => {
  it('are in the README, each with its default', () => {
    const rows = [...(readme ?? '').matchAll(/^\| `([\w.]+)` +\| `(.*?)` +\|.*\|$/gm)].map(([, path, value]) => [path, value]);
    expect(rows).toEqual(leaves(defaults).map(([path, value]) => [path, JSON.stringify(value)]));
  });

  it('are in the schema, and no others are', () => {
    const declared = (node: Schema, value: unknown): unknown =>
      node.properties && typeof value === 'object' && value !== null && Object.keys(value).length > 0
        ? Object.fromEntries(
            Object.entries(node.properties).map(([key, inner]) => [key, declared(inner, Reflect.get(value, key))]),
          )
        : value;
    const { global: _handedDownByHelm, ...properties } = root.properties ?? {};
    expect(declared({ ...root, properties }, defaults)).toEqual(defaults);
  });

  it('have a schema that leaves no object open, but for what a parent chart hands down', () => {
    const all = [
      ...nodes(root, 'values'),
      ...Object.entries(definitions).flatMap(([name, node]) => nodes(node, `#/definitions/${name}`)),
    ];
    const open = all.filter(([, node]) => node.type === 'object' && (node.additionalProperties ?? true) === true);
    expect(open.map(([path]) => path)).toEqual(['values.global']);
  });
});

describe('a value is refused', () => {
  const term = { topologyKey: 'kubernetes.io/hostname' };
  const refusals: readonly (readonly [what: string, values: Values, sentence: string])[] = [
    ['that the chart does not have', { replicaCount: 2 }, "at '': additional properties 'replicaCount' not allowed"],
    ['that a map of the chart does not have', { image: { name: 'x' } }, "at '/image': additional properties 'name' not allowed"],
    [
      'that lies deeper',
      { networkPolicy: { dns: { port: 53 } } },
      "at '/networkPolicy/dns': additional properties 'port' not allowed",
    ],
    ['in an entry of a list', { tolerations: [{ keys: 'x' }] }, "at '/tolerations/0': additional properties 'keys' not allowed"],
    [
      'in what Kubernetes defines',
      { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, topologykey: 'x' }] } } },
      "at '/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0': additional properties 'topologykey' not allowed",
    ],
    ['of another type', { replicas: 'two' }, "at '/replicas': got string, want integer"],
    ['that is no namespace', { watchNamespaces: ['Voice'] }, "at '/watchNamespaces/0': 'Voice' does not match pattern"],
    ['that is there twice', { watchNamespaces: ['voice', 'voice'] }, "at '/watchNamespaces': items at 0 and 1 are equal"],
    ['that is none of the choices', { log: { format: 'xml' } }, "at '/log/format': value must be one of 'text', 'json'"],
    ['that only root may listen on', { port: 80 }, "at '/port': minimum: got 80, want 1,024"],
    [
      'that only root may serve bundles on',
      { bundleEndpoint: { port: 443 } },
      "at '/bundleEndpoint/port': minimum: got 443, want 1,024",
    ],
    [
      'that is no address of a resolver',
      { resolvers: ['dns.contoso.com'] },
      "at '/resolvers/0': 'dns.contoso.com' does not match pattern",
    ],
    [
      'that leaves the bundle endpoint without certificate',
      { bundleEndpoint: { enabled: true } },
      'bundleEndpoint.tlsSecretName names the Secret (kubernetes.io/tls) that the bundle endpoint shows: set it.',
    ],
    ['that is no digest', { image: { digest: 'latest' } }, "at '/image/digest': 'latest' does not match pattern"],
  ];

  it.each(refusals)('%s', async (_what, values, sentence) => {
    await expect(renderChart({ values })).rejects.toThrow(sentence);
  });
});
