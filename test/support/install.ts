// Everything of the chart but its Deployment, on a control plane that runs no Pods: what the operator may do is then exactly
// what the chart lets it do, wherever it runs.
import { z } from 'zod';
import { renderChart, type Values } from './chart.ts';
import type { ControlPlane } from './controlplane/index.ts';
import { askApiServer } from './controlplane/kubeconfig.ts';
import { applyManifests, type Manifest } from './manifest.ts';
import { waitFor } from './wait.ts';

export interface InstallOptions {
  /** The operator's own. */
  readonly namespace?: string;
  /** Values of the chart. */
  readonly values?: Values;
}

export interface Installation {
  /** The path of a kubeconfig with a token of the chart's service account. */
  readonly kubeconfig: string;
}

/**
 * Applies the chart's CRDs, permissions and service account, and the namespaces that they lie in. When it resolves, the
 * kinds are served and the permissions hold. Harmless when it is installed already; what other values granted stays granted.
 */
export async function installOperator(controlPlane: ControlPlane, options: InstallOptions = {}): Promise<Installation> {
  const { namespace = 'trustmesh-system', values = {} } = options;
  const manifests = await objectsOf(namespace, values);
  const namespaces = new Set([namespace, ...manifests.flatMap((object) => object.metadata.namespace ?? [])]);
  await applyManifests(controlPlane.kubeconfig, [...namespaces].map(namespaceNamed));
  await applyManifests(controlPlane.kubeconfig, manifests);
  const [serviceAccount] = manifests.filter(({ kind }) => kind === 'ServiceAccount');
  if (serviceAccount === undefined) throw new Error('the chart renders no ServiceAccount with these values');
  const kubeconfig = await controlPlane.kubeconfigFor({ namespace, name: serviceAccount.metadata.name });
  await Promise.all([
    ...manifests.filter(({ kind }) => kind === 'CustomResourceDefinition').map((crd) => served(controlPlane.kubeconfig, crd)),
    ...manifests.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role').map((role) => inEffect(kubeconfig, role)),
  ]);
  return { kubeconfig };
}

const rendered = new Map<string, Promise<readonly Manifest[]>>();

/** Rendered once a process for the same namespace and values. */
function objectsOf(namespace: string, values: Values): Promise<readonly Manifest[]> {
  const key = JSON.stringify([namespace, values]);
  const known =
    rendered.get(key) ?? renderChart({ namespace, values }).then((all) => all.filter(({ kind }) => kind !== 'Deployment'));
  rendered.set(key, known);
  return known;
}

function namespaceNamed(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

const definition = z.object({
  spec: z.object({
    group: z.string(),
    names: z.object({ plural: z.string() }),
    versions: z.array(z.object({ name: z.string() })).min(1),
  }),
});

const known = z.object({ resources: z.array(z.object({ name: z.string() })) });

/** Its objects are, and discovery tells of it, which happens in either order. */
async function served(kubeconfig: string, crd: Manifest): Promise<void> {
  const { group, names, versions } = definition.parse(crd).spec;
  await Promise.all(
    versions.map(({ name }) =>
      waitFor(`${names.plural}.${group}/${name} to be served`, async () => {
        const root = `/apis/${group}/${name}`;
        const discovery = await askApiServer(kubeconfig, 'GET', root);
        const { status, body } = await askApiServer(kubeconfig, 'GET', `${root}/${names.plural}?limit=1`);
        if (status !== 200 || discovery.status !== 200) throw new Error(body);
        return known.parse(JSON.parse(discovery.body)).resources.some((resource) => resource.name === names.plural);
      }),
    ),
  );
}

const rules = z.object({
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
    }),
  ),
});

const review = z.object({ status: z.object({ allowed: z.boolean() }) });

/** The API server learns of roles and bindings by watches of its own, a moment after it has stored them. */
async function inEffect(kubeconfig: string, role: Manifest): Promise<void> {
  const last = rules.parse(role).rules.at(-1);
  if (last === undefined) return;
  const [resource = '', subresource] = last.resources[0]?.split('/') ?? [];
  const { namespace, name } = role.metadata;
  const resourceAttributes = {
    group: last.apiGroups[0],
    resource,
    subresource,
    verb: last.verbs[0],
    name: last.resourceNames?.[0],
    namespace,
  };
  await waitFor(`${role.kind} ${namespace === undefined ? '' : `${namespace}/`}${name} to take effect`, async () => {
    const { status, body } = await askApiServer(kubeconfig, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    });
    if (status !== 201) throw new Error(body);
    return review.parse(JSON.parse(body)).status.allowed;
  });
}
