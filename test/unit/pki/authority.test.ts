// Roots and issuing CAs: octet for octet what @peculiar/x509 makes of the same input, with the profile of an authority.
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { createIssuing, createRoot } from '../../../operator/pki/authority.ts';
import { issuerOf } from '../../../operator/pki/issuer.ts';
import { day, hierarchy, keyKinds, keysFor, now } from './authorities.ts';
import { byLibrary, keyIdentifier, pointers, toBeSignedIn, x509 } from './library.ts';

const urls = {
  crl: 'http://pki.contoso.com/root.crl',
  ocsp: 'http://pki.contoso.com/ocsp',
  caIssuers: 'http://pki.contoso.com/root.cer',
};
const usages = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true);

describe('the to-be-signed octets of authorities', () => {
  const kind = fc.constantFrom(...keyKinds);
  const commonName = fc.oneof(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((name) => !/\p{Cc}/u.test(name) && [...name].length <= 64),
    fc.stringMatching(/^[A-Za-z0-9 '()+,\-./:=?]{1,64}$/),
  );
  const cases = fc.record({
    rootKind: kind,
    issuingKind: kind,
    rootName: commonName,
    issuingName: commonName,
    serial: fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((octets) => octets.some((octet) => octet !== 0)),
    notBefore: fc.integer({ min: 0, max: Date.UTC(2060, 0) }),
    duration: fc.integer({ min: 1000, max: 40 * 365 * day }),
    urls: fc.constantFrom({}, { crl: urls.crl }, urls),
  });

  it('are those that @peculiar/x509 makes of the same names, serials, dates, keys and extensions', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (input) => {
        const rootKeys = keysFor(input.rootKind, 'root');
        const issuingKeys = keysFor(input.issuingKind, 'issuing');
        const shared = { serial: input.serial, notBefore: input.notBefore, notAfter: input.notBefore + input.duration };
        const serial = Buffer.from(input.serial).toString('hex');
        const root = createRoot({ ...shared, commonName: input.rootName, ...rootKeys });
        const issuer = issuerOf(root, rootKeys.privateKey, input.urls);
        const issuing = createIssuing(issuer, {
          ...shared,
          notAfter: root.notAfter,
          commonName: input.issuingName,
          publicKey: issuingKeys.publicKey,
        });
        const authorityKey = new x509.AuthorityKeyIdentifierExtension(keyIdentifier(rootKeys.publicKey), false);
        const byLibraryRoot = await byLibrary({
          ...shared,
          serial,
          issuerName: root.subjectDer,
          commonName: input.rootName,
          publicKey: rootKeys.publicKey,
          signingKey: rootKeys.privateKey,
          extensions: [
            new x509.BasicConstraintsExtension(true, undefined, true),
            usages,
            new x509.SubjectKeyIdentifierExtension(keyIdentifier(rootKeys.publicKey), false),
            authorityKey,
          ],
        });
        const byLibraryIssuing = await byLibrary({
          ...shared,
          serial,
          issuerName: root.subjectDer,
          commonName: input.issuingName,
          publicKey: issuingKeys.publicKey,
          signingKey: rootKeys.privateKey,
          extensions: [
            new x509.BasicConstraintsExtension(true, 0, true),
            usages,
            new x509.SubjectKeyIdentifierExtension(keyIdentifier(issuingKeys.publicKey), false),
            authorityKey,
            ...pointers(input.urls),
          ],
        });
        expect(toBeSignedIn(root.der).toString('hex')).toBe(toBeSignedIn(byLibraryRoot).toString('hex'));
        expect(toBeSignedIn(issuing.der).toString('hex')).toBe(toBeSignedIn(byLibraryIssuing).toString('hex'));
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('a root', () => {
  const { root } = hierarchy();

  it('signs itself, may sign certificates and CRLs, and sets no limit to what may come below', () => {
    expect(root).toMatchObject({
      subject: 'CN=Contoso Root CA',
      issuer: 'CN=Contoso Root CA',
      isCA: true,
      keyUsage: ['keyCertSign', 'cRLSign'],
    });
    expect(root.pathLength).toBeUndefined();
    expect(root.extendedKeyUsage).toBeUndefined();
    expect(root.authorityKeyId).toBe(root.subjectKeyId);
    expect(new X509Certificate(root.der).verify(root.publicKey)).toBe(true);
  });

  it('points nowhere: it is trusted or it is not', () => {
    expect([...hierarchy({ urls }).root.extensions.keys()]).toEqual(['2.5.29.19', '2.5.29.15', '2.5.29.14', '2.5.29.35']);
  });

  it.each(['', 'a'.repeat(65), 'a\nb', 'half a pair \udc00'])('is not made with the common name %j', (commonName) => {
    const request = { commonName, serial: Buffer.of(1), notBefore: now, notAfter: now + day, ...keysFor({ algorithm: 'ECDSA' }) };
    expect(() => createRoot(request)).toThrow('not a common name of 1 to 64 characters');
  });
});

describe('an issuing CA', () => {
  const { root, rootKeys, issuing } = hierarchy({ urls });

  it('is below its root, with leaves only below itself', () => {
    expect(issuing).toMatchObject({
      subject: 'CN=Contoso Issuing CA',
      issuer: 'CN=Contoso Root CA',
      isCA: true,
      pathLength: 0,
      keyUsage: ['keyCertSign', 'cRLSign'],
    });
    expect(issuing.authorityKeyId).toBe(root.subjectKeyId);
    const extensions = issuing.extensions;
    expect([extensions.get('2.5.29.19')?.critical, extensions.get('2.5.29.15')?.critical]).toEqual([true, true]);
    expect(new X509Certificate(issuing.der).verify(root.publicKey)).toBe(true);
  });

  it('says where its root’s CRL, OCSP and certificate are, where that is set', () => {
    expect(new X509Certificate(issuing.der).infoAccess).toContain(urls.caIssuers);
    expect([...hierarchy().issuing.extensions.keys()]).not.toContain('2.5.29.31');
  });

  it('does not outlive its root', () => {
    const request = {
      commonName: 'Late',
      serial: Buffer.of(1),
      notBefore: now,
      notAfter: root.notAfter + 1000,
      publicKey: issuing.publicKey,
    };
    expect(() => createIssuing(issuerOf(root, rootKeys.privateKey), request)).toThrow('does not outlive its root');
  });
});
