// Trustmesh as a user has it: a control plane, the chart, the operator under the chart's own service account; and the few
// things that every test of it does as an administrator.
import { X509Certificate } from 'node:crypto';
import type { Condition, KubeObject, ObjectKey } from '../../operator/api/object.ts';
import type { TrustedServer } from '../../operator/api/v1alpha1/index.ts';
import { KubeClient } from '../../operator/kube/client.ts';
import { isApiError } from '../../operator/kube/errors.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import {
  configMaps,
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
import { type OperatorProcess, startOperator } from './operator.ts';
import { waitFor } from './wait.ts';

export interface InstallationOptions {
  /** Flags of the operator. */
  readonly args?: readonly string[];
  readonly values?: Values;
  /** By default the operator runs. */
  readonly operator?: boolean;
}

export interface Trustmesh extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  /** Of the operator's service account. */
  readonly kubeconfig: string;
  readonly admin: KubeClient;
  /** The newest operator that was started. */
  readonly operator: OperatorProcess;
  /** Starts one more, with the same flags. */
  startReplica(args?: readonly string[]): Promise<OperatorProcess>;
  apply(yaml: string): Promise<void>;
  /** Undefined where there is none. */
  find<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined>;
  secret(namespace: string, name: string): Promise<Secret>;
  ready(namespace: string, name: string): Promise<TrustedServer>;
  /** Waits until a condition of a server has this reason. */
  reason(namespace: string, name: string, type: string, reason: string): Promise<Condition>;
  /** Names of the Secrets that the operator wrote in a namespace, sorted. */
  secretNames(namespace: string): Promise<readonly string[]>;
  configMap(namespace: string, name: string): Promise<Readonly<Record<string, string>>>;
}

export async function startTrustmesh(options: InstallationOptions = {}): Promise<Trustmesh> {
  const { args = [], values = {}, operator: wanted = true } = options;
  await using stack = new AsyncDisposableStack();
  const controlPlane = stack.use(await startControlPlane());
  const { kubeconfig } = await installOperator(controlPlane, { values });
  const admin = stack.use(new KubeClient(loadKubeConfig(controlPlane.kubeconfig), { fieldManager: 'administrator' }));
  let operator: OperatorProcess | undefined;
  const startReplica = async (more: readonly string[] = []) => {
    operator = await startOperator({ kubeconfig, args: [...args, ...more] });
    stack.use(operator);
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

  const conditionOf = async (namespace: string, name: string, type: string) =>
    (await find(trustedServers, { namespace, name }))?.status?.conditions?.find((condition) => condition.type === type);

  return {
    controlPlane,
    kubeconfig,
    admin,
    get operator() {
      if (operator === undefined) throw new Error('no operator was started');
      return operator;
    },
    startReplica,
    apply: async (yaml) => void (await applyManifests(controlPlane.kubeconfig, parseManifests(yaml))),
    find,
    secret: (namespace, name) => waitFor(`Secret ${namespace}/${name}`, () => find(secrets, { namespace, name })),
    ready: (namespace, name) =>
      waitFor(
        `TrustedServer ${namespace}/${name} to be Ready`,
        async () => {
          const server = await find(trustedServers, { namespace, name });
          const ready = server?.status?.conditions?.find((condition) => condition.type === 'Ready');
          const current = ready?.status === 'True' && ready.observedGeneration === server?.metadata.generation;
          return current ? server : undefined;
        },
        { limitMs: 30_000 },
      ),
    reason: async (namespace, name, type, reason) => {
      let seen: Condition | undefined;
      return await waitFor(
        `${type} of TrustedServer ${namespace}/${name} to be ${reason}`,
        async () => {
          seen = await conditionOf(namespace, name, type);
          return seen?.reason === reason ? seen : undefined;
        },
        { limitMs: 30_000, seen: () => seen },
      );
    },
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

/** A namespace, an EnterpriseCA and a TrustDomain `contoso` that admits every role there for names below contoso.com. */
export const contoso = `
apiVersion: v1
kind: Namespace
metadata: {name: media}
---
apiVersion: trustmesh.io/v1alpha1
kind: EnterpriseCA
metadata: {name: contoso}
spec: {managed: {}}
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustDomain
metadata: {name: contoso}
spec:
  enterpriseCA: contoso
  sipDomains: [contoso.com]
  members: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: media}}}
  admission:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: media}}
      roles: [FrontEnd, StandardEdition, Director, Mediation, Edge, SurvivableBranch, PersistentChat, TrustedApplication, Server]
      names: ["*.contoso.com"]
`;

/** A TrustedServer in namespace media, of the role Mediation unless the spec says otherwise. */
export function serverManifest(name: string, spec: Readonly<Record<string, unknown>>): string {
  const whole = { trustDomain: 'contoso', role: 'Mediation', ...spec };
  const metadata = { name, namespace: 'media' };
  return `${JSON.stringify({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'TrustedServer', metadata, spec: whole })}\n---\n`;
}
