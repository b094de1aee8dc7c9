// A leaf is, octet for octet, what @peculiar/x509 makes of the same input; and what no leaf may be is refused.
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { createRoot } from '../../../operator/pki/authority.ts';
import type { IssuerUrls } from '../../../operator/pki/extensions.ts';
import { issuerOf, type LeafRequest, leafToBeSigned, signLeaf } from '../../../operator/pki/leaf.ts';
import type { LeafProfile } from '../../../operator/pki/profile.ts';
import { day, frontEnd, hierarchy, issue, keyKinds, keysFor, now, tokenSigner, withoutCommonName } from './authorities.ts';
import { byLibrary, keyIdentifier, pointers, toBeSignedIn, x509 } from './library.ts';

const libraryUsages: Readonly<Record<LeafProfile, readonly string[]>> = {
  Server: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  Client: ['1.3.6.1.5.5.7.3.2'],
  TokenSigning: ['1.3.6.1.5.5.7.3.39'],
};

describe('the to-be-signed octets', () => {
  const endOfTime = Date.UTC(9999, 11, 31, 23, 59, 59);
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/);
  const dnsName = fc.array(label, { minLength: 1, maxLength: 7 }).map((labels) => labels.join('.'));
  const path = fc.stringMatching(/^[-a-z0-9./]{0,40}$/);
  const url = fc
    .tuple(dnsName, path)
    .map(([host, rest]) => `http://${host}.com/${rest}`)
    .filter((text) => URL.canParse(text));
  const serial = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((octets) => octets.some((octet) => octet !== 0));
  const kind = fc.constantFrom(...keyKinds);

  const cases = fc.record({
    issuerKind: kind,
    issuerName: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((name) => !/\p{Cc}/u.test(name)),
    leafKind: kind,
    profile: fc.constantFrom<LeafProfile>('Server', 'Client', 'TokenSigning'),
    dnsNames: fc.array(
      fc.oneof(
        dnsName,
        dnsName.map((name) => `*.${name}`),
      ),
      { minLength: 1, maxLength: 40 },
    ),
    named: fc.boolean(),
    path: fc.option(path, { nil: undefined }),
    serial: fc
      .oneof(
        serial,
        serial.map((octets) => octets.with(0, 0)),
        serial.map((octets) => octets.with(0, 0x80)),
      )
      .filter((octets) => octets.some((octet) => octet !== 0)),
    notBefore: fc.oneof(
      fc.integer({ min: 0, max: Date.UTC(2051, 0) }),
      fc.integer({ min: Date.UTC(2049, 11, 31), max: Date.UTC(2050, 0, 2) }),
    ),
    duration: fc.oneof(fc.integer({ min: 1000, max: 400 * day }), fc.integer({ min: 1000, max: Date.UTC(2100, 0) })),
    urls: fc.record({ crl: url, ocsp: url, caIssuers: url }, { requiredKeys: [] }),
  });

  it('are those that @peculiar/x509 makes of the same names, serials, dates, keys and extensions', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (input) => {
        const authorityKeys = keysFor(input.issuerKind, 'authority');
        const authority = createRoot({
          commonName: input.issuerName,
          serial: Buffer.of(1),
          notBefore: 0,
          notAfter: endOfTime,
          ...authorityKeys,
        });
        const { publicKey } = keysFor(input.leafKind);
        const commonName = input.named ? input.dnsNames[0] : undefined;
        const uri =
          input.path === undefined || input.profile === 'TokenSigning' ? undefined : `spiffe://contoso.com/${input.path}`;
        const notAfter = input.notBefore + input.duration;
        const request: LeafRequest = {
          ...(commonName === undefined ? {} : { commonName }),
          ...(uri === undefined ? {} : { uri }),
          dnsNames: input.dnsNames,
          profile: input.profile,
          serial: input.serial,
          notBefore: input.notBefore,
          notAfter,
          publicKey,
        };
        const subject = commonName !== undefined && commonName.length <= 64 ? commonName : undefined;
        const enciphers = publicKey.asymmetricKeyType === 'rsa' && input.profile === 'Server';
        const library = await byLibrary({
          serial: Buffer.from(input.serial).toString('hex'),
          issuerName: authority.subjectDer,
          commonName: subject,
          notBefore: input.notBefore,
          notAfter,
          publicKey,
          signingKey: authorityKeys.privateKey,
          extensions: [
            new x509.BasicConstraintsExtension(false, undefined, true),
            new x509.KeyUsagesExtension(
              x509.KeyUsageFlags.digitalSignature | (enciphers ? x509.KeyUsageFlags.keyEncipherment : 0),
              true,
            ),
            new x509.ExtendedKeyUsageExtension([...libraryUsages[input.profile]], false),
            new x509.SubjectKeyIdentifierExtension(keyIdentifier(publicKey), false),
            new x509.AuthorityKeyIdentifierExtension(keyIdentifier(authorityKeys.publicKey), false),
            new x509.SubjectAlternativeNameExtension(
              [
                ...input.dnsNames.map((value) => ({ type: 'dns' as const, value })),
                ...(uri === undefined ? [] : [{ type: 'url' as const, value: uri }]),
              ],
              subject === undefined,
            ),
            ...pointers(input.urls),
          ],
        });
        const issuer = issuerOf(authority, authorityKeys.privateKey, input.urls);
        expect(leafToBeSigned(issuer, request).toString('hex')).toBe(toBeSignedIn(library).toString('hex'));
      }),
      { numRuns: 200 },
    );
  }, 120_000);

  it('are what is signed, and verify under each kind of issuer key', () => {
    for (const issuingKey of keyKinds) {
      const { issuer, issuing } = hierarchy({ issuingKey });
      const request = frontEnd();
      const der = signLeaf(issuer, request);
      expect(toBeSignedIn(der)).toEqual(leafToBeSigned(issuer, request));
      expect(new X509Certificate(der).verify(issuing.publicKey)).toBe(true);
    }
  });
});

