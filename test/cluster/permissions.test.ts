// What the chart lets the operator do, as the API server sees it: the whole list, so that a permission too many shows here;
// one too few shows in every other cluster test, which run the operator with the same token.
import { z } from 'zod';
import { HELM_LIMIT_MS, helm } from '../support/chart.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { askApiServer } from '../support/controlplane/kubeconfig.ts';
import { installOperator } from '../support/install.ts';
import { applyManifests } from '../support/manifest.ts';

let controlPlane: ControlPlane;
beforeAll(async () => {
  await helm(['version']);
  controlPlane = await startControlPlane({ say: () => undefined });
  const secret = (namespace: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'theirs', namespace },
    stringData: { key: 'x' },
  });
  const namespaces = ['voice', 'elsewhere'];
  await applyManifests(
    controlPlane.kubeconfig,
    namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  await applyManifests(controlPlane.kubeconfig, namespaces.map(secret));
}, HELM_LIMIT_MS);
afterAll(() => controlPlane?.stop());

const rulesReview = z.object({
  status: z.object({
    incomplete: z.literal(false),
    resourceRules: z.array(
      z.object({
        apiGroups: z.array(z.string()),
        resources: z.array(z.string()),
        verbs: z.array(z.string()),
        resourceNames: z.array(z.string()).default([]),
      }),
    ),
  }),
});

/** Everything a token may do in a namespace, a line a resource; without what every service account may ask about itself. */
async function granted(kubeconfig: string, namespace: string): Promise<readonly string[]> {
  const { body } = await askApiServer(kubeconfig, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  });
  const verbs = new Map<string, Set<string>>();
  for (const rule of rulesReview.parse(JSON.parse(body)).status.resourceRules) {
    for (const group of rule.apiGroups) {
      if (group === 'authorization.k8s.io' || group === 'authentication.k8s.io') continue;
      for (const resource of rule.resources) {
        const names = rule.resourceNames.length > 0 ? ` ${rule.resourceNames.join(',')}` : '';
        const what = `${resource}${group === '' ? '' : `.${group}`}${names}`;
        verbs.set(what, new Set([...(verbs.get(what) ?? []), ...rule.verbs]));
      }
    }
  }
  return [...verbs].map(([what, allowed]) => `${what}: ${[...allowed].sort().join(' ')}`).sort();
}

const kind = (plural: string) => [`${plural}.trustmesh.io: get list watch`, `${plural}/status.trustmesh.io: patch`];
const authorities = kind('enterprisecas');
const domains = ['trustdomains', 'federatedpartners'].flatMap(kind);
const servers = ['trustedservers', 'mediagateways', 'mediarelays'].flatMap(kind);
const events = ['events.events.k8s.io: create get patch'];
const outputs = ['configmaps: create delete get list patch watch', 'secrets: create delete list patch watch'];
const records = ['configmaps: create delete get list patch watch', 'secrets: create delete get list patch watch'];
const lease = ['leases.coordination.k8s.io trustmesh: get patch', 'leases.coordination.k8s.io: create'];

/** The status of one request with the operator's token. */
async function ask(kubeconfig: string, path: string): Promise<number> {
  return (await askApiServer(kubeconfig, 'GET', path)).status;
}

describe('in all namespaces', () => {
  let kubeconfig: string;
  beforeAll(async () => {
    ({ kubeconfig } = await installOperator(controlPlane, { namespace: 'everywhere' }));
  });

  const everywhere = [...authorities, ...domains, ...servers, ...events, 'namespaces: get list watch'];

  it.each([
    ['its own', 'everywhere', [...everywhere, ...records, ...lease]],
    ['any other', 'elsewhere', [...everywhere, ...outputs]],
  ])('it may do this and no more in %s', async (_which, namespace, expected) => {
    expect(await granted(kubeconfig, namespace)).toEqual([...expected].sort());
  });

  it('it lists and watches Secrets, and reads none outside its own namespace', async () => {
    expect(await ask(kubeconfig, '/api/v1/secrets?limit=1')).toBe(200);
    expect(await ask(kubeconfig, '/api/v1/secrets?watch=1&timeoutSeconds=1')).toBe(200);
    expect(await ask(kubeconfig, '/api/v1/namespaces/elsewhere/secrets/theirs')).toBe(403);
    expect(await ask(kubeconfig, '/api/v1/namespaces/everywhere/secrets/none-yet')).toBe(404);
  });
});

describe('limited to the namespace voice', () => {
  let kubeconfig: string;
  beforeAll(async () => {
    ({ kubeconfig } = await installOperator(controlPlane, { namespace: 'limited', values: { watchNamespaces: ['voice'] } }));
  });

  const everywhere = [...authorities, ...domains, 'namespaces voice: get list watch'];

  it.each([
    ['its own', 'limited', [...everywhere, ...events, ...records, ...lease]],
    ['the named one', 'voice', [...everywhere, ...events, ...servers, ...outputs]],
    ['default', 'default', [...everywhere, ...events]],
    ['any other', 'elsewhere', everywhere],
  ])('it may do this and no more in %s', async (_which, namespace, expected) => {
    expect(await granted(kubeconfig, namespace)).toEqual([...expected].sort());
  });

  it('it cannot see a Secret outside its scope in any way', async () => {
    for (const path of [
      '/api/v1/secrets',
      '/api/v1/secrets?watch=1&timeoutSeconds=1',
      '/api/v1/secrets?fieldSelector=metadata.namespace%3Delsewhere',
      '/api/v1/namespaces/elsewhere/secrets',
      '/api/v1/namespaces/elsewhere/secrets?watch=1&timeoutSeconds=1',
      '/api/v1/namespaces/elsewhere/secrets?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dtrustmesh',
      '/api/v1/namespaces/elsewhere/secrets/theirs',
      '/api/v1/namespaces/default/secrets',
      '/api/v1/namespaces/kube-system/secrets',
      '/api/v1/namespaces/voice/secrets/theirs',
    ]) {
      expect({ path, status: await ask(kubeconfig, path) }).toEqual({ path, status: 403 });
    }
  });

  it('it lists and watches the Secrets of that namespace and its own', async () => {
    for (const namespace of ['voice', 'limited']) {
      expect(await ask(kubeconfig, `/api/v1/namespaces/${namespace}/secrets`)).toBe(200);
      expect(await ask(kubeconfig, `/api/v1/namespaces/${namespace}/secrets?watch=1&timeoutSeconds=1`)).toBe(200);
    }
  });

  it('it lists and watches that namespace by its name, and no others', async () => {
    expect(await ask(kubeconfig, '/api/v1/namespaces?fieldSelector=metadata.name%3Dvoice')).toBe(200);
    expect(await ask(kubeconfig, '/api/v1/namespaces?fieldSelector=metadata.name%3Dvoice&watch=1&timeoutSeconds=1')).toBe(200);
    expect(await ask(kubeconfig, '/api/v1/namespaces?fieldSelector=metadata.name%3Delsewhere')).toBe(403);
    expect(await ask(kubeconfig, '/api/v1/namespaces')).toBe(403);
  });
});
