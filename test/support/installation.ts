// Trustmesh as a user has it: a control plane, the chart, the operator under the chart's own service account; and the few
// things that every test of it does as an administrator.
import { X509Certificate } from 'node:crypto';
import type { Condition, KubeObject, ObjectKey } from '../../operator/api/object.ts';
import { type FederatedPartner, roles, type TrustedServer } from '../../operator/api/v1alpha1/index.ts';
import { KubeClient } from '../../operator/kube/client.ts';
import { isApiError } from '../../operator/kube/errors.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import {
  configMaps,
  enterpriseCAs,
  federatedPartners,
  type MetadataObject,
  type Resource,
  type Secret,
  secrets,
  trustedServers,
} from '../../operator/kube/resource.ts';
import type { Values } from './chart.ts';
import { type ControlPlane, startControlPlane } from './controlplane/index.ts';
import { installOperator } from './install.ts';
import { applyManifests, parseManifests } from './manifest.ts';
import { type OperatorOptions, type OperatorProcess, startOperator } from './operator.ts';
import { waitFor } from './wait.ts';

export interface InstallationOptions {
  /** Flags of the operator. */
  readonly args?: readonly string[];
  readonly values?: Values;
  /** By default the operator runs. */
  readonly operator?: boolean;
}

/** How a replica differs from the others. */
export type ReplicaOptions = Partial<Pick<OperatorOptions, 'kubeconfig' | 'entry' | 'env'>>;

export interface Trustmesh extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  /** Of the operator's service account. */
  readonly kubeconfig: string;
  readonly admin: KubeClient;
  /** The newest operator that was started. */
  readonly operator: OperatorProcess;
  /** Starts one more, with the same flags and these. */
  startReplica(args?: readonly string[], options?: ReplicaOptions): Promise<OperatorProcess>;
  /** Ends every operator that still runs, in order. */
  stopReplicas(): Promise<void>;
  apply(yaml: string): Promise<void>;
  /** Undefined where there is none. */
  find<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined>;
  secret(namespace: string, name: string): Promise<Secret>;
  ready(namespace: string, name: string): Promise<TrustedServer>;
  /** Waits until a condition of a server has this reason. */
  reason(namespace: string, name: string, type: string, reason: string): Promise<Condition>;
  /** Waits until a partner, as it is now, is in this state. */
  partner(name: string, state: NonNullable<FederatedPartner['status']>['state']): Promise<FederatedPartner>;
  /** Waits until a condition of an EnterpriseCA, as it is now, has this reason. */
  reasonOfCA(name: string, type: string, reason: string): Promise<Condition>;
  /** Names of the Secrets that the operator wrote in a namespace, sorted. */
  secretNames(namespace: string): Promise<readonly string[]>;
  configMap(namespace: string, name: string): Promise<Readonly<Record<string, string>>>;
}

