// Certificates as they are read: every field agrees with node:crypto and with @peculiar/x509, and what cannot be read the
// same by everybody is refused.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { signatureAlgorithmOf } from '../../../operator/pki/algorithm.ts';
import { CertificateError, parseCertificate, parseCertificates } from '../../../operator/pki/certificate.ts';
import {
  bitString,
  explicit,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  smallInteger,
  time,
  tlv,
  utf8String,
} from '../../../operator/pki/der-writer.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { publicKeyInfo } from '../../../operator/pki/signing.ts';
import { frontEnd, hierarchy, issue, keyKinds, keysFor, now, withoutCommonName } from './authorities.ts';
import { x509 } from './library.ts';

const urls = { crl: 'http://pki.contoso.com/ca.crl' };
const { root, issuing, issuer } = hierarchy({ urls });
const leaf = issue(issuer, frontEnd());

describe('a certificate', () => {
  it('reads as node:crypto and @peculiar/x509 read it, whatever its key', () => {
    const all = [
      root,
      issuing,
      leaf,
      issue(issuer, withoutCommonName()),
      ...keyKinds.map((kind) => hierarchy({ issuingKey: kind }).issuing),
    ];
    for (const certificate of all) {
      const node = new X509Certificate(certificate.der);
      const library = new x509.X509Certificate(certificate.der);
      expect(certificate.serial).toBe(node.serialNumber.toLowerCase());
      expect(certificate.fingerprint).toBe(node.fingerprint256.replaceAll(':', '').toLowerCase());
      expect([certificate.notBefore, certificate.notAfter]).toEqual([library.notBefore.getTime(), library.notAfter.getTime()]);
      expect(certificate.subject).toBe(library.subject);
      expect(certificate.issuer).toBe(library.issuer);
      expect(certificate.publicKey.equals(node.publicKey)).toBe(true);
      expect(certificate.isCA).toBe(node.ca);
      expect(certificate.pathLength).toBe(library.getExtension(x509.BasicConstraintsExtension)?.pathLength);
      expect(certificate.subjectKeyId).toBe(library.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId);
      expect(certificate.authorityKeyId).toBe(library.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId);
      const names = library.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
      expect(certificate.dnsNames).toEqual(names.filter(({ type }) => type === 'dns').map(({ value }) => value));
      expect(certificate.uris).toEqual(names.filter(({ type }) => type === 'url').map(({ value }) => value));
      expect(certificate.extensions.size).toBe(library.extensions.length);
    }
  });

  it('is the same from its PEM', () => {
    expect(parseCertificates(leaf.pem + issuing.pem).map(({ fingerprint }) => fingerprint)).toEqual([
      leaf.fingerprint,
      issuing.fingerprint,
    ]);
    expect(leaf.pem).toBe(new X509Certificate(leaf.der).toString());
  });

  it('keeps its own octets: neither the caller’s nor a shared slab', () => {
    const octets = Buffer.from(leaf.der);
    const certificate = parseCertificate(octets);
    octets.fill(0);
    expect(certificate.der.equals(leaf.der)).toBe(true);
    expect(certificate.der.buffer.byteLength).toBe(leaf.der.length);
    expect(certificate.subjectDer.buffer).toBe(certificate.der.buffer);
  });

  it('made by OpenSSL with what ours do not have is read too', () => {
    const directory = mkdtempSync(join(tmpdir(), 'trustmesh-certificate-'));
    try {
      const subject = '/DC=com/DC=contoso/O=Contoso, Ltd./OU=A+OU=B/CN=Söme CA';
      const extensions = [
        'basicConstraints=critical,CA:TRUE,pathlen:3',
        'keyUsage=critical,keyCertSign,cRLSign,decipherOnly,keyAgreement',
        'extendedKeyUsage=serverAuth,1.3.6.1.4.1.311.10.3.4,OCSPSigning',
        'subjectAltName=DNS:a.com,IP:10.0.0.1,email:a@b.com,URI:https://b.com/x,otherName:1.2.3.4;UTF8:x,DNS:*.c.com',
        'subjectKeyIdentifier=none',
      ];
      const pss = ['-sha384', '-sigopt', 'rsa_padding_mode:pss'];
      const options = [
        '-utf8',
        '-multivalue-rdn',
        '-subj',
        subject,
        '-days',
        '2',
        ...extensions.flatMap((extension) => ['-addext', extension]),
        ...pss,
      ];
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'ca.pem', ...options],
        { cwd: directory, stdio: 'pipe' },
      );
      const [certificate] = parseCertificates(readFileSync(join(directory, 'ca.pem'), 'utf8'));
      expect(certificate).toMatchObject({
        subject: 'CN=Söme CA,OU=A+OU=B,O=Contoso\\, Ltd.,DC=contoso,DC=com',
        isCA: true,
        pathLength: 3,
        keyUsage: ['keyAgreement', 'keyCertSign', 'cRLSign', 'decipherOnly'],
        extendedKeyUsage: ['serverAuth', '1.3.6.1.4.1.311.10.3.4', 'OCSPSigning'],
        dnsNames: ['a.com', '*.c.com'],
        uris: ['https://b.com/x'],
        keyAlgorithm: 'RSA 2048',
        signatureAlgorithm: 'RSASSA-PSS-SHA384',
      });
      expect(certificate?.subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('what is no certificate', () => {
  it('is refused: any cut, and anything added', () => {
    for (let length = 0; length < leaf.der.length; length += 7) {
      expect(() => parseCertificate(leaf.der.subarray(0, length))).toThrow(CertificateError);
    }
    expect(() => parseCertificate(Buffer.concat([leaf.der, Buffer.of(0)]))).toThrow('something follows it');
  });

  it('is refused as such, whatever octets come: nothing else is ever thrown', () => {
    const verdict = (octets: Uint8Array) => {
      try {
        return parseCertificate(octets);
      } catch (error) {
        expect(error).toBeInstanceOf(CertificateError);
        return undefined;
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => expect(verdict(octets)).toBeUndefined()));
    fc.assert(
      fc.property(fc.nat(leaf.der.length - 1), fc.nat(255), (position, octet) => {
        const changed = Buffer.from(leaf.der);
        changed[position] = octet;
        verdict(changed);
      }),
      { numRuns: 500 },
    );
  });

  /** A self-signed certificate, put together by hand so that it can be wrong; its signature is none. */
  function crude({ serial = smallInteger(1), extensions = [] as readonly Buffer[] } = {}): Buffer {
    const algorithm = signatureAlgorithmOf('ECDSA P-256')?.identifier ?? Buffer.alloc(0);
    const name = sequence(setOf(sequence(objectIdentifier('2.5.4.3'), utf8String('x'))));
    const dates = sequence(time(now), time(now + 1000));
    const key = publicKeyInfo(keysFor({ algorithm: 'ECDSA' }).publicKey);
    const more = extensions.length > 0 ? [explicit(3, sequence(...extensions))] : [];
    const tbs = sequence(explicit(0, smallInteger(2)), serial, algorithm, name, dates, name, key, ...more);
    return sequence(tbs, algorithm, bitString(sequence(smallInteger(1), smallInteger(1))));
  }
  const extension = (id: string, value: Buffer) => sequence(objectIdentifier(id), octetString(value));

  it('can be right when put together by hand', () => {
    expect(parseCertificate(crude())).toMatchObject({ subject: 'CN=x', isCA: false, dnsNames: [], uris: [] });
    expect(parseCertificate(crude({ extensions: [extension('2.5.29.19', sequence())] })).isCA).toBe(false);
  });

  it.each([
    ['a negative serial', crude({ serial: tlv(0x02, Buffer.of(0x80)) }), 'serial number is negative'],
    [
      'an extension twice',
      crude({
        extensions: [extension('2.5.29.14', octetString(Buffer.of(1))), extension('2.5.29.14', octetString(Buffer.of(2)))],
      }),
      'has the extension 2.5.29.14 twice',
    ],
    [
      'basic constraints of another type',
      crude({ extensions: [extension('2.5.29.19', smallInteger(1))] }),
      'tag 2 where tag 48 belongs',
    ],
    [
      'a path length that is none',
      crude({ extensions: [extension('2.5.29.19', sequence(tlv(0x01, Buffer.of(0xff)), tlv(0x02, Buffer.of(0xff))))] }),
      'number out of range',
    ],
    ['a key usage of another type', crude({ extensions: [extension('2.5.29.15', sequence())] }), 'tag 48 where tag 3 belongs'],
    ['names of another type', crude({ extensions: [extension('2.5.29.17', octetString())] }), 'tag 4 where tag 48 belongs'],
    [
      'names that end in the middle',
      crude({ extensions: [extension('2.5.29.17', Buffer.from('3003820561', 'hex'))] }),
      'shorter than it says',
    ],
    [
      'an extended key usage that is no identifier',
      crude({ extensions: [extension('2.5.29.37', sequence(smallInteger(1)))] }),
      'tag 2 where tag 6 belongs',
    ],
  ])('is refused with %s', (_, der, sentence) => {
    expect(() => parseCertificate(der)).toThrow(CertificateError);
    expect(() => parseCertificate(der)).toThrow(sentence);
  });

  it('does not hide a NUL in a name: the name is another', () => {
    const names = sequence(tlv(0x82, Buffer.from('fe1.contoso.com\0.fabrikam.com')));
    expect(parseCertificate(crude({ extensions: [extension('2.5.29.17', names)] })).dnsNames).toEqual([
      'fe1.contoso.com\0.fabrikam.com',
    ]);
  });

  it('is refused among certificates, saying which block', () => {
    expect(() => parseCertificates(leaf.pem + encodePem('CERTIFICATE', Buffer.of(1, 2, 3)))).toThrow(
      'has block 2, which is not a usable X.509 certificate',
    );
    expect(() => parseCertificates(leaf.pem + encodePem('TRUSTED CERTIFICATE', leaf.der))).toThrow(
      'holds a TRUSTED CERTIFICATE block',
    );
    expect(() => parseCertificates(leaf.pem.slice(0, -9))).toThrow('does not end');
    expect(parseCertificates('')).toEqual([]);
  });
});
