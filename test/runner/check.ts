// The checks that are no tests: format and lint, types, and that what is generated is what is committed.
import { join } from 'node:path';
import { runProgram } from '../support/process.ts';
import type { Outcome } from './outcome.ts';

const repository = join(import.meta.dirname, '../..');
const bin = (name: string): string => join(repository, 'node_modules/.bin', name);

export interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export const checks: readonly Check[] = [
  { name: 'lint', command: bin('biome'), args: ['ci', '--colors=off', '.'] },
  { name: 'types', command: bin('tsc'), args: [] },
  { name: 'generated files', command: process.execPath, args: [join(repository, 'crds/generate.ts'), '--check'] },
];

export async function runCheck({ name, command, args }: Check): Promise<Outcome> {
  const started = performance.now();
  const failure = await runProgram(command, args, { cwd: repository }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`  ${failure === undefined ? 'ok  ' : 'FAIL'}  ${name} (${seconds.toFixed(1)} s)\n`);
  return {
    kind: 'check',
    name,
    seconds,
    passed: 0,
    failed: failure === undefined ? 0 : 1,
    skipped: 0,
    ...(failure === undefined ? {} : { failure }),
  };
}
