// Puts the figures of a run into docs/performance.md, between its two marks.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Figures, report } from './report.ts';

const file = 'docs/performance.md';
const begin = '<!-- figures: npm run bench -- --write-docs -->';
const end = '<!-- end of figures -->';

/** Returns the file's path in the repository. @throws Error where the marks are not there */
export async function writePerformanceDocs(figures: Figures): Promise<string> {
  const path = join(import.meta.dirname, '..', file);
  const text = await readFile(path, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} lacks the lines ${begin} and ${end}`);
  await writeFile(path, `${text.slice(0, from)}${begin}\n\n${report(figures)}\n\n${text.slice(to)}`);
  return file;
}
