// Where built and downloaded programs are kept between runs: outside the work tree, made once however many processes ask.
import { randomUUID } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { say } from './progress.ts';
import { hasCode } from './system-error.ts';
import { waitFor } from './wait.ts';

/** `TRUSTMESH_CACHE`, else `trustmesh` below `XDG_CACHE_HOME`, else below `~/.cache`. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env['TRUSTMESH_CACHE']) return env['TRUSTMESH_CACHE'];
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'trustmesh');
}

/** A build from nothing on a small machine takes minutes, and others wait for it. */
const LIMIT_MS = 45 * 60_000;

/**
 * The path of the cache entry `key`. Where there is none, `make` fills an empty directory, which becomes the entry in one
 * rename when it is done: a process that is killed leaves nothing half made, and parallel ones wait for the first.
 */
export async function cached(key: string, make: (directory: string) => Promise<void>, root = cacheDirectory()): Promise<string> {
  const entry = join(root, key);
  if (await exists(entry)) return entry;
  await mkdir(dirname(entry), { recursive: true });
  await using _lock = await lock(`${entry}.lock`, key);
  if (await exists(entry)) return entry;
  const unfinished = `${entry}.${randomUUID()}`;
  await mkdir(unfinished);
  try {
    await make(unfinished);
    await rename(unfinished, entry);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return entry;
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * A file that names the process that holds it. One whose process is dead is taken over; two that take it over at the same
 * moment both do the work, which costs time and nothing else.
 */
async function lock(path: string, what: string): Promise<AsyncDisposable> {
  let said = false;
  await waitFor(
    `the lock on ${what} (${path})`,
    async () => {
      try {
        const file = await open(path, 'wx');
        await file.writeFile(String(process.pid));
        await file.close();
        return true;
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
      else if (!said) {
        said = true;
        say(`process ${holder || '(just starting)'} is making ${what}: waiting for it`);
      }
      return false;
    },
    { limitMs: LIMIT_MS, everyMs: 250 },
  );
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
