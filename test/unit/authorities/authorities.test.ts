// The register of authorities, compliance, and the making of one certificate.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Authorities, type Authority } from '../../../operator/authorities/authority.ts';
import { complianceProblem } from '../../../operator/authorities/compliance.ts';
import { issueCertificate } from '../../../operator/authorities/issue.ts';
import { parseCertificates } from '../../../operator/pki/certificate.ts';
import { authority } from '../controllers/observed.ts';
import { day, hierarchy, now } from '../pki/authorities.ts';

const wish = {
  dnsNames: ['pool01.contoso.com', 'fe01.contoso.com'],
  uri: 'spiffe://contoso.com/x',
  profile: 'Server',
  keyStore: false,
} as const;

describe('the register', () => {
  it('says of a CA that it does not know what to do', () => {
    const authorities = new Authorities();
    expect(authorities.get('contoso')).toMatchObject({ available: false, reason: 'EnterpriseCANotFound' });
    expect(authorities.anchorsOf('contoso')).toBeUndefined();
    expect(authorities.known()).toEqual([]);
  });

  it('keeps the anchors of a CA that cannot issue any more, or is gone', () => {
    const authorities = new Authorities();
    const { issuing: former } = hierarchy({ name: 'Former' });
    authorities.setAvailable(authority, ['aa', 'bb'], [authority.certificate, former]);
    expect(authorities.get('contoso')).toEqual({ available: true, authority });
    authorities.setUnavailable('contoso', { available: false, reason: 'Expired', message: 'it has expired' });
    expect(authorities.get('contoso')).toEqual({ available: false, reason: 'Expired', message: 'it has expired' });
    authorities.forget('contoso');
    expect(authorities.get('contoso')).toMatchObject({ reason: 'EnterpriseCANotFound' });
    expect(authorities.known()).toEqual([
      { enterpriseCA: 'contoso', anchors: authority.anchors, issuing: [...authority.chain, former], keyIds: ['aa', 'bb'] },
    ]);
  });

  it('has the authorities of former generations for as long as the CA can issue', () => {
    const authorities = new Authorities();
    const former = { ...authority, generation: 0, keyId: 'aa' };
    authorities.setAvailable(authority, [authority.keyId, 'aa'], [], [former]);
    expect(authorities.olderOf('contoso')).toEqual([former]);
    expect([authority.keyId, 'aa', 'bb'].map((keyId) => authorities.issuing(keyId))).toEqual([authority, former, undefined]);
    authorities.setUnavailable('contoso', { available: false, reason: 'Expired', message: 'it has expired' });
    expect(authorities.olderOf('contoso')).toEqual([]);
    expect(authorities.issuing('aa')).toBeUndefined();
  });

  it('takes what a CA is trusted by, though it cannot issue, where nothing is known of it yet', () => {
    const authorities = new Authorities();
    const broken = { available: false, reason: 'Expired', message: 'it has expired' } as const;
    authorities.setUnavailable('contoso', broken, { anchors: [], issuing: [], keyIds: [] });
    expect(authorities.anchorsOf('contoso')).toBeUndefined();
    const before = authorities.version;
    authorities.setUnavailable('contoso', broken, { anchors: authority.anchors, issuing: [], keyIds: ['aa'] });
    expect(authorities.known()).toEqual([{ enterpriseCA: 'contoso', anchors: authority.anchors, issuing: [], keyIds: ['aa'] }]);
    expect(authorities.version).not.toBe(before);
    authorities.setUnavailable('contoso', broken, { anchors: [], issuing: [], keyIds: [] });
    expect(authorities.anchorsOf('contoso')).toEqual(authority.anchors);
  });

  it('tells by its version that what is trusted may have changed', () => {
    const authorities = new Authorities();
    const before = authorities.version;
    authorities.setAvailable(authority, []);
    expect(authorities.version).not.toBe(before);
  });
});

