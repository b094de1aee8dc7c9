// `npm run build`: the operator and everything that it depends on in one file, dist/trustmesh.mjs, for the image.
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const dist = join(import.meta.dirname, 'dist');
const outfile = join(dist, 'trustmesh.mjs');

await rm(outfile, { force: true });
const { metafile } = await build({
  entryPoints: [process.argv[2] ?? join(import.meta.dirname, 'operator/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: 'external',
  // Names of functions and classes are in log lines and stack traces.
  keepNames: true,
  legalComments: 'linked',
  // CommonJS dependencies ask for Node's modules by require, which an ES module does not have.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  metafile: true,
});
await chmod(outfile, 0o755);
const bytes = Object.entries(metafile.outputs).find(([path]) => path.endsWith('.mjs'))?.[1].bytes ?? 0;
process.stdout.write(`dist/trustmesh.mjs: ${(bytes / 1e6).toFixed(1)} MB from ${Object.keys(metafile.inputs).length} files\n`);
