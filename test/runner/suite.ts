// Runs one jest suite in a process of its own and reads jest's own results of it.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { exists } from '../support/cache.ts';
import { type Exit, lastLines, type Program, startProgram } from '../support/process.ts';
import { MISSING_TOOLS, type Missing, type Suite } from '../support/toolchain.ts';
import type { Outcome } from './outcome.ts';

const repository = join(import.meta.dirname, '../..');

/** Jest's own results and everything that the tests and their programs wrote, one file each a suite. */
const RESULTS = join(repository, 'dist/test-results');

/** Milliseconds between jest's results and its end. */
const EXIT_LIMIT_MS = 20_000;

const jestResults = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
});

export interface SuiteRun {
  readonly suite: Suite;
  /** Regular expressions of test file paths; empty for all. */
  readonly patterns: readonly string[];
  readonly missing: readonly Missing[];
  readonly signal: AbortSignal;
}

/** A suite that does not run at all, in whole or for one of its files, has failed as much as a test that fails. */
export async function runSuite({ suite, patterns, missing, signal }: SuiteRun): Promise<Outcome> {
  await mkdir(RESULTS, { recursive: true });
  const results = join(RESULTS, `${suite}.json`);
  await rm(results, { force: true });
  const args = [
    join(repository, 'node_modules/jest/bin/jest.js'),
    `--selectProjects=${suite}`,
    `--maxWorkers=${availableParallelism()}`,
    '--json',
    `--outputFile=${results}`,
    `--reporters=${join(import.meta.dirname, 'reporter.ts')}`,
    // A pattern need not match in every suite; a suite as a whole has tests.
    ...(patterns.length > 0 ? ['--passWithNoTests'] : []),
    ...patterns.map((pattern) => `--testPathPatterns=${pattern}`),
  ];
  const env = {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    [MISSING_TOOLS]: missing.map(({ tool }) => tool.name).join(','),
  };
  const started = performance.now();
  await using jest = await startProgram(process.execPath, args, {
    name: `jest ${suite}`,
    cwd: repository,
    env,
    onLine: (line, from) => void (from === 'stdout' && process.stdout.write(`${line}\n`)),
  });
  const stop = (): void => void jest.stop();
  signal.addEventListener('abort', stop, { once: true });
  const ended = await Promise.race([jest.exited, endedOrHangs(results, jest)]);
  signal.removeEventListener('abort', stop);
  const seconds = (performance.now() - started) / 1000;
  await writeFile(join(RESULTS, `${suite}.log`), jest.output());
  return { kind: 'suite', name: suite, seconds, ...(await outcomeOf(results, ended, jest.output())) };
}

type Ended = Exit | 'hangs';

/** Jest writes its results and then waits for whatever the tests left open. */
async function endedOrHangs(results: string, jest: Program): Promise<Ended> {
  while (jest.running && !(await exists(results))) await pause(500);
  const limit = performance.now() + EXIT_LIMIT_MS;
  while (jest.running && performance.now() < limit) await pause(100);
  return jest.running ? 'hangs' : jest.exited;
}

async function outcomeOf(results: string, ended: Ended, output: string): Promise<Omit<Outcome, 'kind' | 'name' | 'seconds'>> {
  const text = await readFile(results, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0, failure: `no results of it:\n${lastLines(output, 60)}` };
  const parsed = jestResults.parse(JSON.parse(text));
  const counted = {
    passed: parsed.numPassedTests,
    failed: parsed.numFailedTests + parsed.numRuntimeErrorTestSuites,
    skipped: parsed.numPendingTests + parsed.numTodoTests,
  };
  if (ended === 'hangs')
    return { ...counted, failed: counted.failed + 1, failure: 'its tests ended, and something that they started did not' };
  if (ended.code !== 0 && counted.failed === 0) return { ...counted, failed: 1, failure: lastLines(output, 60) };
  return counted;
}