describe('compliance with FIPS 140', () => {
  const of = (
    options: Parameters<typeof hierarchy>[0],
    leaf: Authority['leaf']['privateKey'] = { algorithm: 'ECDSA', size: 256 },
  ): Authority => {
    const { root, issuing } = hierarchy(options);
    return {
      ...authority,
      certificate: issuing,
      chain: [issuing],
      intermediates: [issuing],
      anchors: [root],
      leaf: { ...authority.leaf, privateKey: leaf },
    };
  };

  it.each<readonly [string, Authority, string | undefined]>([
    ['ECDSA throughout', of({}), undefined],
    [
      'RSA throughout',
      of(
        { rootKey: { algorithm: 'RSA', size: 3072 }, issuingKey: { algorithm: 'RSA', size: 2048 } },
        { algorithm: 'RSA', size: 2048 },
      ),
      undefined,
    ],
    [
      'Ed25519 leaves',
      of({}, { algorithm: 'Ed25519' }),
      'EnterpriseCA contoso issues Ed25519 keys (spec.leaf.privateKey), which FIPS 140 does not approve.',
    ],
    [
      'an Ed25519 issuing CA',
      of({ name: 'E', issuingKey: { algorithm: 'Ed25519' } }),
      '"CN=E Issuing CA" of EnterpriseCA contoso has a key of Ed25519',
    ],
    ['an Ed25519 root', of({ name: 'R', rootKey: { algorithm: 'Ed25519' } }), 'of EnterpriseCA contoso'],
  ])('%s', (_what, made, expected) => {
    const problem = complianceProblem(made);
    if (expected === undefined) expect(problem).toBeUndefined();
    else {
      expect(problem).toContain(expected);
      expect(problem).toContain('Use ECDSA P-256, P-384 or P-521, or RSA of 2048 bits or more.');
    }
  });
});

describe('a certificate that is made', () => {
  it('is what was asked for, with a key of its own and the chain that a server sends', async () => {
    const { leaf, material } = await issueCertificate(authority, wish, now);
    expect(leaf).toMatchObject({
      dnsNames: wish.dnsNames,
      uris: [wish.uri],
      subject: 'CN=pool01.contoso.com',
      notBefore: now - 300_000,
      notAfter: now + 90 * day,
    });
    expect(parseCertificates(material.chain).map(({ subject }) => subject)).toEqual([
      'CN=pool01.contoso.com',
      'CN=Contoso Issuing CA',
    ]);
    expect(new X509Certificate(leaf.der).checkPrivateKey(createPrivateKey(material.privateKey))).toBe(true);
    expect(material).not.toHaveProperty('keyStore');
    const another = await issueCertificate(authority, wish, now);
    expect([another.leaf.serial === leaf.serial, another.material.privateKey === material.privateKey]).toEqual([false, false]);
  });

  it('comes with a key store, where it is asked for, under a password of its own', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => issueCertificate(authority, { ...wish, keyStore: true }, now)));
    expect(one?.material.keyStore?.pkcs12.length).toBeGreaterThan(500);
    expect(one?.material.keyStore?.password).toMatch(/^[\w-]{32}$/);
    expect(one?.material.keyStore?.password).not.toBe(other?.material.keyStore?.password);
  });

  it('ends no later than its CA', async () => {
    const { root, issuing, issuer } = hierarchy({ name: 'Short', issuingNotAfter: now + day });
    const { leaf } = await issueCertificate(
      { ...authority, certificate: issuing, chain: [issuing], anchors: [root], issuer },
      wish,
      now,
    );
    expect(leaf.notAfter).toBe(now + day);
  });

  it('is not made past the end of its CA', async () => {
    await expect(issueCertificate(authority, wish, authority.certificate.notAfter)).rejects.toBeInstanceOf(RangeError);
  });

  it('is thrown away where it does not lead to what is trusted, and nothing of its key is said', async () => {
    const elsewhere = { ...authority, anchors: [hierarchy({ name: 'Fabrikam' }).root] };
    await expect(issueCertificate(elsewhere, wish, now)).rejects.toMatchObject({
      name: 'IssuanceError',
      message: expect.stringMatching(/^The certificate for pool01\.contoso\.com by "CN=[^"]*" was discarded: (?!.*PRIVATE KEY)/s),
    });
  });
});
