// The Secret of a certificate: its keys by format, its labels, and the hints that planning reads back.
import fc from 'fast-check';
import {
  type CertificateFacts,
  certificateData,
  expectedKeys,
  factAnnotations,
  formatKeys,
  ownedBy,
  readFacts,
  secretLabels,
  trustData,
} from '../../../operator/outputs/certificate-secret.ts';
import { annotation, managedBy, managedBySelector, timestamp } from '../../../operator/outputs/labels.ts';
import {
  bundleLabels,
  bundleName,
  clientBinaryData,
  isShardName,
  serverTrustName,
  shardNames,
} from '../../../operator/outputs/trust-bundle.ts';
import { certificateNeeds } from '../../../operator/topology/names.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';
import { hierarchy, now } from '../pki/authorities.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';

const bundle = trustBundle([hierarchy().root], now);
const store = () => Buffer.from('trust store');
const material = { chain: 'CHAIN\n', privateKey: 'KEY\n', keyStore: { pkcs12: Buffer.from('key store'), password: 'secret' } };
const decoded = (data: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));

describe('the data of a Secret', () => {
  it.each([
    { formats: [], keys: ['tls.crt', 'tls.key', 'ca.crt'] },
    { formats: ['CombinedPEM'], keys: ['tls.crt', 'tls.key', 'tls-combined.pem', 'ca.crt'] },
    { formats: ['PKCS12'], keys: ['tls.crt', 'tls.key', 'keystore.p12', 'keystore-password', 'ca.crt', 'truststore.p12'] },
  ] as const)('has, with the formats $formats, the keys $keys, and all of them must be ours', ({ formats, keys }) => {
    const { keyStore, ...plain } = material;
    const wantsStore = formats.some((format) => format === 'PKCS12');
    const data = {
      ...certificateData(formats, wantsStore ? { ...plain, keyStore } : plain),
      ...trustData(formats, bundle, store),
    };
    expect(Object.keys(data).sort()).toEqual([...keys].sort());
    const { certificate, trust } = expectedKeys(formats);
    expect([...certificate, ...trust].sort()).toEqual([...keys].sort());
  });

  it('holds each in the form that its reader takes', () => {
    expect(decoded(certificateData(['PKCS12', 'CombinedPEM'], material))).toEqual({
      'tls.crt': 'CHAIN\n',
      'tls.key': 'KEY\n',
      'keystore.p12': 'key store',
      'keystore-password': 'secret',
      'tls-combined.pem': 'CHAIN\nKEY\n',
    });
    expect(decoded(trustData(['PKCS12'], bundle, store))).toEqual({ 'ca.crt': bundle.pem, 'truststore.p12': 'trust store' });
  });

  it('keeps the certificate in force before beside it, where it is shared', () => {
    const data = certificateData([], { ...material, previous: { chain: 'OLD', privateKey: 'OLD KEY' } });
    expect(decoded(data)).toMatchObject({ 'tls-previous.crt': 'OLD', 'tls-previous.key': 'OLD KEY' });
  });

  it('knows every key that not all Secrets have, so that none stays behind', () => {
    const all = Object.keys({
      ...certificateData(['PKCS12', 'CombinedPEM'], { ...material, previous: { chain: '', privateKey: '' } }),
      ...trustData(['PKCS12'], bundle, store),
    });
    expect([...formatKeys].sort()).toEqual(all.filter((key) => !['tls.crt', 'tls.key', 'ca.crt'].includes(key)).sort());
  });
});

describe('the hints on a Secret', () => {
  const hex = fc.stringMatching(/^[0-9a-f]{2,40}$/);
  const time = fc.integer({ min: 0, max: 4e9 }).map((seconds) => seconds * 1000);
  const facts: fc.Arbitrary<CertificateFacts> = fc.record({
    serial: hex,
    fingerprint: hex,
    authority: hex,
    profileHash: hex,
    trustHash: hex,
    notBefore: time,
    notAfter: time,
    renewAt: time,
  });

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(facts, fc.option(fc.constant('fe01'), { nil: undefined }), (given, member) => {
        const annotations = factAnnotations(given, member);
        expect(readFacts(annotations)).toEqual(given);
        expect(annotations[annotation.member]).toBe(member);
      }),
    );
  });

  it('are nothing where one is missing or is no time', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const annotations = factAnnotations(given, undefined);
        for (const key of Object.keys(annotations)) {
          const { [key]: _, ...others } = annotations;
          expect(readFacts(others)).toBeUndefined();
        }
        expect(readFacts({ ...annotations, [annotation.notAfter]: 'tomorrow' })).toBeUndefined();
      }),
    );
    expect(readFacts(undefined)).toBeUndefined();
  });

  it('tell times as Kubernetes does', () => {
    expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05Z');
  });
});

describe('names and labels', () => {
  const server = trustedServer('pool01', 'FrontEnd');

  it('of a Secret say whose it is and what for', () => {
    const need = certificateNeeds(server, trustDomain()).find(({ use }) => use === 'OAuthTokenIssuer');
    expect(need && secretLabels(server, need)).toEqual({
      'app.kubernetes.io/managed-by': 'trustmesh',
      'trustmesh.io/domain': 'contoso',
      'trustmesh.io/server': 'pool01',
      'trustmesh.io/use': 'oauth-token-issuer',
    });
    expect(Object.entries(managedBy).map(([key, value]) => `${key}=${value}`)).toEqual([managedBySelector]);
  });

  it('make its server the controller that it goes with', () => {
    expect(ownedBy(server)).toEqual({
      apiVersion: 'trustmesh.io/v1alpha1',
      kind: 'TrustedServer',
      name: 'pool01',
      uid: 'uid-pool01',
      controller: true,
      blockOwnerDeletion: false,
    });
  });

  it('of ConfigMaps are those of the contract', () => {
    expect([
      bundleName('contoso', 'clients'),
      bundleName('contoso', 'front-end'),
      bundleName('contoso', 'edge-external'),
      serverTrustName('pool01'),
    ]).toEqual(['trustmesh-contoso', 'trustmesh-contoso-front-end', 'trustmesh-contoso-edge-external', 'pool01-trust']);
    expect(bundleLabels('contoso', 'edge')).toEqual({
      'app.kubernetes.io/managed-by': 'trustmesh',
      'trustmesh.io/domain': 'contoso',
      'trustmesh.io/audience': 'edge',
    });
  });

  it('of shards tell their number, so that another number is another set', () => {
    expect(shardNames('contoso', 'front-end', 4)).toEqual(
      [0, 1, 2, 3].map((shard) => `trustmesh-contoso-front-end-peers-4-${shard}`),
    );
    expect(shardNames('contoso', 'front-end', 1)).toEqual([]);
    for (const name of shardNames('contoso', 'edge', 8)) expect(isShardName('contoso', 'edge', name)).toBe(true);
    for (const name of [
      'trustmesh-contoso-edge',
      'trustmesh-contoso-edge-peers-copy',
      'trustmesh-contoso-edge-external-peers-4-0',
      'mine',
    ]) {
      expect(isShardName('contoso', 'edge', name)).toBe(false);
    }
  });

  it('give clients a trust store, and servers none', () => {
    expect(decoded(clientBinaryData('clients', bundle.anchors, store))).toEqual({ 'truststore.p12': 'trust store' });
    expect(clientBinaryData('front-end', bundle.anchors, store)).toEqual({});
  });
});
