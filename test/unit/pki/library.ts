// The same certificates by @peculiar/x509, which shares no code with ours: what the octets are compared with.
import 'reflect-metadata';
import { createHash, createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  Certificate as AsnCertificate,
  CertificateList as AsnList,
  CRLNumber,
  id_ce_cRLNumber,
  SubjectPublicKeyInfo,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import type { IssuerUrls } from '../../../operator/pki/extensions.ts';

export interface LibraryRequest {
  /** Octets, hex. */
  readonly serial: string;
  readonly issuerName: Uint8Array;
  readonly commonName: string | undefined;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly extensions: readonly x509.Extension[];
}

const hashes: Readonly<Record<string, string>> = { prime256v1: 'SHA-256', secp384r1: 'SHA-384', secp521r1: 'SHA-512' };
const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function signingAlgorithm(key: KeyObject): { readonly key: webcrypto.CryptoKey; readonly hash: string } {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
  switch (key.asymmetricKeyType) {
    case 'ec':
      return {
        key: key.toCryptoKey({ name: 'ECDSA', namedCurve: curves[curve] ?? '' }, true, ['sign']),
        hash: hashes[curve] ?? '',
      };
    case 'rsa':
      return { key: key.toCryptoKey({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, ['sign']), hash: 'SHA-256' };
    default:
      return { key: key.toCryptoKey({ name: 'Ed25519' }, true, ['sign']), hash: 'SHA-512' };
  }
}

/** RFC 7093 method 1, over the key bits as the library's own schema finds them. */
export function keyIdentifier(publicKey: KeyObject): string {
  const { subjectPublicKey } = AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo);
  return createHash('sha256').update(new Uint8Array(subjectPublicKey)).digest('hex').slice(0, 40);
}

/** PrintableString where it can be, else UTF8String; given as such, since the library takes quotes and `#` for syntax. */
function subjectOf(commonName: string | undefined): x509.Name {
  if (commonName === undefined) return new x509.Name([]);
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(commonName);
  return new x509.Name([{ CN: [printable ? { printableString: commonName } : { utf8String: commonName }] }]);
}

export function pointers({ crl, ocsp, caIssuers }: IssuerUrls): readonly x509.Extension[] {
  const access = { ...(ocsp === undefined ? {} : { ocsp }), ...(caIssuers === undefined ? {} : { caIssuers }) };
  return [
    ...(crl === undefined ? [] : [new x509.CRLDistributionPointsExtension([crl])]),
    ...(Object.keys(access).length === 0 ? [] : [new x509.AuthorityInfoAccessExtension(access)]),
  ];
}

/** A whole certificate by the library, DER. */
export async function byLibrary(request: LibraryRequest): Promise<Buffer> {
  const { key, hash } = signingAlgorithm(request.signingKey);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: request.serial,
    subject: subjectOf(request.commonName),
    issuer: new x509.Name(Buffer.from(request.issuerName)),
    notBefore: new Date(request.notBefore),
    notAfter: new Date(request.notAfter),
    publicKey: request.publicKey.export({ type: 'spki', format: 'der' }),
    signingKey: key,
    signingAlgorithm: { hash },
    extensions: [...request.extensions],
  });
  return Buffer.from(certificate.rawData);
}

/** The to-be-signed octets of a certificate, as the library's schema delimits them. */
export function toBeSignedIn(der: Uint8Array): Buffer {
  const parsed = AsnConvert.parse(der, AsnCertificate);
  return Buffer.from(parsed.tbsCertificateRaw ?? AsnConvert.serialize(parsed.tbsCertificate));
}

export interface LibraryList {
  readonly issuerName: Uint8Array;
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly revoked: readonly { readonly serial: string; readonly since: number }[];
  readonly signingKey: KeyObject;
}

/** The to-be-signed octets of a revocation list by the library. */
export async function listByLibrary(list: LibraryList): Promise<Buffer> {
  const { key, hash } = signingAlgorithm(list.signingKey);
  const number = AsnConvert.serialize(new CRLNumber(list.number));
  const crl = await x509.X509CrlGenerator.create({
    issuer: new x509.Name(Buffer.from(list.issuerName)),
    thisUpdate: new Date(list.thisUpdate),
    nextUpdate: new Date(list.nextUpdate),
    entries: list.revoked.map(({ serial, since }) => ({ serialNumber: serial, revocationDate: new Date(since) })),
    extensions: [
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier(createPublicKey(list.signingKey)), false),
      new x509.Extension(id_ce_cRLNumber, false, number),
    ],
    signingAlgorithm: { hash },
    signingKey: key,
  });
  const { tbsCertList } = AsnConvert.parse(crl.rawData, AsnList);
  // It writes an empty SEQUENCE where an entry has no extensions, which RFC 5280 (5.1) does not allow.
  for (const entry of tbsCertList.revokedCertificates ?? []) delete entry.crlEntryExtensions;
  return Buffer.from(AsnConvert.serialize(tbsCertList));
}

/** The to-be-signed octets of a revocation list, as the library's schema delimits them. */
export function toBeSignedInList(der: Uint8Array): Buffer {
  const parsed = AsnConvert.parse(der, AsnList);
  return Buffer.from(parsed.tbsCertListRaw ?? AsnConvert.serialize(parsed.tbsCertList));
}

export { x509 };
