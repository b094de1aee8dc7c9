// The provided backend on a real API server: an enterprise's own issuing CA, made by other software, with its chain; what is
// wrong with one, in words; and how its successor takes over.
import { X509Certificate } from 'node:crypto';
import { configMaps, enterpriseCAs, type Secret, secrets } from '../../operator/kube/resource.ts';
import { compareResourceVersions } from '../../operator/kube/store.ts';
import { type ForeignCA, makeCA, providedData } from '../support/foreign-ca.ts';
import { recordHistory } from '../support/history.ts';
import {
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
import { waitFor } from '../support/wait.ts';

const own = 'trustmesh-system';

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(mediaNamespace);
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

type Files = Readonly<Record<string, string>>;

const base64 = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]));

async function provide(name: string, files: Files): Promise<void> {
  const existing = await trustmesh.find(secrets, { namespace: own, name });
  if (existing === undefined) {
    await trustmesh.admin.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: own },
      data: base64(files),
    });
    return;
  }
  const { resourceVersion } = existing.metadata;
  await trustmesh.admin.patch(secrets, { namespace: own, name }, { metadata: { resourceVersion }, data: base64(files) });
}

/** The Secret is not the operator's, which looks at it now and then, and whenever somebody touches the EnterpriseCA. */
async function touch(name: string): Promise<void> {
  const { metadata } = await trustmesh.admin.get(enterpriseCAs, { name });
  const annotations = { touched: metadata.resourceVersion };
  await trustmesh.admin.patch(enterpriseCAs, { name }, { metadata: { resourceVersion: metadata.resourceVersion, annotations } });
}

const providedBy = (name: string) => enterpriseCAManifest(name, { provided: { secretRef: { name: `${name}-ca` } } });

const mediation = (domain: string, name: string) =>
  serverManifest(name, { trustDomain: domain, poolFQDN: `${name}.${domain}.com`, members: [{ fqdn: `${name}1.${domain}.com` }] });

const certificatesIn = (pem: string) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));

const subjects = (pem: string) => certificatesIn(pem).map(({ subject }) => subject);

const isIssuedBy = (secret: Secret, { pem }: ForeignCA) => {
  const issuer = new X509Certificate(pem);
  return leafOf(secret).checkIssued(issuer) && leafOf(secret).verify(issuer.publicKey);
};

describe('a CA of the enterprise', () => {
  it('issues with its whole chain beside each certificate, and its root alone to be trusted', async () => {
    const root = await makeCA('Contoso Root');
    const policy = await makeCA('Contoso Policy CA', { issuer: root, pathLength: 2 });
    const regional = await makeCA('Contoso Regional CA', { issuer: policy, pathLength: 1 });
    const issuing = await makeCA('Contoso Issuing CA', { issuer: regional, pathLength: 0 });
    await provide('contoso-ca', providedData(issuing, [regional, policy], root));
    await trustmesh.apply(providedBy('contoso') + domainManifest('contoso') + mediation('contoso', 'med'));
    await trustmesh.ready('media', 'med');
    const secret = await trustmesh.secret('media', 'med-med1-tls');
    expect(isIssuedBy(secret, issuing)).toBe(true);
    expect(subjects(textOf(secret, 'tls.crt'))).toEqual([
      'CN=med.contoso.com',
      'CN=Contoso Issuing CA',
      'CN=Contoso Regional CA',
      'CN=Contoso Policy CA',
    ]);
    expect(subjects(textOf(secret, 'ca.crt'))).toEqual(['CN=Contoso Root']);
    const { status } = await trustmesh.admin.get(enterpriseCAs, { name: 'contoso' });
    expect(status?.backend).toBe('Provided');
    expect(status?.authorities?.map(({ role, subject }) => `${role} ${subject}`)).toEqual([
      'Issuing CN=Contoso Issuing CA',
      'Root CN=Contoso Root',
    ]);
  });

  it('that cannot issue is told why, and issues once it is put right', async () => {
    const root = await makeCA('Fabrikam Root');
    const other = await makeCA('Other Root');
    const issuing = await makeCA('Fabrikam Issuing CA', { issuer: root, pathLength: 0 });
    const shallow = await makeCA('Shallow CA', { issuer: root, pathLength: 0 });
    const below = await makeCA('Deep CA', { issuer: shallow });
    const good = providedData(issuing, [], root);
    const without = (file: keyof typeof good) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== file));
    const faults: readonly (readonly [name: string, files: Files | undefined, reason: string, sentence: RegExp])[] = [
      [
        'no-secret',
        undefined,
        'SecretNotFound',
        /^Secret no-secret-ca does not exist in the operator's namespace\. Create it with/,
      ],
      ['no-certificate', without('tls.crt'), 'NotPEM', /tls\.crt holds no certificate/],
      ['no-key', without('tls.key'), 'NotPEM', /tls\.key holds 0 PEM blocks/],
      ['no-root', without('ca.crt'), 'NotPEM', /ca\.crt holds no certificate/],
      ['wrong-key', { ...good, 'tls.key': other.keyPem }, 'KeyMismatch', /tls\.key is not the key of "CN=Fabrikam Issuing CA"/],
      [
        'no-ca',
        providedData(await makeCA('A Server', { issuer: root, ca: false }), [], root),
        'NotACA',
        /"CN=A Server" is not a CA: its basic constraints do not say cA=TRUE/,
      ],
      [
        'expired',
        providedData(await makeCA('Old CA', { issuer: root, notAfter: Date.now() - 60_000 }), [], root),
        'Expired',
        /"CN=Old CA" expired at/,
      ],
      ['stranger', providedData(issuing, [], other), 'Untrusted', /"CN=Fabrikam Issuing CA" does not lead to an anchor/],
      [
        'too-deep',
        providedData(below, [shallow], root),
        'PathTooLong',
        /"CN=Shallow CA" allows 0 CAs below it \(path length\), and there are 1/,
      ],
    ];
    for (const [name, files] of faults) if (files !== undefined) await provide(`${name}-ca`, files);
    await trustmesh.apply(faults.map(([name]) => providedBy(name)).join(''));
    for (const [name, , reason, sentence] of faults) {
      const { message } = await trustmesh.reasonOfCA(name, 'Available', reason);
      expect(message).toMatch(sentence);
      expect(message).not.toContain('PRIVATE KEY-----');
      await provide(`${name}-ca`, good);
      await touch(name);
      await trustmesh.reasonOfCA(name, 'Ready', 'Ready');
    }
  });
});

