// Remembers which names are taken by objects that we did not make, so that no certificate is made for a Secret that
// cannot be written. We watch by our label only: what lacks it is met first when a POST fails.
import type { KubeObject, ObjectKey } from '../api/object.ts';
import type { Created } from '../kube/client.ts';
import { isApiError } from '../kube/errors.ts';
import type { MetadataObject, Resource } from '../kube/resource.ts';
import type { Context } from './context.ts';

/**
 * Whether the name is known to be taken by somebody else, asking the API server only about names that were once. An
 * object of ours that the watch has not brought yet is put into its store.
 */
export async function isForeign<T extends KubeObject>(
  resource: Resource<T>,
  key: Required<ObjectKey>,
  owner: string,
  { client, stores, foreign }: Context,
): Promise<boolean> {
  const id = `${resource.kind}/${key.namespace}/${key.name}`;
  if (!foreign.has(id)) return false;
  const { items } = await client.list(resource, {
    namespace: key.namespace,
    fieldSelector: `metadata.name=${key.name}`,
    metadataOnly: true,
  });
  const [found] = items;
  if (found !== undefined && !isOurs(found, owner)) return true;
  foreign.delete(id);
  if (found !== undefined) (resource.kind === 'Secret' ? stores.secrets : stores.configMaps).apply(found);
  return false;
}

/**
 * Creates an object that goes with its owner (UID), and remembers it.
 * @returns `NotOwned` where somebody else's object has the name
 * @throws Error where one of ours came to exist meanwhile, which the next look finds
 */
export async function createOwn<T extends KubeObject>(
  resource: Resource<T>,
  object: Created<T>,
  owner: string,
  context: Context,
): Promise<'Created' | 'NotOwned'> {
  const { client, stores, foreign } = context;
  const { name, namespace = '' } = object.metadata;
  try {
    const created = await client.create(resource, object);
    (resource.kind === 'Secret' ? stores.secrets : stores.configMaps).apply(created);
    return 'Created';
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  }
  foreign.add(`${resource.kind}/${namespace}/${name}`);
  if (await isForeign(resource, { namespace, name }, owner, context)) return 'NotOwned';
  throw new Error(`${resource.kind} ${namespace}/${name} came to exist meanwhile: looking again`);
}

function isOurs({ metadata }: KubeObject | MetadataObject, owner: string): boolean {
  return (
    metadata.labels?.['app.kubernetes.io/managed-by'] === 'trustmesh' &&
    (metadata.ownerReferences ?? []).every((reference) => reference.uid === owner)
  );
}
