// The federation root and the cross-certificate of a partner's CA: what is copied octet by octet, what limits are kept, and
// that no name passes that was not permitted.
import { generateKeyPairSync } from 'node:crypto';
import type { Certificate } from '../../../operator/pki/certificate.ts';
import { contentOf } from '../../../operator/pki/certificate-content.ts';
import { isSignedBy } from '../../../operator/pki/chain.ts';
import {
  type CrossRequest,
  crossCertify,
  type FederationTrust,
  tryCrossCertify,
} from '../../../operator/pki/cross-certificate.ts';
import { elementsOf, onlyElement, tags } from '../../../operator/pki/der-reader.ts';
import { explicit, implicit, sequence, unsignedInteger } from '../../../operator/pki/der-writer.ts';
import { ipBlock } from '../../../operator/pki/ip-address.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { violationOf } from '../../../operator/pki/name-constraints.ts';
import { extensionIds } from '../../../operator/pki/object-identifiers.ts';
import { validatePath } from '../../../operator/pki/path.ts';
import type { NameScope } from '../../../operator/pki/scoped-constraints.ts';
import { describeSubtree, type NameConstraints, nameConstraintsOf } from '../../../operator/pki/subtree.ts';
import type { ScopeSubtree } from '../../../operator/pki/subtree-nesting.ts';
import { backdating } from '../../../operator/pki/validity.ts';
import { day, extension, type Forged, forge, generalName, keysOf, nameOf, now, schemes, type Wish } from './forge.ts';

const domain = (host: string): readonly ScopeSubtree[] => [
  { kind: 'dns', host },
  { kind: 'uri', host },
  { kind: 'uri', host: `.${host}` },
  { kind: 'mail', host },
  { kind: 'mail', host: `.${host}` },
];
const block = (text: string): ScopeSubtree => {
  const octets = ipBlock(text);
  if (octets === undefined) throw new Error(`${text} is no block`);
  return { kind: 'ip', ...octets };
};
const fabrikam: NameScope = { permitted: domain('fabrikam.com'), excluded: [] };

const requestOf = (partnerCA: Certificate, scope: NameScope = fabrikam): CrossRequest => ({
  partnerCA,
  ...scope,
  now,
  federationKeys: keysOf('federation'),
  serials: { root: Buffer.from('77'.repeat(16), 'hex') },
});
const federate = (...args: Parameters<typeof requestOf>): FederationTrust => crossCertify(requestOf(...args));

/** The fields of a TBSCertificate from the serial on, each complete. */
function fieldsOf({ der }: Certificate): Readonly<Record<'serial' | 'issuer' | 'subject' | 'publicKey', string>> {
  const [tbs] = elementsOf(onlyElement(der, tags.sequence).content);
  const [, serial, , issuer, , subject, publicKey] = elementsOf(tbs?.content ?? Buffer.alloc(0)).map((field) =>
    field.der.toString('hex'),
  );
  if (!serial || !issuer || !subject || !publicKey) throw new Error('it has no such fields');
  return { serial, issuer, subject, publicKey };
}

const extensionOf = (certificate: Certificate, id: string): string | undefined =>
  certificate.extensions.get(id)?.value.toString('hex');

