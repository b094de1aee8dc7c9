// The README's example is examples/minimal, and every link of it leads somewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifests } from '../../support/manifest.ts';

const repository = join(import.meta.dirname, '../../..');
const readme = readFileSync(join(repository, 'README.md'), 'utf8');

it('shows examples/minimal', () => {
  const [, shown = ''] = /^```yaml\n(.*?)^```$/ms.exec(readme) ?? [];
  const folder = join(repository, 'examples/minimal');
  const files = readdirSync(folder).sort();
  expect(parseManifests(shown)).toEqual(files.flatMap((file) => parseManifests(readFileSync(join(folder, file), 'utf8'))));
});

it.each(['README.md', 'examples/README.md', 'docs/README.md', 'docs/tutorial.md'])('has no dead link in %s', (page) => {
  const text = readFileSync(join(repository, page), 'utf8');
  const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = '']) => target);
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((target) => !existsSync(join(repository, page, '..', target)))).toEqual([]);
});
