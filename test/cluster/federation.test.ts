// Federated partners on a real API server: what the Edges hold of each, and what no partner can bring about.
import { generateKeyPairSync } from 'node:crypto';
import type { KubeObject } from '../../operator/api/object.ts';
import { isApiError } from '../../operator/kube/errors.ts';
import {
  configMaps,
  enterpriseCAs,
  events,
  federatedPartners,
  type Resource,
  secrets,
  trustDomains,
  trustedServers,
} from '../../operator/kube/resource.ts';
import { parseCertificates } from '../../operator/pki/certificate.ts';
import { spreadTime } from '../../operator/trust/published-since.ts';
import {
  contoso,
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  partnerManifest,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
  textOf,
} from '../support/installation.ts';
import { makeAuthority } from '../support/peers/material.ts';
import { waitFor } from '../support/wait.ts';
import { forge } from '../unit/pki/forge.ts';

let trustmesh: Trustmesh;
const edgeOf = (spec: object = {}) =>
  serverManifest('edge', {
    role: 'Edge',
    poolFQDN: 'edge.contoso.com',
    members: [{ fqdn: 'edge01.contoso.com' }],
    edge: { accessFQDN: 'access.contoso.com' },
    ...spec,
  });
const edge = edgeOf();
beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contoso + edge);
  await trustmesh.ready('media', 'edge');
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

const pemOf = (authority: ReturnType<typeof makeAuthority>) => authority.anchors.map(({ pem }) => pem).join('');
const bundle = () => trustmesh.configMap('media', 'trustmesh-contoso-edge-external');
const subjectsIn = (pem = '') => parseCertificates(pem).map(({ subject }) => subject);
const conditionOf = async (name: string, type: string) =>
  (await trustmesh.admin.get(federatedPartners, { name })).status?.conditions?.find((condition) => condition.type === type);

const mergePatch = { contentType: 'application/merge-patch+json' };

async function remove(...names: readonly string[]): Promise<void> {
  for (const name of names) await trustmesh.admin.delete(federatedPartners, { name });
  await waitFor('the partners to be out of the bundle', async () => {
    const data = await bundle();
    return names.every((name) => data[`partner-${name}.crt`] === undefined) ? true : undefined;
  });
}

it('holds a partner to its names, at the external face of every Edge and nowhere else', async () => {
  const fabrikam = makeAuthority('Fabrikam');
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(fabrikam) }] } }));
  const { status } = await trustmesh.partner('fabrikam', 'Trusted');
  const [anchor] = fabrikam.anchors;
  expect(status).toMatchObject({
    accessEdges: ['sip.fabrikam.com:5061'],
    anchors: [{ fingerprint: anchor?.fingerprint, source: 'spec.trust.anchors[0].pem', crossCertificate: expect.any(String) }],
    edges: { total: 1, inPlace: 1 },
  });
  expect(await conditionOf('fabrikam', 'Ready')).toMatchObject({ status: 'True' });

  const data = await bundle();
  expect(data['partner-fabrikam.crt']).toBe(data['ca.crt']);
  const certificates = parseCertificates(data['ca.crt'] ?? '');
  expect(certificates).toHaveLength(2);
  expect(certificates.map(({ fingerprint }) => fingerprint)).toContain(status?.anchors?.[0]?.crossCertificate);
  expect(certificates.map(({ fingerprint }) => fingerprint)).not.toContain(anchor?.fingerprint);
  expect(JSON.parse(data['peers.json'] ?? '')).toEqual({
    peers: [],
    partners: [
      {
        name: 'fabrikam',
        sipDomains: ['fabrikam.com'],
        accessEdge: { fqdn: 'sip.fabrikam.com', port: 5061 },
        names: ['sip.fabrikam.com', 'fabrikam.com'],
        anchors: 'partner-fabrikam.crt',
      },
    ],
  });
  const outside = await trustmesh.secret('media', 'edge-edge01-access-edge-external-tls');
  const inside = await trustmesh.secret('media', 'edge-edge01-internal-tls');
  expect(textOf(outside, 'ca.crt')).toBe(data['ca.crt']);
  expect(subjectsIn(textOf(inside, 'ca.crt'))).not.toContain(anchor?.subject);
  const { items } = await trustmesh.admin.list(secrets, { namespace: 'trustmesh-system' });
  expect(items.filter((each) => each.metadata.name.includes('cross'))).toEqual([]);
  await remove('fabrikam');
});

