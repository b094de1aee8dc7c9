// A cluster that somebody else runs, as a control plane: it is used, and never started, restarted or stopped.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { ControlPlane } from './index.ts';
import { askApiServer, writeKubeconfig } from './kubeconfig.ts';
import { mintToken } from './token.ts';

/** Throws when the kubeconfig names no cluster, no CA, or one that does not answer. */
export async function existingCluster(kubeconfig: string): Promise<ControlPlane> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`${kubeconfig} has no current context with a cluster`);
  if (!cluster.caData && !cluster.caFile) throw new Error(`${kubeconfig}: cluster ${cluster.name} has no certificate authority`);
  const { status, body } = await askApiServer(kubeconfig, 'GET', '/readyz');
  if (status !== 200) throw new Error(`${cluster.server} is not ready: ${status} ${body}`);

  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-existing-'));
  const caFile = cluster.caFile ?? join(directory, 'ca.crt');
  if (cluster.caData) await writeFile(caFile, Buffer.from(cluster.caData, 'base64'));
  const end = (): Promise<void> => rm(directory, { recursive: true, force: true });
  return {
    url: cluster.server,
    caFile,
    kubeconfig,
    kubeconfigFor: async (serviceAccount) =>
      writeKubeconfig(join(directory, `${serviceAccount.namespace}.${serviceAccount.name}.kubeconfig`), {
        url: cluster.server,
        caFile,
        token: await mintToken(kubeconfig, serviceAccount),
        user: serviceAccount.name,
      }),
    restartApiServer: () => Promise.reject(new Error(`the API server of ${kubeconfig} is not ours to restart`)),
    stop: end,
    [Symbol.asyncDispose]: end,
  };
}
