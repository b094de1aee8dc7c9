// Kubeconfig files, written and used: one user of one cluster by bearer token.
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

export interface Access {
  readonly url: string;
  readonly caFile: string;
  readonly token: string;
  readonly user: string;
}

/** Writes a kubeconfig that stands alone (CA and token inside), readable by its owner only, and returns its path. */
export async function writeKubeconfig(path: string, { url, caFile, token, user }: Access): Promise<string> {
  const ca = await readFile(caFile, 'base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'trustmesh', cluster: { server: url, 'certificate-authority-data': ca } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'trustmesh', context: { cluster: 'trustmesh', user } }],
    'current-context': 'trustmesh',
  };
  await writeFile(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return path;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * One HTTPS request to the API server with whatever credentials the kubeconfig names; a PATCH is a server-side apply.
 * Throws only when there is no answer.
 */
export async function askApiServer(kubeconfig: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const url = new URL(`${config.getCurrentCluster()?.server ?? ''}${path}`);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
  const options = { method, agent: false, timeout: 10_000, headers: text === undefined ? {} : { 'content-type': contentType } };
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    const call = request(url, { ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    call.on('error', reject);
    call.on('timeout', () => call.destroy(new Error(`no answer to ${method} ${path} in 10 s`)));
    call.end(text);
  });
}
