// The lock file holds what every platform needs, whatever the platform and registry that it was last written with.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const lockFile = z.object({
  packages: z.record(z.string(), z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() })),
});

it('names every optional package, without which npm ci refuses it', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../package-lock.json'), 'utf8');
  const { packages } = lockFile.parse(JSON.parse(text));
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !placesOf(name, path).some((place) => place in packages)),
  );
  expect(missing).toEqual([]);
});

/** Where a package at `path` finds a dependency: below itself, then below each package that it lies in, then at the root. */
function placesOf(name: string, path: string): readonly string[] {
  const own = `${path === '' ? '' : `${path}/`}node_modules/${name}`;
  if (path === '') return [own];
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1));
  return [own, ...placesOf(name, parent)];
}