interface Conditioned {
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

export async function startTrustmesh(options: InstallationOptions = {}): Promise<Trustmesh> {
  const { args = [], values = {}, operator: wanted = true } = options;
  await using stack = new AsyncDisposableStack();
  const controlPlane = stack.use(await startControlPlane());
  const { kubeconfig } = await installOperator(controlPlane, { values });
  const admin = stack.use(new KubeClient(loadKubeConfig(controlPlane.kubeconfig), { fieldManager: 'administrator' }));
  let operator: OperatorProcess | undefined;
  const operators: OperatorProcess[] = [];
  stack.defer(async () => void (await Promise.all(operators.map((each) => each[Symbol.asyncDispose]()))));
  const startReplica = async (more: readonly string[] = [], replica: ReplicaOptions = {}) => {
    operator = await startOperator({ kubeconfig, ...replica, args: [...args, ...more] });
    operators.push(operator);
    return operator;
  };
  if (wanted) await startReplica();
  const owned = stack.move();

  async function find<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined> {
    try {
      return await admin.get(resource, key);
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async function reasonOf<T extends KubeObject & Conditioned>(
    resource: Resource<T>,
    key: ObjectKey,
    type: string,
    reason: string,
  ) {
    let seen: Condition | undefined;
    const what = `${resource.kind} ${key.namespace === undefined ? '' : `${key.namespace}/`}${key.name}`;
    return await waitFor(
      `${type} of ${what} to be ${reason}`,
      async () => {
        const object = await find(resource, key);
        seen = object?.status?.conditions?.find((condition) => condition.type === type);
        return seen?.reason === reason && seen.observedGeneration === object?.metadata.generation ? seen : undefined;
      },
      { limitMs: 30_000, seen: () => seen },
    );
  }

  return {
    controlPlane,
    kubeconfig,
    admin,
    get operator() {
      if (operator === undefined) throw new Error('no operator was started');
      return operator;
    },
    startReplica,
    stopReplicas: async () => void (await Promise.all(operators.splice(0).map((each) => each.stop()))),
    apply: async (yaml) => void (await applyManifests(controlPlane.kubeconfig, parseManifests(yaml))),
    find,
    secret: (namespace, name) => waitFor(`Secret ${namespace}/${name}`, () => find(secrets, { namespace, name })),
    ready: async (namespace, name) => {
      let seen: TrustedServer | undefined;
      return await waitFor(
        `TrustedServer ${namespace}/${name} to be Ready`,
        async () => {
          seen = await find(trustedServers, { namespace, name });
          const ready = seen?.status?.conditions?.find((condition) => condition.type === 'Ready');
          return ready?.status === 'True' && ready.observedGeneration === seen?.metadata.generation ? seen : undefined;
        },
        { limitMs: 30_000, seen: () => seen?.status?.conditions ?? (seen === undefined ? 'no such server' : 'no conditions') },
      );
    },
    reason: (namespace, name, type, reason) => reasonOf(trustedServers, { namespace, name }, type, reason),
    partner: async (name, state) => {
      let seen: FederatedPartner | undefined;
      return await waitFor(
        `FederatedPartner ${name} to be ${state}`,
        async () => {
          seen = await find(federatedPartners, { name });
          const { status, metadata } = seen ?? {};
          return status !== undefined && status.state === state && status.observedGeneration === metadata?.generation
            ? seen
            : undefined;
        },
        { limitMs: 30_000, seen: () => seen?.status ?? (seen === undefined ? 'no such partner' : 'no status') },
      );
    },
    reasonOfCA: (name, type, reason) => reasonOf(enterpriseCAs, { name }, type, reason),
    secretNames: async (namespace) => {
      const { items } = await admin.list(secrets, {
        namespace,
        labelSelector: 'app.kubernetes.io/managed-by=trustmesh',
        metadataOnly: true,
      });
      return items.map(({ metadata }: Pick<MetadataObject, 'metadata'>) => metadata.name).sort();
    },
    configMap: async (namespace, name) =>
      (await waitFor(`ConfigMap ${namespace}/${name}`, () => find(configMaps, { namespace, name }))).data ?? {},
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** One value of a Secret, as text. */
export function textOf(secret: Secret, key: string): string {
  const value = secret.data?.[key];
  if (value === undefined)
    throw new Error(`Secret ${secret.metadata.name} has no ${key}, only ${Object.keys(secret.data ?? {})}`);
  return Buffer.from(value, 'base64').toString();
}

/** The leaf in a Secret. */
export function leafOf(secret: Secret): X509Certificate {
  return new X509Certificate(textOf(secret, 'tls.crt'));
}

/** DNS names and URIs, as the certificate has them. */
export function namesOf(certificate: X509Certificate): readonly string[] {
  return (certificate.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(DNS|URI):/, ''));
}

/** An EnterpriseCA. */
export function enterpriseCAManifest(name: string, spec: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'EnterpriseCA', metadata: { name }, spec })}\n---\n`;
}

/** A TrustDomain `<name>` that admits every role in namespace media for names below `<name>.com`. */
export function domainManifest(name: string, spec: Readonly<Record<string, unknown>> = {}): string {
  const media = { matchLabels: { 'kubernetes.io/metadata.name': 'media' } };
  const whole = {
    enterpriseCA: name,
    sipDomains: [`${name}.com`],
    members: { namespaceSelector: media },
    admission: [{ namespaceSelector: media, roles, names: [`*.${name}.com`] }],
    ...spec,
  };
  return `${JSON.stringify({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'TrustDomain', metadata: { name }, spec: whole })}\n---\n`;
}

export const mediaNamespace = `${JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'media' } })}\n---\n`;

/** A namespace, an EnterpriseCA and a TrustDomain `contoso` that admits every role there for names below contoso.com. */
export const contoso = mediaNamespace + enterpriseCAManifest('contoso', { managed: {} }) + domainManifest('contoso');

/** A FederatedPartner of contoso with mode Direct and the edge `sip.<name>.com`, unless the spec says otherwise. */
export function partnerManifest(name: string, spec: Readonly<Record<string, unknown>>): string {
  const whole = {
    trustDomain: 'contoso',
    sipDomains: [`${name}.com`],
    mode: 'Direct',
    ...(spec['mode'] === undefined || spec['mode'] === 'Direct' ? { accessEdge: { fqdn: `sip.${name}.com` } } : {}),
    ...spec,
  };
  return `${JSON.stringify({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'FederatedPartner', metadata: { name }, spec: whole })}\n---\n`;
}

/** A TrustedServer in namespace media, of the role Mediation unless the spec says otherwise. */
export function serverManifest(name: string, spec: Readonly<Record<string, unknown>>): string {
  const whole = { trustDomain: 'contoso', role: 'Mediation', ...spec };
  const metadata = { name, namespace: 'media' };
  return `${JSON.stringify({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'TrustedServer', metadata, spec: whole })}\n---\n`;
}
