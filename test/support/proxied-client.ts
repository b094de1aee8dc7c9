// A client of ours that reaches the API server by way of a fault proxy, with the credentials of a kubeconfig.
import { type ClientOptions, KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import type { FaultProxy } from './fault-proxy.ts';

export function clientThrough(proxy: FaultProxy, kubeconfig: string, options: ClientOptions = {}): KubeClient {
  const config = loadKubeConfig(kubeconfig);
  config.clusters = config.clusters.map(({ name }) => ({ name, server: proxy.url, skipTLSVerify: true }));
  return new KubeClient(config, options);
}
