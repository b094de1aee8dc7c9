// A domain that requires FIPS 140, on a real API server: CAs of each backend that stand in its way, the servers on their
// account, and what is withheld from them; everything else goes on.
import { trustDomains } from '../../operator/kube/resource.ts';
import {
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  mediaNamespace,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { waitFor } from '../support/wait.ts';
import { hierarchy } from '../unit/pki/authorities.ts';

const own = 'trustmesh-system';

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh();
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

const pool = (name: string, enterpriseCA: string) =>
  serverManifest(name, {
    poolFQDN: `${name}.contoso.com`,
    members: [{ fqdn: `${name}1.contoso.com` }],
    certificates: { scope: 'Pool', uses: [{ use: 'Default', enterpriseCA }] },
  });

async function compliance(reason: string) {
  let seen: unknown;
  return await waitFor(
    `FIPSCompliant to be ${reason}`,
    async () => {
      const { status } = await trustmesh.admin.get(trustDomains, { name: 'contoso' });
      const condition = status?.conditions?.find(({ type }) => type === 'FIPSCompliant');
      seen = condition;
      return condition?.reason === reason ? condition : undefined;
    },
    { limitMs: 30_000, seen: () => seen },
  );
}

/** An issuing CA of an enterprise, with an Ed25519 key under an approved root. */
function providedManifest(name: string): string {
  const { root, issuing, issuingKeys } = hierarchy({ name: 'Brought', issuingKey: { algorithm: 'Ed25519' } });
  const data = {
    'tls.crt': issuing.pem,
    'tls.key': issuingKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'ca.crt': root.pem,
  };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: own }, stringData: data };
  return `${JSON.stringify(secret)}\n---\n`;
}

it('refuses what is not approved of a managed and a provided CA, names who depends on it, and lets the others go on', async () => {
  const additionalEnterpriseCAs = ['managed', 'provided'];
  await trustmesh.apply(
    mediaNamespace +
      providedManifest('brought') +
      enterpriseCAManifest('contoso', { managed: {} }) +
      enterpriseCAManifest('managed', { managed: { issuing: { privateKey: { algorithm: 'Ed25519' } } } }) +
      enterpriseCAManifest('provided', { provided: { secretRef: { name: 'brought' } } }) +
      domainManifest('contoso', { additionalEnterpriseCAs, security: { fips: 'Required' } }) +
      pool('fine', 'contoso') +
      ['one', 'two', 'three', 'four'].map((name) => pool(name, 'managed')).join('') +
      pool('other', 'provided'),
  );
  await trustmesh.ready('media', 'fine');
  expect(leafOf(await trustmesh.secret('media', 'fine-tls')).publicKey.asymmetricKeyType).toBe('ec');
  await Promise.all([
    trustmesh.reasonOfCA('managed', 'Available', 'Available'),
    trustmesh.reasonOfCA('provided', 'Available', 'Available'),
  ]);

  const withheld = await trustmesh.reason('media', 'other', 'CertificatesIssued', 'NotFIPSCompliant');
  expect(withheld.message).toContain('of EnterpriseCA provided has a key of Ed25519, which FIPS 140 does not approve.');
  const { message } = await trustmesh.reason('media', 'one', 'FIPSCompliant', 'NotFIPSCompliant');
  expect(message).toMatch(/of EnterpriseCA managed has a key of Ed25519.* The certificates for Default come from there\.$/);
  expect(await trustmesh.secretNames('media')).toEqual(['fine-tls']);

  const said = await waitFor('the domain to name them all', async () => {
    const condition = await compliance('NotFIPSCompliant');
    return condition.message.includes('media/three') && condition.message.includes('media/other') ? condition.message : undefined;
  });
  expect(said).toContain('TrustedServers outside FIPS on its account: media/four, media/one, media/three and 1 more.');
  expect(said).toContain('TrustedServers outside FIPS on its account: media/other.');
  expect(said).toMatch(/The operator itself runs OpenSSL 3\.\S+ without the FIPS provider\.$/);
});

it('is compliant once nobody stands in its way', async () => {
  await trustmesh.apply(
    domainManifest('contoso', { security: { fips: 'Required' } }) +
      ['one', 'two', 'three', 'four', 'other'].map((name) => pool(name, 'contoso')).join(''),
  );
  expect((await compliance('Compliant')).message).toMatch(/^Every key and signature is approved by FIPS 140\./);
  await trustmesh.ready('media', 'other');
});

it('says at the start whether its own OpenSSL runs the FIPS provider', () => {
  expect(trustmesh.operator.logs()).toMatch(
    /"fipsProvider":false.*"message":"OpenSSL"|"message":"OpenSSL".*"fipsProvider":false/,
  );
});
