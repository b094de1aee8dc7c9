// The stage: a real control plane, the operator with the permissions that the chart gives it, and a topology applied.
import { join } from 'node:path';
import { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import { type Binary, findBinary } from '../../test/support/controlplane/binaries.ts';
import { startControlPlane } from '../../test/support/controlplane/index.ts';
import { installOperator } from '../../test/support/install.ts';
import { startOperator } from '../../test/support/operator.ts';
import { runProgram } from '../../test/support/process.ts';
import { step } from './terminal.ts';

const repository = join(import.meta.dirname, '../..');

/** The folder of the topology, from the root of the source tree. */
export const TOPOLOGY = 'examples/contoso';

export interface Network {
  /** An administrator's. */
  readonly client: KubeClient;
  /** Its path. */
  readonly kubeconfig: string;
  /** Runs kubectl as an administrator and returns what it wrote; `input` becomes the file `-`. Throws what it said. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** The path of kubectl. */
  readonly kubectlPath: string;
}

/** Everything that it starts is handed to `running`, to be ended in reverse order. */
export async function startNetwork(running: AsyncDisposableStack): Promise<Network> {
  const silent = (): void => undefined;
  // First of all, because what is missing is built, which takes minutes and tells of itself.
  const programs: readonly Binary[] = process.env['TRUSTMESH_KUBECONFIG']
    ? ['helm', 'kubectl']
    : ['etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'kubectl'];
  for (const program of programs) await findBinary(program, silent);
  const kubectlPath = await findBinary('kubectl', silent);

  const controlPlane = await step('control plane', async () => {
    const started = running.use(await startControlPlane({ say: silent }));
    const own = process.env['TRUSTMESH_KUBECONFIG'] ? 'an existing cluster' : 'etcd, kube-apiserver, kube-controller-manager';
    return [`${own} on ${new URL(started.url).host}`, started];
  });
  const { kubeconfig: ofOperator } = await step('operator installed', async () => {
    return ['CRDs, roles and service account of charts/trustmesh', await installOperator(controlPlane)];
  });
  await step('operator running', async () => {
    const operator = running.use(await startOperator({ kubeconfig: ofOperator, args: ['--leader-elect'] }));
    return [`process ${operator.pid} as service account trustmesh-system/trustmesh`, operator];
  });
  const { kubeconfig } = controlPlane;
  return {
    client: running.use(new KubeClient(loadKubeConfig(kubeconfig))),
    kubeconfig,
    kubectlPath,
    kubectl: async (args, input) => {
      const options = { cwd: repository, env: { KUBECONFIG: kubeconfig }, ...(input === undefined ? {} : { input }) };
      return (await runProgram(kubectlPath, args, options)).stdout;
    },
  };
}
