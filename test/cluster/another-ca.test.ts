// A domain that goes over to another EnterpriseCA: trusted before it issues, the former one trusted until nothing of it is left.
import { X509Certificate } from 'node:crypto';
import { secrets } from '../../operator/kube/resource.ts';
import {
  contoso,
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
  textOf,
} from '../support/installation.ts';
import { waitFor } from '../support/wait.ts';

let trustmesh: Trustmesh;

beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contoso + server('one') + server('two'));
  await Promise.all(['one', 'two'].map((name) => trustmesh.ready('media', name)));
});

afterAll(() => trustmesh[Symbol.asyncDispose]());

const server = (name: string) =>
  serverManifest(name, { poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}1.contoso.com` }] });

const subjectsIn = (pem: string) =>
  [...pem.matchAll(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g)].map(([text]) => new X509Certificate(text).subject);

describe('a domain that names another EnterpriseCA', () => {
  it('trusts the former one until its last certificate is replaced, then no more, in bundles and in Secrets', async () => {
    await trustmesh.apply(
      enterpriseCAManifest('second', { managed: {} }) + domainManifest('contoso', { enterpriseCA: 'second' }),
    );
    let seen: unknown;
    await waitFor(
      'everything to be of the second CA, and nothing to trust the first',
      async () => {
        const held = await Promise.all(
          ['one', 'two'].map(async (name) => {
            const secret = await trustmesh.secret('media', `${name}-${name}1-tls`);
            return [leafOf(secret).issuer, ...subjectsIn(textOf(secret, 'ca.crt'))];
          }),
        );
        const bundles = await Promise.all(
          ['trustmesh-contoso', 'trustmesh-contoso-mediation'].map(async (name) =>
            subjectsIn((await trustmesh.configMap('media', name))['ca.crt'] ?? ''),
          ),
        );
        seen = { held, bundles };
        return [...held, ...bundles].every((names) => names.every((name) => name.startsWith('CN=second ')));
      },
      { limitMs: 30_000, seen: () => seen },
    );
  });

  it('goes on issuing afterwards', async () => {
    const key = { namespace: 'media', name: 'one-one1-tls' };
    const { metadata } = await trustmesh.secret(key.namespace, key.name);
    await trustmesh.admin.delete(secrets, key, { uid: metadata.uid });
    await waitFor('the Secret to be issued anew', async () => {
      const again = await trustmesh.find(secrets, key);
      return again !== undefined && again.metadata.uid !== metadata.uid;
    });
    await Promise.all(['one', 'two'].map((name) => trustmesh.ready('media', name)));
  });
});
