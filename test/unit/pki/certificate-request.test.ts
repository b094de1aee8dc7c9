// Certificate requests of gateways: what is granted, and every way to ask for more. Whoever made the request chose every octet.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  checkCertificateRequest,
  parseCertificateRequest,
  type RequestRefusal,
} from '../../../operator/pki/certificate-request.ts';
import { objectIdentifier, octetString, sequence, setOf, tlv } from '../../../operator/pki/der-writer.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import {
  authorityRequest,
  certificateRequest,
  certificateRequestDer,
  dnsName,
  ecKeys,
  extension,
  extensionRequest,
  ipName,
  keyUsageRequest,
  mailName,
  type RequestParts,
  rsaKeys,
  uriName,
} from '../../support/certificate-request.ts';

const fqdn = 'gw01.contoso.com';
const uri = `spiffe://contoso.com/media-gateway/${fqdn}`;
const keys = ecKeys();

const of = (parts: Partial<RequestParts>): string => certificateRequest({ keys, ...parts });

/** Everything that is wrong with it; nothing: it is granted. */
function refusals(pem: string, fips = false): readonly RequestRefusal[] {
  const read = parseCertificateRequest(pem);
  return 'reason' in read ? [read] : checkCertificateRequest(read, { fqdn, uri, fips });
}

const names = (...list: readonly Buffer[]) => extension('2.5.29.17', sequence(...list));

describe('a request is granted', () => {
  it.each<[string, Partial<RequestParts>]>([
    ['for the name as its common name', { commonName: fqdn }],
    ['for the name as its common name in capitals', { commonName: 'GW01.Contoso.com' }],
    ['for the name as its DNS name', { dnsNames: [fqdn] }],
    ['for the name as both, twice, and in capitals', { commonName: fqdn, dnsNames: [fqdn, 'GW01.contoso.COM'] }],
    ['for no name at all', {}],
    [
      'for an empty common name, as appliances leave it',
      { subject: sequence(setOf(sequence(objectIdentifier('2.5.4.3'), tlv(0x0c)))) },
    ],
    [
      'with an organisation in its subject, which comes to nothing',
      { subject: sequence(setOf(sequence(objectIdentifier('2.5.4.10'), tlv(0x13, Buffer.from('Contoso'))))) },
    ],
    ['for the SPIFFE ID that it gets anyway', { dnsNames: [fqdn], otherNames: [uriName(uri)] }],
    ['with the usages of a server', { dnsNames: [fqdn], extensions: [keyUsageRequest(0, 2)] }],
    ['as Microsoft wrote it before', { attributes: [extensionRequest([names(dnsName(fqdn))], '1.3.6.1.4.1.311.2.1.14')] }],
    [
      'with an attribute that nobody knows',
      { attributes: [sequence(objectIdentifier('1.2.3.4'), setOf(octetString(Buffer.of(1))))] },
    ],
    ['for a P-384 key', { keys: ecKeys('P-384') }],
    ['for an RSA key of 2048 bits', { keys: rsaKeys(2048) }],
    ['for an Ed25519 key', { keys: generateKeyPairSync('ed25519') }],
  ])('%s', (_title, parts) => {
    expect(refusals(of(parts))).toEqual([]);
  });

  it('with the label that old tools write, and with text around it', () => {
    const der = certificateRequestDer({ keys, commonName: fqdn });
    expect(refusals(`Certificate Request:\n${encodePem('NEW CERTIFICATE REQUEST', der)}\n`)).toEqual([]);
  });

  it('and says whose key it is', () => {
    const read = parseCertificateRequest(of({ commonName: fqdn }));
    if ('reason' in read) throw new Error(read.message);
    expect(read.publicKey.equals(keys.publicKey)).toBe(true);
    expect(createPublicKey({ key: read.publicKeyDer, format: 'der', type: 'spki' }).equals(keys.publicKey)).toBe(true);
  });
});