it('keeps the cross-certificate over a restart, and makes another as soon as the names are others', async () => {
  const fabrikam = makeAuthority('Fabrikam');
  const anchors = [{ pem: pemOf(fabrikam) }];
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  const before = (await bundle())['ca.crt'];
  await trustmesh.stopReplicas();
  await trustmesh.startReplica();
  await trustmesh.apply(partnerManifest('adatum', { mode: 'Blocked' }));
  await trustmesh.partner('adatum', 'Blocked');
  expect((await bundle())['ca.crt']).toBe(before);
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors, permittedNames: ['av.fabrikam.net'] } }));
  await waitFor('another cross-certificate', async () => ((await bundle())['ca.crt'] === before ? undefined : true));
  const { status } = await trustmesh.partner('fabrikam', 'Trusted');
  expect(parseCertificates((await bundle())['ca.crt'] ?? '')).toHaveLength(2);
  expect(status?.lastChange).toBeDefined();
  await remove('fabrikam', 'adatum');
});

it('lets nobody be believed whom a partner blocks, by its own mode or by another list', async () => {
  const fabrikam = makeAuthority('Fabrikam');
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(fabrikam) }] } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  await trustmesh.apply(partnerManifest('unwanted', { mode: 'Blocked', sipDomains: ['fabrikam.com'] }));
  await trustmesh.partner('fabrikam', 'Blocked');
  await waitFor('the bundle to be empty', async () => ((await bundle())['ca.crt'] === '' ? true : undefined));
  expect(await conditionOf('fabrikam', 'TrustEstablished')).toMatchObject({
    status: 'False',
    reason: 'Blocked',
    message: expect.stringContaining('FederatedPartner unwanted'),
  });
  await trustmesh.admin.delete(federatedPartners, { name: 'unwanted' });
  await trustmesh.partner('fabrikam', 'Trusted');
  await waitFor('the events to be told', async () => {
    const { items } = await trustmesh.admin.list(events, { namespace: 'default' });
    const reasons = new Set(items.filter(({ regarding }) => regarding.kind === 'FederatedPartner').map(({ reason }) => reason));
    return reasons.has('PartnerTrusted') && reasons.has('PartnerBlocked') ? true : undefined;
  });
  await remove('fabrikam');
});

describe('refuses, and lets every other partner be', () => {
  const good = makeAuthority('Good');
  beforeAll(async () => {
    await trustmesh.apply(partnerManifest('good', { trust: { anchors: [{ pem: pemOf(good) }] } }));
    await trustmesh.partner('good', 'Trusted');
  });
  afterAll(() => remove('good'));

  const ours = async () => textOf(await trustmesh.secret('trustmesh-system', 'contoso-root-1'), 'tls.crt');
  it.each<readonly [string, () => Promise<string> | string, object, string]>([
    ['what is no certificate', () => 'nothing\n', {}, 'AnchorsRefused'],
    ['a root of ours', ours, {}, 'AnchorsRefused'],
    ['a SIP domain of ours', () => pemOf(makeAuthority('Bad')), { sipDomains: ['sub.contoso.com'] }, 'SIPDomainRefused'],
    ['a public suffix', () => pemOf(makeAuthority('Bad')), { sipDomains: ['co.uk'] }, 'SIPDomainRefused'],
    ['more than eight', () => Array.from({ length: 9 }, (_, index) => pemOf(makeAuthority(`Bad ${index}`))).join(''), {}, 'none'],
  ])('%s', async (_what, pem, spec, reason) => {
    const before = (await bundle())['partner-good.crt'];
    await trustmesh.apply(partnerManifest('bad', { trust: { anchors: [{ pem: await pem() }] }, ...spec }));
    if (reason === 'none') {
      await trustmesh.partner('bad', 'Trusted');
      expect(await conditionOf('bad', 'AnchorsAccepted')).toMatchObject({ status: 'False', reason: 'SomeAnchorsRefused' });
    } else {
      await trustmesh.partner('bad', 'Refused');
      expect(await conditionOf('bad', 'TrustEstablished')).toMatchObject({ status: 'False', reason });
    }
    expect((await bundle())['partner-good.crt']).toBe(before);
    await remove('bad');
  });
});

