// Holds docs/software.md to what the interop tests of this run have measured, or with UPDATE_MATRIX=1 makes it of that.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Capability, capabilities, type Row, recordedRows } from '../support/matrix.ts';
import type { Outcome } from './outcome.ts';

const page = join(import.meta.dirname, '../../docs/software.md');
const [begin, end] = ['<!-- measured: begin -->', '<!-- measured: end -->'];
const columns = Object.keys(capabilities).filter((name): name is Capability => name in capabilities);

export const updatesMatrix = Boolean(process.env['UPDATE_MATRIX']);

export async function checkMatrix(): Promise<Outcome> {
  const started = performance.now();
  const failure = await difference().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`  ${failure === undefined ? 'ok  ' : 'FAIL'}  software matrix (${seconds.toFixed(1)} s)\n`);
  const counts = { passed: 0, failed: failure === undefined ? 0 : 1, skipped: 0 };
  return { kind: 'check', name: 'software matrix', seconds, ...counts, ...(failure === undefined ? {} : { failure }) };
}

async function difference(): Promise<string | undefined> {
  const text = await readFile(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/software.md has no ${begin} … ${end}`);
  const measured = renderMatrix(await recordedRows()).split('\n');
  const said = text
    .slice(from + begin.length, to)
    .trim()
    .split('\n');
  if (updatesMatrix) {
    await writeFile(page, `${text.slice(0, from)}${begin}\n${measured.join('\n')}\n${text.slice(to)}`);
    return undefined;
  }
  const without = (lines: readonly string[], others: readonly string[]) => lines.filter((line) => !others.includes(line));
  const [unmeasured, unsaid] = [without(said, measured), without(measured, said)];
  if (unmeasured.length + unsaid.length === 0) return undefined;
  return [
    'docs/software.md is not what the interop tests have measured. Look why; where the page is out of date, UPDATE_MATRIX=1 rewrites it.',
    ...unmeasured.map((line) => `  only on the page:  ${line}`),
    ...unsaid.map((line) => `  only measured:     ${line}`),
  ].join('\n');
}

/** Two tables: one row a piece of software, and one a measurement with the test that made it. */
export function renderMatrix(rows: readonly Row[]): string {
  const sorted = rows.toSorted((one, other) => compare(nameOf(one), nameOf(other)) || column(one) - column(other));
  const resultOf = (name: string, capability: Capability) =>
    sorted.find((row) => nameOf(row) === name && row.capability === capability)?.result ?? 'not measured';
  const names = [...new Set(sorted.map(nameOf))];
  return [
    table(
      ['Software', ...columns],
      names.map((name) => [name, ...columns.map((capability) => resultOf(name, capability))]),
    ),
    table(
      ['Measured', 'by the test', 'in'],
      sorted.map((row) => [`${row.software}: ${row.capability}`, row.test, `\`${row.file}\``]),
    ),
  ].join('\n\n');
}

const nameOf = ({ software, version }: Row) => `${software} ${version}`;
const column = ({ capability }: Row) => columns.indexOf(capability);
const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
