// Name constraints of a provided CA: what they do not permit is found before it is stored, and OpenSSL agrees on each case.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, parseCertificate } from '../../../operator/pki/certificate.ts';
import { checkIssued } from '../../../operator/pki/check.ts';
import { booleanTrue, explicit, objectIdentifier, octetString, sequence, tlv } from '../../../operator/pki/der-writer.ts';
import {
  authorityConstraints,
  authorityKeyIdentifier,
  keyUsage,
  subjectKeyIdentifier,
} from '../../../operator/pki/extensions.ts';
import { issuerOf } from '../../../operator/pki/issuer.ts';
import { keyIdOf } from '../../../operator/pki/key-id.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { nameConstraintProblems } from '../../../operator/pki/name-constraints.ts';
import { publicKeyInfo, signCertificate, signerOf } from '../../../operator/pki/signing.ts';
import { runProgram } from '../../support/process.ts';
import { day, frontEnd, hierarchy, issue, keysFor, now, withoutCommonName } from './authorities.ts';

const { root, rootKeys, issuingKeys } = hierarchy();
const dns = (name: string) => tlv(0x82, Buffer.from(name));
const uri = (name: string) => tlv(0x86, Buffer.from(name));
const directory = (commonName: string) => tlv(0xa4, distinguishedName(commonName));
const address = tlv(0x87, Buffer.from('0a000000ff000000', 'hex'));

interface Constraints {
  readonly permitted?: readonly Buffer[];
  readonly excluded?: readonly Buffer[];
}

function constrained({ permitted = [], excluded = [] }: Constraints): Certificate {
  const subtrees = (number: number, bases: readonly Buffer[]) =>
    bases.length > 0 ? [explicit(number, ...bases.map((base) => sequence(base)))] : [];
  const value = sequence(...subtrees(0, permitted), ...subtrees(1, excluded));
  const publicKey = publicKeyInfo(issuingKeys.publicKey);
  const extensions = [
    authorityConstraints(0),
    keyUsage(['keyCertSign', 'cRLSign']),
    subjectKeyIdentifier(keyIdOf(publicKey)),
    authorityKeyIdentifier(Buffer.from(root.subjectKeyId, 'hex')),
    sequence(objectIdentifier('2.5.29.30'), booleanTrue, octetString(value)),
  ];
  const fields = {
    serial: randomBytes(16),
    subject: distinguishedName('Constrained'),
    publicKey,
    notBefore: now - day,
    notAfter: now + 365 * day,
    extensions,
  };
  return parseCertificate(signCertificate(signerOf(root.subjectDer, rootKeys.privateKey), fields));
}

async function opensslAccepts(issuing: Certificate, leaf: Certificate): Promise<boolean> {
  const place = await mkdtemp(join(tmpdir(), 'trustmesh-constraints-'));
  try {
    const files = { root, issuing, leaf };
    for (const [name, { pem }] of Object.entries(files)) await writeFile(join(place, name), pem);
    const command = `openssl verify -x509_strict -attime ${now / 1000} -CAfile root -untrusted issuing leaf || true`;
    const { stdout } = await runProgram('sh', ['-c', command], { cwd: place });
    return stdout.trim() === 'leaf: OK';
  } finally {
    await rm(place, { recursive: true });
  }
}

// The front end's names: pool01, fe01 and sip below contoso.com, and a SPIFFE ID of contoso.com.
describe('name constraints', () => {
  it.each<[string, Constraints, readonly string[]]>([
    ['of our domain permit our names', { permitted: [dns('contoso.com'), uri('contoso.com')] }, []],
    ['of one name permit that one', { permitted: [dns('pool01.contoso.com')] }, ['fe01.contoso.com', 'sip.contoso.com']],
    ['of our domain below a dot permit what is below', { permitted: [dns('.contoso.com')] }, []],
    ['of several permit each', { permitted: [dns('fabrikam.com'), dns('contoso.com')] }, []],
    [
      'of another domain permit none',
      { permitted: [dns('fabrikam.com')] },
      ['pool01.contoso.com', 'fe01.contoso.com', 'sip.contoso.com'],
    ],
    ['are of whole labels', { permitted: [dns('toso.com')] }, ['pool01.contoso.com', 'fe01.contoso.com', 'sip.contoso.com']],
    ['that exclude one name exclude it', { excluded: [dns('fe01.contoso.com')] }, ['fe01.contoso.com']],
    [
      'exclude what they also permit',
      { permitted: [dns('contoso.com')], excluded: [dns('sip.contoso.com')] },
      ['sip.contoso.com'],
    ],
    ['in other letters are the same', { permitted: [dns('CONTOSO.com')] }, []],
    [
      'of another URI host exclude the SPIFFE ID',
      { permitted: [uri('fabrikam.com')] },
      ['spiffe://contoso.com/front-end/pool01.contoso.com/fe01.contoso.com'],
    ],
    [
      'of URI hosts below ours exclude ours',
      { permitted: [uri('.contoso.com')] },
      ['spiffe://contoso.com/front-end/pool01.contoso.com/fe01.contoso.com'],
    ],
    ['of the subject permit it', { permitted: [directory('pool01.contoso.com')] }, []],
    ['of another subject exclude it', { permitted: [directory('Contoso')] }, ['the subject "CN=pool01.contoso.com"']],
    ['of addresses say nothing of names', { permitted: [address] }, []],
  ])('%s', async (_, constraints, refused) => {
    const issuing = constrained(constraints);
    const expected = frontEnd();
    const leaf = issue(issuerOf(issuing, issuingKeys.privateKey), expected);
    const { privateKey } = keysFor({ algorithm: 'ECDSA' });
    const problems = checkIssued({ leaf, key: privateKey, chain: [issuing], anchors: [root], expected, now });
    const message = (name: string) => `the name constraints of "CN=Constrained" do not permit ${name}`;
    expect(problems).toEqual(refused.map((name) => ({ reason: 'NameNotPermitted', message: message(name) })));
    expect(await opensslAccepts(issuing, leaf)).toBe(refused.length === 0);
  });

  it('that cannot be read permit nothing', () => {
    const issuing = constrained({ permitted: [Buffer.alloc(0)] });
    expect(nameConstraintProblems(issuing, root).map(({ message }) => message)).toEqual([
      'the name constraints of "CN=Constrained" cannot be read, and so permit nothing',
    ]);
  });

  it('of the subject say nothing of a leaf without one', () => {
    const issuing = constrained({ permitted: [directory('Contoso')] });
    const expected = withoutCommonName();
    const leaf = issue(issuerOf(issuing, issuingKeys.privateKey), expected);
    const { privateKey } = keysFor({ algorithm: 'ECDSA' });
    expect(checkIssued({ leaf, key: privateKey, chain: [issuing], anchors: [root], expected, now })).toEqual([]);
  });
});
