// Two complete installations that federate by naming each other's bundle endpoint: two control planes, two operators, two
// enterprise CAs. A roll of one's root is followed by the other without a person.
import { enterpriseCAs, federatedPartners } from '../../operator/kube/resource.ts';
import { parseCertificates } from '../../operator/pki/certificate.ts';
import { partnerManifest } from '../support/installation.ts';
import { federate, type Organisation, startOrganisation } from '../support/organisation.ts';
import { waitFor } from '../support/wait.ts';

const running = new AsyncDisposableStack();
afterAll(() => running.disposeAsync());

const rootsOf = async ({ name, trustmesh }: Organisation) =>
  parseCertificates((await trustmesh.configMap('media', `trustmesh-${name}`))['ca.crt'] ?? '');
const external = async ({ name, trustmesh }: Organisation) => trustmesh.configMap('media', `trustmesh-${name}-edge-external`);

describe('two installations that name the bundle endpoint of each other', () => {
  let contoso: Organisation;
  let fabrikam: Organisation;
  beforeAll(async () => {
    [contoso, fabrikam] = await Promise.all([startOrganisation('contoso'), startOrganisation('fabrikam')]);
    for (const each of [contoso, fabrikam]) running.use(each);
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
          source: `the bundle endpoint ${other.url}`,
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

  it('go on while somebody has pinned the wrong certificate of the endpoint, and over being blocked', async () => {
    const { admin, apply, partner } = contoso.trustmesh;
    const { trustDomain, accessEdge } = (await admin.get(federatedPartners, { name: 'fabrikam' })).spec;
    const wrong = { url: fabrikam.url, certificateSHA256: 'ab'.repeat(32) };
    const mistaken = { trustDomain, accessEdge, trust: { anchors: [{ bundleEndpoint: wrong }] } };
    const before = await external(contoso);
    await apply(partnerManifest('fabrikam', mistaken));
    await waitFor('contoso to say that the certificate is another', async () => {
      const { conditions } = (await admin.get(federatedPartners, { name: 'fabrikam' })).status ?? {};
      const accepted = conditions?.find(({ type }) => type === 'AnchorsAccepted');
      return accepted?.reason === 'SourceUnavailable' && !accepted.message.includes('was not heard yet') ? true : undefined;
    });
    expect(await external(contoso)).toEqual(before);
    await apply(partnerManifest('fabrikam', { ...mistaken, mode: 'Blocked' }));
    await partner('fabrikam', 'Blocked');
    await apply(partnerManifest('fabrikam', { ...mistaken, mode: 'Direct' }));
    await partner('fabrikam', 'Trusted');
    await federate(contoso, fabrikam);
    await waitFor('the endpoint to be believed again', async () => {
      const { conditions } = (await admin.get(federatedPartners, { name: 'fabrikam' })).status ?? {};
      return conditions?.find(({ type }) => type === 'AnchorsAccepted')?.status === 'True' ? true : undefined;
    });
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