describe('the successor of a provided CA', () => {
  /** Puts the successor in place and waits until its certificate is there. Returns the versions of bundle and certificate. */
  async function replace(domain: string, server: string, files: Files, successor: ForeignCA) {
    await using bundles = await recordHistory(trustmesh.admin, configMaps, { labelSelector: `trustmesh.io/domain=${domain}` });
    await using certificates = await recordHistory(trustmesh.admin, secrets, { labelSelector: `trustmesh.io/domain=${domain}` });
    await provide(`${domain}-ca`, files);
    await touch(domain);
    const secret = await waitFor(
      `a certificate by ${successor.certificate.subject}`,
      async () => {
        const now = await trustmesh.secret('media', `${server}-${server}1-tls`);
        return isIssuedBy(now, successor) ? now : undefined;
      },
      { limitMs: 30_000 },
    );
    await trustmesh.ready('media', server);
    return { secret, bundles: [...bundles.versions], certificates: [...certificates.versions] };
  }

  const root = makeCA('Litware Root');

  beforeAll(async () => {
    const issuing = await makeCA('Litware Issuing CA 1', { issuer: await root });
    await provide('litware-ca', providedData(issuing, [], await root));
    await trustmesh.apply(providedBy('litware') + domainManifest('litware') + mediation('litware', 'lit'));
    await trustmesh.ready('media', 'lit');
  });

  it('below the same root re-issues every certificate once; there is no trust to distribute', async () => {
    const next = await makeCA('Litware Issuing CA 2', { issuer: await root });
    const { secret, bundles } = await replace('litware', 'lit', providedData(next, [], await root), next);
    expect(subjects(textOf(secret, 'ca.crt'))).toEqual(['CN=Litware Root']);
    expect(bundles).toEqual([]);
    expect((await issuedFor(trustmesh.admin)).get('media/lit-lit1-tls')).toHaveLength(2);
  });

  it('below another root is trusted everywhere before it issues, and the former root stays trusted', async () => {
    const otherRoot = await makeCA('Litware Root 2');
    const next = await makeCA('Litware Issuing CA 3', { issuer: otherRoot });
    const { secret, bundles, certificates } = await replace('litware', 'lit', providedData(next, [], otherRoot), next);
    expect([...subjects(textOf(secret, 'ca.crt'))].sort()).toEqual(['CN=Litware Root', 'CN=Litware Root 2']);
    const firstLeaf = certificates.find(({ object }) => isIssuedBy(object, next));
    if (firstLeaf === undefined) throw new Error('the certificate was not seen');
    for (const bundle of ['trustmesh-litware', 'trustmesh-litware-mediation']) {
      const trusting = bundles.find(
        ({ object }) => object.metadata.name === bundle && subjects(object.data?.['ca.crt'] ?? '').length === 2,
      );
      if (trusting === undefined) throw new Error(`${bundle} with both roots was not seen`);
      const [written, issued] = [trusting, firstLeaf].map(({ object }) => object.metadata.resourceVersion);
      expect(compareResourceVersions(written ?? '', issued ?? '')).toBeLessThan(0);
    }
    expect((await issuedFor(trustmesh.admin)).get('media/lit-lit1-tls')).toHaveLength(3);
  });

  it('leaves what is trusted as it is across a restart', async () => {
    const before = (await trustmesh.configMap('media', 'trustmesh-litware'))['ca.crt'];
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await trustmesh.apply(mediation('litware', 'later'));
    await trustmesh.ready('media', 'later');
    expect((await trustmesh.configMap('media', 'trustmesh-litware'))['ca.crt']).toBe(before);
    expect(textOf(await trustmesh.secret('media', 'later-later1-tls'), 'ca.crt')).toBe(before);
  });

  it('that cannot issue changes nothing of what was issued', async () => {
    const before = await trustmesh.secret('media', 'lit-lit1-tls');
    await provide('litware-ca', { 'tls.key': (await makeCA('Wrong')).keyPem });
    await touch('litware');
    await trustmesh.reasonOfCA('litware', 'Available', 'KeyMismatch');
    await trustmesh.apply(mediation('litware', 'unlucky'));
    const { message } = await trustmesh.reason('media', 'unlucky', 'CertificatesIssued', 'KeyMismatch');
    expect(message).toContain('EnterpriseCA litware: Secret litware-ca holds no CA that can issue');
    expect(await trustmesh.secret('media', 'lit-lit1-tls')).toEqual(before);
    await trustmesh.reason('media', 'lit', 'Ready', 'Ready');
  });
});
