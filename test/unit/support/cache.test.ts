// The cache of built and downloaded programs: made once, never half, and outside the work tree.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, cached } from '../../support/cache.ts';
import { runProgram } from '../../support/process.ts';

describe('where the cache is', () => {
  it.each([
    [{ TRUSTMESH_CACHE: '/big/disk', XDG_CACHE_HOME: '/xdg' }, /^\/big\/disk$/],
    [{ XDG_CACHE_HOME: '/xdg' }, /^\/xdg\/trustmesh$/],
    [{ XDG_CACHE_HOME: '' }, /\/\.cache\/trustmesh$/],
  ])('%j', (env, expected) => {
    expect(cacheDirectory(env)).toMatch(expected);
  });
});

describe('an entry', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'trustmesh-cache-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('is made once, however many ask at the same time', async () => {
    let made = 0;
    const make = async (directory: string) => {
      made += 1;
      await writeFile(join(directory, 'etcd'), 'binary');
    };
    const paths = await Promise.all([1, 2, 3, 4].map(() => cached('go/etcd', make, root)));
    expect(new Set(paths)).toEqual(new Set([join(root, 'go/etcd')]));
    expect(made).toBe(1);
    expect(await readFile(join(root, 'go/etcd/etcd'), 'utf8')).toBe('binary');
    expect(await readdir(join(root, 'go'))).toEqual(['etcd']);
  });

  it('that could not be made leaves nothing, and is tried again', async () => {
    const fail = () => Promise.reject(new Error('no network'));
    await expect(cached('go/helm', fail, root)).rejects.toThrow('no network');
    expect(await readdir(join(root, 'go'))).toEqual([]);
    expect(await cached('go/helm', () => Promise.resolve(), root)).toBe(join(root, 'go/helm'));
  });

  it('is taken over from a process that died while making it', async () => {
    const { stdout } = await runProgram('sh', ['-c', 'echo $$']);
    await writeFile(join(root, 'kubectl.lock'), stdout.trim());
    expect(await cached('kubectl', () => Promise.resolve(), root)).toBe(join(root, 'kubectl'));
  });
});
