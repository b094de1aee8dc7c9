// A real control plane for tests, the demo and the bench: etcd, kube-apiserver and kube-controller-manager on 127.0.0.1,
// or a cluster that exists already. It knows nothing of any test framework.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../port.ts';
import { lastLines, type Program, startProgram } from '../process.ts';
import { type Say, say } from '../progress.ts';
import { waitFor } from '../wait.ts';
import { findBinary } from './binaries.ts';
import { makeCredentials } from './credentials.ts';
import { makeDirectory } from './directory.ts';
import { existingCluster } from './existing.ts';
import { apiServerFlags, controllerManagerFlags, etcdFlags } from './flags.ts';
import { askApiServer, writeKubeconfig } from './kubeconfig.ts';
import { mintToken } from './token.ts';

export interface ControlPlane extends AsyncDisposable {
  /** Of the API server, without a path. */
  readonly url: string;
  /** PEM: what the API server's certificate chains to. */
  readonly caFile: string;
  /** The path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The path of a kubeconfig with a token of that service account (TokenRequest), which must exist. */
  kubeconfigFor(serviceAccount: ServiceAccountKey): Promise<string>;
  /** Ends the API server and starts it again on the same port and data. Returns when it is ready. */
  restartApiServer(): Promise<void>;
  /** Ends everything and deletes its data. An existing cluster is left as it is. */
  stop(): Promise<void>;
}

export interface ServiceAccountKey {
  readonly namespace: string;
  readonly name: string;
}

export interface ControlPlaneOptions {
  /** Garbage collection, namespace deletion, default service accounts. Without it the start is a second shorter. */
  readonly controllerManager?: boolean;
  /** Takes the lines about what was found and built; by default standard error. */
  readonly say?: Say;
}

/** Ready to use when it resolves; within about three seconds where the programs are at hand. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { controllerManager = true, say: tell = say } = options;
  const existing = process.env['TRUSTMESH_KUBECONFIG'];
  if (existing) {
    tell(`control plane from TRUSTMESH_KUBECONFIG: ${existing}`);
    return existingCluster(existing);
  }
  const programs = {
    etcd: await findBinary('etcd', tell),
    apiServer: await findBinary('kube-apiserver', tell),
    ...(controllerManager ? { controllerManager: await findBinary('kube-controller-manager', tell) } : {}),
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(programs);
    } catch (error) {
      // Ports are free when they are chosen; another process may have been quicker.
      if (attempt === 3 || !(error instanceof Error && error.message.includes('address already in use'))) throw error;
    }
  }
}

interface Programs {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager?: string;
}

async function start(programs: Programs): Promise<ControlPlane> {
  const directory = await makeDirectory();
  const running: Program[] = [];
  const end = async (): Promise<void> => {
    // Reverse order: kube-apiserver hangs in its shutdown when etcd is gone first. Nothing of it is kept, so it is not asked twice.
    for (const program of running.splice(0).reverse()) await program.stop({ signal: 'SIGKILL' });
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const credentials = await makeCredentials(directory);
    const etcdUrl = `http://127.0.0.1:${await freePort()}`;
    const port = await freePort();
    const url = `https://127.0.0.1:${port}`;
    const log = (name: string): string => join(directory, `${name}.log`);
    const kubeconfig = await writeKubeconfig(join(directory, 'admin.kubeconfig'), {
      url,
      caFile: credentials.caFile,
      token: credentials.adminToken,
      user: 'admin',
    });

    running.push(
      await startProgram(programs.etcd, etcdFlags(directory, etcdUrl, await freePort()), { name: 'etcd', logFile: log('etcd') }),
    );
    const startApiServer = async (): Promise<Program> => {
      const flags = apiServerFlags(credentials, etcdUrl, port);
      const program = await startProgram(programs.apiServer, flags, { name: 'kube-apiserver', logFile: log('kube-apiserver') });
      running.push(program);
      return program;
    };
    let apiServer = await startApiServer();
    await ready(running, 'kube-apiserver', () => isReady(kubeconfig));
    if (programs.controllerManager !== undefined) {
      const own = await writeKubeconfig(join(directory, 'controller-manager.kubeconfig'), {
        url,
        caFile: credentials.caFile,
        token: credentials.controllerManagerToken,
        user: 'system:kube-controller-manager',
      });
      const flags = controllerManagerFlags(credentials, own);
      running.push(
        await startProgram(programs.controllerManager, flags, {
          name: 'kube-controller-manager',
          logFile: log('kube-controller-manager'),
        }),
      );
      await ready(running, 'kube-controller-manager', () => hasDefaultServiceAccount(kubeconfig));
    }
    return {
      url,
      caFile: credentials.caFile,
      kubeconfig,
      kubeconfigFor: async (serviceAccount) =>
        writeKubeconfig(join(directory, `${serviceAccount.namespace}.${serviceAccount.name}.kubeconfig`), {
          url,
          caFile: credentials.caFile,
          token: await mintToken(kubeconfig, serviceAccount),
          user: serviceAccount.name,
        }),
      restartApiServer: async () => {
        running.splice(running.indexOf(apiServer), 1);
        // Its own shutdown waits for watches to end, which they do not.
        await apiServer.stop({ graceMs: 2_000 });
        apiServer = await startApiServer();
        await ready(running, 'kube-apiserver', () => isReady(kubeconfig));
      },
      stop: end,
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits for a sign of life of the last program of the list; ends at once, with its log, when any of them is gone. */
async function ready(running: readonly Program[], what: string, probe: () => Promise<boolean>): Promise<void> {
  const gone = new AbortController();
  await waitFor(
    `${what} is ready`,
    async () => {
      const dead = running.find((program) => !program.running);
      if (dead)
        gone.abort(new Error(`${dead.name} ended (${JSON.stringify(await dead.exited)}):\n${lastLines(dead.output(), 40)}`));
      return probe();
    },
    {
      limitMs: 60_000,
      signal: gone.signal,
      seen: () => running.map((program) => `${program.name}:\n${lastLines(program.output(), 15)}`).join('\n'),
    },
  );
}

async function isReady(kubeconfig: string): Promise<boolean> {
  const { status, body } = await askApiServer(kubeconfig, 'GET', '/readyz');
  if (status === 200) return true;
  throw new Error(`/readyz: ${status} ${body}`);
}

/** Made by the controller manager, and only once its caches are filled. */
async function hasDefaultServiceAccount(kubeconfig: string): Promise<boolean> {
  const { status } = await askApiServer(kubeconfig, 'GET', '/api/v1/namespaces/default/serviceaccounts/default');
  return status === 200;
}
