// Writes a status where it differs from the one the object has: with its resourceVersion, so that a re-created object never
// gets its predecessor's, and into the store, so that a lagging watch is not answered with another write.
import type { KubeObject } from '../api/object.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import { sameStatus } from './conditions.ts';

/** Returns whether anything was written. */
export async function writeStatus<T extends KubeObject & { readonly status?: object | undefined }>(
  resource: Resource<T>,
  object: T,
  status: NonNullable<T['status']>,
  { client, store }: { readonly client: KubeClient; readonly store: Store<T> },
): Promise<boolean> {
  if (sameStatus(object.status, status)) return false;
  const { name, namespace, resourceVersion } = object.metadata;
  const key = namespace === undefined ? { name } : { namespace, name };
  const gone = Object.fromEntries(
    Object.keys(object.status ?? {})
      .filter((field) => !(field in status))
      .map((field) => [field, null]),
  );
  const written = await client.patch(
    resource,
    key,
    { metadata: { resourceVersion }, status: { ...gone, ...status } },
    { subresource: 'status' },
  );
  store.apply({ ...object, metadata: written.metadata, status });
  return true;
}
