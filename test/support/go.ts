// Programs built from pinned Go modules, and from the small Go sources of ours that stand beside a go.mod.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { onPath } from './path.ts';
import { lastLines, runProgram } from './process.ts';
import { say } from './progress.ts';

export interface GoBuild {
  /** The program's file name. */
  readonly name: string;
  /** The directory of its go.mod. */
  readonly moduleDirectory: string;
  /** An import path, or `.` for the module's own main package. */
  readonly packagePath: string;
  /** Linker flags beside -s -w. */
  readonly ldflags?: readonly string[];
}

/** What to install where there is no usable Go. */
export const GO_HINT = 'Go 1.26 or newer from https://go.dev/dl (a Go from 1.21 on fetches that by itself)';

/** Returns the path of the program: from the cache, else built, which can take minutes and says so. Throws what is missing. */
export async function goTool(
  name: string,
  moduleDirectory: string,
  packagePath: string,
  ldflags: readonly string[] = [],
): Promise<string> {
  const build: GoBuild = { name, moduleDirectory, packagePath, ldflags };
  const entry = await cached(await cacheKey(build), (directory) => compile(build, join(directory, name)));
  return join(entry, name);
}

/** The cache entry that stands for exactly this build: its sources, its pinned modules, its flags and the Go that compiles. */
export async function cacheKey({ name, moduleDirectory, packagePath, ldflags = [] }: GoBuild): Promise<string> {
  const hash = createHash('sha256').update(
    JSON.stringify([await goVersion(), packagePath, ldflags, process.platform, process.arch]),
  );
  const files = (await readdir(moduleDirectory, { recursive: true }))
    .filter((file) => /(\.go|go\.mod|go\.sum)$/.test(file))
    .sort();
  for (const file of files) hash.update(`\0${file}\0`).update(await readFile(join(moduleDirectory, file)));
  return join('go', `${name}-${hash.digest('hex').slice(0, 16)}`);
}

async function goVersion(): Promise<string> {
  if ((await onPath('go')) === undefined) throw new Error(`There is no Go on PATH. Install ${GO_HINT}.`);
  const { stdout } = await runProgram('go', ['version'], { env: { GOTOOLCHAIN: 'local' } });
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(stdout) ?? [];
  if (Number(major) === 1 && Number(minor) < 21)
    throw new Error(`The Go on PATH is too old (${stdout.trim()}). Install ${GO_HINT}.`);
  return stdout.trim();
}

async function compile({ name, moduleDirectory, packagePath, ldflags = [] }: GoBuild, output: string): Promise<void> {
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
  let downloads = 0;
  let packages = 0;
  say(`building ${name} with Go (once; kept in the cache)`);
  const progress = setInterval(
    () => say(`building ${name}: ${downloads} modules fetched, ${packages} packages compiled, ${seconds()}`),
    15_000,
  );
  try {
    await runProgram(
      'go',
      ['build', '-v', '-trimpath', '-ldflags', ['-s', '-w', ...ldflags].join(' '), '-o', output, packagePath],
      {
        name: 'go',
        cwd: moduleDirectory,
        env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
        limitMs: 40 * 60_000,
        onLine: (line) => {
          if (line.startsWith('go: downloading')) downloads += 1;
          else packages += 1;
        },
      },
    );
  } catch (error) {
    const why = error instanceof Error ? lastLines(error.message, 10) : String(error);
    throw new Error(`${name} could not be built from ${packagePath} (${await goVersion()}; ${GO_HINT}):\n${why}`, {
      cause: error,
    });
  } finally {
    clearInterval(progress);
  }
  say(`built ${name} in ${seconds()}`);
}
