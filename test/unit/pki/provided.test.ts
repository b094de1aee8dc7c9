// A CA that somebody brings: what can be used is taken, and whatever cannot is named in a sentence that says what is right.
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { privateKeyPem } from '../../../operator/authorities/keys.ts';
import type { SignatureAlgorithm } from '../../../operator/pki/algorithm.ts';
import { type Certificate, parseCertificate } from '../../../operator/pki/certificate.ts';
import { withoutRoots } from '../../../operator/pki/chain.ts';
import { checkProvided, type ProblemReason } from '../../../operator/pki/check.ts';
import {
  booleanTrue,
  explicit,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  tlv,
} from '../../../operator/pki/der-writer.ts';
import {
  authorityConstraints,
  authorityKeyIdentifier,
  endEntityConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectKeyIdentifier,
} from '../../../operator/pki/extensions.ts';
import { issuerOf } from '../../../operator/pki/issuer.ts';
import { keyIdOf } from '../../../operator/pki/key-id.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { type Signer, signCertificate, signerOf } from '../../../operator/pki/signing.ts';
import { day, frontEnd, hierarchy, hour, issue, keyKinds, keysFor, now } from './authorities.ts';

interface Authority {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

interface AuthorityOptions {
  readonly name: string;
  readonly below?: Authority;
  readonly keys?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly extensions?: readonly Buffer[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** What it is signed with, where that is not what its issuer's key suggests. */
  readonly algorithm?: SignatureAlgorithm;
}

const sound = [authorityConstraints(), keyUsage(['keyCertSign', 'cRLSign'])];

/** A CA as another tool may have made it. */
function authority({
  name,
  below,
  extensions = sound,
  algorithm,
  notBefore = now - day,
  notAfter = now + 365 * day,
  ...options
}: AuthorityOptions): Authority {
  const keys = options.keys ?? keysFor({ algorithm: 'ECDSA' }, name);
  const subject = distinguishedName(name);
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
  const signer: Signer =
    algorithm === undefined
      ? signerOf(below?.certificate.subjectDer ?? subject, below?.privateKey ?? keys.privateKey)
      : { name: below?.certificate.subjectDer ?? subject, privateKey: below?.privateKey ?? keys.privateKey, algorithm };
  const identifiers = [
    subjectKeyIdentifier(keyIdOf(publicKey)),
    authorityKeyIdentifier(below === undefined ? keyIdOf(publicKey) : Buffer.from(below.certificate.subjectKeyId, 'hex')),
  ];
  const der = signCertificate(signer, {
    serial: randomBytes(16),
    subject,
    publicKey,
    notBefore,
    notAfter,
    extensions: [...extensions, ...identifiers],
  });
  return { certificate: parseCertificate(der), privateKey: keys.privateKey };
}

const pem = (...authorities: readonly Authority[]): string => authorities.map(({ certificate }) => certificate.pem).join('');

const root = authority({ name: 'Root' });
const policy = authority({ name: 'Policy', below: root });
const issuing = authority({ name: 'Issuing', below: policy });

const secret = { chainPEM: pem(issuing, policy), keyPEM: privateKeyPem(issuing.privateKey), anchorsPEM: pem(root), now };

function accepted(changes: Partial<typeof secret> = {}) {
  const verdict = checkProvided({ ...secret, ...changes });
  if ('problems' in verdict) throw new Error(verdict.problems.map(({ message }) => message).join('\n'));
  return verdict;
}

function refused(
  changes: Partial<Record<keyof typeof secret, string | number | undefined>>,
): readonly { reason: ProblemReason; message: string }[] {
  const verdict = checkProvided({ ...secret, ...changes } as Parameters<typeof checkProvided>[0]);
  return 'problems' in verdict ? verdict.problems : [];
}

describe('a CA that can be used', () => {
  it('is taken with its chain, its anchors and its key, and issues', () => {
    const { chain, anchors, privateKey, notices } = accepted();
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=Issuing', 'CN=Policy']);
    expect(anchors.map(({ subject }) => subject)).toEqual(['CN=Root']);
    expect(notices).toEqual([]);
    expect(issue(issuerOf(issuing.certificate, privateKey), frontEnd()).issuer).toBe('CN=Issuing');
  });

  it('may have any kind of key, in PKCS#8, PKCS#1 or SEC 1', () => {
    for (const kind of keyKinds) {
      const made = hierarchy({ issuingKey: kind });
      const key = made.issuingKeys.privateKey;
      const forms = [privateKeyPem(key)];
      if (kind.algorithm === 'RSA') forms.push(key.export({ type: 'pkcs1', format: 'pem' }).toString());
      if (kind.algorithm === 'ECDSA') forms.push(key.export({ type: 'sec1', format: 'pem' }).toString());
      for (const keyPEM of forms) accepted({ chainPEM: made.issuing.pem, keyPEM, anchorsPEM: made.root.pem });
    }
  });

  it('may have its curve written before its key, as openssl ecparam does', () => {
    accepted({ keyPEM: `${encodePem('EC PARAMETERS', objectIdentifier('1.2.840.10045.3.1.7'))}${secret.keyPEM}` });
  });

  it('loses the root from its chain, which peers have anyway', () => {
    expect(accepted({ chainPEM: pem(issuing, policy, root) }).chain.map(({ subject }) => subject)).toEqual([
      'CN=Issuing',
      'CN=Policy',
    ]);
  });

  it('may be a root itself: then nothing is presented after a leaf', () => {
    const { chain } = accepted({ chainPEM: pem(root), keyPEM: privateKeyPem(root.privateKey) });
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=Root']);
    expect(withoutRoots(chain)).toEqual([]);
  });

  it('keeps further roots, but none that has expired', () => {
    const next = authority({ name: 'Next Root', notBefore: now + day });
    const former = authority({ name: 'Former Root', notBefore: now - 9 * day, notAfter: now - day });
    expect(accepted({ anchorsPEM: pem(former, root, next) }).anchors.map(({ subject }) => subject)).toEqual([
      'CN=Root',
      'CN=Next Root',
    ]);
  });

  it('may come with a root whose own signature is weak, since nobody relies on that', () => {
    const old = authority({
      name: 'Old Root',
      keys: generateKeyPairSync('rsa', { modulusLength: 2048 }),
      algorithm: sha1WithRSA(),
    });
    const below = authority({ name: 'Issuing', below: old });
    expect(old.certificate.signatureAlgorithm).toBe('sha1WithRSAEncryption');
    accepted({ chainPEM: pem(below), keyPEM: privateKeyPem(below.privateKey), anchorsPEM: pem(old) });
  });

  it('is taken with a notice where names are constrained', () => {
    const constraints = sequence(
      objectIdentifier('2.5.29.30'),
      booleanTrue,
      octetString(sequence(explicit(0, sequence(tlv(0x82, Buffer.from('contoso.com')))))),
    );
    const constrained = authority({ name: 'Issuing', below: root, extensions: [...sound, constraints] });
    const { notices } = accepted({ chainPEM: pem(constrained), keyPEM: privateKeyPem(constrained.privateKey) });
    expect(notices).toEqual([
      { reason: 'NamesConstrained', message: expect.stringContaining('"CN=Issuing" has name constraints') },
    ]);
  });
});

function sha1WithRSA(): SignatureAlgorithm {
  return {
    name: 'sha1WithRSAEncryption',
    identifier: sequence(objectIdentifier('1.2.840.113549.1.1.5'), nullValue),
    digest: 'sha1',
  };
}

describe('a CA that cannot be used', () => {
  /** In place of the issuing CA of the sound Secret, another of the same name and key, directly below the root or `below`. */
  const instead = (options: Omit<AuthorityOptions, 'name'>, above: readonly Authority[] = []) => {
    const made = authority({ name: 'Issuing', below: root, ...options });
    return { chainPEM: pem(made, ...above), keyPEM: privateKeyPem(made.privateKey) };
  };
  const narrow = authority({ name: 'Narrow', below: root, extensions: [authorityConstraints(0), keyUsage(['keyCertSign'])] });
  const narrowRoot = authority({ name: 'Root', extensions: [authorityConstraints(0), keyUsage(['keyCertSign'])] });
  const expired = authority({
    name: 'Policy',
    below: root,
    keys: keysFor({ algorithm: 'ECDSA' }, 'Policy'),
    notBefore: now - 9 * day,
    notAfter: now - hour,
  });
  const expiredRoot = authority({ name: 'Root', notBefore: now - 9 * day, notAfter: now - hour });
  const stranger = authority({ name: 'Stranger' });
  const namesake = authority({ name: 'Root', keys: keysFor({ algorithm: 'ECDSA' }, 'namesake') });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const rsaRoot = authority({ name: 'RSA Root', keys: generateKeyPairSync('rsa', { modulusLength: 2048 }) });
  const leaf = issue(issuerOf(issuing.certificate, issuing.privateKey), frontEnd());
  const unknown = sequence(objectIdentifier('1.2.3.4'), booleanTrue, octetString(nullValue));
  const encrypted = issuing.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
  const encryptedTraditional = issuing.privateKey
    .export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();

  it.each<[string, Parameters<typeof refused>[0], ProblemReason, string]>([
    [
      'without certificates',
      { chainPEM: undefined },
      'NotPEM',
      'tls.crt holds no certificate: it must be PEM, with at least one CERTIFICATE block',
    ],
    ['without roots', { anchorsPEM: undefined }, 'NotPEM', 'ca.crt holds no certificate'],
    [
      'without a key',
      { keyPEM: undefined },
      'NotPEM',
      'tls.key holds 0 PEM blocks: it must hold one unencrypted PEM private key',
    ],
    ['that is DER', { chainPEM: issuing.certificate.der.toString('latin1') }, 'NotPEM', 'tls.crt holds no certificate'],
    [
      'whose certificate was cut',
      { chainPEM: secret.chainPEM.slice(0, -100) },
      'NotPEM',
      'tls.crt has a CERTIFICATE block that does not end',
    ],
    [
      'whose certificate is none',
      { chainPEM: encodePem('CERTIFICATE', Buffer.from('nothing of the kind')) },
      'NotPEM',
      'tls.crt has block 1, which is not a usable X.509 certificate',
    ],
    [
      'whose key lies among the certificates',
      { chainPEM: secret.chainPEM + secret.keyPEM },
      'NotPEM',
      'tls.crt holds a PRIVATE KEY block among the certificates',
    ],
    [
      'whose key would be given to everybody',
      { anchorsPEM: secret.anchorsPEM + secret.keyPEM },
      'NotPEM',
      'ca.crt holds a PRIVATE KEY block among the certificates',
    ],
    ['whose certificate is in place of its key', { keyPEM: secret.chainPEM }, 'NotPEM', 'tls.key holds 2 PEM blocks'],
    [
      'whose public key is in place of its key',
      { keyPEM: encodePem('PUBLIC KEY', Buffer.of(1)) },
      'NotPEM',
      'tls.key holds a PUBLIC KEY',
    ],
    [
      'whose key is broken',
      { keyPEM: encodePem('PRIVATE KEY', Buffer.of(48, 0)) },
      'NotPEM',
      'tls.key holds a key that cannot be read',
    ],
    [
      'whose key is encrypted',
      { keyPEM: encrypted },
      'EncryptedKey',
      'tls.key is encrypted: it must hold one unencrypted PEM private key',
    ],
    ['whose key is encrypted in the old way', { keyPEM: encryptedTraditional }, 'EncryptedKey', 'tls.key is encrypted'],
    [
      'with the key of another',
      { keyPEM: privateKeyPem(stranger.privateKey) },
      'KeyMismatch',
      'tls.key is not the key of "CN=Issuing", the first certificate in tls.crt',
    ],
    [
      'with the chain upside down',
      { chainPEM: pem(policy, issuing) },
      'ChainOrder',
      'tls.key is the key of "CN=Issuing", which must be the first certificate in tls.crt',
    ],
    [
      'with its issuers in the wrong order',
      { chainPEM: pem(issuing, narrow, policy) },
      'ChainOrder',
      '"CN=Issuing" must be followed by its issuer "CN=Policy", not by "CN=Narrow"',
    ],
    [
      'that is a leaf',
      { chainPEM: leaf.pem + secret.chainPEM, keyPEM: privateKeyPem(keysFor({ algorithm: 'ECDSA' }).privateKey) },
      'NotACA',
      '"CN=pool01.contoso.com" is not a CA: its basic constraints do not say cA=TRUE',
    ],
    ['without basic constraints', instead({ extensions: [keyUsage(['keyCertSign'])] }), 'NotACA', '"CN=Issuing" is not a CA'],
    [
      'that says it is none',
      instead({ extensions: [endEntityConstraints, keyUsage(['keyCertSign'])] }),
      'NotACA',
      '"CN=Issuing" is not a CA',
    ],
    [
      'that may not sign certificates',
      instead({ extensions: [authorityConstraints(), keyUsage(['digitalSignature', 'cRLSign'])] }),
      'WrongKeyUsage',
      '"CN=Issuing" may not sign certificates: its key usage is digitalSignature, cRLSign, without keyCertSign',
    ],
    [
      'for other purposes',
      instead({ extensions: [...sound, extendedKeyUsage(['serverAuth', 'codeSigning'])] }),
      'WrongKeyUsage',
      'limits what is below it to serverAuth, codeSigning: clientAuth must be among them',
    ],
    [
      'with an extension that peers do not know',
      instead({ extensions: [...sound, unknown] }),
      'UnknownCriticalExtension',
      '"CN=Issuing" has the critical extension 1.2.3.4',
    ],
    [
      'whose chain has a gap',
      { chainPEM: pem(issuing) },
      'Untrusted',
      '"CN=Issuing" does not lead to an anchor: its issuer is "CN=Policy", the anchors are "CN=Root"',
    ],
    [
      'whose chain goes elsewhere',
      { chainPEM: pem(issuing, narrow) },
      'ChainIncomplete',
      '"CN=Issuing" is not issued by "CN=Narrow", which follows it: its issuer is "CN=Policy"',
    ],
    [
      'that leads to another root',
      { anchorsPEM: pem(stranger) },
      'Untrusted',
      '"CN=Policy" does not lead to an anchor: its issuer is "CN=Root", the anchors are "CN=Stranger"',
    ],
    [
      'that leads to a root of the same name',
      { anchorsPEM: pem(namesake) },
      'Untrusted',
      'an anchor has its issuer\'s name "CN=Root", but with another key',
    ],
    [
      'that expired',
      instead({ notBefore: now - 9 * day, notAfter: now - hour }),
      'Expired',
      '"CN=Issuing" expired at 2026-06-15T11:00:00Z',
    ],
    [
      'that is not valid yet',
      instead({ notBefore: now + hour }),
      'NotYetValid',
      '"CN=Issuing" is not valid before 2026-06-15T13:00:00Z',
    ],
    ['whose issuer expired', { chainPEM: pem(issuing, expired) }, 'Expired', '"CN=Policy" expired at 2026-06-15T11:00:00Z'],
    ['whose root expired', { anchorsPEM: pem(expiredRoot) }, 'Expired', '"CN=Root" expired at 2026-06-15T11:00:00Z'],
    [
      'below one that allows none below it',
      instead({ below: narrow }, [narrow]),
      'PathTooLong',
      '"CN=Narrow" allows 0 CAs below it (path length), and there are 1',
    ],
    [
      'below a root that allows no more',
      { anchorsPEM: pem(narrowRoot) },
      'PathTooLong',
      '"CN=Root" allows 0 CAs below it (path length), and there are 2',
    ],
    [
      'with a weak key',
      instead({ keys: weak }),
      'WeakKey',
      'tls.key is RSA 1024: it must be ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519',
    ],
    [
      'with a curve that peers do not have',
      instead({ keys: koblitz }),
      'UnsupportedKey',
      'tls.key is ECDSA secp256k1: it must be',
    ],
    [
      'with a weak signature',
      { ...instead({ below: rsaRoot, algorithm: sha1WithRSA() }), anchorsPEM: pem(rsaRoot) },
      'WeakSignature',
      '"CN=Issuing" is signed with sha1WithRSAEncryption: peers want SHA-256 or better',
    ],
    [
      'whose root is none',
      { anchorsPEM: pem(policy) },
      'NotARoot',
      '"CN=Policy" in ca.crt is no root: it is issued by "CN=Root"',
    ],
    ['with a leaf among its roots', { anchorsPEM: pem(root) + leaf.pem }, 'NotACA', '"CN=pool01.contoso.com" is not a CA'],
  ])('%s', (_, changes, reason, sentence) => {
    const problems = refused(changes);
    expect(problems.map((problem) => problem.reason)).toContain(reason);
    expect(problems.map((problem) => problem.message).join('\n')).toContain(sentence);
  });

  it('is told everything that is wrong at once, each thing once', () => {
    const unreadable = refused({ chainPEM: '', keyPEM: '', anchorsPEM: '' });
    expect(unreadable.map(({ message }) => message.split(' ')[0])).toEqual(['tls.crt', 'tls.key', 'ca.crt']);
    const several = refused({
      ...instead({ keys: weak, notAfter: now - hour, extensions: [authorityConstraints()] }),
      anchorsPEM: pem(stranger),
    });
    expect(several.map(({ reason }) => reason).sort()).toEqual(['Expired', 'Untrusted', 'WeakKey', 'WeakKey']);
  });

  it('is never told anything of its key', () => {
    const key = secret.keyPEM.split('\n')[1] ?? '';
    const changes = [
      { chainPEM: secret.keyPEM },
      { keyPEM: secret.keyPEM.slice(0, -30) },
      { keyPEM: `${secret.keyPEM}${secret.keyPEM}` },
      { anchorsPEM: secret.keyPEM },
    ];
    for (const change of changes) {
      const problems = refused(change);
      expect(problems.length).toBeGreaterThan(0);
      expect(JSON.stringify(problems)).not.toContain(key);
    }
  });
});
