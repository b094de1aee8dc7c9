// Puts the figures of a run into docs/performance.md, each part between its two marks.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const file = 'docs/performance.md';

const parts = {
  figures: ['<!-- figures: npm run bench -- --write-docs -->', '<!-- end of figures -->'],
  oneChange: ['<!-- one change: npm run bench -- --only one-change --write-docs -->', '<!-- end of one change -->'],
} as const;

/** Returns the file's path in the repository. @throws Error where the marks are not there */
export async function writePerformanceDocs(part: keyof typeof parts, markdown: string): Promise<string> {
  const [begin, end] = parts[part];
  const path = join(import.meta.dirname, '..', file);
  const text = await readFile(path, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} lacks the lines ${begin} and ${end}`);
  await writeFile(path, `${text.slice(0, from)}${begin}\n\n${markdown}\n\n${text.slice(to)}`);
  return file;
}