describe('a request is refused', () => {
  const wanted = `ask for ${fqdn} alone, or for no name`;
  const other = (name: string) => `asks for ${name}: ${wanted}`;
  it.each<[string, Partial<RequestParts>, RequestRefusal['reason'], string | RegExp]>([
    ['for another name', { dnsNames: ['fe01.contoso.com'] }, 'NameMismatch', other('the DNS name "fe01.contoso.com"')],
    ['for one more name', { dnsNames: [fqdn, 'sip.contoso.com'] }, 'NameMismatch', other('the DNS name "sip.contoso.com"')],
    ['for a wildcard', { dnsNames: ['*.contoso.com'] }, 'NameMismatch', other('the DNS name "*.contoso.com"')],
    ['for a name below its own', { dnsNames: [`a.${fqdn}`] }, 'NameMismatch', /asks for the DNS name "a\.gw01/],
    ['for its name with a final dot', { dnsNames: [`${fqdn}.`] }, 'NameMismatch', /asks for/],
    [
      'for its name, and more past a NUL',
      { dnsNames: [`${fqdn}\0.evil.com`] },
      'NameMismatch',
      /asks for the DNS name "gw01\.contoso\.com\\u0000/,
    ],
    ['for an IP address', { otherNames: [ipName(192, 0, 2, 1)] }, 'NameMismatch', other('the IP address 192.0.2.1')],
    [
      'for the SPIFFE ID of a server',
      { otherNames: [uriName('spiffe://contoso.com/front-end/pool01.contoso.com')] },
      'NameMismatch',
      /asks for the URI/,
    ],
    ['for a mail address', { otherNames: [mailName(`admin@${fqdn}`)] }, 'NameMismatch', /asks for the mail address/],
    [
      'for a name of another form',
      { otherNames: [tlv(0x88, Buffer.of(42))] },
      'NameMismatch',
      /asks for a name of the form registeredID/,
    ],
    [
      'for another common name',
      { commonName: 'fe01.contoso.com', dnsNames: [fqdn] },
      'NameMismatch',
      `has the common name "fe01.contoso.com": ${wanted}`,
    ],
    ['for a common name past a NUL', { subject: distinguishedNameOf(`${fqdn}\0x`) }, 'NameMismatch', /has the common name/],
    [
      'for two common names',
      { subject: sequence(...[fqdn, fqdn].map(commonNamePart)) },
      'NameMismatch',
      `has 2 common names: ${wanted}`,
    ],
    ['to be a CA', { extensions: [authorityRequest] }, 'CARequested', 'asks to be a CA: leave out CA:TRUE and keyCertSign'],
    ['to sign certificates', { extensions: [keyUsageRequest(0, 5)] }, 'CARequested', /asks to be a CA/],
    ['signed by another key', { signer: ecKeys().privateKey }, 'SignatureInvalid', /is not signed with the key that it is for/],
    ['signed by a key of another kind', { signer: rsaKeys(2048).privateKey }, 'SignatureInvalid', /is not signed with the key/],
    ['signed with SHA-1', { digest: 'sha1' }, 'WeakSignature', /is signed with .*: sign it with SHA-256 or better/],
    ['for an RSA key of 1024 bits', { keys: rsaKeys(1024) }, 'WeakKey', /is for a key of RSA 1024: use ECDSA on P-256/],
    [
      'for an RSA key with the exponent 3',
      { keys: rsaKeys(2048, 3) },
      'WeakKey',
      'is for an RSA key with the exponent 3: make one with 65537',
    ],
    ['for a key on a curve that nobody has', { keys: ecKeys('secp256k1') }, 'WeakKey', /is for a key of ECDSA secp256k1/],
    ['of a version that there is not', { version: 1 }, 'NotARequest', /its version is not 1/],
    [
      'that asks for extensions twice',
      { attributes: [extensionRequest([names(dnsName(fqdn))]), extensionRequest([names(dnsName('fe01.contoso.com'))])] },
      'NotARequest',
      /it asks for extensions twice/,
    ],
    [
      'that asks for extensions in the old way and the new',
      { attributes: [extensionRequest([]), extensionRequest([], '1.3.6.1.4.1.311.2.1.14')] },
      'NotARequest',
      /it asks for extensions twice/,
    ],
    [
      'that gives one attribute two values',
      {
        attributes: [sequence(objectIdentifier('1.2.840.113549.1.9.14'), tlv(0x31, sequence(), sequence(names(dnsName(fqdn)))))],
      },
      'NotARequest',
      /it asks for extensions twice/,
    ],
    [
      'with two lists of names',
      { extensions: [names(dnsName(fqdn)), names(dnsName('fe01.contoso.com'))] },
      'NotARequest',
      /it has the extension 2\.5\.29\.17 twice/,
    ],
    ['with a list of no names', { extensions: [names()] }, 'NotARequest', /it has no name/],
    ['with letters beyond ASCII in a name', { dnsNames: ['gw01.zürich.com'] }, 'NotARequest', /a dns name that is not ASCII/],
  ])('%s', (_title, parts, reason, message) => {
    const found = refusals(of(parts));
    expect(found).toMatchObject([{ reason, message: typeof message === 'string' ? message : expect.stringMatching(message) }]);
  });

  const good = certificateRequestDer({ keys, commonName: fqdn });
  it.each<[string, string, RegExp]>([
    ['that is empty', '', /^holds 0 PEM blocks/],
    ['that is two', certificateRequest({ keys }).repeat(2), /^holds 2 PEM blocks/],
    ['that is a certificate', encodePem('CERTIFICATE', good), /^holds a CERTIFICATE: put one/],
    [
      'that is a private key',
      keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      /^holds a PRIVATE KEY: put one/,
    ],
    ['with something after it', encodePem('CERTIFICATE REQUEST', Buffer.concat([good, Buffer.of(0)])), /something follows it/],
    ['cut short', encodePem('CERTIFICATE REQUEST', good.subarray(0, -1)), /it is shorter than it says/],
    [
      'with a fourth part',
      encodePem('CERTIFICATE REQUEST', sequence(onlyContent(good), tlv(0x05))),
      /something follows its signature/,
    ],
    ['that is no DER', encodePem('CERTIFICATE REQUEST', Buffer.from('no DER')), /is no certificate request/],
    ['beyond any length', 'x'.repeat(16_385), /^has 16385 octets/],
  ])('%s', (_title, pem, message) => {
    expect(refusals(pem)).toMatchObject([{ reason: 'NotARequest', message: expect.stringMatching(message) }]);
  });

  it('for every fault at once', () => {
    const reasons = refusals(of({ commonName: 'x', dnsNames: ['y'], extensions: [authorityRequest] })).map(
      ({ reason }) => reason,
    );
    expect(reasons).toEqual(['CARequested', 'NameMismatch', 'NameMismatch']);
  });

  it('for an Ed25519 key where the domain requires FIPS', () => {
    const pem = certificateRequest({ keys: generateKeyPairSync('ed25519'), commonName: fqdn });
    expect(refusals(pem, true)).toMatchObject([
      { reason: 'NotFIPSCompliant', message: expect.stringMatching(/Ed25519, which FIPS 140 does not approve/) },
    ]);
    expect(refusals(certificateRequest({ keys: rsaKeys(2048) }), true)).toEqual([]);
  });
});

it('no octet of a request can be another without its being refused', () => {
  const der = certificateRequestDer({ keys, commonName: fqdn, dnsNames: [fqdn] });
  const taken = [...der.keys()].filter((index) => {
    const changed = Buffer.from(der);
    changed[index] = (changed[index] ?? 0) ^ 0x04;
    return refusals(encodePem('CERTIFICATE REQUEST', changed)).length === 0;
  });
  expect(taken).toEqual([]);
});

function commonNamePart(text: string): Buffer {
  return setOf(sequence(objectIdentifier('2.5.4.3'), tlv(0x0c, Buffer.from(text))));
}

/** Also of what no name of ours may hold. */
function distinguishedNameOf(text: string): Buffer {
  return text === '' ? distinguishedName() : sequence(commonNamePart(text));
}

/** What a SEQUENCE holds, with a two-octet length. */
function onlyContent(der: Buffer): Buffer {
  return der.subarray(der[1] === 0x82 ? 4 : der[1] === 0x81 ? 3 : 2);
}
