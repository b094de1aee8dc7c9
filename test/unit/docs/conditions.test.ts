// docs/conditions.md against the code: every reason and every metric that the code has is on the page, and no other.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findingReasons } from '../../../operator/topology/findings.ts';

const repository = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(repository, path), 'utf8');

/** Where conditions and events get their reasons. Slots of a CA have reasons too, which no condition shows. */
const sources = [
  'operator/authorities/authority.ts',
  'operator/topology/admission.ts',
  'operator/pki/chain.ts',
  'operator/pki/provided.ts',
  ...readdirSync(join(repository, 'operator/topology'))
    .filter((file) => /^(findings|trunk|media)/.test(file))
    .map((file) => `operator/topology/${file}`),
  ...readdirSync(join(repository, 'operator/controllers'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('/observe.ts'))
    .map((path) => `operator/controllers/${path}`),
].map(read);

/** What follows `reason:` or `reason =`, and the first argument of what makes a reason and a sentence into a value. */
const values = [/\breason(?::| =) ([^,;\n]*)/g, /\b(?:refuse|unavailable|problem)\(\s*([^,`]*)/g, /\brecord\('\w+', ([^,]*)/g];

/** Found about a `provided` CA, and shown by no condition. */
const notices = ['NamesConstrained'];

const inCode = new Set(
  sources
    .flatMap((source) => values.flatMap((value) => [...source.matchAll(value)]))
    .flatMap(([, value = '']) => [...value.replace(/=== '\w+'/g, '').matchAll(/'([A-Z]\w+)'/g)])
    .map(([, reason = '']) => reason)
    .filter((reason) => !notices.includes(reason))
    .concat(findingReasons),
);

const page = read('docs/conditions.md');

/** The first cells of the tables between two headings of the second level. */
function cellsOf(heading: string): readonly string[] {
  const from = page.indexOf(`\n## ${heading}\n`);
  const to = page.indexOf('\n## ', from + 1);
  const section = from === -1 ? '' : page.slice(from, to === -1 ? undefined : to);
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, cell]) => cell ?? '');
}

const conditions = cellsOf('Conditions');
const events = cellsOf('Events');

describe('docs/conditions.md', () => {
  it('has every reason that the code has', () => {
    const known = [...conditions, ...events];
    expect([...inCode].filter((reason) => !known.includes(reason))).toEqual([]);
  });

  it('has no reason that the code has not', () => {
    expect([...conditions, ...events].filter((reason) => !inCode.has(reason))).toEqual([]);
  });

  it('has each reason once', () => {
    expect(conditions).toEqual([...new Set(conditions)]);
    expect(events).toEqual([...new Set(events)]);
  });

  it('has every metric, and no other', () => {
    const metrics = [...read('operator/web/metrics.ts').matchAll(/'(trustmesh_\w+)'/g)].map(([, name]) => name ?? '');
    expect([...cellsOf('Metrics')].sort()).toEqual([...new Set(metrics)].sort());
  });
});
