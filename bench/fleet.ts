// The topology that is measured: one trust domain, and servers of the role Server, one member each, spread over namespaces
// that are members of it. Made before the operator starts, taken away after it has stopped.
import type { KubeClient } from '../operator/kube/client.ts';
import { isApiError } from '../operator/kube/errors.ts';
import { enterpriseCAs, type MetadataObject, namespaces, trustDomains, trustedServers } from '../operator/kube/resource.ts';
import { managedBySelector } from '../operator/outputs/labels.ts';
import { sideBySide } from './side-by-side.ts';

const SIP_DOMAIN = 'bench.example';
const CREATES_AT_ONCE = 32;
const apiVersion = 'trustmesh.io/v1alpha1';

export const enterpriseCA = 'bench';
export const trustDomain = 'bench';

export function namespaceNames(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** Harmless where they exist. */
export async function createNamespaces(admin: KubeClient, names: readonly string[], member: boolean): Promise<void> {
  for (const name of names) {
    const labels = member ? { 'trustmesh.io/domain': trustDomain } : {};
    await unlessThere(admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }));
  }
}

export async function createDomain(admin: KubeClient): Promise<void> {
  await admin.request('POST', `/apis/${apiVersion}/enterprisecas`, {
    apiVersion,
    kind: 'EnterpriseCA',
    metadata: { name: enterpriseCA },
    spec: { managed: { root: { commonName: 'Bench Root CA' } } },
  });
  await admin.request('POST', `/apis/${apiVersion}/trustdomains`, {
    apiVersion,
    kind: 'TrustDomain',
    metadata: { name: trustDomain },
    spec: {
      enterpriseCA,
      sipDomains: [SIP_DOMAIN],
      members: { namespaceSelector: { matchLabels: { 'trustmesh.io/domain': trustDomain } } },
    },
  });
}

/** The servers `first` to `first + count - 1`, in turn over the namespaces. Returns their metadata in that order. */
export async function createServers(
  admin: KubeClient,
  spread: readonly string[],
  count: number,
  first = 0,
): Promise<readonly MetadataObject[]> {
  const created: MetadataObject[] = [];
  await sideBySide(Array(count).keys(), CREATES_AT_ONCE, async (index) => {
    const name = `server-${String(first + index).padStart(6, '0')}`;
    const namespace = spread[(first + index) % spread.length] ?? '';
    const poolFQDN = `${name}.${namespace}.${SIP_DOMAIN}`;
    // What the API server fills in by default is not in the type of what it returns.
    created[index] = await admin.request<MetadataObject>('POST', `/apis/${apiVersion}/namespaces/${namespace}/trustedservers`, {
      apiVersion,
      kind: 'TrustedServer',
      metadata: { name, namespace },
      spec: { trustDomain, role: 'Server', poolFQDN, members: [{ fqdn: `node.${poolFQDN}` }] },
    });
  });
  return created;
}

/** Everything that the domain consists of and that the operator made for it. Namespaces stay. */
export async function clear(admin: KubeClient, spread: readonly string[], operatorNamespace: string): Promise<void> {
  const ours = `?labelSelector=${encodeURIComponent(managedBySelector)}`;
  for (const name of [...spread, operatorNamespace]) {
    for (const plural of ['secrets', 'configmaps']) await admin.request('DELETE', `/api/v1/namespaces/${name}/${plural}${ours}`);
  }
  await clearServers(admin, spread);
  await unlessGone(admin.delete(trustDomains, { name: trustDomain }));
  await unlessGone(admin.delete(enterpriseCAs, { name: enterpriseCA }));
}

/** Servers, and all Secrets and Events beside them. */
export async function clearServers(admin: KubeClient, spread: readonly string[]): Promise<void> {
  for (const name of spread) {
    await admin.request('DELETE', `/api/v1/namespaces/${name}/secrets`);
    await admin.request('DELETE', `/apis/events.k8s.io/v1/namespaces/${name}/events`);
    await admin.request('DELETE', `/apis/${apiVersion}/namespaces/${name}/${trustedServers.plural}`);
  }
}

async function unlessThere(made: Promise<unknown>): Promise<void> {
  await made.catch((error: unknown) => {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  });
}

async function unlessGone(deleted: Promise<unknown>): Promise<void> {
  await deleted.catch((error: unknown) => {
    if (!isApiError(error, 'NotFound')) throw error;
  });
}
