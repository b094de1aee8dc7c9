// The temporary directory of one control plane. Its name carries the process, so that the next one to start can clear
// away what a killed process left.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../cache.ts';

const PREFIX = 'trustmesh-controlplane-';

export async function makeDirectory(root = tmpdir()): Promise<string> {
  for (const entry of await readdir(root)) {
    const owner = entry.startsWith(PREFIX) ? Number(entry.slice(PREFIX.length).split('-')[0]) : Number.NaN;
    if (owner > 0 && !isAlive(owner)) await rm(join(root, entry), { recursive: true, force: true });
  }
  return mkdtemp(join(root, `${PREFIX}${process.pid}-`));
}