/** Has the partners looked at now, and not when their sources are read again anyway. */
async function look(): Promise<void> {
  await trustmesh.apply(partnerManifest('somebody', { mode: 'Blocked' }));
  await trustmesh.partner('somebody', 'Blocked');
  await remove('somebody');
}

it('goes on with what a ConfigMap held last when it is gone or spoilt, and takes what it holds next', async () => {
  const [first, second] = [makeAuthority('Fabrikam One'), makeAuthority('Fabrikam Two')];
  const reference = { namespace: 'trustmesh-system', name: 'fabrikam-ca' };
  await trustmesh.admin.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: reference,
    data: { 'ca.crt': pemOf(first) },
  });
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ configMapRef: reference }] } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  const held = (await bundle())['partner-fabrikam.crt'];
  await trustmesh.admin.delete(configMaps, reference);
  await look();
  await waitFor(
    'the loss to be told',
    async () => ((await conditionOf('fabrikam', 'AnchorsAccepted'))?.reason === 'SourceUnavailable' ? true : undefined),
    { limitMs: 45_000 },
  );
  expect((await bundle())['partner-fabrikam.crt']).toBe(held);
  await trustmesh.admin.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: reference,
    data: { 'ca.crt': pemOf(second) },
  });
  await look();
  await waitFor(
    'the new CA to be believed',
    async () => {
      const { status } = await trustmesh.partner('fabrikam', 'Trusted');
      return status?.anchors?.some(({ fingerprint }) => fingerprint === second.anchors[0]?.fingerprint) ? true : undefined;
    },
    { limitMs: 45_000 },
  );
  await remove('fabrikam');
}, 120_000);

it('writes down of a source what it believes, and never a private key', async () => {
  const reference = { namespace: 'trustmesh-system', name: 'fabrikam-both' };
  const fabrikam = makeAuthority('Fabrikam Both');
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await trustmesh.admin.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: reference,
    data: Object.fromEntries(
      [
        ['tls.crt', pemOf(fabrikam)],
        ['tls.key', key],
      ].map(([name = '', text = '']) => [name, btoa(text)]),
    ),
  });
  const anchorsOf = (...keys: readonly string[]) => ({
    trust: { anchors: keys.map((each) => ({ secretRef: { name: reference.name, key: each } })) },
  });
  await trustmesh.apply(partnerManifest('fabrikam', anchorsOf('tls.key')));
  await trustmesh.partner('fabrikam', 'Refused');
  await trustmesh.apply(partnerManifest('fabrikam', anchorsOf('tls.key', 'tls.crt')));
  await trustmesh.partner('fabrikam', 'Trusted');
  const { items } = await trustmesh.admin.list(configMaps, { namespace: 'trustmesh-system' });
  const sources = items.filter(({ metadata }) => metadata.name.startsWith('contoso.source.'));
  expect(sources.map(({ data }) => data?.['ca.crt'])).toEqual([pemOf(fabrikam)]);
  expect(JSON.stringify(items)).not.toContain('PRIVATE KEY');
  await remove('fabrikam');
});

it('blocks a partner whatever the sources of another hold', async () => {
  const flooding = { namespace: 'trustmesh-system', name: 'flooding' };
  const content = (text: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: flooding, data: { 'ca.crt': text } });
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(makeAuthority('Fabrikam')) }] } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  await trustmesh.admin.create(configMaps, content('x'.repeat(1024 * 1024 - 10)));
  await trustmesh.apply(partnerManifest('flooding', { trust: { anchors: [{ configMapRef: flooding }] } }));
  await waitFor('the flood to be told', async () =>
    (await conditionOf('flooding', 'TrustEstablished'))?.message?.includes('are no CA certificates of a partner')
      ? true
      : undefined,
  );
  await trustmesh.apply(partnerManifest('fabrikam', { mode: 'Blocked' }));
  await trustmesh.partner('fabrikam', 'Blocked');
  expect((await bundle())['ca.crt']).toBe('');
  await trustmesh.admin.delete(configMaps, flooding);
  await remove('fabrikam', 'flooding');
});

