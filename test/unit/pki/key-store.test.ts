// Key and trust stores in PKCS#12: opened by Java 17 and OpenSSL, used by a Java TLS server and client, parsed by the
// library's schema.
import { createHash, createPrivateKey, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthenticatedSafe, CertBag, id_certBag, id_pkcs8ShroudedKeyBag, PFX, SafeContents } from '@peculiar/asn1-pfx';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { keyAlgorithmFor } from '../../../operator/pki/algorithm.ts';
import { elementsOf, onlyElement, tags } from '../../../operator/pki/der-reader.ts';
import { iterations, keyStore, keyStoreRandomLength, trustStore } from '../../../operator/pki/key-store.ts';
import { isKeyOf } from '../../../operator/pki/signing.ts';
import { runProgram } from '../../support/process.ts';
import { day, frontEnd, hierarchy, issue, keyKinds, keysFor } from './authorities.ts';

// Java and OpenSSL know no other time than the present.
const at = Date.now();
const { root, issuing, issuer } = hierarchy({ at });
const other = hierarchy({ at, name: 'Fabrikam' });
const { privateKey } = keysFor({ algorithm: 'ECDSA' });
const leaf = issue(issuer, frontEnd({ notBefore: at - day, notAfter: at + day }));
const password = 'correct horse battery staple';
const random = Buffer.alloc(keyStoreRandomLength, 7);
const store = () => keyStore({ privateKey, chain: [leaf, issuing], password, random });

/** Java takes seconds to start on a busy machine. */
const processLimit = 120_000;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trustmesh-key-store-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** Content of the bags of the n-th part, as the library's schema reads them. */
function bagsIn(pkcs12: Buffer, part: number) {
  const { authSafe } = AsnConvert.parse(pkcs12, PFX);
  const safe = AsnConvert.parse(AsnConvert.parse(authSafe.content, OctetString), AuthenticatedSafe);
  return AsnConvert.parse(AsnConvert.parse(safe[part]?.content ?? new ArrayBuffer(0), OctetString), SafeContents);
}

const keytool = async (...options: readonly string[]) =>
  (await runProgram('keytool', options, { cwd: directory, env: { LC_ALL: 'C' } })).stdout;
const openssl = (...options: readonly string[]) => runProgram('openssl', ['pkcs12', ...options], { cwd: directory });

