// The managed backend on a real API server: its root and issuing CA are made once, whatever happens, and are never lost to
// an operator's mistake; a new generation is trusted everywhere before anything shows it.
import { X509Certificate } from 'node:crypto';
import { type EnterpriseCA, kebabCase } from '../../operator/api/v1alpha1/index.ts';
import { configMaps, enterpriseCAs, type Secret, secrets } from '../../operator/kube/resource.ts';
import { compareResourceVersions } from '../../operator/kube/store.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { recordHistory, type Version } from '../support/history.ts';
import {
  contoso,
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  mediaNamespace,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
  textOf,
} from '../support/installation.ts';
import { issuedFor } from '../support/journal.ts';
import type { OperatorProcess } from '../support/operator.ts';
import { kubeconfigThrough } from '../support/proxied-client.ts';
import { waitFor } from '../support/wait.ts';

const own = 'trustmesh-system';

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh({ operator: false });
  await trustmesh.apply(mediaNamespace);
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

/** Each part has an operator of its own, whatever became of the one before. */
const withOperator = () => {
  beforeAll(async () => void (await trustmesh.startReplica()));
  afterAll(() => trustmesh.stopReplicas());
};

const mediation = (domain: string, name: string, hosts: readonly string[] = [name]) =>
  serverManifest(name, {
    trustDomain: domain,
    poolFQDN: `${name}.${domain}.com`,
    members: hosts.map((host) => ({ fqdn: `${host}.${domain}.com` })),
  });

/** The Secrets with the keys of a managed CA, by name, sorted. */
async function authoritiesOf(enterpriseCA: string): Promise<readonly Secret[]> {
  const { items } = await trustmesh.admin.list(secrets, {
    namespace: own,
    labelSelector: `trustmesh.io/enterprise-ca=${enterpriseCA}`,
  });
  return items;
}

const certificatesIn = (pem: string) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate) =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

async function patchCA(
  name: string,
  change: { readonly spec?: object; readonly annotations?: Readonly<Record<string, string>> },
): Promise<void> {
  const { metadata } = await trustmesh.admin.get(enterpriseCAs, { name });
  const { resourceVersion } = metadata;
  const { annotations, ...rest } = change;
  await trustmesh.admin.patch(
    enterpriseCAs,
    { name },
    { metadata: { resourceVersion, ...(annotations && { annotations }) }, ...rest },
  );
}

async function deleteCA(name: string): Promise<EnterpriseCA> {
  const gone = await trustmesh.admin.get(enterpriseCAs, { name });
  await trustmesh.admin.delete(enterpriseCAs, { name });
  return gone;
}

describe('the authorities of a managed CA', () => {
  withOperator();
  const untouched = async () => (await authoritiesOf('contoso')).map(({ metadata }) => [metadata.name, metadata.resourceVersion]);

  it('are one root and one issuing CA, in Secrets that nothing owns', async () => {
    await trustmesh.apply(contoso + mediation('contoso', 'med', ['m1', 'm2']));
    await trustmesh.ready('media', 'med');
    const made = await authoritiesOf('contoso');
    expect(made.map(({ metadata }) => metadata.name)).toEqual(['contoso-issuing-1', 'contoso-root-1']);
    for (const secret of made) {
      expect(secret.type).toBe('kubernetes.io/tls');
      expect(secret.metadata.ownerReferences).toBeUndefined();
      expect(secret.metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'trustmesh' });
    }
    const [issuing, root] = made.map(leafOf);
    if (issuing === undefined || root === undefined) throw new Error('no authorities');
    expect(isIssuedBy(root, root)).toBe(true);
    expect(isIssuedBy(issuing, root)).toBe(true);
    expect(isIssuedBy(leafOf(await trustmesh.secret('media', 'med-m1-tls')), issuing)).toBe(true);
    const { status } = await trustmesh.admin.get(enterpriseCAs, { name: 'contoso' });
    expect(status?.authorities).toMatchObject([
      { role: 'Issuing', generation: 1, serial: issuing.serialNumber.toLowerCase(), secretName: 'contoso-issuing-1' },
      { role: 'Root', generation: 1, serial: root.serialNumber.toLowerCase(), secretName: 'contoso-root-1' },
    ]);
  });

  it('are found again after a restart, and nothing is issued anew', async () => {
    const before = await untouched();
    const leaves = await issuedFor(trustmesh.admin);
    await trustmesh.operator.stop();
    await trustmesh.startReplica();
    await trustmesh.apply(mediation('contoso', 'late'));
    await trustmesh.ready('media', 'late');
    expect(await untouched()).toEqual(before);
    const after = await issuedFor(trustmesh.admin);
    for (const [secret, records] of leaves) expect(after.get(secret)).toEqual(records);
    const [issuing] = (await authoritiesOf('contoso')).map(leafOf);
    expect(issuing && isIssuedBy(leafOf(await trustmesh.secret('media', 'late-late-tls')), issuing)).toBe(true);
  });
});

