// Deletion: what belongs to a server goes with it and nothing else does, what is missing for a while costs nothing, and an
// operator that is gone keeps nobody from deleting anything.
import type { KubeObject } from '../../operator/api/object.ts';
import {
  configMaps,
  enterpriseCAs,
  federatedPartners,
  mediaGateways,
  mediaRelays,
  namespaces,
  type Resource,
  secrets,
  trustDomains,
  trustedServers,
} from '../../operator/kube/resource.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { recordHistory } from '../support/history.ts';
import { installOperator } from '../support/install.ts';
import {
  contoso,
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { issuedFor } from '../support/journal.ts';
import { kubeconfigThrough } from '../support/proxied-client.ts';
import { waitFor } from '../support/wait.ts';

/** Milliseconds: the garbage collector learns of kinds that come and go every half minute. */
const COLLECTION_LIMIT_MS = 90_000;

const ours = 'app.kubernetes.io/managed-by=trustmesh';

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contoso);
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

const app = (name: string, more: object = {}, namespace = 'media') =>
  serverManifest(name, {
    role: 'Server',
    poolFQDN: `${name}.contoso.com`,
    members: [{ fqdn: `${name}-m.contoso.com` }],
    ...more,
  }).replace('"namespace":"media"', `"namespace":"${namespace}"`);

const exists = async <T extends KubeObject>(resource: Resource<T>, namespace: string, name: string) =>
  (await trustmesh.find(resource, { namespace, name })) !== undefined;

