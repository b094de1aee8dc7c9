// Which certificates of partners are refused as anchors: one row a refusal, and that nobody's fault costs another partner.
import { generateKeyPairSync } from 'node:crypto';
import type { Certificate } from '../../../operator/pki/certificate.ts';
import { utf8String } from '../../../operator/pki/der-writer.ts';
import { extensionIds } from '../../../operator/pki/object-identifiers.ts';
import { checkPartnerAnchors, mostAnchors, type PartnerAnchors } from '../../../operator/trust/partner-anchors.ts';
import { authorityIdentity } from '../../../operator/trust/partner-authority.ts';
import { mostOctetsOfNames, octetsOfCross, octetsOfNames, tooManyAnchors } from '../../../operator/trust/partner-listener.ts';
import { day, extension, forge, keysOf, nameOf, now, schemes, type Wish } from '../pki/forge.ts';

const ourRoot = forge({ ca: true, subject: 'Contoso Root CA' });
const ourIssuing = forge({ ca: true, subject: 'Contoso Issuing CA', by: ourRoot });
const formerKeyId = 'fe'.repeat(20);
const ours = { certificates: [ourRoot.certificate, ourIssuing.certificate], keyIds: [formerKeyId] };

const brings = (name: string, certificates: readonly Certificate[], inPlace: readonly Certificate[] = []): PartnerAnchors => ({
  name,
  sources: [{ from: `ConfigMap partners/${name}`, certificates }],
  inPlace: new Set(inPlace.map(({ fingerprint }) => fingerprint)),
});
const check = (...partners: readonly PartnerAnchors[]) => {
  const { accepted, refused } = checkPartnerAnchors({ ours, partners, now });
  return {
    accepted: Object.fromEntries([...accepted].map(([name, certificates]) => [name, certificates.map(({ subject }) => subject)])),
    refused,
  };
};
const withKeyId = (hex: string): NonNullable<Wish['extensions']> => ({
  [extensionIds.subjectKeyIdentifier]: extension(extensionIds.subjectKeyIdentifier, Buffer.from(`0414${hex}`, 'hex')),
});

