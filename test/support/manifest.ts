// Manifests of any kind, applied to an API server as `kubectl apply --server-side` does: the kinds' paths come from discovery.
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { askApiServer } from './controlplane/kubeconfig.ts';

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});

export type Manifest = z.infer<typeof manifest>;

/** The objects of a YAML stream, in its order. Throws where it is no YAML or holds something that is no object. */
export function parseManifests(yaml: string): readonly Manifest[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value: unknown = document.toJS();
    return value === null ? [] : [manifest.parse(value)];
  });
}

export interface ApplyOptions {
  /** The API server answers as if it had applied, and keeps nothing. */
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
}

/**
 * Applies them, namespaces before what lies in them and otherwise side by side, taking over fields that others own. Returns what
 * the API server has now; throws its refusals, all of them.
 */
export async function applyManifests(
  kubeconfig: string,
  manifests: readonly Manifest[],
  options: ApplyOptions = {},
): Promise<readonly Manifest[]> {
  const { dryRun = false, fieldManager = 'trustmesh-test-support' } = options;
  const pathOf = await discoverPaths(kubeconfig, manifests);
  const query = `?force=true&fieldValidation=Strict&fieldManager=${fieldManager}${dryRun ? '&dryRun=All' : ''}`;
  const refusals: string[] = [];
  const applyEach = (objects: readonly Manifest[]) =>
    Promise.all(
      objects.map(async (object) => {
        const { status, body } = await askApiServer(kubeconfig, 'PATCH', `${pathOf(object)}${query}`, object);
        if (status === 200 || status === 201) return manifest.parse(JSON.parse(body));
        refusals.push(`${object.kind} ${object.metadata.name}: ${status} ${refusal.parse(JSON.parse(body)).message}`);
        return object;
      }),
    );
  const isNamespace = ({ kind }: Manifest) => kind === 'Namespace';
  const namespaces = await applyEach(manifests.filter(isNamespace));
  const applied = [...namespaces, ...(await applyEach(manifests.filter((object) => !isNamespace(object))))];
  if (refusals.length > 0) throw new Error(`not applied:\n${refusals.join('\n')}`);
  return applied;
}

const refusal = z.object({ message: z.string() });

const resourceList = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

/** Asks once for each API version that occurs, and returns what makes a path of each object of those. */
async function discoverPaths(kubeconfig: string, manifests: readonly Manifest[]): Promise<(object: Manifest) => string> {
  const apiVersions = [...new Set(manifests.map(({ apiVersion }) => apiVersion))];
  const lists = await Promise.all(
    apiVersions.map(async (apiVersion) => {
      const { status, body } = await askApiServer(kubeconfig, 'GET', rootOf(apiVersion));
      if (status !== 200) throw new Error(`the API server does not know ${apiVersion}: ${status} ${body}`);
      return [apiVersion, resourceList.parse(JSON.parse(body)).resources] as const;
    }),
  );
  const resources = new Map(lists);
  return ({ apiVersion, kind, metadata }) => {
    const resource = resources.get(apiVersion)?.find((one) => one.kind === kind && !one.name.includes('/'));
    if (resource === undefined) throw new Error(`the API server does not know ${kind} of ${apiVersion}`);
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${rootOf(apiVersion)}${namespace}/${resource.name}/${metadata.name}`;
  };
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
