// What the chart renders in its main variants, beside the files that were last agreed to: UPDATE_SNAPSHOTS=1 writes them.
// CRDs are left out; they are generated, and have a test of their own.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { HELM_LIMIT_MS, helm, type Release, renderChart } from '../../support/chart.ts';

const variants: Readonly<Record<string, Release>> = {
  default: {},
  limited: { values: { watchNamespaces: ['voice', 'voice-staging'] } },
  'highly-available': {
    apiVersions: ['monitoring.coreos.com/v1'],
    values: {
      replicas: 3,
      image: { repository: 'registry.example/trustmesh', digest: `sha256:${'0123456789abcdef'.repeat(4)}` },
      imagePullSecrets: [{ name: 'registry' }],
      serviceMonitor: { enabled: true, interval: '15s', labels: { release: 'prometheus' } },
      podDisruptionBudget: { maxUnavailable: '50%' },
      networkPolicy: {
        ingressFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        apiServer: { cidrs: ['10.0.0.0/28'], ports: [6443] },
        dns: { namespace: 'dns', ports: [53, 5353] },
      },
      priorityClassName: 'system-cluster-critical',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['infrastructure'] }] }],
          },
        },
      },
      spread: { hosts: 'DoNotSchedule' },
      serviceAccount: { annotations: { purpose: 'operator' } },
      service: { annotations: { scraped: 'yes' } },
      labels: { team: 'voice', 'app.kubernetes.io/name': 'the chart keeps its own' },
      annotations: { contact: 'voice@example.com' },
      podLabels: { tier: 'infrastructure' },
      podAnnotations: { reviewed: '2026' },
    },
  },
  federated: {
    values: {
      bundleEndpoint: { enabled: true, port: 9443, tlsSecretName: 'federation-tls' },
      resolvers: ['192.0.2.53', '192.0.2.54:5353', '[2001:db8::53]', '[2001:db8::54]:5353'],
      networkPolicy: { partners: { enabled: true, cidrs: ['198.51.100.0/24'], ports: [443, 8443] } },
    },
  },
  minimal: {
    name: 'tm',
    namespace: 'voice',
    values: {
      fullnameOverride: 'tm',
      replicas: 1,
      watchNamespaces: ['voice'],
      serviceAccount: { create: false, name: 'existing' },
      podDisruptionBudget: { enabled: false },
      networkPolicy: { enabled: false },
      log: { level: 'warn', format: 'text' },
    },
  },
};

const directory = join(import.meta.dirname, 'snapshots');

beforeAll(() => helm(['version']), HELM_LIMIT_MS);

describe('the chart renders', () => {
  it.each(Object.entries(variants))('%s', async (name, release) => {
    const manifests = await renderChart({ ...release, values: { ...release.values, crds: { install: false } } });
    const rendered = manifests.map((manifest) => stringify(manifest, { lineWidth: 130 })).join('---\n');
    const file = join(directory, `${name}.yaml`);
    if (process.env['UPDATE_SNAPSHOTS']) await writeFile(file, rendered);
    expect(rendered).toBe(await readFile(file, 'utf8'));
  });

  it('nothing whose snapshot is no longer a variant', async () => {
    expect((await readdir(directory)).sort()).toEqual(
      Object.keys(variants)
        .map((name) => `${name}.yaml`)
        .sort(),
    );
  });
});
