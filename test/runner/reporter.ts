// What jest says under the runner: a line a test file as it ends, with what failed in it, and a sign of life for long ones.
import { relative } from 'node:path';
import type { Reporter, Test, TestResult } from '@jest/reporters';

/** Milliseconds between two signs of life. */
const SILENCE_LIMIT_MS = 60_000;

export default class FileByFile
  implements Pick<Reporter, 'onRunStart' | 'onTestFileStart' | 'onTestFileResult' | 'onRunComplete'>
{
  readonly #running = new Map<string, number>();
  #alive: NodeJS.Timeout | undefined;

  onRunStart(): void {
    this.#alive = setInterval(() => {
      for (const [path, started] of this.#running)
        print(`  ...   ${nameOf(path)} (${seconds(performance.now() - started)} so far)`);
    }, SILENCE_LIMIT_MS);
  }

  onTestFileStart({ path }: Test): void {
    this.#running.set(path, performance.now());
  }

  onTestFileResult({ path }: Test, result: TestResult): void {
    const took = performance.now() - (this.#running.get(path) ?? performance.now());
    this.#running.delete(path);
    const failed = result.numFailingTests > 0 || result.testExecError !== undefined;
    const counts = [`${result.numPassingTests} passed`];
    if (result.numFailingTests > 0) counts.push(`${result.numFailingTests} failed`);
    if (result.numPendingTests > 0) counts.push(`${result.numPendingTests} not run`);
    print(`  ${failed ? 'FAIL' : 'ok  '}  ${nameOf(path)} (${counts.join(', ')}; ${seconds(took)})`);
    if (failed) print(result.failureMessage ?? result.testExecError?.message ?? 'failed to run');
  }

  onRunComplete(): void {
    clearInterval(this.#alive);
  }
}

/** Straight to the terminal: jest takes `console` away. */
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const nameOf = (path: string): string => relative(process.cwd(), path);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
