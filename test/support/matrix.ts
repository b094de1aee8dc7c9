// What software can be held to, as the interop tests measure it: a test that has found something out records it here, and
// docs/software.md is made of the records. One file for each test file, since several run side by side.
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { z } from 'zod';

const repository = join(import.meta.dirname, '../..');
const records = join(repository, 'dist/matrix');

/** The columns of the matrix, and what each asks. */
export const capabilities = {
  'Name check': 'As a client, it refuses a server whose certificate is of the right CA and has another name.',
  'Allow-list': 'As a server, it refuses a caller whose certificate is of the right CA and who is not on the list.',
  CRL: 'As a server, it refuses a caller whose certificate the CRL in a file names.',
  Reload: 'What was blocked is refused after a reload, in resumed sessions too, and no connection that stood is dropped.',
  'Name constraints': 'As a server, it refuses what a partner’s CA signed beyond the names that its cross-certificate permits.',
} as const;
export type Capability = keyof typeof capabilities;

/** What a test has found out about one piece of software. */
export interface Measurement {
  readonly software: string;
  /** As far as it matters, with what the software needs for what was measured: `1.40`, `2.6 with Lua`. */
  readonly version: string;
  readonly capability: Capability;
  /** A few words: `yes`, `no: any certificate of the CA`, `yes, by itself`. */
  readonly result: string;
}

const row = z.object({
  software: z.string(),
  version: z.string(),
  capability: z.enum(['Name check', 'Allow-list', 'CRL', 'Reload', 'Name constraints']),
  result: z.string(),
  /** The test's file and full name. */
  file: z.string(),
  test: z.string(),
});
export type Row = z.infer<typeof row>;

/** To be called at the end of the test that has measured it: what fails is not recorded, and so is missed. */
export function record(measured: Measurement): void {
  const { testPath, currentTestName } = expect.getState();
  if (testPath === undefined || currentTestName === undefined) throw new Error('only a test records what it measured');
  mkdirSync(records, { recursive: true });
  const whole: Row = { ...measured, file: relative(repository, testPath), test: currentTestName };
  appendFileSync(join(records, `${basename(testPath)}.jsonl`), `${JSON.stringify(whole)}\n`);
}

/** Before a whole run: what was recorded by earlier ones no longer counts. */
export function forgetRecords(): void {
  rmSync(records, { recursive: true, force: true });
}

/**
 * Everything recorded since, in no particular order. Of one test file the last word counts: it may have been run again. Throws
 * where tests of two files have found out different things.
 */
export async function recordedRows(): Promise<readonly Row[]> {
  const names = await readdir(records).catch(() => []);
  const cells = new Map<string, Row>();
  for (const name of names) {
    const text = await readFile(join(records, name), 'utf8');
    const rows = text
      .split('\n')
      .filter(Boolean)
      .map((line) => row.parse(JSON.parse(line)));
    for (const [cell, each] of new Map(rows.map((one) => [`${one.software}: ${one.capability}`, one]))) {
      const other = cells.get(cell);
      if (other !== undefined && (other.result !== each.result || other.version !== each.version)) {
        throw new Error(`${cell}: "${other.test}" found "${other.result}", and "${each.test}" found "${each.result}"`);
      }
      cells.set(cell, each);
    }
  }
  return [...cells.values()];
}