const namespaceYaml = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n---\n`;

/** Namespaces beside media whose servers the domain admits. */
const admitting = (...names: readonly string[]) => {
  const namespaceSelector = {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['media', ...names] }],
  };
  return domainManifest('contoso', {
    members: { namespaceSelector },
    admission: [{ namespaceSelector, roles: ['Server', 'Mediation'], names: ['*.contoso.com'] }],
  });
};

/** Everything in a namespace that the operator wrote, with its version. */
async function held(namespace: string): Promise<ReadonlyMap<string, string>> {
  const pages = await Promise.all(
    [secrets, configMaps].map((resource: Resource) =>
      trustmesh.admin.list(resource, { namespace, labelSelector: ours, metadataOnly: true }),
    ),
  );
  return new Map(pages.flatMap(({ items }) => items.map(({ metadata }) => [metadata.name, metadata.resourceVersion] as const)));
}

async function setFinalizers(
  { group, version, plural }: Resource,
  namespace: string,
  name: string,
  finalizers: readonly string[],
): Promise<void> {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const options = { contentType: 'application/merge-patch+json' };
  await trustmesh.admin.request(
    'PATCH',
    `${root}/namespaces/${namespace}/${plural}/${name}`,
    { metadata: { finalizers } },
    options,
  );
}

describe('a server that is deleted', () => {
  it('takes its Secrets and its own ConfigMap along, and leaves the peer lists at once', async () => {
    await trustmesh.apply(app('stays') + app('goes', { peers: ['stays.contoso.com'] }));
    await trustmesh.ready('media', 'goes');
    await trustmesh.ready('media', 'stays');
    const peers = async () => (await trustmesh.configMap('media', 'trustmesh-contoso-server'))['peers.json'] ?? '';
    await waitFor('both to be listed', async () => (await peers()).includes('goes.contoso.com'));
    const before = await trustmesh.secret('media', 'stays-stays-m-tls');
    expect(await exists(configMaps, 'media', 'goes-trust')).toBe(true);

    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'goes' });
    await waitFor('its name to leave the list', async () => !(await peers()).includes('goes.contoso.com'), { limitMs: 5_000 });
    await waitFor('its Secret to go', async () => !(await exists(secrets, 'media', 'goes-goes-m-tls')), {
      limitMs: COLLECTION_LIMIT_MS,
    });
    await waitFor('its ConfigMap to go', async () => !(await exists(configMaps, 'media', 'goes-trust')), {
      limitMs: COLLECTION_LIMIT_MS,
    });
    expect(await trustmesh.secret('media', 'stays-stays-m-tls')).toEqual(before);
  });

  it('is issued nothing in place of what goes with it, though the operator hears of its own end later', async () => {
    await trustmesh.apply(app('unheard', { peers: ['stays.contoso.com'] }));
    await trustmesh.ready('media', 'unheard');
    await trustmesh.stopReplicas();
    await using proxy = await startFaultProxy(trustmesh.controlPlane);
    using _ = proxy.inject(({ watch, path }) => (watch && path.includes('/trustedservers') ? { kind: 'stall' } : undefined));
    const kubeconfig = await kubeconfigThrough(proxy, trustmesh.kubeconfig);
    const operator = await trustmesh.startReplica([], { kubeconfig });
    const reconciles = async () => {
      const metrics = await (await fetch(`${operator.url}/metrics`, { headers: { connection: 'close' } })).text();
      const failed = /^trustmesh_reconciles_total\{controller="trusted-server",outcome="failed"\} (\d+)$/m.exec(metrics);
      return Number(failed?.[1] ?? 0);
    };
    const before = (await issuedFor(trustmesh.admin)).get('media/unheard-unheard-m-tls');
    await using history = await recordHistory(trustmesh.admin, secrets, { labelSelector: 'trustmesh.io/server=unheard' });
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'unheard' });
    await waitFor('its Secret to go', () => history.versions.some(({ type }) => type === 'DELETED'), {
      limitMs: COLLECTION_LIMIT_MS,
    });
    await waitFor('the operator to have looked', async () => (await reconciles()) > 0);
    expect((await issuedFor(trustmesh.admin)).get('media/unheard-unheard-m-tls')).toEqual(before);
    expect(history.versions.map(({ type }) => type)).toEqual(['DELETED']);
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
  });

  it('may come back under its name, as another, at once', async () => {
    const first = leafOf(await trustmesh.secret('media', 'stays-stays-m-tls'));
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'stays' });
    await trustmesh.apply(app('stays'));
    const server = await trustmesh.ready('media', 'stays');
    const secret = await trustmesh.secret('media', 'stays-stays-m-tls');
    expect(secret.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([server.metadata.uid]);
    expect(leafOf(secret).serialNumber).not.toBe(first.serialNumber);
  });

  it('is given nothing any more while something else keeps it from going', async () => {
    await trustmesh.apply(app('lingers'));
    await trustmesh.ready('media', 'lingers');
    await setFinalizers(trustedServers, 'media', 'lingers', ['example.com/hold']);
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'lingers' });
    await waitFor('its name to leave the list', async () => {
      const { 'peers.json': peers = '' } = await trustmesh.configMap('media', 'trustmesh-contoso-server');
      return !peers.includes('lingers.contoso.com');
    });
    await using history = await recordHistory(trustmesh.admin, secrets, { namespace: 'media' });
    await trustmesh.admin.delete(secrets, { namespace: 'media', name: 'lingers-lingers-m-tls' });
    await trustmesh.apply(app('marker'));
    await trustmesh.ready('media', 'marker');
    expect(history.versions.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'DELETED lingers-lingers-m-tls',
      'ADDED marker-marker-m-tls',
    ]);
    await setFinalizers(trustedServers, 'media', 'lingers', []);
    await waitFor('it to go', async () => !(await exists(trustedServers, 'media', 'lingers')));
  });
});

describe('a namespace that is deleted', () => {
  it('is written to no more, however long it takes to go', async () => {
    await trustmesh.apply(namespaceYaml('doomed') + admitting('doomed') + app('last', {}, 'doomed') + app('other', {}, 'doomed'));
    await trustmesh.ready('doomed', 'last');
    await trustmesh.ready('doomed', 'other');
    await trustmesh.apply(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hold, namespace: doomed, finalizers: [example.com/hold]}',
    );
    await using secretHistory = await recordHistory(trustmesh.admin, secrets, { namespace: 'doomed' });
    await using configMapHistory = await recordHistory(trustmesh.admin, configMaps, { namespace: 'doomed', labelSelector: ours });
    await trustmesh.admin.delete(namespaces, { name: 'doomed' });
    await waitFor('everything but what is held to go', async () => (await held('doomed')).size === 0, { limitMs: 30_000 });
    // Something that makes the operator look at the whole domain.
    await trustmesh.apply(admitting('doomed', 'elsewhere') + app('after'));
    await trustmesh.ready('media', 'after');
    const types = [...secretHistory.versions, ...configMapHistory.versions].map(({ type }) => type);
    expect(types).not.toContain('ADDED');
    const metrics = await (await fetch(`${trustmesh.operator.url}/metrics`, { headers: { connection: 'close' } })).text();
    expect(metrics).not.toMatch(/verb="create",resource="(secrets|configmaps)",code="403"/);
    await setFinalizers(configMaps, 'doomed', 'hold', []);
    await waitFor('the namespace to go', async () => (await trustmesh.find(namespaces, { name: 'doomed' })) === undefined, {
      limitMs: 30_000,
    });
  });

  it('may come back, and is served as a new one', async () => {
    await trustmesh.apply(namespaceYaml('doomed') + app('last', {}, 'doomed'));
    await trustmesh.ready('doomed', 'last');
    expect([...(await held('doomed')).keys()].sort()).toEqual([
      'last-last-m-tls',
      'trustmesh-contoso',
      'trustmesh-contoso-server',
    ]);
  });
});

describe('a TrustDomain or an EnterpriseCA that is deleted', () => {
  it('leaves what was issued and distributed as it is, and comes back without a trace', async () => {
    await trustmesh.apply(
      app('kept') +
        serverManifest('kept-med', { poolFQDN: 'kept-med.contoso.com', members: [{ fqdn: 'kept-med1.contoso.com' }] }),
    );
    await trustmesh.ready('media', 'kept');
    await trustmesh.ready('media', 'kept-med');
    const peers = async () => (await trustmesh.configMap('media', 'trustmesh-contoso-server'))['peers.json'] ?? '';
    await waitFor('it to be listed', async () => (await peers()).includes('kept.contoso.com'));
    const before = [await held('media'), await held('trustmesh-system')];
    const issued = await issuedFor(trustmesh.admin);

    await trustmesh.admin.delete(trustDomains, { name: 'contoso' });
    const { message } = await trustmesh.reason('media', 'kept', 'TopologyValid', 'TrustDomainNotFound');
    expect(message).toContain('What was issued stays as it is');
    await trustmesh.admin.delete(enterpriseCAs, { name: 'contoso' });
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await trustmesh.apply(admitting('doomed', 'elsewhere'));
    await trustmesh.reason('media', 'kept', 'TopologyValid', 'Admitted');
    const adopted = enterpriseCAManifest('contoso', { managed: {} }).replace(
      '"name":"contoso"',
      '"name":"contoso","annotations":{"trustmesh.io/adopt":"true"}',
    );
    await trustmesh.apply(adopted + app('newcomer'));
    await trustmesh.ready('media', 'newcomer');
    await trustmesh.ready('media', 'kept');
    await trustmesh.ready('media', 'kept-med');
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'newcomer' });
    await waitFor('the newcomer to go', async () => !(await exists(secrets, 'media', 'newcomer-newcomer-m-tls')), {
      limitMs: COLLECTION_LIMIT_MS,
    });

    const isOurs = (name: string) => !name.startsWith('trustmesh-journal') && name !== 'trustmesh-contoso-server';
    for (const [index, namespace] of ['media', 'trustmesh-system'].entries()) {
      const [then, now] = [before[index] ?? new Map(), await held(namespace)].map((all) =>
        [...all].filter(([name]) => isOurs(name)),
      );
      expect(now).toEqual(then);
    }
    const after = await issuedFor(trustmesh.admin);
    for (const [secret, records] of issued) expect([secret, after.get(secret)]).toEqual([secret, records]);
  });
});

describe('the kinds themselves', () => {
  const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const declared: readonly Resource[] = [enterpriseCAs, trustDomains, trustedServers];
  const kinds: readonly Resource[] = [...declared, mediaGateways, federatedPartners, mediaRelays];

  async function deleteKinds(): Promise<void> {
    for (const { plural, group } of kinds) await trustmesh.admin.request('DELETE', `${crdPath}/${plural}.${group}`);
    await waitFor(
      'all kinds to go',
      async () => {
        const { items } = await trustmesh.admin.request<{ items: readonly KubeObject[] }>('GET', crdPath);
        return items.length === 0;
      },
      { limitMs: 30_000 },
    );
  }

  it('may be deleted under a running operator, which waits for them patiently', async () => {
    await deleteKinds();
    await waitFor(
      'the Secrets of the servers to go',
      async () => [...(await held('media')).keys()].every((name) => !name.endsWith('-tls')),
      {
        limitMs: COLLECTION_LIMIT_MS,
      },
    );
    expect(trustmesh.operator.running).toBe(true);
    await installOperator(trustmesh.controlPlane);
    const adopted = enterpriseCAManifest('contoso', { managed: {} }).replace(
      '"name":"contoso"',
      '"name":"contoso","annotations":{"trustmesh.io/adopt":"true"}',
    );
    await waitFor('the kinds to be known again', async () => {
      await trustmesh.apply(admitting() + app('again') + adopted);
      return true;
    });
    await waitFor('the operator to serve them again', () => exists(secrets, 'media', 'again-again-m-tls'), { limitMs: 60_000 });
    await trustmesh.ready('media', 'again');
    const metrics = await (await fetch(`${trustmesh.operator.url}/metrics`, { headers: { connection: 'close' } })).text();
    const refused = [...metrics.matchAll(/^trustmesh_api_requests_total\{verb="(?:list|watch)",.*code="404"\} (\d+)$/gm)];
    // Each kind is asked for ever less often.
    expect(refused.reduce((sum, [, count]) => sum + Number(count), 0)).toBeLessThan(20 * kinds.length);
  });

  it('have nothing that waits for an operator that is gone: servers, namespaces, kinds, all of it goes', async () => {
    await trustmesh.apply(namespaceYaml('elsewhere') + admitting('elsewhere') + app('there', {}, 'elsewhere'));
    await trustmesh.ready('elsewhere', 'there');
    for (const resource of [secrets, configMaps, ...declared] as readonly Resource[]) {
      const { items } = await trustmesh.admin.list(resource, {
        ...(declared.includes(resource) ? {} : { labelSelector: ours }),
        metadataOnly: true,
      });
      expect(items.length).toBeGreaterThan(0);
      expect(items.map(({ metadata }) => metadata)).not.toContainEqual(
        expect.objectContaining({ finalizers: expect.anything() }),
      );
    }
    trustmesh.operator.kill('SIGKILL');
    await trustmesh.operator.exited;

    const gone = (name: string) =>
      waitFor(`namespace ${name} to go`, async () => (await trustmesh.find(namespaces, { name })) === undefined, {
        limitMs: 30_000,
      });
    await trustmesh.admin.delete(namespaces, { name: 'elsewhere' });
    await gone('elsewhere');
    await deleteKinds();
    await waitFor(
      'the Secrets of the servers to go',
      async () => [...(await held('media')).keys()].every((name) => !name.endsWith('-tls')),
      {
        limitMs: COLLECTION_LIMIT_MS,
      },
    );
    for (const name of ['media', 'trustmesh-system']) await trustmesh.admin.delete(namespaces, { name });
    await Promise.all(['media', 'trustmesh-system'].map(gone));
  });
});
