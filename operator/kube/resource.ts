// How the API server addresses each kind the operator touches, with the TypeScript type that its objects have.
import type { KubeObject, ObjectMeta } from '../api/object.ts';
import type { EnterpriseCA, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';

export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries the object type only; never present at run time. */
  readonly object?: T;
}

export interface Secret extends KubeObject {
  readonly type?: string;
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubeObject {
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  /** Values in base64. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: 'Active' | 'Terminating' };
}

/**
 * An object known by its metadata alone. `ownedDataKeys` are the `data` and `binaryData` keys that our field manager
 * still owns: a key that somebody else wrote since is missing from it.
 */
export interface MetadataObject extends KubeObject {
  readonly metadata: ObjectMeta & { readonly ownedDataKeys?: readonly string[] };
}

const trustmesh = { group: 'trustmesh.io', version: 'v1alpha1' } as const;

export const enterpriseCAs: Resource<EnterpriseCA> = {
  ...trustmesh,
  plural: 'enterprisecas',
  kind: 'EnterpriseCA',
  namespaced: false,
};
export const trustDomains: Resource<TrustDomain> = {
  ...trustmesh,
  plural: 'trustdomains',
  kind: 'TrustDomain',
  namespaced: false,
};
export const trustedServers: Resource<TrustedServer> = {
  ...trustmesh,
  plural: 'trustedservers',
  kind: 'TrustedServer',
  namespaced: true,
};
export const secrets: Resource<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
export const configMaps: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
export const namespaces: Resource<Namespace> = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};
