// The rules of the house as the linter enforces them: what each room refuses and what it takes.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ProgramFailed, runProgram } from '../../support/process.ts';

const repository = join(import.meta.dirname, '../../..');

interface Rule {
  readonly room: string;
  readonly code: string;
  /** Part of the sentence; absent where the code is as it should be. */
  readonly refused?: string;
}

const noImport = 'A PURE room imports only';
const noClock = 'There is no clock here';
const noChance = 'There is no randomness here';

const pure: readonly Omit<Rule, 'room'>[] = [
  { code: `import { readFileSync } from 'node:fs';\nexport const read = readFileSync;`, refused: noImport },
  { code: `import { connect } from 'node:net';\nexport const call = connect;`, refused: noImport },
  { code: `import type { Store } from '../kube/store.ts';\nexport type Cache = Store;`, refused: noImport },
  { code: `export * from '../journal/journal.ts';`, refused: noImport },
  { code: `import { log } from 'winston';\nexport const say = log;`, refused: noImport },
  { code: `export const later = import('../pki/pem.ts');`, refused: 'imports nothing at run time' },
  { code: 'export const now = Date.now();', refused: noClock },
  { code: 'export const clock = Date.now;', refused: noClock },
  { code: 'export const today = new Date();', refused: noClock },
  { code: 'export const tick = performance.now();', refused: 'global variable performance' },
  { code: 'export const die = Math.random();', refused: noChance },
  { code: `import { randomBytes } from 'node:crypto';\nexport const serial = randomBytes(16);`, refused: noChance },
  { code: `import { randomUUID as name } from 'node:crypto';\nexport const id = name();`, refused: noChance },
  { code: `import { generateKeyPairSync } from 'node:crypto';\nexport const keys = generateKeyPairSync;`, refused: noChance },
  { code: 'export const id = crypto.randomUUID();', refused: 'global variable crypto' },
  { code: 'export const home = process.env;', refused: 'global variable process' },
  { code: `console.log('issued');\nexport {};`, refused: 'global variable console' },
  { code: `export const page = fetch('https://contoso.com');`, refused: 'global variable fetch' },
  { code: 'setTimeout(() => undefined, 1);\nexport {};', refused: 'global variable setTimeout' },
  { code: 'export const all = globalThis;', refused: 'global variable globalThis' },
  { code: 'export const day = (now: number): string => new Date(now).toISOString();' },
  { code: `import { createHash } from 'node:crypto';\nexport const hash = createHash;` },
  { code: `import { AsnConvert } from '@peculiar/asn1-schema';\nexport const parse = AsnConvert.parse;` },
  { code: `import { getPublicSuffix } from 'tldts';\nexport const suffix = getPublicSuffix;` },
  { code: `import type { Use } from '../api/v1alpha1/index.ts';\nexport type Face = Use;` },
  { code: `export { names } from '../topology/names.ts';` },
  { code: `export { own } from './own.ts';` },
];

const rules: readonly Rule[] = [
  ...['topology', 'pki', 'trust', 'outputs'].flatMap((room) => pure.map((rule) => ({ ...rule, room: `operator/${room}` }))),
  { room: 'operator/web', code: `import { request } from 'undici';\nexport const ask = request;`, refused: 'Only operator/kube' },
  {
    room: 'operator',
    code: `import { KubeConfig } from '@kubernetes/client-node';\nexport const c = KubeConfig;`,
    refused: 'Only operator/kube',
  },
  { room: 'operator/kube', code: `import { request } from 'undici';\nexport const ask = request;` },
  { room: 'operator/kube', code: 'export const now = Date.now();' },
  { room: 'operator/controllers/gateway', code: `export { plan } from '../partner/plan.ts';`, refused: 'nothing of another' },
  { room: 'operator/controllers/gateway', code: `export { summary } from '../conditions.ts';` },
  { room: 'operator/controllers/gateway', code: `export { client } from '../../kube/client.ts';` },
  { room: 'operator/kube', code: 'export const anything = (value: any): unknown => value;', refused: 'any' },
  { room: 'operator/kube', code: 'export const first = (values: readonly string[]): string => values[0]!;', refused: 'non-null' },
  { room: 'test/unit', code: `it.only('is the only one', () => undefined);`, refused: 'focus' },
  { room: 'test/unit', code: `it.skip('is left out', () => undefined);`, refused: 'disable' },
];

const report = z.object({
  diagnostics: z.array(z.object({ message: z.string(), location: z.object({ path: z.string() }).nullish() })),
});

/** What the linter says of each file, by its path below `directory`. */
async function lint(directory: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const biome = join(repository, 'node_modules/.bin/biome');
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '--error-on-warnings', '.'];
  const { stdout } = await runProgram(biome, args, { cwd: directory }).catch((error: unknown) => {
    if (error instanceof ProgramFailed) return error;
    throw error;
  });
  const said = new Map<string, string[]>();
  for (const { message, location } of report.parse(JSON.parse(stdout)).diagnostics) {
    const path = location?.path ?? '';
    said.set(path, [...(said.get(path) ?? []), message]);
  }
  return said;
}

describe('the house', () => {
  let directory: string;
  let said: ReadonlyMap<string, readonly string[]>;
  const fileOf = (rule: Rule): string =>
    `${rule.room}/${rule.room.startsWith('test') ? 'case.test' : 'case'}${rules.indexOf(rule)}.ts`;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trustmesh-house-'));
    for (const part of ['biome.json', '.gitignore', 'lint'])
      await cp(join(repository, part), join(directory, part), { recursive: true });
    for (const rule of rules) {
      const path = join(directory, fileOf(rule));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${rule.code}\n`);
    }
    said = await lint(directory);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const oneLine = (code: string): string => code.split('\n')[0] ?? '';

  for (const rule of rules) {
    const { room, code, refused } = rule;
    it(`${refused === undefined ? 'lets' : 'keeps'} ${room} ${refused === undefined ? 'have' : 'from'} ${oneLine(code)}`, () => {
      const messages = said.get(fileOf(rule)) ?? [];
      if (refused === undefined) expect(messages).toEqual([]);
      else expect(messages).toContainEqual(expect.stringContaining(refused));
    });
  }
});