const resourceQuotas: Resource<KubeObject & { readonly spec: { readonly hard: Readonly<Record<string, string>> } }> = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};

it('blocks a partner though nothing of another can be written', async () => {
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(makeAuthority('Fabrikam')) }] } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  const namespace = 'trustmesh-system';
  const quota = { namespace, name: 'full' };
  const hard = { 'count/configmaps': '0' };
  const made = await trustmesh.admin.create(resourceQuotas, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: quota,
    spec: { hard },
  });
  const status = { hard, used: { 'count/configmaps': '0' } };
  await trustmesh.admin.patch(
    resourceQuotas,
    quota,
    { metadata: { resourceVersion: made.metadata.resourceVersion }, status },
    { subresource: 'status' },
  );
  let probes = 0;
  await waitFor('the quota to count', async () => {
    try {
      probes += 1;
      const metadata = { namespace, name: `probe-${probes}` };
      await trustmesh.admin.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
      return undefined;
    } catch (error) {
      return isApiError(error, 'Forbidden') ? true : Promise.reject(error);
    }
  });
  await trustmesh.apply(partnerManifest('litware', { trust: { anchors: [{ pem: pemOf(makeAuthority('Litware')) }] } }));
  await waitFor('the failure to be told', async () =>
    (await conditionOf('litware', 'TrustEstablished'))?.message?.includes('has no cross-certificate yet') ? true : undefined,
  );
  await trustmesh.apply(partnerManifest('fabrikam', { mode: 'Blocked' }));
  await trustmesh.partner('fabrikam', 'Blocked');
  expect((await bundle())['ca.crt']).toBe('');
  await trustmesh.admin.delete(resourceQuotas, quota);
  await look();
  await trustmesh.partner('litware', 'Trusted');
  await remove('fabrikam', 'litware');
}, 120_000);

it('names the Secret of an Edge that its owner froze, and every other holds the trust meanwhile', async () => {
  const second = {
    role: 'Edge',
    poolFQDN: 'edge2.contoso.com',
    members: [{ fqdn: 'edge2-1.contoso.com' }],
    edge: { accessFQDN: 'access2.contoso.com' },
  };
  await trustmesh.apply(serverManifest('second', second));
  await trustmesh.ready('media', 'second');
  const frozen = 'second-edge2-1-access-edge-external-tls';
  await trustmesh.admin.request('PATCH', `/api/v1/namespaces/media/secrets/${frozen}`, { immutable: true }, mergePatch);
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(makeAuthority('Fabrikam')) }] } }));
  let seen: unknown;
  await waitFor(
    'the Secret to be named',
    async () => {
      const condition = await conditionOf('fabrikam', 'TrustEstablished');
      seen = condition;
      return condition?.message?.startsWith(
        `Its trust is in place at 1 of 2 Edge pools. Secret media/${frozen} still holds something else`,
      );
    },
    { limitMs: 30_000, seen: () => seen },
  );
  expect((await bundle())['partner-fabrikam.crt']).toBeDefined();
  await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'second' });
  await trustmesh.partner('fabrikam', 'Trusted');
  await remove('fabrikam');
});