describe('a leaf', () => {
  const { issuer, issuing } = hierarchy();

  it('carries the common name where it fits 64 characters, and is nameless otherwise, its names then being critical', () => {
    const fits = `${'a'.repeat(52)}.contoso.com`;
    const long = `${'a'.repeat(53)}.contoso.com`;
    expect(fits).toHaveLength(64);
    expect(issue(issuer, frontEnd({ commonName: fits, dnsNames: [fits] })).subject).toBe(`CN=${fits}`);
    const nameless = [issue(issuer, frontEnd({ commonName: long, dnsNames: [long] })), issue(issuer, withoutCommonName())];
    for (const leaf of nameless) {
      expect(leaf.subject).toBe('');
      expect(leaf.subjectDer.toString('hex')).toBe('3000');
      expect(leaf.extensions.get('2.5.29.17')?.critical).toBe(true);
    }
    expect(issue(issuer, frontEnd()).extensions.get('2.5.29.17')?.critical).toBe(false);
  });

  it.each<[LeafProfile, readonly string[], readonly string[], readonly string[]]>([
    ['Server', ['digitalSignature'], ['digitalSignature', 'keyEncipherment'], ['serverAuth', 'clientAuth']],
    ['Client', ['digitalSignature'], ['digitalSignature'], ['clientAuth']],
    ['TokenSigning', ['digitalSignature'], ['digitalSignature'], ['oauthAccessTokenSigning']],
  ])('of profile %s may do what the profile says and no more', (profile, keyUsage, keyUsageRSA, extendedKeyUsage) => {
    const ask = profile === 'TokenSigning' ? tokenSigner : frontEnd;
    for (const kind of keyKinds) {
      const leaf = issue(issuer, ask({ profile, publicKey: keysFor(kind).publicKey }));
      expect(leaf.keyUsage).toEqual(kind.algorithm === 'RSA' ? keyUsageRSA : keyUsage);
      expect(leaf.extendedKeyUsage).toEqual(extendedKeyUsage);
      expect(leaf.isCA).toBe(false);
    }
  });

  it('names its issuer by the octets of the issuer’s subject and by its key identifier', () => {
    const leaf = issue(issuer, frontEnd());
    expect(leaf.issuerDer).toEqual(issuing.subjectDer);
    expect(leaf.authorityKeyId).toBe(issuing.subjectKeyId);
    expect(leaf.subjectKeyId).toBe(keyIdentifier(frontEnd().publicKey));
  });

  it('names the places of CRL, OCSP and issuer only where they are set', () => {
    const ids = (urls: IssuerUrls) => [...issue(hierarchy({ urls }).issuer, frontEnd()).extensions.keys()];
    expect(ids({})).not.toContain('2.5.29.31');
    expect(ids({})).not.toContain('1.3.6.1.5.5.7.1.1');
    expect(ids({ crl: 'http://pki.contoso.com/ca.crl' })).toContain('2.5.29.31');
    expect(ids({ crl: 'http://pki.contoso.com/ca.crl' })).not.toContain('1.3.6.1.5.5.7.1.1');
    const { infoAccess } = new X509Certificate(
      signLeaf(
        hierarchy({ urls: { ocsp: 'http://pki.contoso.com/ocsp', caIssuers: 'http://pki.contoso.com/ca.cer' } }).issuer,
        frontEnd(),
      ),
    );
    expect(infoAccess).toBe('OCSP - URI:http://pki.contoso.com/ocsp\nCA Issuers - URI:http://pki.contoso.com/ca.cer');
  });

  it.each([
    ['00000000000000000000000000000001', '01'],
    ['7fffffffffffffffffffffffffffffff', '7fffffffffffffffffffffffffffffff'],
    ['80000000000000000000000000000000', '80000000000000000000000000000000'],
    ['ffffffffffffffffffffffffffffffff', 'ffffffffffffffffffffffffffffffff'],
    ['0000ff00000000000000000000000001', 'ff00000000000000000000000001'],
  ])('with the serial %s reads back as %s, positive', (octets, serial) => {
    const leaf = issue(issuer, frontEnd({ serial: Buffer.from(octets, 'hex') }));
    expect(leaf.serial).toBe(serial);
    expect(new X509Certificate(leaf.der).serialNumber.toLowerCase()).toBe(serial);
  });

  it.each<[string, Partial<LeafRequest>, string]>([
    ['no name', { dnsNames: [] }, 'at least one DNS name'],
    ['a name beyond ASCII, which would silently become another', { dnsNames: ['pool01.contosö.com'] }, 'not a DNS name'],
    ['a Cyrillic look-alike', { dnsNames: ['pооl01.contoso.com'] }, 'not a DNS name'],
    ['upper case', { dnsNames: ['Pool01.contoso.com'] }, 'not a DNS name'],
    ['a NUL', { dnsNames: ['pool01.contoso.com\0.fabrikam.com'] }, 'not a DNS name'],
    ['a space', { dnsNames: ['pool01 .contoso.com'] }, 'not a DNS name'],
    ['a comma, which printed lists do not escape', { dnsNames: ['a.com, DNS:b.com'] }, 'not a DNS name'],
    ['an empty label', { dnsNames: ['pool01..contoso.com'] }, 'not a DNS name'],
    ['a final dot', { dnsNames: ['pool01.contoso.com.'] }, 'not a DNS name'],
    ['an underscore', { dnsNames: ['pool_01.contoso.com'] }, 'not a DNS name'],
    ['a label of 64', { dnsNames: [`${'a'.repeat(64)}.com`] }, 'not a DNS name'],
    ['a name of 254', { dnsNames: [`${'a.'.repeat(125)}abcd`] }, 'not a DNS name'],
    ['a bare wildcard', { dnsNames: ['*'] }, 'not a DNS name'],
    ['a wildcard inside', { dnsNames: ['fe*.contoso.com'] }, 'not a DNS name'],
    ['a common name that is not among the DNS names', { commonName: 'other.contoso.com' }, 'not among the DNS names'],
    ['a URI beyond ASCII', { uri: 'spiffe://contosö.com/front-end' }, 'not a URI'],
    ['a URI with userinfo', { uri: 'spiffe://contoso.com:x@fabrikam.com/front-end' }, 'not a URI'],
    ['a URI with a space', { uri: 'spiffe://contoso.com/front end' }, 'not a URI'],
    ['a URI for signing tokens', { profile: 'TokenSigning' }, 'has no URI'],
    ['a zero serial', { serial: Buffer.alloc(16) }, 'never zero'],
    ['a serial of 21 octets', { serial: Buffer.alloc(21, 1) }, 'at most 20 octets'],
    ['a serial of 20 octets that needs a sign', { serial: Buffer.alloc(20, 0xff) }, 'at most 20 octets'],
    ['an end before the beginning', { notAfter: now - 10 * day }, 'cannot end before it begins'],
    ['an end after its CA', { notAfter: issuing.notAfter + 1000 }, 'does not outlive its CA'],
  ])('is never issued with %s', (_, changes, sentence) => {
    const commonName = changes.commonName ?? changes.dnsNames?.[0];
    expect(() => signLeaf(issuer, frontEnd({ ...changes, ...(commonName === undefined ? {} : { commonName }) }))).toThrow(
      sentence,
    );
  });
});

describe('an issuer', () => {
  const { root, rootKeys, issuing, issuer } = hierarchy();

  it('is a CA with its own key, and fetch addresses in plain http', () => {
    const leaf = issue(issuer, frontEnd());
    expect(() => issuerOf(leaf, keysFor({ algorithm: 'ECDSA' }).privateKey)).toThrow('not a CA');
    expect(() => issuerOf(issuing, rootKeys.privateKey)).toThrow('not the key of CN=Contoso Issuing CA');
    for (const crl of [
      'https://pki.contoso.com/ca.crl',
      'http://pki.contosö.com/ca.crl',
      'ldap://pki.contoso.com',
      'http://pki contoso',
      'http://',
    ]) {
      expect(() => issuerOf(root, rootKeys.privateKey, { crl })).toThrow('not an http URL in ASCII');
    }
  });

  it('keeps an issuer name of any encoding as it is', () => {
    // T61String, which nobody writes and old CAs have.
    const name = Buffer.from('3013311130 0f0603550403 14 08 436f6e746f736f20'.replaceAll(' ', ''), 'hex');
    expect(issue({ ...issuer, name }, frontEnd()).issuerDer).toEqual(name);
  });
});
