// `npm run bench`: the operator beside a writer that thinks of nothing, on one API server in one run; and what one more server
// costs in a small fleet and in a large one, in writes and in planning. docs/performance.md says how each figure is measured.
import { KubeClient } from '../operator/kube/client.ts';
import { loadKubeConfig } from '../operator/kube/kube-config.ts';
import { startControlPlane } from '../test/support/controlplane/index.ts';
import { installOperator } from '../test/support/install.ts';
import { writePerformanceDocs } from './docs.ts';
import { clear, createDomain, createNamespaces, createServers, namespaceNames } from './fleet.ts';
import { measureLeaves } from './leaf.ts';
import { machine } from './machine.ts';
import { CONCURRENCY, type NullRound, nullRound, type Sample, takeSample } from './null-writer.ts';
import { measureOneChange } from './one-change.ts';
import { runOperator } from './operator-run.ts';
import { readOptions, usage } from './options.ts';
import { type Measured, report, reportOneChange } from './report.ts';

const operatorNamespace = 'trustmesh-system';
/** A round of the null writer is long enough to be steady and short enough to be repeated. */
const NULL_ROUND_LIMIT = 2_000;

const say = (line: string) => void process.stderr.write(`bench: ${line}\n`);

if (process.argv.includes('--help')) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const options = readOptions(process.argv.slice(2));
say('one change');
const oneChange = reportOneChange(measureOneChange(), machine());
if (options.writeDocs) say(`wrote ${await writePerformanceDocs('oneChange', oneChange)}`);
process.stdout.write(`${oneChange}\n`);
if (options.only === 'one-change') process.exit(0);

say('leaves on one core');
const leaves = await measureLeaves();

await using controlPlane = await startControlPlane({ controllerManager: false, say });
const { kubeconfig: operatorKubeconfig } = await installOperator(controlPlane, { namespace: operatorNamespace });
await using admin = new KubeClient(loadKubeConfig(controlPlane.kubeconfig), { connections: CONCURRENCY });
const spread = namespaceNames('bench', options.namespaces);
const nullSpread = namespaceNames('bench-null', options.namespaces);
await createNamespaces(admin, spread, true);
await createNamespaces(admin, nullSpread, false);

let sample: Sample | undefined;
const runs: Measured[] = [];
for (const size of options.sizes) {
  const before = await nullRounds(size);
  say(`making ${size} servers in ${spread.length} namespaces`);
  const servers = await createServers(admin, spread, size);
  await createDomain(admin);
  const run = await runOperator(
    {
      admin,
      operatorKubeconfig,
      operatorNamespace,
      spread,
      servers: size,
      restSeconds: options.restSeconds,
      nodeOptions: options.nodeOptions,
      say,
    },
    async () => {
      const [first] = servers;
      if (first !== undefined) sample ??= await takeSample(admin, first);
    },
  );
  const after = before.length === 0 ? [] : await nullRounds(size);
  runs.push({ run, before, after });
  await clear(admin, spread, operatorNamespace);
}

const figures = report({ leaves, runs, namespaces: options.namespaces, machine: machine() });
process.stdout.write(`\n${figures}\n`);
if (options.writeDocs) say(`wrote ${await writePerformanceDocs('figures', figures)}`);

/** None before there is a sample. */
async function nullRounds(size: number): Promise<readonly NullRound[]> {
  const rounds: NullRound[] = [];
  for (let round = 0; sample !== undefined && round < options.nullRounds; round++) {
    const done = await nullRound(admin, operatorKubeconfig, sample, nullSpread, Math.min(size, NULL_ROUND_LIMIT));
    say(`null writer: ${(done.servers / done.seconds).toFixed(0)} servers/s`);
    rounds.push(done);
  }
  return rounds;
}