it('says that a partner is blocked once no rendered file believes it any more, and names what its owner froze', async () => {
  await trustmesh.apply(
    edgeOf({ outputs: ['HAProxy'], listeners: [{ name: 'outside', port: 5061, protocol: 'MTLS', face: 'External' }] }) +
      partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(makeAuthority('Fabrikam')) }] } }),
  );
  const rendered = () => trustmesh.configMap('media', 'edge-trust').catch(() => undefined);
  await trustmesh.partner('fabrikam', 'Trusted');
  await waitFor('the files to be rendered', async () => (await rendered())?.['partner-fabrikam.crt']);
  await trustmesh.admin.request('PATCH', '/api/v1/namespaces/media/configmaps/edge-trust', { immutable: true }, mergePatch);
  await trustmesh.apply(partnerManifest('fabrikam', { mode: 'Blocked' }));
  let seen: unknown;
  await waitFor(
    'the ConfigMap to be named',
    async () => {
      const condition = await conditionOf('fabrikam', 'TrustEstablished');
      seen = condition;
      return condition?.message?.includes('ConfigMap media/edge-trust still holds');
    },
    { limitMs: 30_000, seen: () => seen },
  );
  expect(await conditionOf('fabrikam', 'TrustEstablished')).toMatchObject({ reason: 'Blocking' });
  expect((await bundle())['ca.crt']).toBe('');
  await trustmesh.admin.delete(configMaps, { namespace: 'media', name: 'edge-trust' });
  await trustmesh.partner('fabrikam', 'Blocked');
  const files = await rendered();
  expect(files?.['haproxy.cfg']).toBeDefined();
  expect(files?.['partner-fabrikam.crt']).toBeUndefined();
  await trustmesh.apply(edge);
  await remove('fabrikam');
}, 60_000);

interface Rules {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

/** Takes from the operator what it may do with some ConfigMaps; resolves to what gives it back. */
async function lock(names: readonly string[]): Promise<() => Promise<void>> {
  const grant = 'trustmesh-system:trustmesh';
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const roles = [`${rbac}/clusterroles/${grant}`, `${rbac}/namespaces/trustmesh-system/roles/${grant}`];
  const others = await trustmesh.admin.list(configMaps, { metadataOnly: true });
  const segments = Array.from({ length: 200 }, (_, index) => `trustmesh-journal-${String(index).padStart(10, '0')}`);
  const resourceNames = [
    ...others.items.map(({ metadata }) => metadata.name).filter((each) => !names.includes(each)),
    ...segments,
  ];
  const named = ['get', 'patch'];
  const replace = (path: string, rules: unknown) => trustmesh.admin.request('PATCH', path, { rules }, mergePatch);
  const before = await Promise.all(roles.map((path) => trustmesh.admin.request<Rules>('GET', path)));
  const mayRead = async (name: string) => {
    const { status } = await trustmesh.admin.request<{ status: { allowed: boolean } }>(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'system:serviceaccount:trustmesh-system:trustmesh',
          resourceAttributes: { namespace: 'trustmesh-system', verb: 'get', resource: 'configmaps', name },
        },
      },
    );
    return status.allowed;
  };
  const allMay = async () => (await Promise.all(names.map(mayRead))).every(Boolean);
  const noneMay = async () => !(await Promise.all(names.map(mayRead))).some(Boolean);
  for (const [index, path] of roles.entries()) {
    const rules = before[index]?.rules.flatMap((rule) => {
      if (!rule.resources.includes('configmaps')) return [rule];
      const elsewhere = rule.resources.filter((resource) => resource !== 'configmaps');
      const only = { ...rule, resources: ['configmaps'] };
      const restricted = rule.verbs.filter((verb) => named.includes(verb));
      const free = rule.verbs.filter((verb) => !named.includes(verb));
      return [
        ...(elsewhere.length === 0 ? [] : [{ ...rule, resources: elsewhere }]),
        ...(restricted.length === 0 ? [] : [{ ...only, verbs: restricted, resourceNames }]),
        ...(free.length === 0 ? [] : [{ ...only, verbs: free }]),
      ];
    });
    await replace(path, rules);
  }
  await waitFor('the ConfigMaps to be out of reach', noneMay);
  return async () => {
    for (const [index, path] of roles.entries()) await replace(path, before[index]?.rules);
    await waitFor('the ConfigMaps to be within reach', allMay);
  };
}