function constraintsOf(certificate: Certificate): NameConstraints {
  const found = certificate.extensions.get(extensionIds.nameConstraints);
  if (found === undefined) throw new Error('it has no name constraints');
  return nameConstraintsOf(found.value);
}
const described = ({ permitted, excluded }: NameConstraints) => ({
  permitted: permitted.map((subtree) => `${subtree.kind} ${describeSubtree(subtree)}`),
  excluded: excluded.map((subtree) => `${subtree.kind} ${describeSubtree(subtree)}`),
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' });

const root = forge({ ca: true, subject: 'Fabrikam Root' });
const subjectKeyIdentifier = (hex: string) => extension(extensionIds.subjectKeyIdentifier, Buffer.from(`0414${hex}`, 'hex'));

const partners: readonly (readonly [string, Forged])[] = [
  ['an elliptic curve root', root],
  ['an RSA root', forge({ ca: true, subject: 'Fabrikam RSA', keys: rsa, scheme: schemes.rsa })],
  ['a root whose key is for RSA-PSS alone', forge({ ca: true, subject: 'Fabrikam PSS', keys: pss, scheme: schemes.pss })],
  ['an intermediate', forge({ ca: true, subject: 'Fabrikam Issuing', by: root })],
  [
    'a root with a name in odd encodings',
    forge({
      ca: true,
      subject: nameOf(['2.5.4.10', Buffer.from('1e080046006100620072', 'hex')]),
      keys: keysOf('odd'),
    }),
  ],
  [
    'a root with a serial number whose first bit is set',
    forge({ ca: true, subject: 'High', serial: Buffer.from('ff00ff', 'hex') }),
  ],
  ['a root numbered zero', forge({ ca: true, subject: 'Zero', serial: Buffer.of(0) })],
  [
    'a root without key identifiers',
    forge({
      ca: true,
      subject: 'Bare',
      extensions: { [extensionIds.subjectKeyIdentifier]: null, [extensionIds.authorityKeyIdentifier]: null },
    }),
  ],
  [
    'a root with a key identifier of its own making',
    forge({
      ca: true,
      subject: 'Own',
      extensions: { [extensionIds.subjectKeyIdentifier]: subjectKeyIdentifier('ab'.repeat(20)) },
    }),
  ],
];

describe.each(partners)('for %s', (_, { certificate: partnerCA }) => {
  const { root: federationRoot, cross } = federate(partnerCA);

  it('the cross-certificate has its subject, key, key identifier and serial, octet by octet', () => {
    const { issuer: __, ...copied } = fieldsOf(cross);
    const { issuer, ...original } = fieldsOf(partnerCA);
    expect(copied).toEqual(original);
    expect(fieldsOf(federationRoot).subject).toBe(issuer);
    expect(fieldsOf(federationRoot).issuer).toBe(issuer);
    expect(cross.extensions.get(extensionIds.subjectKeyIdentifier)).toEqual(
      partnerCA.extensions.get(extensionIds.subjectKeyIdentifier),
    );
  });

  it('the federation root has signed itself and the cross-certificate, which names it by its key', () => {
    expect(isSignedBy(cross, federationRoot)).toBe(true);
    expect(isSignedBy(federationRoot, federationRoot)).toBe(true);
    expect(cross.authorityKeyId).toBe(federationRoot.subjectKeyId);
    expect(federationRoot.subjectKeyId).not.toBe(partnerCA.subjectKeyId);
    expect([federationRoot, cross].map(({ signatureAlgorithm }) => signatureAlgorithm)).toEqual([
      'ecdsa-with-SHA256',
      'ecdsa-with-SHA256',
    ]);
    expect(cross.notAfter).toBe(partnerCA.notAfter);
    expect(federationRoot.notAfter).toBe(partnerCA.notAfter);
  });

  it('both can be read strictly, and the constraints are critical', () => {
    for (const certificate of [federationRoot, cross]) expect(contentOf(certificate)).not.toBeInstanceOf(Error);
    expect(cross.extensions.get(extensionIds.nameConstraints)?.critical).toBe(true);
  });
});

describe('what limits the CA is kept', () => {
  const limits: readonly (readonly [string, Wish, string])[] = [
    ['its path length', { pathLength: 1 }, extensionIds.basicConstraints],
    ['its extended key usage', { extendedKeyUsage: ['serverAuth', 'clientAuth'] }, extensionIds.extendedKeyUsage],
    ['its key usage', { keyUsage: ['keyCertSign', 'digitalSignature'] }, extensionIds.keyUsage],
  ];
  it.each(limits)('%s', (_, wish, id) => {
    const { certificate } = forge({ ca: true, subject: 'Limited', ...wish });
    const { cross } = federate(certificate);
    expect(extensionOf(cross, id)).toBe(extensionOf(certificate, id));
    expect(extensionOf(cross, id)).toBeDefined();
  });

  it('a CA without key usage may sign certificates and CRLs', () => {
    const { cross } = federate(forge({ ca: true, extensions: { [extensionIds.keyUsage]: null } }).certificate);
    expect(cross.keyUsage).toEqual(['keyCertSign', 'cRLSign']);
  });

  it('a CA that is not valid yet has a cross-certificate that is not valid yet', () => {
    const { root: federationRoot, cross } = federate(forge({ ca: true, notBefore: now + day }).certificate);
    expect([federationRoot.notBefore, cross.notBefore]).toEqual([now - backdating, now + day]);
  });

  it('a CA that has expired has none', () => {
    const { certificate } = forge({ ca: true, notAfter: now });
    expect(() => federate(certificate)).toThrow('no cross-certificate is made for a CA that expired at 2026-06-15T12:00:00.000Z');
  });

  it.each<[string, Certificate, RegExp]>([
    ['has expired', forge({ ca: true, notAfter: now }).certificate, /expired at/],
    [
      'has name constraints that nobody can read',
      forge({
        ca: true,
        extensions: { [extensionIds.nameConstraints]: extension(extensionIds.nameConstraints, Buffer.from('0400', 'hex'), true) },
      }).certificate,
      /./,
    ],
  ])('what keeps a CA from one that %s is told, and is nobody else’s matter', (_what, certificate, failure) => {
    expect(tryCrossCertify(requestOf(certificate))).toEqual({ failure: expect.stringMatching(failure) });
  });
});

const everyIPv4 = 'ip 0.0.0.0/0.0.0.0';
const everyIPv6 = 'ip ::/::';
const noIPv4 = 'ip 0.0.0.0/255.255.255.255';
const noIPv6 = 'ip ::/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
const permittedFabrikam = [
  'dns "fabrikam.com"',
  'uri "fabrikam.com"',
  'uri ".fabrikam.com"',
  'mail "fabrikam.com"',
  'mail ".fabrikam.com"',
];

describe('its name constraints', () => {
  const ownConstraints = (constraints: NonNullable<Wish['constraints']>): Certificate =>
    forge({ ca: true, constraints }).certificate;
  const { dns, uri, mail, ip, directory } = generalName;

  it.each<
    [
      string,
      NameScope,
      Wish['constraints'] | undefined,
      { readonly permitted: readonly string[]; readonly excluded: readonly string[] },
    ]
  >([
    ['permit the scope, and no address', fabrikam, undefined, { permitted: permittedFabrikam, excluded: [everyIPv4, everyIPv6] }],
    [
      "permit addresses of one family, and nobody's of the other",
      { ...fabrikam, permitted: [...fabrikam.permitted, block('192.0.2.0/24')] },
      undefined,
      { permitted: [...permittedFabrikam, 'ip 192.0.2.0/255.255.255.0', noIPv6], excluded: [] },
    ],
    [
      "permit addresses of the other family, and nobody's of the first",
      { ...fabrikam, permitted: [...fabrikam.permitted, block('2001:db8::1')] },
      undefined,
      {
        permitted: [...permittedFabrikam, 'ip 2001:db8::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', noIPv4],
        excluded: [],
      },
    ],
    [
      'permit addresses of both families',
      { ...fabrikam, permitted: [...fabrikam.permitted, block('192.0.2.1'), block('2001:db8::/32')] },
      undefined,
      { permitted: [...permittedFabrikam, 'ip 192.0.2.1/255.255.255.255', 'ip 2001:db8::/ffff:ffff::'], excluded: [] },
    ],
    [
      'exclude what lies in the scope',
      { ...fabrikam, excluded: domain('voice.fabrikam.com') },
      undefined,
      {
        permitted: permittedFabrikam,
        excluded: [...permittedFabrikam.map((text) => text.replace(/fabrikam/, 'voice.fabrikam')), everyIPv4, everyIPv6],
      },
    ],
    [
      'leave out what lies outside of the scope anyway',
      { ...fabrikam, excluded: domain('contoso.com') },
      undefined,
      { permitted: permittedFabrikam, excluded: [everyIPv4, everyIPv6] },
    ],
    [
      'permit nothing of a kind of which nothing is permitted',
      { permitted: [{ kind: 'dns', host: 'fabrikam.com' }], excluded: [] },
      undefined,
      { permitted: ['dns "fabrikam.com"', 'uri "invalid"', 'mail "invalid"'], excluded: [everyIPv4, everyIPv6] },
    ],
    [
      'of a scope of every name exclude only',
      {
        permitted: [
          { kind: 'dns', host: '' },
          { kind: 'uri', host: '' },
          { kind: 'mail', host: '' },
        ],
        excluded: domain('contoso.com'),
      },
      undefined,
      {
        permitted: [],
        excluded: [...permittedFabrikam.map((text) => text.replace('fabrikam', 'contoso')), everyIPv4, everyIPv6],
      },
    ],
    [
      "are narrowed to the CA's own",
      fabrikam,
      { permitted: [dns('sip.fabrikam.com'), dns('fabrikam.net'), uri('.fabrikam.com'), mail('jo@fabrikam.com')] },
      {
        permitted: ['dns "sip.fabrikam.com"', 'uri ".fabrikam.com"', 'mail "jo@fabrikam.com"'],
        excluded: [everyIPv4, everyIPv6],
      },
    ],
    [
      "permit nothing where the CA's own permit nothing of the scope",
      fabrikam,
      { permitted: [dns('fabrikam.net')] },
      {
        permitted: ['uri "fabrikam.com"', 'uri ".fabrikam.com"', 'mail "fabrikam.com"', 'mail ".fabrikam.com"', 'dns "invalid"'],
        excluded: [everyIPv4, everyIPv6],
      },
    ],
    [
      "exclude what the CA's own exclude",
      { ...fabrikam, permitted: [...fabrikam.permitted, block('192.0.2.0/24')] },
      { excluded: [dns('lab.fabrikam.com'), ip('c0000280ffffff80'), dns('elsewhere.com')] },
      {
        permitted: [...permittedFabrikam, 'ip 192.0.2.0/255.255.255.0', noIPv6],
        excluded: ['dns "lab.fabrikam.com"', 'ip 192.0.2.128/255.255.255.128'],
      },
    ],
    [
      "permit no address that the CA's own do not permit",
      { ...fabrikam, permitted: [...fabrikam.permitted, block('192.0.2.0/24')] },
      { permitted: [ip('0a000000ff000000')] },
      { permitted: permittedFabrikam, excluded: [everyIPv4, everyIPv6] },
    ],
    [
      'keep those of kinds that a scope does not speak of',
      fabrikam,
      { permitted: [directory(distinguishedName('Fabrikam'))], excluded: [generalName.principal('jo@fabrikam.com')] },
      { permitted: [...permittedFabrikam, 'directory "CN=Fabrikam"'], excluded: [everyIPv4, everyIPv6, 'other otherName'] },
    ],
  ])('%s', (_, scope, own, expected) => {
    const partnerCA = own === undefined ? root.certificate : ownConstraints(own);
    expect(described(constraintsOf(federate(partnerCA, scope).cross))).toEqual(expected);
  });

  it.each<[string, boolean]>([
    ['fabrikam.com', true],
    ['sip.fabrikam.com', true],
    ['a.b.fabrikam.com', true],
    ['contoso.com', false],
    ['notfabrikam.com', false],
    ['com', false],
  ])('decide on %s as DNS name, URI and mail address alike', (host, allowed) => {
    const constraints = constraintsOf(federate(root.certificate).cross);
    const names = [
      { kind: 'dns', value: host },
      { kind: 'uri', value: `spiffe://${host}/x` },
      { kind: 'mail', value: `jo@${host}` },
    ] as const;
    expect(names.map((name) => violationOf(constraints, name) === undefined)).toEqual(Array(3).fill(allowed));
  });
});

describe('a path by our own judgement', () => {
  const at = (leaf: Forged, trust: FederationTrust, sent: readonly Certificate[] = []) =>
    validatePath({
      leaf: leaf.certificate,
      intermediates: [trust.cross, ...sent],
      anchors: [trust.root],
      now,
      purpose: 'server',
      options: { profile: 'Enterprise' },
    });
  const named = (names: readonly Buffer[], wish: Wish = {}): Forged => forge({ subject: 'sip', by: root, names, ...wish });
  const ours = federate(root.certificate);
  const { dns, uri, ip } = generalName;
  const issuing = forge({ ca: true, subject: 'Fabrikam Issuing', by: root });
  const byIssuerAndSerial = extension(
    extensionIds.authorityKeyIdentifier,
    sequence(
      implicit(1, Buffer.concat([explicit(4, root.name)])).fill(0xa1, 0, 1),
      unsignedInteger(Buffer.from(root.certificate.serial, 'hex')).fill(0x82, 0, 1),
    ),
  );

  it.each<[string, Forged, readonly Certificate[]]>([
    ['its leaf', named([dns('sip.fabrikam.com')]), []],
    ['one of its sub-CA', named([dns('sip.fabrikam.com')], { by: issuing }), [issuing.certificate]],
    ['one that comes with its root', named([dns('sip.fabrikam.com')]), [root.certificate]],
    [
      'one that names its issuer by issuer and serial',
      named([dns('sip.fabrikam.com')], { extensions: { [extensionIds.authorityKeyIdentifier]: byIssuerAndSerial } }),
      [],
    ],
    [
      'one that does not name its issuer',
      named([dns('sip.fabrikam.com')], { extensions: { [extensionIds.authorityKeyIdentifier]: null } }),
      [],
    ],
  ])('takes %s', (_, leaf, sent) => {
    expect(at(leaf, ours, sent)).toMatchObject({ ok: true });
  });

  it.each<[string, Forged, string, string]>([
    [
      'our DNS name',
      named([dns('fe01.contoso.com')]),
      'NameNotPermitted',
      'does not allow the DNS name "fe01.contoso.com" of "CN=sip"',
    ],
    [
      'our SPIFFE ID',
      named([dns('sip.fabrikam.com'), uri('spiffe://contoso.com/front-end/fe01')]),
      'NameNotPermitted',
      'spiffe://contoso.com/front-end/fe01',
    ],
    ['an address', named([dns('sip.fabrikam.com'), ip('c0000201')]), 'NameExcluded', 'does not allow the IP address 192.0.2.1'],
    ['userinfo in a URI', named([uri('spiffe://contoso.com:x@fabrikam.com')]), 'NameNotPermitted', 'its host cannot be told'],
    ['a SIP URI', named([uri('sip:fabrikam.com')]), 'NameNotPermitted', 'its host cannot be told'],
    ['a NUL in a DNS name', named([dns('fe01.contoso.com\0.fabrikam.com')]), 'InvalidSubjectAltName', 'is no host name'],
  ])('refuses %s, and names it', (_, leaf, reason, says) => {
    expect(at(leaf, ours)).toMatchObject({ ok: false, reason, message: expect.stringContaining(says) });
  });

  it('refuses a peer that sends its former cross-certificate after its scope has changed', () => {
    const former = federate(root.certificate, { permitted: domain('fabrikam.net'), excluded: [] });
    const renewed = crossCertify({
      partnerCA: root.certificate,
      ...fabrikam,
      now,
      federationKeys: keysOf('another federation'),
      serials: { root: Buffer.from('78'.repeat(16), 'hex') },
    });
    expect(at(named([dns('sip.fabrikam.net')]), former)).toMatchObject({ ok: true });
    expect(at(named([dns('sip.fabrikam.net')]), renewed, [former.cross])).toMatchObject({ ok: false });
  });
});
