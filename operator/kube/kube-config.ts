// Where the API server is and who we are there, read by client-node the way every Kubernetes client reads it.
import { registerHooks } from 'node:module';
import type { KubeConfig } from '@kubernetes/client-node';

// client-node's configuration refers to two functions of its generated client, and would load all of it, 50 MB, for them.
const GENERATED = '/client-node/dist/gen/index.js';
const NEEDED_OF_IT = `
export { createConfiguration } from './configuration.js';
export { ServerConfiguration } from './servers.js';
`;
const hooks = registerHooks({
  load: (url, context, nextLoad) =>
    url.endsWith(GENERATED) ? { format: 'module', shortCircuit: true, source: NEEDED_OF_IT } : nextLoad(url, context),
});
const { KubeConfig: Configuration } = await import('@kubernetes/client-node/dist/config.js');
hooks.deregister();

/**
 * @param file a kubeconfig; absent: KUBECONFIG, ~/.kube/config, or the service account of the pod, in this order
 * @throws where the file cannot be read or parsed
 */
export function loadKubeConfig(file?: string): KubeConfig {
  const config = new Configuration();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  return config;
}
