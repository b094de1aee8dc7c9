// Where the API server is and who we are there, read the way every Kubernetes client reads it.
import { KubeConfig } from '@kubernetes/client-node';

/**
 * @param file a kubeconfig; absent: KUBECONFIG, ~/.kube/config, or the service account of the pod, in this order
 * @throws where the file cannot be read or parsed
 */
export function loadKubeConfig(file?: string): KubeConfig {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  return config;
}
