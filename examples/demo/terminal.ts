// What the demo looks like: steps that get done, tables, and colours where the output is a terminal.
import { styleText } from 'node:util';

/** Columns that all of it stays within. */
export const WIDTH = Math.min(Math.max(process.stdout.columns ?? 100, 80), 120);

type Style = Parameters<typeof styleText>[0];

const paint =
  (style: Style) =>
  (text: string): string =>
    styleText(style, text, { stream: process.stdout });

export const bold = paint('bold');
export const dim = paint('dim');
export const good = paint('green');
export const bad = paint('red');
export const warning = paint('yellow');
export const accent = paint('cyan');

export function print(...lines: readonly string[]): void {
  for (const line of lines.length === 0 ? [''] : lines) process.stdout.write(`${line}\n`);
}

export function heading(title: string, remark = ''): void {
  print('', `${bold(title)}${remark === '' ? '' : `  ${dim(remark)}`}`, '');
}

/** Shows what is being done, and then what was done and how long it took. `work` returns the sentence for it. */
export async function step<T>(title: string, work: () => Promise<readonly [done: string, value: T]>): Promise<T> {
  const started = performance.now();
  // Rewritten in place, so only where nothing else writes meanwhile and somebody watches.
  if (process.stdout.isTTY) process.stdout.write(`  ${accent('◌')} ${title}`);
  try {
    const [done, value] = await work();
    const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
    clearLine();
    print(`  ${good('✔')} ${title.padEnd(20)}${dim(shortened(done, WIDTH - 32).padEnd(WIDTH - 32))}${dim(took.padStart(8))}`);
    return value;
  } catch (error) {
    clearLine();
    print(`  ${bad('✘')} ${title}`);
    throw error;
  }
}

function clearLine(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
}

export interface Cell {
  readonly text: string;
  readonly style?: (text: string) => string;
}

/** One row: each cell padded to its width (the last takes what is left, on as many lines as it needs). */
export function row(cells: readonly Cell[], widths: readonly number[]): readonly string[] {
  const before = widths.reduce((sum, width) => sum + width, 0);
  const last = cells.at(-1);
  const head = cells
    .slice(0, -1)
    .map(({ text, style }, index) => styled(shortened(text, (widths[index] ?? 0) - 1).padEnd(widths[index] ?? 0), style))
    .join('');
  const [first = '', ...rest] = wrap(last?.text ?? '', WIDTH - before);
  return [`${head}${styled(first, last?.style)}`, ...rest.map((line) => `${' '.repeat(before)}${styled(line, last?.style)}`)];
}

function styled(text: string, style?: (text: string) => string): string {
  return style === undefined ? text : style(text);
}

/** As much of a text as there is room for, with an ellipsis where that is not all. */
export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