const root = forge({ ca: true, subject: 'Fabrikam CA' });
const strongRSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weakRSA = generateKeyPairSync('rsa', { modulusLength: 1024 });
const weakPSS = generateKeyPairSync('rsa-pss', { modulusLength: 1024, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' });
const md5 = { ...schemes.rsa, identifier: Buffer.from('300d06092a864886f70d0101040500', 'hex'), digest: 'md5' };

describe('an anchor of a partner', () => {
  it.each<[string, Wish]>([
    ['is a root', {}],
    ['is a CA below a root that nobody here knows', { by: forge({ ca: true, subject: 'Public Root' }) }],
    ['is for servers alone', { extendedKeyUsage: ['serverAuth'] }],
    ['is for clients alone', { extendedKeyUsage: ['clientAuth'] }],
    ['is not valid yet', { notBefore: now + day }],
    [
      'has a key for RSA-PSS',
      {
        keys: generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' }),
        scheme: schemes.pss,
      },
    ],
  ])('%s', (_, wish) => {
    expect(check(brings('fabrikam', [forge({ ca: true, subject: 'Theirs', ...wish }).certificate]))).toEqual({
      accepted: { fabrikam: ['CN=Theirs'] },
      refused: [],
    });
  });

  const another = 'The partner must name another CA certificate.';
  it.each<[string, Wish, string, string]>([
    [
      'no CA',
      { ca: false, keyUsage: ['keyCertSign'] },
      'NotACA',
      `"CN=Theirs" is not a CA: its basic constraints do not say cA=TRUE. ${another}`,
    ],
    [
      'below a name that takes the room of others',
      { by: forge({ ca: true, subject: nameOf(['2.5.4.10', utf8String('O'.repeat(1100))]), keys: keysOf('long') }) },
      'NameTooLong',
      'and 1024 are the most',
    ],
    ['expired', { notAfter: now }, 'Expired', `"CN=Theirs" expired at 2026-06-15T12:00:00Z. ${another}`],
    [
      'signed with SHA-1',
      { scheme: schemes.ecdsaWithSHA1 },
      'WeakSignature',
      'is signed with ecdsa-with-SHA1: it must be signed with',
    ],
    ['signed with MD5', { keys: strongRSA, scheme: md5 }, 'WeakSignature', 'is signed with md5WithRSAEncryption'],
    ['RSA of 1024 bits', { keys: weakRSA, scheme: schemes.rsa }, 'WeakKey', 'has a key of RSA 1024'],
    ['RSA-PSS of 1024 bits', { keys: weakPSS, scheme: schemes.pss }, 'WeakKey', 'has a key of RSA 1024'],
    [
      'on a curve that not everybody knows',
      { keys: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) },
      'UnsupportedKey',
      'has a key of ECDSA secp256k1',
    ],
    ['not for signing certificates', { keyUsage: ['cRLSign'] }, 'WrongKeyUsage', 'may not sign certificates'],
    [
      'for mail alone',
      { extendedKeyUsage: ['emailProtection'] },
      'WrongExtendedKeyUsage',
      'limits what is below it to emailProtection',
    ],
    [
      'of a critical extension that nobody knows',
      { extensions: { '1.2.3': extension('1.2.3', Buffer.of(5, 0), true) } },
      'UnknownCriticalExtension',
      'has the critical extension 1.2.3',
    ],
    [
      'of name constraints that cannot be read',
      { constraints: { permitted: [Buffer.of(0x82, 1, 0xff)] } },
      'InvalidNameConstraints',
      'has the extension nameConstraints, which cannot be read',
    ],
    [
      'with our key',
      { keys: ourIssuing.keys },
      'KeyOfOurs',
      'has the key of a CA of ours: its partner would be believed for our servers.',
    ],
    [
      'with our subject',
      { subject: 'Contoso Root CA', keys: keysOf('x') },
      'SubjectOfOurs',
      'has the subject of a CA of ours, and our servers would take it for that CA',
    ],
    [
      'with our subject in other letters',
      { subject: 'CONTOSO  root ca', keys: keysOf('y') },
      'SubjectOfOurs',
      'has the subject of a CA of ours',
    ],
    [
      'issued by us, as it says',
      { by: { ...ourRoot, keys: keysOf('z') } },
      'SubjectOfOurs',
      'says that it is issued by a CA of ours',
    ],
    [
      'with our key identifier',
      { extensions: withKeyId(ourIssuing.certificate.subjectKeyId) },
      'KeyIdentifierOfOurs',
      `has the subject key identifier ${ourIssuing.certificate.subjectKeyId} of a CA of ours`,
    ],
    [
      'with the key identifier of a CA that we had',
      { extensions: withKeyId(formerKeyId) },
      'KeyIdentifierOfOurs',
      `has the subject key identifier ${formerKeyId}`,
    ],
  ])('is refused: %s', (_, wish, reason, says) => {
    const { certificate } = forge({ ca: true, subject: 'Theirs', ...wish });
    expect(check(brings('fabrikam', [certificate, root.certificate]))).toEqual({
      accepted: { fabrikam: ['CN=Fabrikam CA'] },
      refused: [{ partner: 'fabrikam', reason, message: expect.stringContaining(says), fingerprint: certificate.fingerprint }],
    });
  });

  it('is refused where the ninth of one partner, and the first eight stay', () => {
    const many = Array.from({ length: mostAnchors + 1 }, (_, index) => forge({ ca: true, subject: `CA ${index}` }).certificate);
    const [first] = many;
    const { accepted, refused } = check(
      brings('fabrikam', [...many, ...(first ? [first] : [])]),
      brings('litware', [root.certificate]),
    );
    expect(accepted['fabrikam']).toHaveLength(8);
    expect(accepted['litware']).toEqual(['CN=Fabrikam CA']);
    expect(refused).toMatchObject([{ partner: 'fabrikam', reason: 'TooManyOfOnePartner', fingerprint: many[8]?.fingerprint }]);
  });

  const { pem } = root.certificate;
  it.each([
    [
      'without a certificate',
      'nothing',
      'ConfigMap a/b holds no certificate: it must be PEM, with at least one CERTIFICATE block.',
    ],
    [
      'that is cut off',
      pem.slice(0, 200),
      'ConfigMap a/b has a CERTIFICATE block that does not end: it must hold PEM certificates of CAs only.',
    ],
    [
      'with a private key',
      pem.replaceAll('CERTIFICATE', 'PRIVATE KEY'),
      'ConfigMap a/b holds a PRIVATE KEY block among the certificates: it must hold PEM certificates of CAs only.',
    ],
    [
      'of other octets',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'ConfigMap a/b has block 1, which is not a usable X.509 certificate',
    ],
  ])('is refused with its source where that is PEM %s', (_, text, says) => {
    const source = { from: 'ConfigMap a/b', pem: text };
    const good = { from: 'ConfigMap a/c', pem };
    expect(check({ name: 'fabrikam', sources: [source, good], inPlace: new Set() })).toEqual({
      accepted: { fabrikam: ['CN=Fabrikam CA'] },
      refused: [{ partner: 'fabrikam', reason: 'UnreadablePEM', message: expect.stringContaining(says) }],
    });
  });
});

describe('while a CA of ours is not known', () => {
  it('nothing new is accepted, and what is in place stays', () => {
    const inPlace = brings('old', [root.certificate], [root.certificate]);
    const partners = [inPlace, brings('new', [forge({ ca: true, subject: 'New' }).certificate])];
    const { accepted, refused } = checkPartnerAnchors({ ours: { ...ours, unknown: ['contoso'] }, partners, now });
    expect(accepted).toEqual(
      new Map([
        ['old', [root.certificate]],
        ['new', []],
      ]),
    );
    expect(refused).toMatchObject([{ partner: 'new', reason: 'OursNotKnown' }]);
  });
});

describe('the anchors of two partners', () => {
  const imitation = forge({ ca: true, subject: 'Fabrikam CA', keys: keysOf('imitation') });
  const sameKeyId = forge({ ca: true, subject: 'Mallory CA', extensions: withKeyId(root.certificate.subjectKeyId) });
  const falselyBelow = forge({ ca: true, subject: 'Mallory CA', by: { ...root, keys: keysOf('imitation') } });
  const trulyBelow = forge({ ca: true, subject: 'Fabrikam Branch', by: root });

  it('may be of one CA by one certificate, or one that its own key signed', () => {
    const above = forge({ ca: true, subject: 'Root' });
    const branch = forge({ ca: true, subject: 'Branch', by: above });
    const madeUp = forge({ ca: true, subject: 'Branch', by: forge({ ca: true, subject: 'Mallory', keys: keysOf('mallory') }) });
    const renewed = forge({ ca: true, subject: 'Fabrikam CA', notAfter: now + 99 * day });
    const refused = expect.objectContaining({ partner: 'old', reason: 'AuthorityOfAnotherPartner' });
    expect(check(brings('old', [madeUp.certificate]), brings('young', [branch.certificate], [branch.certificate]))).toEqual({
      accepted: { old: [], young: ['CN=Branch'] },
      refused: [refused],
    });
    expect(check(brings('old', [branch.certificate]), brings('young', [branch.certificate])).refused).toEqual([]);
    expect(check(brings('old', [renewed.certificate]), brings('young', [root.certificate])).refused).toEqual([]);
  });

  it('may be a renewed one of a CA in place, which a made-up one does not come before', () => {
    const above = forge({ ca: true, subject: 'Root' });
    const renewed = forge({ ca: true, subject: 'Branch', by: above }).certificate;
    const madeUp = forge({ ca: true, subject: 'Branch', by: forge({ ca: true, subject: 'Mallory', keys: keysOf('mallory') }) });
    const young = { ...brings('young', [renewed]), inPlace: new Set([authorityIdentity(renewed)]) };
    expect(check(brings('old', [madeUp.certificate]), young)).toMatchObject({
      accepted: { old: [], young: ['CN=Branch'] },
      refused: [{ partner: 'old', reason: 'AuthorityOfAnotherPartner' }],
    });
  });

  it('may be of a CA that is settled by its own signature, however others name it: they are believed by that', () => {
    const crossed = forge({ ca: true, subject: 'Fabrikam CA', keys: root.keys, by: forge({ ca: true, subject: 'Public Root' }) });
    const both = { accepted: { fabrikam: ['CN=Fabrikam CA'], litware: ['CN=Fabrikam CA'] }, refused: [] };
    const [fabrikam, litware] = [brings('fabrikam', [root.certificate]), brings('litware', [crossed.certificate])];
    expect(check(fabrikam, litware)).toEqual(both);
    expect(check(litware, fabrikam)).toEqual(both);
    expect(check(fabrikam, brings('litware', [crossed.certificate], [crossed.certificate]))).toEqual(both);
  });

  it('are not settled by the signature of another, though its root lies beside: who has a CA in place keeps it, and both are told', () => {
    const mallory = forge({ ca: true, subject: 'Mallory', keys: keysOf('mallory') });
    const branch = forge({ ca: true, subject: 'Branch', by: forge({ ca: true, subject: 'Root' }) });
    const madeUp = forge({ ca: true, subject: 'Branch', keys: branch.keys, by: mallory });
    const { refused, contested } = checkPartnerAnchors({
      ours,
      now,
      partners: [
        brings('fabrikam', [branch.certificate], [branch.certificate]),
        brings(
          'mallory',
          [mallory?.certificate, madeUp.certificate].filter((each) => each !== undefined),
        ),
      ],
    });
    expect(refused).toMatchObject([{ partner: 'mallory', reason: 'AuthorityOfAnotherPartner' }]);
    expect([...contested]).toEqual([['fabrikam', [expect.stringContaining('The partner mallory claims "CN=Branch" too')]]]);
  });

  it('may be one and the same', () => {
    expect(check(brings('a', [root.certificate]), brings('b', [root.certificate]))).toEqual({
      accepted: { a: ['CN=Fabrikam CA'], b: ['CN=Fabrikam CA'] },
      refused: [],
    });
  });

  it('may be issued one by the other, and of one partner have one name with two keys', () => {
    expect(check(brings('a', [root.certificate, imitation.certificate])).refused).toEqual([]);
    expect(check(brings('a', [root.certificate]), brings('b', [trulyBelow.certificate])).refused).toEqual([]);
  });

  it.each<[string, Certificate, string]>([
    ['the subject of the other with another key', imitation.certificate, 'SubjectOfAnotherPartner'],
    ['the key identifier of the other with another key', sameKeyId.certificate, 'KeyIdentifierOfAnotherPartner'],
    ['the other for its issuer, which it is not', falselyBelow.certificate, 'SubjectOfAnotherPartner'],
  ])('are refused where one has %s: the one that comes later', (_, certificate, reason) => {
    const [honest, mallory] = [brings('fabrikam', [root.certificate]), brings('mallory', [certificate])];
    expect(check(honest, mallory)).toMatchObject({
      accepted: { fabrikam: ['CN=Fabrikam CA'], mallory: [] },
      refused: [{ partner: 'mallory', reason }],
    });
    expect(check(mallory, honest)).toMatchObject({ accepted: { fabrikam: [] }, refused: [{ partner: 'fabrikam', reason }] });
  });

  it('what is in place stays, even of a partner that is younger', () => {
    const placed = brings('fabrikam', [root.certificate], [root.certificate]);
    expect(check(brings('mallory', [imitation.certificate]), placed)).toMatchObject({
      accepted: { fabrikam: ['CN=Fabrikam CA'], mallory: [] },
      refused: [
        {
          partner: 'mallory',
          reason: 'SubjectOfAnotherPartner',
          message: expect.stringContaining('The partner fabrikam had it before'),
        },
      ],
    });
  });
});

describe('the anchors of one listener', () => {
  it('are measured by their names as handshakes carry them', () => {
    expect(octetsOfNames([root.certificate, root.certificate])).toBe(2 * (2 + root.certificate.subjectDer.length));
    const { certificate } = forge({ ca: true, subject: 'Branch', by: root });
    expect(octetsOfCross(certificate)).toBe(4 + certificate.subjectDer.length + root.certificate.subjectDer.length);
  });

  it('are too many above 48 kB of names', () => {
    expect(tooManyAnchors(mostOctetsOfNames)).toBeUndefined();
    expect(tooManyAnchors(mostOctetsOfNames + 1)).toEqual({
      reason: 'TooManyAnchors',
      message: expect.stringMatching(/names of 48001 octets, and handshakes are safe up to 48000: spread the partners/),
    });
  });
});