describe('two operators that both write', () => {
  afterAll(() => trustmesh.stopReplicas());

  it('never make two roots, even where they start at the same moment', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `twin-${index}`);
    await trustmesh.apply(
      names
        .map((name) => enterpriseCAManifest(name, { managed: {} }) + domainManifest(name) + mediation(name, `${name}-med`))
        .join(''),
    );
    await Promise.allSettled([trustmesh.startReplica(), trustmesh.startReplica()]);
    await Promise.all(names.map((name) => trustmesh.ready('media', `${name}-med`)));
    for (const name of names) {
      const [issuing, root, ...more] = (await authoritiesOf(name)).map(leafOf);
      if (issuing === undefined || root === undefined) throw new Error(`${name} has no authorities`);
      expect(more).toEqual([]);
      expect(isIssuedBy(issuing, root)).toBe(true);
      const secret = await trustmesh.secret('media', `${name}-med-${name}-med-tls`);
      expect(isIssuedBy(leafOf(secret), issuing)).toBe(true);
      expect(certificatesIn(textOf(secret, 'ca.crt')).map(({ fingerprint256 }) => fingerprint256)).toEqual([root.fingerprint256]);
    }
    // The journal tells which of the two it is that goes on: what the other made does not count.
    const issued = await issuedFor(trustmesh.admin);
    for (const name of names) {
      const held = leafOf(await trustmesh.secret('media', `${name}-med-${name}-med-tls`)).serialNumber.toLowerCase();
      expect(issued.get(`media/${name}-med-${name}-med-tls`)?.at(-1)?.serial).toBe(held);
    }
  });
});

