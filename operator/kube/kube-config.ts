// Where the API server is and who we are there, read by client-node the way every Kubernetes client reads it.
import type { KubeConfig } from '@kubernetes/client-node';

// Imported while this module runs, not while it is linked, so that lean-client-node.ts comes first where it is used.
const { KubeConfig: Configuration } = await import('@kubernetes/client-node/dist/config.js');

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
