// The chart on a real API server: what it renders is accepted, its Pods may run where Pod Security is restricted, and helm
// installs, upgrades and uninstalls it without losing what users declared. helm's --wait is not used: nothing runs Pods here.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { chartDirectory, HELM_LIMIT_MS, helm, renderChart, type Values } from '../support/chart.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { askApiServer } from '../support/controlplane/kubeconfig.ts';
import { applyManifests, type Manifest } from '../support/manifest.ts';
import { waitFor } from '../support/wait.ts';

let controlPlane: ControlPlane;
beforeAll(async () => {
  await helm(['version']);
  controlPlane = await startControlPlane({ say: () => undefined });
}, HELM_LIMIT_MS);
afterAll(() => controlPlane?.stop());

/** The object at that path, or undefined where the API server has none. Throws any other answer. */
async function read(path: string): Promise<unknown> {
  const { status, body } = await askApiServer(controlPlane.kubeconfig, 'GET', path);
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`${status} ${body}`);
  return JSON.parse(body);
}

const namespaceNamed = (name: string, labels: Readonly<Record<string, string>> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

/** As much of the Prometheus operator as the chart looks for. */
const serviceMonitors: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

describe('what the chart renders', () => {
  const namespace = 'rendered';
  beforeAll(() => applyManifests(controlPlane.kubeconfig, [namespaceNamed(namespace), namespaceNamed('rendered-voice')]));

  const variants: readonly (readonly [name: string, values: Values])[] = [
    ['by default', {}],
    ['limited to namespaces', { watchNamespaces: ['rendered-voice'] }],
    [
      'with every option',
      {
        image: { digest: `sha256:${'0'.repeat(64)}` },
        imagePullSecrets: [{ name: 'registry' }],
        networkPolicy: { ingressFrom: [{ podSelector: {} }], apiServer: { cidrs: ['10.0.0.0/8'] } },
        podDisruptionBudget: { maxUnavailable: '50%' },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ operator: 'Exists' }],
        spread: { hosts: 'DoNotSchedule' },
        labels: { team: 'voice' },
        annotations: { contact: 'voice@example.com' },
        podLabels: { tier: 'infrastructure' },
        podAnnotations: { reviewed: 'yes' },
      },
    ],
  ];

  it.each(variants)('is accepted by the API server, field by field: %s', async (_name, values) => {
    const manifests = await renderChart({ namespace, values });
    expect(await applyManifests(controlPlane.kubeconfig, manifests, { dryRun: true })).toHaveLength(manifests.length);
  });
});

describe('its Pods', () => {
  const namespace = 'restricted';
  const podPath = `/api/v1/namespaces/${namespace}/pods`;
  const template = z.looseObject({
    metadata: z.looseObject({}),
    spec: z.looseObject({ containers: z.array(z.looseObject({})) }),
  });
  let pod: z.infer<typeof template>;

  beforeAll(async () => {
    const manifests = await renderChart({ namespace });
    const deployment = z.object({ spec: z.looseObject({ template }) }).parse(manifests.find(({ kind }) => kind === 'Deployment'));
    pod = deployment.spec.template;
    await applyManifests(controlPlane.kubeconfig, [
      namespaceNamed(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' }),
    ]);
    await applyManifests(
      controlPlane.kubeconfig,
      manifests.filter(({ kind }) => kind === 'ServiceAccount'),
    );
  });

  const create = (name: string, spec: unknown) =>
    askApiServer(controlPlane.kubeconfig, 'POST', podPath, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...pod.metadata, name },
      spec,
    });

  it('are admitted where the restricted level is enforced', async () => {
    expect(await create('as-rendered', pod.spec)).toMatchObject({ status: 201 });
  });

  it('would be refused there without their security context', async () => {
    const containers = pod.spec.containers.map(({ securityContext: _none, ...container }) => container);
    const { status, body } = await create('unconfined', { ...pod.spec, securityContext: {}, containers });
    expect({ status, message: z.object({ message: z.string() }).parse(JSON.parse(body)).message }).toEqual({
      status: 403,
      message: expect.stringContaining('violates PodSecurity "restricted:latest"'),
    });
  });
});

