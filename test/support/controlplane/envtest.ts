// The official envtest archive of kubernetes-sigs/controller-tools: etcd, kube-apiserver and kubectl, checksum verified.
import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { cacheDirectory, cached } from '../cache.ts';
import { isExecutable } from '../path.ts';
import { runProgram } from '../process.ts';
import { say } from '../progress.ts';

/** Releases of this minor version are taken, the newest first. */
const MINOR = 'v1.36.';
const INDEX = 'https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml';
const PROGRAMS: readonly string[] = ['etcd', 'kube-apiserver', 'kubectl'];

/** Milliseconds: without a network this must be known at once, since a build comes next. */
const INDEX_LIMIT_MS = 5_000;
const ARCHIVE_LIMIT_MS = 15 * 60_000;

const indexSchema = z.object({
  releases: z.record(z.string(), z.record(z.string(), z.object({ hash: z.string(), selfLink: z.url() }))),
});

interface Archive {
  readonly version: string;
  readonly url: string;
  /** SHA-512, lower-case hex. */
  readonly sha512: string;
}

/** Downloads the archive into the cache. Throws when the program is not part of it, or the archive cannot be had or trusted. */
export async function envtestProgram(name: string): Promise<string> {
  if (!PROGRAMS.includes(name)) throw new Error(`it has ${PROGRAMS.join(', ')} only`);
  unpacked ??= download();
  return join(await unpacked, name);
}

/** What an earlier run downloaded. */
export async function keptEnvtestProgram(name: string): Promise<string | undefined> {
  const kept = await readdir(join(cacheDirectory(), 'envtest')).catch((): string[] => []);
  const newest = kept
    .filter((entry) => /^v[\d.]+-\w+-\w+$/.test(entry) && entry.startsWith(MINOR))
    .sort(byVersion)
    .at(-1);
  if (newest === undefined) return undefined;
  const path = join(cacheDirectory(), 'envtest', newest, name);
  return (await isExecutable(path)) ? path : undefined;
}

/** One attempt a process: three programs are looked for, and an unreachable network stays unreachable. */
let unpacked: Promise<string> | undefined;

async function download(): Promise<string> {
  const archive = await findArchive();
  return cached(join('envtest', `${archive.version}-${platform()}`), async (directory) => {
    say(`downloading envtest ${archive.version}`);
    const bytes = await get(archive.url, ARCHIVE_LIMIT_MS);
    const actual = createHash('sha512').update(bytes).digest('hex');
    if (actual !== archive.sha512) throw new Error(`SHA-512 of ${archive.url} is ${actual}, the index says ${archive.sha512}`);
    const file = join(directory, 'envtest.tar.gz');
    await writeFile(file, bytes);
    await runProgram('tar', ['-xzf', file, '-C', directory, '--strip-components=2']);
  });
}

async function findArchive(): Promise<Archive> {
  const url = process.env['TRUSTMESH_ENVTEST_INDEX'] || INDEX;
  const { releases } = indexSchema.parse(parse((await get(url, INDEX_LIMIT_MS)).toString()));
  for (const version of Object.keys(releases)
    .filter((v) => v.startsWith(MINOR))
    .sort(byVersion)
    .reverse()) {
    const found = releases[version]?.[`envtest-${version}-${platform()}.tar.gz`];
    if (found) return { version, url: found.selfLink, sha512: found.hash };
  }
  throw new Error(`its index names no ${MINOR}x for ${platform()}`);
}

async function get(url: string, limitMs: number): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
    throw new Error(`${url}: ${why}`, { cause: error });
  }
}

function platform(): string {
  return `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
