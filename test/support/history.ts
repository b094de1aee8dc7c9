// Everything that befalls the objects of a kind while a test looks on, in the order in which the API server wrote it.
import type { KubeObject } from '../../operator/api/object.ts';
import type { KubeClient, Selection } from '../../operator/kube/client.ts';
import type { Resource } from '../../operator/kube/resource.ts';

export interface Version<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** Of different kinds too, the one with the greater resourceVersion was written later: they share one etcd. */
  readonly object: T;
}

export interface History<T> extends AsyncDisposable {
  /** The oldest first; what was there already is not among them. */
  readonly versions: readonly Version<T>[];
}

/** Begins with the present. A watch that breaks fails the test where it is disposed of. */
export async function recordHistory<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  selection: Selection = {},
): Promise<History<T>> {
  const { resourceVersion } = await client.list(resource, { ...selection, limit: 1 });
  const versions: Version<T>[] = [];
  const end = new AbortController();
  const watching = client.watch(
    resource,
    { ...selection, resourceVersion, timeoutSeconds: 600, silenceLimitMs: 600_000, signal: end.signal },
    (event) => {
      // Without metadataOnly the client gives whole objects.
      if (event.type !== 'BOOKMARK') versions.push({ type: event.type, object: event.object as T });
    },
  );
  watching.catch(() => undefined);
  return {
    versions,
    async [Symbol.asyncDispose]() {
      end.abort();
      await watching.catch((error: unknown) => {
        if (!end.signal.aborted) throw error;
      });
    },
  };
}