describe('helm', () => {
  const namespace = 'trustmesh-system';
  const run = (...args: readonly string[]) =>
    helm([...args, `--namespace=${namespace}`], { kubeconfig: controlPlane.kubeconfig });
  const authorities = '/apis/trustmesh.io/v1alpha1/enterprisecas';
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/enterprisecas.trustmesh.io';
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/trustmesh`;
  const grants = [
    `/apis/rbac.authorization.k8s.io/v1/clusterroles/${namespace}:trustmesh`,
    `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${namespace}:trustmesh`,
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${namespace}:trustmesh`,
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/${namespace}:trustmesh`,
  ];
  const ofRelease = [
    ...grants,
    deployment,
    `/api/v1/namespaces/${namespace}/services/trustmesh`,
    `/api/v1/namespaces/${namespace}/serviceaccounts/trustmesh`,
    `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/trustmesh`,
    `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/trustmesh`,
  ];
  const absent = async (paths: readonly string[]) => {
    const found = await Promise.all(paths.map(read));
    return paths.filter((_path, index) => found[index] === undefined);
  };
  const identity = z.object({ metadata: z.object({ uid: z.string(), resourceVersion: z.string() }) });
  const declared = async () => identity.parse(await read(`${authorities}/contoso`)).metadata;

  it('installs it', async () => {
    const { stdout } = await run('install', 'trustmesh', chartDirectory, '--create-namespace');
    expect(stdout).toContain('STATUS: deployed');
    expect(await absent(ofRelease)).toEqual([]);
    const answer = await waitFor('EnterpriseCAs to be served', async () => {
      const object = {
        apiVersion: 'trustmesh.io/v1alpha1',
        kind: 'EnterpriseCA',
        metadata: { name: 'contoso' },
        spec: { managed: {} },
      };
      const { status, body } = await askApiServer(controlPlane.kubeconfig, 'POST', authorities, object);
      if (status === 404) throw new Error(body);
      return { status, body };
    });
    expect(answer).toMatchObject({ status: 201 });
  });

  it('upgrades it with its CRDs, and what was declared is untouched', async () => {
    const before = await declared();
    const newer = await mkdtemp(join(tmpdir(), 'trustmesh-chart-'));
    try {
      await cp(chartDirectory, newer, { recursive: true });
      const file = join(newer, 'files/crds/enterpriseca.yaml');
      const schema: unknown = parse(await readFile(file, 'utf8'));
      const { spec } = z.object({ spec: z.object({ names: z.looseObject({ categories: z.array(z.string()) }) }) }).parse(schema);
      spec.names.categories.push('newer');
      const changed = { ...z.looseObject({ spec: z.looseObject({}) }).parse(schema) };
      await writeFile(file, stringify({ ...changed, spec: { ...changed.spec, names: spec.names } }));
      await run('upgrade', 'trustmesh', newer, '--set=replicas=3');
    } finally {
      await rm(newer, { recursive: true });
    }
    expect(await read(crd)).toHaveProperty('spec.names.categories', ['trustmesh', 'newer']);
    expect(await read(deployment)).toHaveProperty('spec.replicas', 3);
    expect(await declared()).toEqual(before);
  });

  it('makes a ServiceMonitor once the cluster knows what one is', async () => {
    const path = `/apis/monitoring.coreos.com/v1/namespaces/${namespace}/servicemonitors/trustmesh`;
    const withMonitor = ['upgrade', 'trustmesh', chartDirectory, '--set=serviceMonitor.enabled=true'];
    const { stdout } = await run(...withMonitor);
    expect(stdout).toContain('does not know monitoring.coreos.com/v1');
    await applyManifests(controlPlane.kubeconfig, [serviceMonitors]);
    await waitFor('ServiceMonitors to be served', () => read('/apis/monitoring.coreos.com/v1'));
    await run(...withMonitor);
    expect(await read(path)).toHaveProperty('spec.endpoints.0.path', '/metrics');
  });

  it('moves it from all namespaces to named ones', async () => {
    await applyManifests(controlPlane.kubeconfig, [namespaceNamed('voice')]);
    await run('upgrade', 'trustmesh', chartDirectory, '--set=watchNamespaces={voice}');
    const inVoice = `/apis/rbac.authorization.k8s.io/v1/namespaces/voice/roles/${namespace}:trustmesh`;
    expect(await absent([...ofRelease, inVoice])).toEqual([]);
    await run('upgrade', 'trustmesh', chartDirectory, '--reset-values');
    expect(await absent([inVoice])).toEqual([inVoice]);
  });

  it('leaves the CRDs in place when it is told to install them no longer', async () => {
    const before = await declared();
    await run('upgrade', 'trustmesh', chartDirectory, '--set=crds.install=false');
    expect(await declared()).toEqual(before);
    await run('upgrade', 'trustmesh', chartDirectory, '--reset-values');
    expect(await declared()).toEqual(before);
  });

  it('uninstalls it and keeps the CRDs with what was declared', async () => {
    const before = await declared();
    await run('uninstall', 'trustmesh');
    expect(await absent(ofRelease)).toEqual(ofRelease);
    expect(await declared()).toEqual(before);
  });

  it('installs it again over the CRDs that it kept', async () => {
    const before = await declared();
    await run('install', 'trustmesh', chartDirectory);
    expect(await absent(ofRelease)).toEqual([]);
    expect(await declared()).toEqual(before);
  });
});
