// Makes demo.svg, the terminal recording in the README, from a real run of the demo:
//   node docs/images/record.ts
// It shows how the demo ended and, where pictures move, then plays it from the start, with the waits cut short.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgramFailed, runProgram } from '../../test/support/process.ts';

const repository = join(import.meta.dirname, '../..');

/** Pixels. */
const CHARACTER = 8;
const LINE = 18;
const MARGIN = 18;
const TITLE = 34;
const COLUMNS = 100;

/** Milliseconds: the longest wait that is shown, the shortest between two lines, and how long the end stays. */
const LONGEST_WAIT = 900;
const SHORTEST_WAIT = 35;
const END = 10_000;

/** From this line on everything is in the last picture. */
const LAST_SCENE = 'Who connects to whom';

interface Line {
  /** Milliseconds from the start, as shown. */
  readonly at: number;
  /** With its escape sequences. */
  readonly text: string;
}

/** Runs the demo once. Throws when it does not end well: a recording of a failure is none. */
async function record(): Promise<readonly Line[]> {
  const lines: Line[] = [];
  let before = performance.now();
  let at = 0;
  await runProgram(process.execPath, ['examples/demo/main.ts', '--once'], {
    name: 'the demo',
    cwd: repository,
    env: { FORCE_COLOR: '1', NO_COLOR: undefined },
    onLine: (text, from) => {
      if (from === 'stderr') return;
      const now = performance.now();
      at += Math.min(Math.max(now - before, SHORTEST_WAIT), LONGEST_WAIT);
      before = now;
      lines.push({ at, text });
    },
  });
  return lines;
}

const palette: Readonly<Record<string, string>> = {
  '31': 'bad',
  '32': 'good',
  '33': 'warn',
  '36': 'accent',
};

interface Word {
  readonly column: number;
  readonly text: string;
  readonly classes: string;
}

/** Each word where it stands: whatever font the reader has, columns stay columns. */
function words(text: string): readonly Word[] {
  const found: Word[] = [];
  const styles = new Set<string>();
  let column = 0;
  for (const [index, part] of text.split('\u001b[').entries()) {
    const end = index === 0 ? -1 : part.indexOf('m');
    if (index > 0) apply(part.slice(0, end), styles);
    const plain = part.slice(end + 1);
    for (const match of plain.matchAll(/\S+/g)) {
      found.push({ column: column + match.index, text: match[0], classes: [...styles].join(' ') });
    }
    column += plain.length;
  }
  return found;
}

/** Select graphic rendition (ECMA-48, 8.3.117), as far as the demo uses it. */
function apply(code: string, styles: Set<string>): void {
  if (code === '1') styles.add('bold');
  else if (code === '2') styles.add('dim');
  else if (code === '22') for (const style of ['bold', 'dim']) styles.delete(style);
  else if (code === '39') for (const style of Object.values(palette)) styles.delete(style);
  else styles.add(palette[code] ?? 'plain');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function lineElement({ text }: Line, index: number): string {
  const spans = words(text).map(
    ({ column, text: word, classes }) =>
      `<tspan x="${column * CHARACTER}"${classes && ` class="${classes}"`}>${escaped(word)}</tspan>`,
  );
  return spans.length === 0 ? '' : `<text y="${(index + 1) * LINE - 5}">${spans.join('')}</text>`;
}

/** Two movements: the lines scroll up once the window is full, and a curtain before those that are not there yet goes down. */
function picture(lines: readonly Line[]): string {
  const rows = lines.length - lines.findIndex(({ text }) => text.includes(LAST_SCENE));
  const duration = END + (lines.at(-1)?.at ?? 0);
  const percent = (ms: number): string => `${((ms / duration) * 100).toFixed(2)}%`;
  const width = COLUMNS * CHARACTER + 2 * MARGIN;
  const height = TITLE + rows * LINE + MARGIN;
  const scrolled = (shown: number): number => -Math.max(shown - rows, 0) * LINE;
  const keyframes = (offset: (shown: number) => number): string =>
    [
      { when: '0%', shown: lines.length },
      { when: percent(END - SHORTEST_WAIT), shown: 0 },
      ...lines.map(({ at }, index) => ({ when: percent(END + at), shown: index + 1 })),
    ]
      .map(({ when, shown }) => `${when}{transform:translateY(${offset(shown)}px)}`)
      .join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run of npm run demo">
<!-- Made by docs/images/record.ts from a run of the demo. -->
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d8dee9;white-space:pre}
.bold{font-weight:700;fill:#fff}.dim{fill:#8590a6}.good{fill:#7ec97e}.bad{fill:#ee7d77}.warn{fill:#e6c36a}.accent{fill:#6cc1d9}
.lines{transform:translateY(${scrolled(lines.length)}px)}.curtain{transform:translateY(${lines.length * LINE}px)}
@media (prefers-reduced-motion:no-preference){
.lines{animation:scroll ${duration.toFixed(0)}ms step-end infinite}.curtain{animation:reveal ${duration.toFixed(0)}ms step-end infinite}}
@keyframes scroll{${keyframes(scrolled)}}
@keyframes reveal{${keyframes((shown) => shown * LINE)}}
</style>
<clipPath id="window"><rect width="${width}" height="${rows * LINE}"/></clipPath>
<rect width="${width}" height="${height}" rx="8" fill="#1b2130"/>
<g fill="#3b4560"><circle cx="20" cy="18" r="5"/><circle cx="37" cy="18" r="5"/><circle cx="54" cy="18" r="5"/></g>
<text x="${width / 2}" y="22" text-anchor="middle" class="dim">npm run demo</text>
<g transform="translate(0 ${TITLE})" clip-path="url(#window)"><g class="lines"><g transform="translate(${MARGIN} 0)">
${lines.map(lineElement).filter(Boolean).join('\n')}
</g><rect class="curtain" width="${width}" height="${lines.length * LINE}" fill="#1b2130"/></g></g>
</svg>
`;
}

try {
  await writeFile(join(import.meta.dirname, 'demo.svg'), picture(await record()));
} catch (error) {
  process.stderr.write(`${error instanceof ProgramFailed ? `${error.stdout}${error.message}` : String(error)}\n`);
  process.exitCode = 1;
}