describe('a key store', () => {
  it('is the same for the same input, and another for other random octets', () => {
    expect(store().equals(store())).toBe(true);
    expect(
      store().equals(keyStore({ privateKey, chain: [leaf, issuing], password, random: randomBytes(keyStoreRandomLength) })),
    ).toBe(false);
    expect(() => keyStore({ privateKey, chain: [leaf], password, random: Buffer.alloc(8) })).toThrow(
      `takes ${keyStoreRandomLength} random octets`,
    );
  });

  it('holds the key encrypted and the chain, both named, under a MAC', () => {
    const { macData } = AsnConvert.parse(store(), PFX);
    expect([macData?.iterations, macData?.mac.digestAlgorithm.algorithm]).toEqual([iterations, '2.16.840.1.101.3.4.2.1']);
    const [keys, certificates] = [bagsIn(store(), 0), bagsIn(store(), 1)];
    expect([...keys].map(({ bagId }) => bagId)).toEqual([id_pkcs8ShroudedKeyBag]);
    expect([...certificates].map(({ bagId }) => bagId)).toEqual([id_certBag, id_certBag]);
    const [key, first, second] = [keys[0], certificates[0], certificates[1]];
    expect(key?.bagAttributes?.map(({ attrId }) => attrId).sort()).toEqual(['1.2.840.113549.1.9.20', '1.2.840.113549.1.9.21']);
    expect(first?.bagAttributes).toEqual(key?.bagAttributes);
    expect(second?.bagAttributes).toBeUndefined();
    const { d = '' } = privateKey.export({ format: 'jwk' });
    expect(store().includes(Buffer.from(d, 'base64url'))).toBe(false);
  });

  it(
    'is opened by OpenSSL with its password and no other',
    async () => {
      await writeFile(join(directory, 'open.p12'), store());
      const { stdout } = await openssl('-in', 'open.p12', '-nodes', '-passin', `pass:${password}`);
      expect(isKeyOf(createPrivateKey(stdout), leaf.publicKey)).toBe(true);
      expect(stdout).toContain('friendlyName: tls');
      expect(stdout.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      const info = await openssl('-in', 'open.p12', '-info', '-noout', '-passin', `pass:${password}`);
      expect(info.stderr).toContain('MAC: sha256, Iteration 10000');
      expect(info.stderr).toContain('PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256');
      await expect(openssl('-in', 'open.p12', '-nodes', '-passin', 'pass:wrong')).rejects.toThrow('Mac verify error');
    },
    processLimit,
  );

  it(
    'is opened whatever characters the password has',
    async () => {
      for (const text of ['a', 'pass"word\\', 'pässwörd', 'x'.repeat(100)]) {
        await writeFile(join(directory, 'password.p12'), keyStore({ privateKey, chain: [leaf], password: text, random }));
        await writeFile(join(directory, 'password'), text);
        await openssl('-in', 'password.p12', '-noout', '-passin', 'file:password');
      }
    },
    processLimit,
  );

  it(
    'is listed by keytool under its alias',
    async () => {
      await writeFile(
        join(directory, 'list.p12'),
        keyStore({ privateKey, chain: [leaf, issuing], alias: 'pool01', password, random }),
      );
      const listed = await keytool('-list', '-v', '-keystore', 'list.p12', '-storepass', password);
      expect(listed).toContain('Alias name: pool01');
      expect(listed).toContain('Entry type: PrivateKeyEntry');
      expect(listed).toContain('Certificate chain length: 2');
      await expect(keytool('-list', '-keystore', 'list.p12', '-storepass', 'wrong-password')).rejects.toThrow(
        'Integrity check failed',
      );
    },
    processLimit,
  );
});

describe('a trust store', () => {
  it('is the same for the same anchors: no salt, no password, no MAC', () => {
    const content = trustStore({ anchors: [root, other.root] });
    expect(content.equals(trustStore({ anchors: [root, other.root] }))).toBe(true);
    expect(elementsOf(onlyElement(content, tags.sequence).content)).toHaveLength(2);
    const bags = [...bagsIn(content, 0)];
    expect(bags.map(({ bagId }) => bagId)).toEqual([id_certBag, id_certBag]);
    const certificates = bags.map(({ bagValue }) => AsnConvert.parse(AsnConvert.parse(bagValue, CertBag).certValue, OctetString));
    const fingerprints = certificates.map((der) => createHash('sha256').update(new Uint8Array(der.buffer)).digest('hex'));
    expect(fingerprints).toEqual([root.fingerprint, other.root.fingerprint]);
  });

  it(
    'is listed by keytool with any password: every anchor, trusted, under its fingerprint',
    async () => {
      await writeFile(join(directory, 'trust.p12'), trustStore({ anchors: [root, other.root] }));
      for (const any of ['changeit', 'whatever']) {
        const listed = await keytool('-list', '-keystore', 'trust.p12', '-storepass', any);
        for (const { fingerprint } of [root, other.root]) expect(listed).toContain(`${fingerprint}, `);
        expect(listed.match(/trustedCertEntry/g)).toHaveLength(2);
      }
    },
    processLimit,
  );

  it(
    'without anchors is an empty store',
    async () => {
      await writeFile(join(directory, 'empty.p12'), trustStore({ anchors: [] }));
      expect(await keytool('-list', '-keystore', 'empty.p12', '-storepass', 'changeit')).toContain('0 entries');
    },
    processLimit,
  );
});

it(
  'both serve a Java TLS server and client, whatever the keys',
  async () => {
    const names = keyKinds.map((kind) => keyAlgorithmFor(kind).replace(' ', '-'));
    await Promise.all(
      keyKinds.map(async (kind, index) => {
        const made = hierarchy({ at, issuingKey: kind });
        const keys = keysFor(kind);
        const certificate = issue(made.issuer, frontEnd({ publicKey: keys.publicKey, notBefore: at - day, notAfter: at + day }));
        const place = join(directory, names[index] ?? '');
        await mkdir(place);
        const chain = [certificate, made.issuing];
        const content = keyStore({ privateKey: keys.privateKey, chain, password, random: randomBytes(keyStoreRandomLength) });
        await writeFile(join(place, 'keystore.p12'), content);
        await writeFile(join(place, 'keystore-password'), password);
        await writeFile(join(place, 'truststore.p12'), trustStore({ anchors: [other.root, made.root] }));
      }),
    );
    const program = join(import.meta.dirname, '../../support/key-stores/MutualTls.java');
    const { stdout } = await runProgram('java', [program, 'fe01.contoso.com', ...names], { cwd: directory });
    const met = 'keys=[tls] chain=2 anchors=2 met=CN=pool01.contoso.com/CN=pool01.contoso.com';
    expect(stdout.trim().split('\n')).toEqual(names.map((name) => `${name} ${met}`));
  },
  processLimit,
);
