// Every folder of examples/ as its reader uses it: `kubectl apply -f` on a cluster where only the operator is, one folder to
// a cluster and then all on one, and everything in it becomes Ready.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import { findBinary } from '../support/controlplane/binaries.ts';
import { startControlPlane } from '../support/controlplane/index.ts';
import { installOperator } from '../support/install.ts';
import { needing } from '../support/needing.ts';
import { startOperator } from '../support/operator.ts';
import { runProgram } from '../support/process.ts';
import { everythingReady } from '../support/ready.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'kubectl');

const directory = join(import.meta.dirname, '../../examples');
const manifests = (folder: string): readonly string[] =>
  readdirSync(join(directory, folder)).filter((file) => file.endsWith('.yaml'));
const folders = readdirSync(directory, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && manifests(entry.name).length > 0)
  .map(({ name }) => name);

it('there are some', () => {
  expect(folders).toEqual(expect.arrayContaining(['contoso', 'minimal']));
});

interface Cluster {
  readonly client: KubeClient;
  /** Resolves to what kubectl says of each object of the folder. */
  readonly apply: (folder: string) => Promise<readonly string[]>;
}

async function startCluster(running: AsyncDisposableStack): Promise<Cluster> {
  const controlPlane = running.use(await startControlPlane());
  const { kubeconfig } = await installOperator(controlPlane);
  running.use(await startOperator({ kubeconfig }));
  const client = running.use(new KubeClient(loadKubeConfig(controlPlane.kubeconfig)));
  const kubectl = await findBinary('kubectl');
  const apply = async (folder: string): Promise<readonly string[]> => {
    const env = { KUBECONFIG: controlPlane.kubeconfig };
    const { stdout, stderr } = await runProgram(kubectl, ['apply', '-f', join(directory, folder)], { env });
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n');
  };
  return { client, apply };
}

const not = (verb: string, lines: readonly string[]) => lines.filter((line) => !line.endsWith(` ${verb}`));

describe.each(folders)('examples/%s', (folder) => {
  it('applies as it stands, and all of it becomes Ready', async () => {
    await using running = new AsyncDisposableStack();
    const { client, apply } = await startCluster(running);
    expect(not('created', await apply(folder))).toEqual([]);
    await everythingReady(client);
    // What the schema adds to a manifest is no change of it.
    expect(not('unchanged', await apply(folder))).toEqual([]);
  });
});

it('all of them become Ready side by side', async () => {
  await using running = new AsyncDisposableStack();
  const { client, apply } = await startCluster(running);
  for (const folder of folders) expect(not('created', await apply(folder))).toEqual([]);
  await everythingReady(client);
});