it('goes on, over a restart, while nothing that it keeps of a partner can be read or written', async () => {
  const authorities = Array.from({ length: 5 }, (_, index) => makeAuthority(`Fabrikam ${index}`));
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: authorities.map((each) => ({ pem: pemOf(each) })) } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  const records = await trustmesh.admin.list(configMaps, {
    namespace: 'trustmesh-system',
    labelSelector: 'trustmesh.io/federation=contoso',
    metadataOnly: true,
  });
  const names = records.items.map(({ metadata }) => metadata.name);
  expect(names).toHaveLength(authorities.length);
  await trustmesh.stopReplicas();
  const unlock = await lock(names);
  await trustmesh.startReplica();
  await trustmesh.apply(partnerManifest('litware', { trust: { anchors: [{ pem: pemOf(makeAuthority('Litware')) }] } }));
  let seen: unknown;
  await waitFor(
    'the other partner to be trusted, and the one to be told of its record',
    async () => {
      const partners = await Promise.all(['fabrikam', 'litware'].map((name) => trustmesh.find(federatedPartners, { name })));
      const states = partners.map((partner) => partner?.status?.state);
      const message = (await conditionOf('fabrikam', 'AnchorsAccepted'))?.message ?? '';
      seen = { states, message };
      return (
        names.every((record) => message.includes(`ConfigMap trustmesh-system/${record} cannot be read`)) &&
        states.every((state) => state === 'Trusted')
      );
    },
    { limitMs: 60_000, seen: () => seen },
  );
  expect(subjectsIn((await bundle())['partner-fabrikam.crt'])).toContain('CN=Fabrikam 0 Root CA');
  await unlock();
  await look();
  await waitFor(
    'the records to be read again',
    async () => (await conditionOf('fabrikam', 'AnchorsAccepted'))?.reason === 'Accepted',
    { limitMs: 45_000 },
  );
  await remove('fabrikam', 'litware');
}, 180_000);

it('holds a SPIFFE trust domain, and its published bundle, for the domain that had it first', async () => {
  const published = () => trustmesh.configMap('trustmesh-system', 'bundle.contoso.com');
  const before = await waitFor('the bundle to be published', async () => (await published())['bundle.pem']);
  await trustmesh.apply(
    enterpriseCAManifest('adatum', { managed: {} }) +
      domainManifest('adatum', { spiffeTrustDomain: 'contoso.com' }) +
      serverManifest('other-edge', {
        trustDomain: 'adatum',
        role: 'Edge',
        poolFQDN: 'edge.adatum.com',
        members: [{ fqdn: 'edge01.adatum.com' }],
        edge: { accessFQDN: 'access.adatum.com' },
      }),
  );
  const told = await trustmesh.reason('media', 'other-edge', 'TopologyValid', 'TrustDomainNotValid');
  expect(told.message).toContain('The SPIFFE IDs of the older TrustDomain contoso begin with spiffe://contoso.com/ too');
  expect((await published())['bundle.pem']).toBe(before);
  await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'other-edge' });
  await trustmesh.admin.delete(trustDomains, { name: 'adatum' });
});

it('takes a CA out of every bundle when it expires, and says which it was', async () => {
  const ending = forge({ ca: true, subject: 'Ending Root', notBefore: Date.now() - 60_000, notAfter: Date.now() + 10_000 });
  const lasting = makeAuthority('Lasting');
  const pem = ending.certificate.pem + pemOf(lasting);
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem }] } }));
  await trustmesh.partner('fabrikam', 'Trusted');
  expect(parseCertificates((await bundle())['ca.crt'] ?? '')).toHaveLength(4);
  const note = await waitFor(
    'the end of the CA to be told',
    async () => {
      const { items } = await trustmesh.admin.list(events, { namespace: 'default' });
      return items.find(({ reason }) => reason === 'PartnerExpired')?.note;
    },
    { limitMs: 30_000 },
  );
  expect(note).toContain('The anchor CN=Ending Root of the partner expired at');
  expect((await conditionOf('fabrikam', 'AnchorsAccepted'))?.message).toMatch(/CN=Ending Root.* expired at/);
  expect(parseCertificates((await bundle())['ca.crt'] ?? '')).toHaveLength(2);
  await remove('fabrikam');
}, 60_000);