describe('a crash while the authorities are made', () => {
  const posts = (request: { readonly method: string; readonly path: string }) =>
    request.method === 'POST' && request.path.startsWith(`/api/v1/namespaces/${own}/secrets`);

  /** Runs the operator until its nth Secret has met this fault, and kills it there. */
  async function crashAt(proxy: FaultProxy, nth: number, fault: Fault, happened: () => Promise<unknown>): Promise<void> {
    const kubeconfig = await kubeconfigThrough(proxy, trustmesh.kubeconfig);
    let seen = 0;
    using _ = proxy.inject((request) => (posts(request) && ++seen === nth ? fault : undefined));
    const operator: OperatorProcess = await trustmesh.startReplica([], { kubeconfig });
    await waitFor('the fault', async () => seen >= nth && (await happened()));
    operator.kill('SIGKILL');
    await operator.exited;
  }

  afterEach(() => trustmesh.stopReplicas());

  const late: Fault = { kind: 'delay', ms: 600_000 };
  const points: readonly (readonly [where: string, nth: number, fault: Fault, left: readonly string[]])[] = [
    ['before the root is stored', 1, late, []],
    ['when the root is stored and the operator does not know', 1, { kind: 'stall' }, ['root']],
    ['between root and issuing CA', 2, late, ['root']],
    ['when the issuing CA is stored and the operator does not know', 2, { kind: 'stall' }, ['issuing', 'root']],
  ];

  it.each(points)('leaves one of each behind: %s', async (_where, nth, fault, left) => {
    const name = `crash-${nth}-${fault.kind}`;
    await trustmesh.apply(enterpriseCAManifest(name, { managed: {} }));
    await using proxy = await startFaultProxy(trustmesh.controlPlane);
    const stored = async () => (await authoritiesOf(name)).map(({ metadata }) => metadata.name);
    const expected = left.map((role) => `${name}-${role}-1`);
    await crashAt(proxy, nth, fault, async () => JSON.stringify(await stored()) === JSON.stringify(expected));
    const before = await authoritiesOf(name);

    await trustmesh.startReplica();
    await trustmesh.reasonOfCA(name, 'Ready', 'Ready');
    const after = await authoritiesOf(name);
    expect(after.map(({ metadata }) => metadata.name)).toEqual([`${name}-issuing-1`, `${name}-root-1`]);
    for (const secret of before) {
      const same = after.find(({ metadata }) => metadata.name === secret.metadata.name);
      expect(same?.metadata.resourceVersion).toBe(secret.metadata.resourceVersion);
    }
    const [issuing, root] = after.map(leafOf);
    expect(issuing && root && isIssuedBy(issuing, root)).toBe(true);
  });
});

describe('an EnterpriseCA that is deleted', () => {
  const name = 'fabrikam';
  const med = 'fab';

  withOperator();
  beforeAll(async () => {
    await trustmesh.apply(enterpriseCAManifest(name, { managed: {} }) + domainManifest(name) + mediation(name, med));
    await trustmesh.ready('media', med);
  });

  it('leaves its authorities and everything that it issued as they are', async () => {
    const before = [...(await authoritiesOf(name)), await trustmesh.secret('media', `${med}-${med}-tls`)];
    await deleteCA(name);
    const { message } = await trustmesh.reason('media', med, 'Ready', 'Ready');
    expect(message).toContain('1 certificate is in place');
    // A server that comes now has to wait, and is told why: by then the deletion has been seen.
    await trustmesh.apply(mediation(name, 'waiting'));
    const waiting = await trustmesh.reason('media', 'waiting', 'CertificatesIssued', 'EnterpriseCANotFound');
    expect(waiting.message).toContain(`EnterpriseCA ${name} does not exist`);
    expect([...(await authoritiesOf(name)), await trustmesh.secret('media', `${med}-${med}-tls`)]).toEqual(before);
  });

  it('is not given its former keys under a new UID, until somebody says so', async () => {
    const before = await authoritiesOf(name);
    await trustmesh.apply(enterpriseCAManifest(name, { managed: {} }));
    const { message } = await trustmesh.reasonOfCA(name, 'Ready', 'SecretNotOwned');
    expect(message).toContain(`Secret ${own}/${name}-root-1 is there, and was made for another EnterpriseCA`);
    expect(message).toContain('annotate this EnterpriseCA with trustmesh.io/adopt: "true"');
    expect(await authoritiesOf(name)).toEqual(before);
    await trustmesh.reason('media', 'waiting', 'CertificatesIssued', 'AuthorityNotUsable');

    await patchCA(name, { annotations: { 'trustmesh.io/adopt': 'true' } });
    await trustmesh.reasonOfCA(name, 'Ready', 'Ready');
    await trustmesh.ready('media', 'waiting');
    expect(await authoritiesOf(name)).toEqual(before);
    const issued = await issuedFor(trustmesh.admin);
    expect(issued.get(`media/${med}-${med}-tls`)).toHaveLength(1);
  });

  it('gets no new generation beside former ones that it may not use: it would be trusted alone', async () => {
    await deleteCA(name);
    await trustmesh.apply(enterpriseCAManifest(name, { managed: { generation: 2 } }));
    await trustmesh.reasonOfCA(name, 'Ready', 'SecretNotOwned');
    expect((await authoritiesOf(name)).map(({ metadata }) => metadata.name)).toEqual([`${name}-issuing-1`, `${name}-root-1`]);
    await deleteCA(name);
  });
});

