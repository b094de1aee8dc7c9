// What reaches the API server by way of a fault proxy, with the credentials of a kubeconfig.
import { writeFile } from 'node:fs/promises';
import { type ClientOptions, KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import type { FaultProxy } from './fault-proxy.ts';

export function clientThrough(proxy: FaultProxy, kubeconfig: string, options: ClientOptions = {}): KubeClient {
  return new KubeClient(configThrough(proxy, kubeconfig), options);
}

/** Writes the kubeconfig of another process beside the given one, and returns its path. */
export async function kubeconfigThrough(proxy: FaultProxy, kubeconfig: string): Promise<string> {
  const path = `${kubeconfig}.${new URL(proxy.url).port}`;
  await writeFile(path, configThrough(proxy, kubeconfig).exportConfig(), { mode: 0o600 });
  return path;
}

function configThrough(proxy: FaultProxy, kubeconfig: string): ReturnType<typeof loadKubeConfig> {
  const config = loadKubeConfig(kubeconfig);
  config.clusters = config.clusters.map(({ name }) => ({ name, server: proxy.url, skipTLSVerify: true }));
  return config;
}