it('gives a CA that two partners share the names of both, and says so on both', async () => {
  const shared = makeAuthority('Shared');
  const trust = { anchors: [{ pem: pemOf(shared) }] };
  await trustmesh.apply(partnerManifest('fabrikam', { trust }) + partnerManifest('northwind', { trust }));
  await Promise.all(['fabrikam', 'northwind'].map((name) => trustmesh.partner(name, 'Trusted')));
  for (const name of ['fabrikam', 'northwind']) {
    await waitFor(`${name} to say that it shares its CA`, async () =>
      (await conditionOf(name, 'NamesConstrained'))?.reason === 'SharedAuthority' ? true : undefined,
    );
  }
  expect(parseCertificates((await bundle())['ca.crt'] ?? '')).toHaveLength(2);
  await remove('fabrikam', 'northwind');
});

describe('our own CA', () => {
  const issuerOf = async (name: string) => leafOf(await trustmesh.secret('media', `edge-edge01-${name}-tls`)).issuer;
  const outside = () => issuerOf('access-edge-external');
  const untilFrom = (what: string, issuer: () => Promise<string>, wanted: string) =>
    waitFor(`${what} to be from ${wanted}`, async () => ((await issuer()) === wanted ? true : undefined), { limitMs: 30_000 });
  const published = { namespace: 'trustmesh-system', name: 'bundle.contoso.com' };
  const since = 'trustmesh.io/published-since';
  /** Not only that it waits, but from when on: then the bundle is published with the CA. */
  const waitsFor = (subject: string) => {
    const said = `Partners do not know "${subject}" yet: certificates that they are shown come from it at`;
    let seen = '';
    const isSaid = async () => {
      seen = (await trustmesh.reason('media', 'edge', 'CertificatesIssued', 'TrustPending')).message;
      return seen.includes(said);
    };
    return waitFor(`the Edge to say: ${said}`, isSaid, { limitMs: 30_000, seen: () => seen });
  };

  const rootsPublished = async () =>
    subjectsIn((await trustmesh.configMap(published.namespace, published.name))['bundle.pem']).toSorted();

  /** Has everything in the bundle be there for as long as partners need, with an operator that knows no more than is on record. */
  async function letTimePass(): Promise<Readonly<Record<string, string>>> {
    await trustmesh.stopReplicas();
    const { metadata } = await trustmesh.admin.get(configMaps, published);
    const times: Record<string, number> = JSON.parse(metadata.annotations?.[since] ?? '');
    const earlier = Object.fromEntries(Object.entries(times).map(([root, at]) => [root, at - spreadTime / 1000]));
    const annotations = { [since]: JSON.stringify(earlier) };
    const { resourceVersion } = metadata;
    await trustmesh.admin.patch(configMaps, published, { metadata: { resourceVersion, annotations } });
    await trustmesh.startReplica();
    return annotations;
  }

  beforeAll(async () => {
    await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(makeAuthority('Fabrikam')) }] } }));
    await trustmesh.partner('fabrikam', 'Trusted');
  });
  afterAll(() => remove('fabrikam'));

  it('is exchanged for another at the external face once partners can know that, and stays known to them for a while', async () => {
    await trustmesh.apply(
      enterpriseCAManifest('public', { managed: {} }) +
        domainManifest('contoso', { additionalEnterpriseCAs: ['public'] }) +
        edgeOf({ certificates: { uses: [{ use: 'AccessEdgeExternal', enterpriseCA: 'public' }, { use: 'Internal' }] } }),
    );
    await waitsFor('CN=public Issuing CA 1');
    expect(await outside()).toBe('CN=contoso Issuing CA 1');
    await letTimePass();
    await untilFrom('the external certificate', outside, 'CN=public Issuing CA 1');
    await trustmesh.ready('media', 'edge');
    await look();
    expect(await rootsPublished()).toEqual(['CN=contoso Root CA', 'CN=public Root CA']);
    await trustmesh.apply(edge);
    await untilFrom('the external certificate', outside, 'CN=contoso Issuing CA 1');
    await trustmesh.ready('media', 'edge');
  }, 60_000);

  it('stays known to them though nobody knows it any more, while it may be shown, and new ones beside it', async () => {
    await trustmesh.apply(domainManifest('contoso', { additionalEnterpriseCAs: [] }));
    await trustmesh.admin.delete(enterpriseCAs, { name: 'public' });
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await look();
    expect(await rootsPublished()).toEqual(['CN=contoso Root CA', 'CN=public Root CA']);
  }, 60_000);

  it('rolls inside at once, and outside when the bundle for partners has held it for long enough, over a restart', async () => {
    const { admin } = trustmesh;
    const { resourceVersion } = (await admin.get(enterpriseCAs, { name: 'contoso' })).metadata;
    const spec = { managed: { generation: 2 } };
    await admin.patch(enterpriseCAs, { name: 'contoso' }, { metadata: { resourceVersion }, spec });
    await untilFrom('the internal certificate', () => issuerOf('internal'), 'CN=contoso Issuing CA 2');
    await waitsFor('CN=contoso Issuing CA 2');
    expect(await outside()).toBe('CN=contoso Issuing CA 1');
    expect(await rootsPublished()).toEqual(['CN=contoso Root CA', 'CN=contoso Root CA', 'CN=public Root CA']);

    const former = await admin.get(configMaps, published);
    await admin.delete(trustDomains, { name: 'contoso' });
    await trustmesh.apply(domainManifest('contoso'));
    const { uid: publisher } = (await admin.get(trustDomains, { name: 'contoso' })).metadata;
    const taken = await waitFor('the domain that was made anew to publish', async () => {
      const found = await admin.get(configMaps, published);
      return found.metadata.annotations?.['trustmesh.io/owner-uid'] === publisher ? found : undefined;
    });
    expect(taken.metadata.annotations?.[since]).toBe(former.metadata.annotations?.[since]);
    await waitsFor('CN=contoso Issuing CA 2');
    expect(await outside()).toBe('CN=contoso Issuing CA 1');

    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    // What has to be made meanwhile is from the CA that partners know.
    const secret = { namespace: 'media', name: 'edge-edge01-access-edge-external-tls' };
    const { uid } = (await admin.get(secrets, secret)).metadata;
    await admin.delete(secrets, secret);
    await waitFor(
      'the Secret to come back',
      async () => {
        const found = await trustmesh.find(secrets, secret);
        return found === undefined || found.metadata.uid === uid ? undefined : true;
      },
      { limitMs: 30_000 },
    );
    expect(await outside()).toBe('CN=contoso Issuing CA 1');

    const annotations = await letTimePass();
    await untilFrom('the external certificate', outside, 'CN=contoso Issuing CA 2');
    await untilFrom('the outbound certificate', () => issuerOf('access-edge-outbound'), 'CN=contoso Issuing CA 2');
    await trustmesh.ready('media', 'edge');
    expect((await admin.get(configMaps, published)).metadata.annotations).toMatchObject(annotations);
  }, 120_000);

  it('is published again where somebody deletes the bundle', async () => {
    const { metadata } = await trustmesh.admin.get(configMaps, published);
    await trustmesh.admin.delete(configMaps, published);
    const again = await waitFor('the bundle to come back', async () => {
      const found = await trustmesh.find(configMaps, published);
      return found === undefined || found.metadata.uid === metadata.uid ? undefined : found;
    });
    expect(again.metadata.annotations?.[since]).not.toBe(metadata.annotations?.[since]);
    expect(await outside()).toBe('CN=contoso Issuing CA 2');
  });
});

it('waits for an Edge where the domain has none', async () => {
  await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'edge' });
  await trustmesh.apply(partnerManifest('fabrikam', { trust: { anchors: [{ pem: pemOf(makeAuthority('Fabrikam')) }] } }));
  await waitFor('the partner to say so', async () =>
    (await conditionOf('fabrikam', 'TrustEstablished'))?.reason === 'NoEdge' ? true : undefined,
  );
  await trustmesh.apply(edge);
  await trustmesh.partner('fabrikam', 'Trusted');
});
