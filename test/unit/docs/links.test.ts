// Every relative link of every Markdown file leads to a file that exists, and to a heading that it has.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const repository = join(import.meta.dirname, '../../..');
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: repository,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(repository, path)));

interface Link {
  readonly target: string;
  readonly line: number;
}

/** Of the text outside of code. */
function linksOf(text: string): readonly Link[] {
  let fenced = false;
  return text.split('\n').flatMap((content, index) => {
    if (content.trimStart().startsWith('```')) fenced = !fenced;
    if (fenced) return [];
    const prose = content.replace(/`[^`]*`/g, '');
    return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|(?:src|href)="([^"]+)"/g)].map(([, inline, html]) => ({
      target: inline ?? html ?? '',
      line: index + 1,
    }));
  });
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => {
      const anchor = heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-');
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times === 0 ? anchor : `${anchor}-${times}`;
    }),
  );
}

function problemOf(page: string, { target }: Link): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(repository, page) : join(repository, dirname(page), decodeURIComponent(path));
  if (relative(repository, file).startsWith('..')) return 'leads out of the repository';
  if (!existsSync(file)) return 'does not exist';
  if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? undefined : 'has no such heading';
}

describe('links in Markdown', () => {
  it.each(pages)('of %s lead somewhere', (page) => {
    const broken = linksOf(readFileSync(join(repository, page), 'utf8')).flatMap((link) => {
      const problem = problemOf(page, link);
      return problem === undefined ? [] : [`line ${link.line}: ${link.target} ${problem}`];
    });
    expect(broken).toEqual([]);
  });
});
