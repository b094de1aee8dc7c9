// Two complete installations that federate by naming each other's bundle endpoint: two control planes, two operators, two
// enterprise CAs. A roll of one's root is followed by the other without a person.
import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enterpriseCAs, federatedPartners } from '../../operator/kube/resource.ts';
import { parseCertificates } from '../../operator/pki/certificate.ts';
import {
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  mediaNamespace,
  partnerManifest,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
  textOf,
} from '../support/installation.ts';
import { freePort } from '../support/port.ts';
import { waitFor } from '../support/wait.ts';

interface Organisation {
  readonly name: string;
  readonly trustmesh: Trustmesh;
  readonly port: number;
}

const running = new AsyncDisposableStack();
afterAll(() => running.disposeAsync());

/** An organisation with an Edge, whose operator serves its bundle with a certificate that it issued itself. */
async function organisation(name: string): Promise<Organisation> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-endpoint-'));
  running.defer(() => rm(directory, { recursive: true }));
  const port = await freePort();
  const args = ['--bundle-listen', `127.0.0.1:${port}`, '--bundle-tls-dir', directory];
  const trustmesh = running.use(await startTrustmesh({ args }));
  const server = (server: string, spec: object) =>
    serverManifest(server, {
      trustDomain: name,
      poolFQDN: `${server}.${name}.com`,
      members: [{ fqdn: `${server}01.${name}.com` }],
      ...spec,
    });
  await trustmesh.apply(
    mediaNamespace +
      enterpriseCAManifest(name, { managed: {} }) +
      domainManifest(name) +
      server('edge', { role: 'Edge', edge: { accessFQDN: `access.${name}.com` } }) +
      server('federation', { role: 'Server' }),
  );
  await Promise.all(['edge', 'federation'].map((each) => trustmesh.ready('media', each)));
  const secret = await trustmesh.secret('media', 'federation-federation01-tls');
  for (const key of ['tls.crt', 'tls.key']) {
    await writeFile(join(directory, `${key}.new`), textOf(secret, key), { mode: 0o600 });
    await rename(join(directory, `${key}.new`), join(directory, key));
  }
  return { name, trustmesh, port };
}

const rootsOf = async ({ name, trustmesh }: Organisation) =>
  parseCertificates((await trustmesh.configMap('media', `trustmesh-${name}`))['ca.crt'] ?? '');
const external = async ({ name, trustmesh }: Organisation) => trustmesh.configMap('media', `trustmesh-${name}-edge-external`);

async function federate(from: Organisation, to: Organisation): Promise<void> {
  const leaf = leafOf(await to.trustmesh.secret('media', 'federation-federation01-tls'));
  const url = `https://127.0.0.1:${to.port}/bundles/${to.name}.com`;
  const certificateSHA256 = createHash('sha256').update(leaf.raw).digest('hex');
  const trust = { anchors: [{ bundleEndpoint: { url, certificateSHA256 } }] };
  await from.trustmesh.apply(partnerManifest(to.name, { trustDomain: from.name, trust }));
}

describe('two installations that name the bundle endpoint of each other', () => {
  let contoso: Organisation;
  let fabrikam: Organisation;
  beforeAll(async () => {
    [contoso, fabrikam] = await Promise.all([organisation('contoso'), organisation('fabrikam')]);
    await Promise.all([federate(contoso, fabrikam), federate(fabrikam, contoso)]);
  }, 120_000);

  it('believe each other, with the roots that the other has', async () => {
    for (const [own, other] of [
      [contoso, fabrikam],
      [fabrikam, contoso],
    ] as const) {
      const { status } = await own.trustmesh.partner(other.name, 'Trusted');
      const [root] = await rootsOf(other);
      expect(status?.anchors).toMatchObject([
        {
          fingerprint: root?.fingerprint,
          source: `the bundle endpoint https://127.0.0.1:${other.port}/bundles/${other.name}.com`,
        },
      ]);
      expect(status?.bundle?.sequence).toBeGreaterThan(0);
    }
  });

  it('go on while the other is away, and over a restart', async () => {
    const before = await external(contoso);
    await fabrikam.trustmesh.stopReplicas();
    await contoso.trustmesh.stopReplicas();
    await contoso.trustmesh.startReplica();
    await waitFor('contoso to say that the endpoint of fabrikam is away', async () => {
      const partner = await contoso.trustmesh.admin.get(federatedPartners, { name: 'fabrikam' });
      const accepted = partner.status?.conditions?.find(({ type }) => type === 'AnchorsAccepted');
      return accepted?.reason === 'SourceUnavailable' ? true : undefined;
    });
    expect(await external(contoso)).toEqual(before);
    await contoso.trustmesh.partner('fabrikam', 'Trusted');
    await fabrikam.trustmesh.startReplica();
  });

  it('follow a roll of the other’s root without a person', async () => {
    const { admin } = fabrikam.trustmesh;
    const before = (await rootsOf(fabrikam)).map(({ fingerprint }) => fingerprint);
    const { resourceVersion } = (await admin.get(enterpriseCAs, { name: 'fabrikam' })).metadata;
    await admin.patch(
      enterpriseCAs,
      { name: 'fabrikam' },
      { metadata: { resourceVersion }, spec: { managed: { generation: 2 } } },
    );
    const root = await waitFor('fabrikam to trust its new root', async () =>
      (await rootsOf(fabrikam)).map(({ fingerprint }) => fingerprint).find((fingerprint) => !before.includes(fingerprint)),
    );
    // It is fetched again as its publisher wishes, in minutes, or by an operator that starts.
    await contoso.trustmesh.stopReplicas();
    await contoso.trustmesh.startReplica();
    await waitFor(
      'contoso to believe it',
      async () => {
        const { status } = await contoso.trustmesh.partner('fabrikam', 'Trusted');
        return status?.anchors?.some(({ fingerprint }) => fingerprint === root) === true ? true : undefined;
      },
      { limitMs: 30_000 },
    );
  });
});
