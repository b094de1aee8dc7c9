// What of an object is kept in memory. Both transforms apply to everything that comes in: lists, watches and the answers to
// our own writes, so that a store never holds two shapes of one object.
import type { KubeObject, ObjectMeta, OwnerReference } from '../api/object.ts';
import type { MetadataObject, Resource } from './resource.ts';

export type Transform<T extends KubeObject> = (received: ReceivedObject) => T;

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly fieldsV1?: Readonly<Record<string, object>>;
}

/** An object as it comes off the wire. Items of a list of a built-in kind carry neither apiVersion nor kind. */
export interface ReceivedObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta & { readonly managedFields?: readonly ManagedFields[] };
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The object whole, without managedFields and without kubectl's copy of it in an annotation. */
export function dropManagedFields<T extends KubeObject>(resource: Resource<T>): Transform<T> {
  const apiVersion = apiVersionOf(resource);
  return (received) => {
    const { managedFields: _, annotations, ...metadata } = received.metadata;
    const kept = withoutLastApplied(annotations);
    // The one place where what the API server sent is taken for the type that its schema promises.
    return {
      ...received,
      apiVersion,
      kind: resource.kind,
      metadata: kept ? { ...metadata, annotations: kept } : metadata,
    } as unknown as T;
  };
}

/**
 * Metadata alone, with `ownedDataKeys` in place of managedFields and repeated strings shared: ten thousand of them are held.
 * @param fieldManager whose ownership of `data` keys is kept
 */
export function metadataOnly(resource: Resource, fieldManager: string): Transform<MetadataObject> {
  const apiVersion = apiVersionOf(resource);
  return ({ metadata }) => {
    const annotations = withoutLastApplied(metadata.annotations);
    const ownedDataKeys = ownedKeys(metadata.managedFields, fieldManager);
    return {
      apiVersion,
      kind: resource.kind,
      metadata: {
        name: metadata.name,
        ...(metadata.namespace === undefined ? undefined : { namespace: shared(metadata.namespace) }),
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
        ...(metadata.generation === undefined ? undefined : { generation: metadata.generation }),
        creationTimestamp: metadata.creationTimestamp,
        ...(metadata.deletionTimestamp === undefined ? undefined : { deletionTimestamp: metadata.deletionTimestamp }),
        ...(metadata.labels === undefined ? undefined : { labels: sharedValues(metadata.labels) }),
        ...(annotations === undefined ? undefined : { annotations }),
        ...(metadata.ownerReferences === undefined
          ? undefined
          : { ownerReferences: metadata.ownerReferences.map(sharedReference) }),
        ...(ownedDataKeys === undefined ? undefined : { ownedDataKeys }),
      },
    };
  };
}

function withoutLastApplied(annotations: Readonly<Record<string, string>> | undefined) {
  if (annotations?.[LAST_APPLIED] === undefined) return annotations;
  const { [LAST_APPLIED]: _, ...kept } = annotations;
  return kept;
}

function ownedKeys(managedFields: readonly ManagedFields[] | undefined, fieldManager: string): readonly string[] | undefined {
  const keys = new Set<string>();
  for (const entry of managedFields ?? []) {
    if (entry.manager !== fieldManager) continue;
    for (const fields of [entry.fieldsV1?.['f:data'], entry.fieldsV1?.['f:binaryData']]) {
      for (const field of Object.keys(fields ?? {})) if (field.startsWith('f:')) keys.add(field.slice(2));
    }
  }
  return keys.size === 0 ? undefined : sharedKeys([...keys].sort());
}

// Namespaces, label values and owner kinds repeat; names and hashes do not, and would only fill the table.
const SHARED_LIMIT = 4096;
const strings = new Map<string, string>();
const keySets = new Map<string, readonly string[]>();

function shared(value: string): string {
  const known = strings.get(value);
  if (known !== undefined) return known;
  if (strings.size < SHARED_LIMIT) strings.set(value, value);
  return value;
}

function sharedKeys(keys: readonly string[]): readonly string[] {
  const id = keys.join('\n');
  const known = keySets.get(id);
  if (known !== undefined) return known;
  if (keySets.size < SHARED_LIMIT) keySets.set(id, keys);
  return keys;
}

function sharedValues(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(record)) result[key] = shared(value);
  return result;
}

function sharedReference(reference: OwnerReference): OwnerReference {
  return { ...reference, apiVersion: shared(reference.apiVersion), kind: shared(reference.kind) };
}
