// Whoever owns a namespace can write what they like there. What that may cost them, and that it costs nobody else anything:
// each case stands between the domain's servers and a new generation of its CA.
import { configMaps, enterpriseCAs, namespaces, secrets, trustedServers } from '../../operator/kube/resource.ts';
import {
  contoso,
  domainManifest,
  enterpriseCAManifest,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { waitFor } from '../support/wait.ts';

let trustmesh: Trustmesh;

beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contoso);
});

afterAll(() => trustmesh[Symbol.asyncDispose]());

const mediation = (name: string, more: object = {}) =>
  serverManifest(name, { poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}1.contoso.com` }], ...more });

async function patch(path: string, body: object): Promise<void> {
  await trustmesh.admin.request('PATCH', path, body, { contentType: 'application/merge-patch+json' });
}

const patchSecret = (name: string, body: object) => patch(`/api/v1/namespaces/media/secrets/${name}`, body);

const roots = async (name: string, namespace = 'media') =>
  (await trustmesh.configMap(namespace, name))['ca.crt']?.match(/BEGIN CERTIFICATE/g)?.length ?? 0;

const authorityOf = async (secret: string) =>
  (await trustmesh.secret('media', secret)).metadata.annotations?.['trustmesh.io/authority'];

let bystanders = 0;

/** A server that has done nobody any harm. */
async function bystander(): Promise<string> {
  bystanders++;
  const name = `bystander-${bystanders}`;
  await trustmesh.apply(mediation(name));
  await trustmesh.ready('media', name);
  return name;
}

/** Raises the generation of the CA. Resolves once the server's certificate is from it. */
async function roll(name: string): Promise<void> {
  const secret = `${name}-${name}1-tls`;
  const before = await authorityOf(secret);
  const { spec } = await trustmesh.admin.get(enterpriseCAs, { name: 'contoso' });
  const generation = (spec.managed?.generation ?? 0) + 1;
  await patch('/apis/trustmesh.io/v1alpha1/enterprisecas/contoso', { spec: { managed: { generation } } });
  let seen: unknown;
  await waitFor(
    `${name} to have a certificate of generation ${generation}`,
    async () => {
      seen = (await trustmesh.find(trustedServers, { namespace: 'media', name }))?.status?.conditions;
      return (await authorityOf(secret)) !== before;
    },
    { limitMs: 20_000, seen: () => seen },
  );
  await trustmesh.ready('media', name);
}

describe('a namespace cannot keep others from a new generation', () => {
  it('by a Secret that its owner made immutable', async () => {
    const name = await bystander();
    await trustmesh.apply(mediation('frozen'));
    await trustmesh.ready('media', 'frozen');
    await patchSecret('frozen-frozen1-tls', { immutable: true });
    await roll(name);
    await trustmesh.reason('media', 'frozen', 'CertificatesIssued', 'WriteFailed');
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'frozen' });
  });

  it('by a bundle that its owner made immutable, which is made anew', async () => {
    const name = await bystander();
    const before = await roots('trustmesh-contoso');
    await patch('/api/v1/namespaces/media/configmaps/trustmesh-contoso', { immutable: true });
    await roll(name);
    expect(await roots('trustmesh-contoso')).toBe(before + 1);
  });

  it('by an edited Secret', async () => {
    const name = await bystander();
    await trustmesh.apply(mediation('edited'));
    await trustmesh.ready('media', 'edited');
    await trustmesh.stopReplicas();
    await patchSecret('edited-edited1-tls', { data: { 'tls.key': Buffer.from('mine').toString('base64') } });
    const rolled = roll(name);
    await trustmesh.startReplica();
    await rolled;
    await trustmesh.ready('media', 'edited');
  });

  it('by Secrets and ConfigMaps that look like ours and hold other anchors', async () => {
    const name = await bystander();
    const labels = { 'app.kubernetes.io/managed-by': 'trustmesh', 'trustmesh.io/domain': 'contoso' };
    const annotations = { 'trustmesh.io/trust-hash': 'other' };
    const { metadata } = await trustmesh.admin.get(trustedServers, { namespace: 'media', name });
    const owner = { apiVersion: 'trustmesh.io/v1alpha1', kind: 'TrustedServer', name, uid: metadata.uid };
    for (const namespace of ['media', 'default']) {
      const meta = {
        namespace,
        annotations,
        labels: { ...labels, 'trustmesh.io/server': name, 'trustmesh.io/use': 'default' },
      };
      await trustmesh.admin.create(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...meta, name: 'forged', ...(namespace === 'media' ? { ownerReferences: [owner] } : {}) },
      });
      await trustmesh.admin.create(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { ...meta, name: 'forged', labels: { ...labels, 'trustmesh.io/audience': 'mediation' } },
      });
    }
    await roll(name);
  });

  it('by being stuck on its way out', async () => {
    const name = await bystander();
    const selector = { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['media', 'stuck'] }] };
    await trustmesh.apply(
      `${JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'stuck' } })}\n---\n` +
        domainManifest('contoso', {
          members: { namespaceSelector: selector },
          admission: [{ namespaceSelector: selector, roles: ['Mediation'], names: ['*.contoso.com'] }],
        }) +
        mediation('leaving').replace('"namespace":"media"', '"namespace":"stuck"'),
    );
    await trustmesh.ready('stuck', 'leaving');
    const pinned = ['secrets/leaving-leaving1-tls', 'configmaps/trustmesh-contoso', 'configmaps/trustmesh-contoso-mediation'];
    const pin = (finalizers: readonly string[] | null) =>
      Promise.all(pinned.map((path) => patch(`/api/v1/namespaces/stuck/${path}`, { metadata: { finalizers } })));
    await pin(['contoso.com/pin']);
    await trustmesh.admin.delete(namespaces, { name: 'stuck' });
    await roll(name);
    await pin(null);
  });
});

it('cannot bring the CA of another domain into the trust of this one', async () => {
  const name = await bystander();
  await trustmesh.apply(enterpriseCAManifest('fabrikam', { managed: {} }) + domainManifest('fabrikam'));
  await trustmesh.apply(
    serverManifest('guest', {
      trustDomain: 'fabrikam',
      poolFQDN: 'guest.fabrikam.com',
      members: [{ fqdn: 'guest1.fabrikam.com' }],
    }),
  );
  await trustmesh.ready('media', 'guest');
  const before = await roots('trustmesh-contoso');
  await patchSecret('guest-guest1-tls', { metadata: { labels: { 'trustmesh.io/domain': 'contoso' } } });
  await roll(name);
  expect(await roots('trustmesh-contoso')).toBe(before + 1);
});