describe('a root whose Secret is lost', () => {
  const name = 'litware';
  const med = 'lit';
  let root: Secret;

  withOperator();
  beforeAll(async () => {
    await trustmesh.apply(enterpriseCAManifest(name, { managed: {} }) + domainManifest(name) + mediation(name, med));
    await trustmesh.ready('media', med);
    root = await trustmesh.secret(own, `${name}-root-1`);
  });

  it('is not replaced in silence', async () => {
    await trustmesh.admin.delete(secrets, { namespace: own, name: `${name}-root-1` });
    const { message } = await trustmesh.reasonOfCA(name, 'Ready', 'SecretNotFound');
    expect(message).toContain('The Secret with the root of generation 1 is gone. Restore it from a backup');
    await trustmesh.operator.stop();
    await trustmesh.startReplica();
    await patchCA(name, { annotations: { look: 'again' } });
    await trustmesh.apply(mediation(name, 'lit-late'));
    await trustmesh.reason('media', 'lit-late', 'CertificatesIssued', 'AuthorityNotUsable');
    expect(await trustmesh.find(secrets, { namespace: own, name: `${name}-root-1` })).toBeUndefined();
  });

  it('issues again once it is restored', async () => {
    const { apiVersion, kind, type = '', data = {}, metadata } = root;
    const { labels = {}, annotations = {} } = metadata;
    await trustmesh.admin.create(secrets, {
      apiVersion,
      kind,
      type,
      data,
      metadata: { name: metadata.name, namespace: own, labels, annotations },
    });
    await trustmesh.reasonOfCA(name, 'Ready', 'Ready');
    await trustmesh.ready('media', 'lit-late');
  });

  it('stays trusted beside a new generation, for as long as its certificates are in use', async () => {
    await trustmesh.admin.delete(secrets, { namespace: own, name: `${name}-root-1` });
    await trustmesh.reasonOfCA(name, 'Ready', 'SecretNotFound');
    await using history = await recordHistory(trustmesh.admin, secrets, { namespace: 'media' });
    await patchCA(name, { spec: { managed: { generation: 2 } } });
    await waitFor('a certificate of the new generation', async () => {
      const issuing = await trustmesh.find(secrets, { namespace: own, name: `${name}-issuing-2` });
      return issuing !== undefined && isIssuedBy(leafOf(await trustmesh.secret('media', `${med}-${med}-tls`)), leafOf(issuing));
    });
    const former = leafOf(root).fingerprint256;
    const written = history.versions.filter(({ object }) => object.metadata.name === `${med}-${med}-tls`);
    expect(written.length).toBeGreaterThan(0);
    for (const { object } of written) {
      expect(certificatesIn(textOf(object, 'ca.crt')).map(({ fingerprint256 }) => fingerprint256)).toContain(former);
    }
  });
});

