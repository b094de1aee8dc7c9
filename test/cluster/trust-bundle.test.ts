// What is distributed, and to whom: bundles by audience and namespace, peer lists, membership and admission.
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { configMaps, namespaces, secrets, trustedServers } from '../../operator/kube/resource.ts';
import {
  contoso,
  domainManifest,
  leafOf,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
  textOf,
} from '../support/installation.ts';
import { waitFor } from '../support/wait.ts';

/** Milliseconds that what lost its membership or admission stays. */
const grace = 4000;
let trustmesh: Trustmesh;

beforeAll(async () => {
  trustmesh = await startTrustmesh({ args: ['--membership-grace', '4s'] });
  await trustmesh.apply(contoso);
});

afterAll(() => trustmesh[Symbol.asyncDispose]());

const peersDocument = z.object({
  peers: z.array(
    z.object({ pool: z.string(), role: z.string(), names: z.array(z.string()), within: z.literal('SamePool').optional() }),
  ),
});

/** The pools that a bundle lists, sorted. */
async function poolsIn(name: string, namespace = 'media'): Promise<readonly string[]> {
  const { 'peers.json': text = '' } = await trustmesh.configMap(namespace, name);
  return peersDocument
    .parse(JSON.parse(text))
    .peers.map(({ pool }) => pool)
    .sort();
}

