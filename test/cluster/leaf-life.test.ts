// The life of what a CA issues, on a real API server: its keys, its end, and its renewal in time, again and again.
import type { X509Certificate } from 'node:crypto';
import { enterpriseCAs, events, type Secret, secrets, trustDomains } from '../../operator/kube/resource.ts';
import { recordHistory, type Version } from '../support/history.ts';
import {
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  mediaNamespace,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { issuedFor } from '../support/journal.ts';
import { waitFor } from '../support/wait.ts';

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(mediaNamespace);
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

const pool = (domain: string, name: string, members: number, more: object = {}) =>
  serverManifest(name, {
    trustDomain: domain,
    poolFQDN: `${name}.${domain}.com`,
    members: Array.from({ length: members }, (_, index) => ({ fqdn: `${name}${index}.${domain}.com` })),
    ...more,
  });

const network = (name: string, enterpriseCA: object, domain: Readonly<Record<string, unknown>> = {}) =>
  enterpriseCAManifest(name, { managed: {}, ...enterpriseCA }) + domainManifest(name, domain);

const from = (certificate: X509Certificate) => certificate.validFromDate.getTime() + 5 * 60_000;
const to = (certificate: X509Certificate) => certificate.validToDate.getTime();

async function patchCA(name: string, spec: object): Promise<void> {
  const { resourceVersion } = (await trustmesh.admin.get(enterpriseCAs, { name })).metadata;
  await trustmesh.admin.patch(enterpriseCAs, { name }, { metadata: { resourceVersion }, spec });
}

describe('the key of a certificate', () => {
  const kinds = [
    ['p384', { algorithm: 'ECDSA', size: 384 }, { type: 'ec', details: { namedCurve: 'secp384r1' } }],
    ['rsa', { algorithm: 'RSA', size: 3072 }, { type: 'rsa', details: { modulusLength: 3072 } }],
    ['ed25519', { algorithm: 'Ed25519' }, { type: 'ed25519', details: {} }],
  ] as const;

  it('is of the kind that its CA says, and of another CA where a use names one', async () => {
    const others = kinds.map(([name]) => name);
    await trustmesh.apply(
      network('contoso', {}, { additionalEnterpriseCAs: others }) +
        kinds.map(([name, privateKey]) => enterpriseCAManifest(name, { managed: {}, leaf: { privateKey } })).join('') +
        others
          .map((name) => pool('contoso', name, 1, { certificates: { uses: [{ use: 'Default', enterpriseCA: name }] } }))
          .join(''),
    );
    for (const [name, , { type, details }] of kinds) {
      await trustmesh.ready('media', name);
      const { publicKey } = leafOf(await trustmesh.secret('media', `${name}-${name}0-tls`));
      expect(publicKey.asymmetricKeyType).toBe(type);
      expect(publicKey.asymmetricKeyDetails).toMatchObject(details);
    }
  });

  it('changes with what its CA says', async () => {
    await patchCA('p384', { leaf: { privateKey: { algorithm: 'ECDSA', size: 521 } } });
    await waitFor('a certificate with the new key', async () => {
      const { publicKey } = leafOf(await trustmesh.secret('media', 'p384-p3840-tls'));
      return publicKey.asymmetricKeyDetails?.namedCurve === 'secp521r1';
    });
    expect((await issuedFor(trustmesh.admin)).get('media/p384-p3840-tls')).toHaveLength(2);
  });

  it('is not made where FIPS 140 is required and does not approve it, nor is one that servers share', async () => {
    await trustmesh.apply(
      network('fips', { leaf: { privateKey: { algorithm: 'Ed25519' } } }, { security: { fips: 'Required' } }) +
        pool('fips', 'registrar', 1, { role: 'FrontEnd' }),
    );
    const sentence = 'EnterpriseCA fips issues Ed25519 keys (spec.leaf.privateKey), which FIPS 140 does not approve';
    const { message } = await trustmesh.reason('media', 'registrar', 'CertificatesIssued', 'NotFIPSCompliant');
    expect(message).toContain(sentence);
    const compliance = await waitFor('the domain to say so', async () => {
      const { status } = await trustmesh.admin.get(trustDomains, { name: 'fips' });
      return status?.conditions?.find(({ type, status: is }) => type === 'FIPSCompliant' && is === 'False');
    });
    expect(compliance).toMatchObject({ reason: 'NotFIPSCompliant', message: expect.stringContaining(sentence) });
    expect([...(await issuedFor(trustmesh.admin)).keys()].filter((secret) => /registrar|fips/.test(secret))).toEqual([]);

    await patchCA('fips', { leaf: { privateKey: { algorithm: 'ECDSA', size: 256 } } });
    await trustmesh.ready('media', 'registrar');
  });
});

describe('the end of a certificate', () => {
  it('is never later than that of its CA, which is told in time, and after which nothing is tried in vain', async () => {
    await trustmesh.apply(
      network('ending', { managed: { root: { duration: '24h' }, issuing: { duration: '12s' } }, leaf: { duration: '12s' } }) +
        pool('ending', 'last', 1),
    );
    const leaf = leafOf(await trustmesh.secret('media', 'last-last0-tls'));
    await using history = await recordHistory(trustmesh.admin, secrets, { labelSelector: 'trustmesh.io/server=last' });
    const issuing = leafOf(await trustmesh.secret('trustmesh-system', 'ending-issuing-1'));
    expect(to(leaf)).toBeLessThanOrEqual(to(issuing));
    await waitFor('the CA to be called expiring', async () => {
      const { items } = await trustmesh.admin.list(events, { namespace: 'default' });
      return items.find(({ reason, regarding }) => reason === 'ExpiringSoon' && regarding.name === 'ending');
    });
    const { message } = await trustmesh.reasonOfCA('ending', 'Available', 'Expired');
    expect(message).toMatch(/^"CN=ending Issuing CA 1" has expired at .* Raise spec\.managed\.generation for new keys\.$/);
    await trustmesh.reason('media', 'last', 'CertificatesIssued', 'Expired');
    // Another would have ended with the CA as well.
    expect(history.versions).toEqual([]);
  });
});

describe('renewal', () => {
  const members = 20;

  it('comes in time, again and again, in one write over the old certificate, and no more often than due', async () => {
    const life = 12_000;
    const percent = 50;
    const rounds = 7;
    await trustmesh.apply(network('brief', { leaf: { duration: '12s', renewAfterPercent: percent } }));
    await using history = await recordHistory(trustmesh.admin, secrets, { labelSelector: 'trustmesh.io/server=short' });
    await trustmesh.apply(pool('brief', 'short', members));
    const bySecret = () => Map.groupBy(history.versions, ({ object }) => object.metadata.name);
    const certificatesOf = (versions: readonly Version<Secret>[]) => {
      const all = versions.map(({ object }) => leafOf(object));
      return all.filter(({ serialNumber }, index) => serialNumber !== all[index - 1]?.serialNumber);
    };
    await waitFor(
      `${rounds} renewals of each`,
      () => bySecret().size === members && [...bySecret().values()].every((versions) => certificatesOf(versions).length > rounds),
      {
        limitMs: 80_000,
        everyMs: 500,
        seen: () => [...bySecret()].map(([name, versions]) => `${name} ${certificatesOf(versions).length}`),
      },
    );
    for (const [name, versions] of bySecret()) {
      // Of the Secret there is a version for each certificate, and none in between: neither deleted, nor half done.
      expect([name, versions.map(({ type }) => type)]).toEqual([name, ['ADDED', ...versions.slice(1).map(() => 'MODIFIED')]]);
      const certificates = certificatesOf(versions);
      expect(certificates).toHaveLength(versions.length);
      for (const [index, certificate] of certificates.entries()) {
        const successor = certificates[index + 1];
        if (successor === undefined) continue;
        const after = from(successor) - from(certificate);
        // Up to a tenth of the life before its share has passed, never after; each time told in whole seconds.
        expect(after).toBeGreaterThanOrEqual((life * (percent - 10)) / 100 - 1000);
        expect(after).toBeLessThanOrEqual((life * percent) / 100 + 2000);
        expect(from(successor)).toBeLessThan(to(certificate));
      }
    }
    await trustmesh.ready('media', 'short');
  });

  it('of certificates that were issued together is spread over a tenth of their life', async () => {
    await trustmesh.apply(network('long', {}) + pool('long', 'many', members));
    const { status } = await trustmesh.ready('media', 'many');
    const day = 24 * 3_600_000;
    const times = (status?.certificates ?? []).map(
      ({ renewAt, notBefore }) => (Date.parse(renewAt) - Date.parse(notBefore)) / day,
    );
    expect(times).toHaveLength(members);
    expect(Math.max(...times)).toBeLessThanOrEqual(90 * 0.66 + 0.01);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(90 * 0.56);
    // Twenty at random in a tenth of 90 days: none of them far apart from all others.
    const gaps = [...times].sort((a, b) => a - b).map((time, index, all) => time - (all[index - 1] ?? time));
    expect(Math.max(...gaps)).toBeLessThan(4.5);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(4.5);
  });
});
