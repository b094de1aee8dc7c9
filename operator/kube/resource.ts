// How the API server addresses each kind the operator touches, with the TypeScript type that its objects have.
import type { KubeObject, ObjectMeta } from '../api/object.ts';
import type {
  EnterpriseCA,
  FederatedPartner,
  MediaGateway,
  MediaRelay,
  TrustDomain,
  TrustedServer,
} from '../api/v1alpha1/index.ts';

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
export const mediaGateways: Resource<MediaGateway> = {
  ...trustmesh,
  plural: 'mediagateways',
  kind: 'MediaGateway',
  namespaced: true,
};
export const federatedPartners: Resource<FederatedPartner> = {
  ...trustmesh,
  plural: 'federatedpartners',
  kind: 'FederatedPartner',
  namespaced: false,
};
export const mediaRelays: Resource<MediaRelay> = {
  ...trustmesh,
  plural: 'mediarelays',
  kind: 'MediaRelay',
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

/** A coordination.k8s.io Lease, as leader election uses it. Times are RFC 3339 with microseconds. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** An events.k8s.io/v1 Event. `eventTime` and `lastObservedTime` are RFC 3339 with microseconds. */
export interface Event extends KubeObject {
  readonly eventTime: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: ObjectReference;
  readonly related?: ObjectName;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** An object by its name alone, whichever has it. `namespace` is absent exactly for cluster-scoped kinds. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface ObjectReference extends ObjectName {
  readonly uid: string;
}

export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};
export const events: Resource<Event> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** RFC 3339 with microseconds, as metav1.MicroTime wants it. `at` in epoch ms. */
export function microTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}