describe('a new generation', () => {
  const name = 'northwind';
  const names = ['nwmed', 'fe', 'edge'];

  withOperator();
  const inside = (secret: Secret) => !secret.metadata.name.includes('access-edge');

  it('is trusted everywhere before any certificate of it appears, and replaces each certificate once', async () => {
    await trustmesh.apply(
      enterpriseCAManifest(name, { managed: {} }) +
        domainManifest(name) +
        mediation(name, 'nwmed', ['nw1', 'nw2']) +
        serverManifest('fe', {
          trustDomain: name,
          role: 'FrontEnd',
          poolFQDN: 'pool01.northwind.com',
          members: [{ fqdn: 'fe01.northwind.com' }, { fqdn: 'fe02.northwind.com' }],
        }) +
        serverManifest('edge', {
          trustDomain: name,
          role: 'Edge',
          poolFQDN: 'edge-int.northwind.com',
          members: [{ fqdn: 'e1.northwind.com' }],
          edge: { accessFQDN: 'sip.northwind.com', conferencingFQDN: 'conf.northwind.com', audioVideoFQDN: 'av.northwind.com' },
        }),
    );
    for (const server of names) await trustmesh.ready('media', server);
    const selection = { labelSelector: `trustmesh.io/domain=${name}` };
    const before = new Map(
      (await trustmesh.admin.list(secrets, selection)).items.map((each) => [each.metadata.name, leafOf(each)]),
    );
    const issuedBefore = await issuedFor(trustmesh.admin);
    await using certificates = await recordHistory(trustmesh.admin, secrets, selection);
    await using bundles = await recordHistory(trustmesh.admin, configMaps, selection);

    await patchCA(name, { spec: { managed: { generation: 2 } } });
    const issuing = leafOf(await trustmesh.secret(own, `${name}-issuing-2`));
    const isNew = (secret: Secret) => isIssuedBy(leafOf(secret), issuing);
    let behind: readonly string[] = [];
    await waitFor(
      'every certificate to be of the new generation',
      async () => {
        const { items } = await trustmesh.admin.list(secrets, selection);
        behind = items.filter((each) => !isNew(each)).map(({ metadata }) => metadata.name);
        return behind.length === 0;
      },
      { limitMs: 30_000, seen: () => `${behind.join(', ')} are not` },
    );
    for (const server of names) await trustmesh.ready('media', server);

    const at = ({ object }: Version<Secret>) => object.metadata.resourceVersion;
    const firstLeaf = certificates.versions.find(({ object }) => isNew(object));
    if (firstLeaf === undefined) throw new Error('no certificate of the new generation was seen');
    const holdsBoth = (pem: string) => certificatesIn(pem).length === 2;
    const audiences = ['', ...(['Mediation', 'FrontEnd', 'Edge'] as const).map((role) => `-${kebabCase(role)}`)];
    for (const audience of audiences) {
      const version = bundles.versions.find(
        ({ object }) => object.metadata.name === `trustmesh-${name}${audience}` && holdsBoth(object.data?.['ca.crt'] ?? ''),
      );
      if (version === undefined) throw new Error(`no bundle of audience '${audience}' with both roots was seen`);
      expect(compareResourceVersions(version.object.metadata.resourceVersion, at(firstLeaf))).toBeLessThan(0);
    }
    for (const secret of [...before.keys()]) {
      const versions = certificates.versions.filter(({ object }) => object.metadata.name === secret);
      const serials = new Set(versions.map(({ object }) => leafOf(object).serialNumber));
      serials.delete(before.get(secret)?.serialNumber ?? '');
      expect([secret, serials.size]).toEqual([secret, 1]);
      const [first] = versions;
      if (first === undefined || !inside(first.object)) continue;
      // What the server itself trusts was there before anybody could show it a new certificate.
      expect(holdsBoth(textOf(first.object, 'ca.crt'))).toBe(true);
      expect(isNew(first.object)).toBe(false);
      expect(compareResourceVersions(at(first), at(firstLeaf))).toBeLessThan(0);
    }
    const issuedAfter = await issuedFor(trustmesh.admin);
    const again = [...issuedBefore].filter(([secret]) => before.has(secret.slice(secret.indexOf('/') + 1)));
    for (const [secret, records] of again) {
      expect([secret, issuedAfter.get(secret)?.length]).toEqual([secret, records.length + 1]);
    }
    const { status } = await trustmesh.admin.get(enterpriseCAs, { name });
    expect(status?.authorities?.map(({ role, generation }) => `${role} ${generation}`)).toEqual([
      'Issuing 2',
      'Root 2',
      'Issuing 1',
      'Root 1',
    ]);
  });
});