const server = (name: string, role: string, more: object = {}) =>
  serverManifest(name, { role, poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}1.contoso.com` }], ...more });

async function setLabel(namespace: string, label: string, value: string | null): Promise<void> {
  const { metadata } = await trustmesh.admin.get(namespaces, { name: namespace });
  await trustmesh.admin.request(
    'PATCH',
    `/api/v1/namespaces/${namespace}`,
    {
      metadata: { resourceVersion: metadata.resourceVersion, labels: { [label]: value } },
    },
    { contentType: 'application/merge-patch+json' },
  );
}

describe('bundles', () => {
  it('list for each role the pools that the table lets it meet, and no other', async () => {
    await trustmesh.apply(
      server('fe', 'FrontEnd') + server('med', 'Mediation') + server('chat', 'PersistentChat') + server('app', 'Server'),
    );
    await waitFor(
      'the front end to be listed for persistent chat',
      async () => (await poolsIn('trustmesh-contoso-persistent-chat')).length === 2,
    );
    await waitFor('three peers of the front end', async () => (await poolsIn('trustmesh-contoso-front-end')).length === 3);
    expect(await poolsIn('trustmesh-contoso-front-end')).toEqual(['chat.contoso.com', 'fe.contoso.com', 'med.contoso.com']);
    // Its own pool is there for its members alone: one chat pool does not talk to another.
    expect(await poolsIn('trustmesh-contoso-persistent-chat')).toEqual(['chat.contoso.com', 'fe.contoso.com']);
    expect(await poolsIn('trustmesh-contoso-server')).toEqual(['app.contoso.com']);
  });

  it('lose a pool at once when its server is deleted', async () => {
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'chat' });
    await waitFor(
      'the pool to be gone',
      async () => !(await poolsIn('trustmesh-contoso-front-end')).includes('chat.contoso.com'),
      {
        limitMs: 3000,
      },
    );
    await waitFor(
      'the bundle without readers to be gone',
      async () =>
        (await trustmesh.find(configMaps, { namespace: 'media', name: 'trustmesh-contoso-persistent-chat' })) === undefined,
      { limitMs: grace + 5000 },
    );
  });

  it('are put back when somebody edits or deletes them', async () => {
    const key = { namespace: 'media', name: 'trustmesh-contoso-mediation' };
    const before = await trustmesh.admin.get(configMaps, key);
    const { resourceVersion } = before.metadata;
    await trustmesh.admin.patch(configMaps, key, { metadata: { resourceVersion }, data: { 'ca.crt': 'mine' } });
    await waitFor(
      'the edit to be undone',
      async () => (await trustmesh.configMap('media', key.name))['ca.crt'] === before.data?.['ca.crt'],
    );
    await trustmesh.admin.delete(configMaps, key);
    await waitFor(
      'it to be back',
      async () => (await trustmesh.find(configMaps, key))?.data?.['peers.json'] === before.data?.['peers.json'],
    );
  });

  it('go to member namespaces with what clients trust, stay through a flapping label, and go when it is gone for long', async () => {
    const name = 'trustmesh-contoso';
    const members = { namespaceSelector: { matchLabels: { 'trustmesh.io/domain': 'contoso' } } };
    await trustmesh.apply(
      `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "clients"}}\n---\n${domainManifest('contoso', { members })}`,
    );
    await setLabel('clients', 'trustmesh.io/domain', 'contoso');
    const { 'ca.crt': roots = '' } = await trustmesh.configMap('clients', name);
    expect(new X509Certificate(roots).ca).toBe(true);
    const { uid } = (await trustmesh.admin.get(configMaps, { namespace: 'clients', name })).metadata;
    await setLabel('clients', 'trustmesh.io/domain', null);
    await waitFor('the bundle to be marked', async () => {
      const { metadata } = await trustmesh.admin.get(configMaps, { namespace: 'clients', name });
      return metadata.annotations?.['trustmesh.io/left-at'];
    });
    await setLabel('clients', 'trustmesh.io/domain', 'contoso');
    await waitFor('the mark to be gone', async () => {
      const { metadata } = await trustmesh.admin.get(configMaps, { namespace: 'clients', name });
      return metadata.uid === uid && metadata.annotations?.['trustmesh.io/left-at'] === undefined;
    });
    await setLabel('clients', 'trustmesh.io/domain', null);
    await waitFor(
      'the bundle to go',
      async () => (await trustmesh.find(configMaps, { namespace: 'clients', name })) === undefined,
      {
        limitMs: grace + 10_000,
      },
    );
  });
});

describe('admission', () => {
  it('refuses a name that the namespace may not have, with nothing but the condition', async () => {
    await trustmesh.apply(serverManifest('stranger', { poolFQDN: 'med.fabrikam.com', members: [{ fqdn: 'med1.fabrikam.com' }] }));
    const { message } = await trustmesh.reason('media', 'stranger', 'Ready', 'NameNotAdmitted');
    expect(message).toContain('not for med.fabrikam.com, med1.fabrikam.com');
    expect((await trustmesh.secretNames('media')).filter((name) => name.startsWith('stranger'))).toEqual([]);
  });

  it('refuses a namespace without an entry for the role', async () => {
    await trustmesh.apply('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}}');
    await trustmesh.apply(server('lost', 'Mediation').replace('"namespace":"media"', '"namespace":"elsewhere"'));
    await trustmesh.reason('elsewhere', 'lost', 'Ready', 'NamespaceNotAdmitted');
    const { items } = await trustmesh.admin.list(configMaps, {
      namespace: 'elsewhere',
      labelSelector: 'app.kubernetes.io/managed-by=trustmesh',
    });
    expect(items).toEqual([]);
  });

  it('leaves the Secret of a server that lost it, takes it off the lists after a while, and takes it back', async () => {
    await trustmesh.apply(
      '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "branch", "labels": {"site": "branch"}}}',
    );
    const selected = (label: string, value: string) => ({
      namespaceSelector: { matchLabels: { [label]: value } },
      names: ['*.contoso.com'],
    });
    const admission = [
      { ...selected('kubernetes.io/metadata.name', 'media'), roles: ['FrontEnd', 'Mediation', 'PersistentChat', 'Server'] },
      { ...selected('site', 'branch'), roles: ['Mediation'] },
    ];
    await trustmesh.apply(domainManifest('contoso', { admission }));
    await trustmesh.apply(server('roaming', 'Mediation').replace('"namespace":"media"', '"namespace":"branch"'));
    await trustmesh.ready('branch', 'roaming');
    const listed = async () => (await poolsIn('trustmesh-contoso-front-end')).includes('roaming.contoso.com');
    await waitFor('it to be listed', listed);
    const before = await trustmesh.secret('branch', 'roaming-roaming1-tls');
    await setLabel('branch', 'site', null);
    await trustmesh.reason('branch', 'roaming', 'Ready', 'NamespaceNotAdmitted');
    expect(await listed()).toBe(true);
    await waitFor('it to be off the list', async () => !(await listed()), { limitMs: grace + 10_000 });
    expect((await trustmesh.secret('branch', 'roaming-roaming1-tls')).data).toEqual(before.data);
    await setLabel('branch', 'site', 'branch');
    await trustmesh.ready('branch', 'roaming');
    await waitFor('it to be listed again', listed);
    expect((await trustmesh.secret('branch', 'roaming-roaming1-tls')).data).toEqual(before.data);
  });
});

describe('names', () => {
  it('stay with whom they were issued to, however old the rival is made to look', async () => {
    await trustmesh.apply(server('older', 'Mediation'));
    await trustmesh.ready('media', 'older');
    await trustmesh.apply(server('holder', 'Mediation'));
    await trustmesh.ready('media', 'holder');
    const before = await trustmesh.secret('media', 'holder-holder1-tls');
    await trustmesh.apply(
      server('older', 'Mediation', { members: [{ fqdn: 'older1.contoso.com' }, { fqdn: 'holder1.contoso.com' }] }),
    );
    const { message } = await trustmesh.reason('media', 'older', 'Ready', 'NameConflict');
    expect(message).toContain('holder1.contoso.com is held by TrustedServer media/holder');
    expect((await trustmesh.secret('media', 'holder-holder1-tls')).data).toEqual(before.data);
    // Only what would hold the name is withheld.
    expect(leafOf(await trustmesh.secret('media', 'older-older1-tls')).subject).toBe('CN=older.contoso.com');
    expect(await trustmesh.find(secrets, { namespace: 'media', name: 'older-holder1-tls' })).toBeUndefined();
  });

  it('stay reserved for the namespace of a server that is gone, until its certificate has expired', async () => {
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'holder' });
    await trustmesh.apply(
      server('heir', 'Mediation', { members: [{ fqdn: 'holder1.contoso.com' }] }).replace(
        '"namespace":"media"',
        '"namespace":"branch"',
      ),
    );
    const { message } = await trustmesh.reason('branch', 'heir', 'Ready', 'NameConflict');
    expect(message).toMatch(/holder1\.contoso\.com (stays reserved for namespace media|is held by TrustedServer media\/older)/);
    await trustmesh.ready('media', 'older');
  });
});

describe('a server of its own trust', () => {
  it('has a ConfigMap with its own pool and the peers it named, and no other', async () => {
    await trustmesh.apply(
      serverManifest('narrow', {
        role: 'Server',
        poolFQDN: 'narrow.contoso.com',
        members: [{ fqdn: 'narrow.contoso.com' }],
        peers: ['app', 'later.contoso.com'],
      }),
    );
    await trustmesh.ready('media', 'narrow');
    expect(await poolsIn('narrow-trust')).toEqual(['app.contoso.com', 'narrow.contoso.com']);
    await trustmesh.apply(
      serverManifest('later', { role: 'Server', poolFQDN: 'later.contoso.com', members: [{ fqdn: 'later.contoso.com' }] }),
    );
    await waitFor('the second peer to be listed', async () => (await poolsIn('narrow-trust')).includes('later.contoso.com'));
    const [own, bundle] = await Promise.all([
      trustmesh.configMap('media', 'narrow-trust'),
      trustmesh.secret('media', 'narrow-narrow-tls'),
    ]);
    expect(own['ca.crt']).toBe(textOf(bundle, 'ca.crt'));
  });
});
