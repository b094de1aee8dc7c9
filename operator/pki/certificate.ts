// Parses X.509 certificates into values that cannot be wrong. node:crypto decides whether it is a certificate at all;
// what node:crypto does not tell (name octets, key usage bits, path length, key identifiers) is read from the DER.
// Whether a certificate is any good is not asked here: that is check.ts, and chain.ts.
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { type KeyAlgorithm, keyAlgorithmOf } from './algorithm.ts';
import {
  bitsOf,
  DerError,
  dottedIdentifier,
  type Element,
  elementsOf,
  expectTag,
  onlyElement,
  smallIntegerOf,
  tags,
} from './der-reader.ts';
import { keyIdOf } from './key-id.ts';
import { formatName } from './name.ts';
import {
  extendedKeyUsageIds,
  extensionIds,
  hashAlgorithms,
  type KeyUsage,
  keyUsageBits,
  signatureAlgorithms,
} from './object-identifiers.ts';
import { decodePem, encodePem, PemError } from './pem.ts';

/** It is not a certificate, or not one that can be relied on to be read the same by everybody. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export interface Certificate {
  readonly der: Buffer;
  /** One CERTIFICATE block with a final newline; encoded on each reading, not kept. */
  readonly pem: string;
  /** Lower-case hex of the magnitude in whole octets, without sign octet: what OpenSSL and Go print. */
  readonly serial: string;
  /** One line (RFC 4514), most specific part first; empty for an empty name. */
  readonly subject: string;
  readonly subjectDer: Buffer;
  readonly issuer: string;
  readonly issuerDer: Buffer;
  /** Epoch ms; a whole second. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of `der`, lower-case hex. */
  readonly fingerprint: string;
  /** Lower-case hex; where the certificate has none, as RFC 7093 method 1 makes it of the key. */
  readonly subjectKeyId: string;
  readonly authorityKeyId?: string;
  readonly isCA: boolean;
  /** How many CAs may follow below; absent, any number. */
  readonly pathLength?: number;
  /** As they stand in the certificate; compare whole names only. */
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** Absent: every usage. */
  readonly keyUsage?: readonly KeyUsage[];
  /** By name where RFC 5280 or 9509 has one, else dotted; absent: every usage. */
  readonly extendedKeyUsage?: readonly string[];
  /** By dotted object identifier, in the certificate's order. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly publicKey: KeyObject;
  /** SubjectPublicKeyInfo, DER, as it stands in the certificate. */
  readonly publicKeyDer: Buffer;
  /** Worked out on each reading. */
  readonly keyAlgorithm: KeyAlgorithm;
  /** `ecdsa-with-SHA256`, `sha256WithRSAEncryption`, `Ed25519`, ...: what the issuer signed it with. */
  readonly signatureAlgorithm: string;
  /** The same certificate with the eyes of node:crypto. */
  readonly x509: X509Certificate;
}

export interface Extension {
  readonly critical: boolean;
  /** The content of extnValue, DER. */
  readonly value: Buffer;
}

interface Parts {
  readonly serial: Element;
  readonly issuer: Element;
  readonly subject: Element;
  readonly publicKeyInfo: Element;
  readonly signature: Element;
  readonly extensions: ReadonlyMap<string, Extension>;
}

/** Extensions by dotted identifier, from their SEQUENCE. Throws DerError, also where one occurs twice. */
export function extensionsIn(list: Element | undefined): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const extension of elementsOf(list?.content ?? Buffer.alloc(0))) {
    const [id, ...rest] = elementsOf(expectTag(extension, tags.sequence).content);
    const dotted = dottedIdentifier(expectTag(id, tags.objectIdentifier).content);
    const critical = rest[0]?.tag === tags.boolean && rest[0].content[0] !== 0;
    if (extensions.has(dotted)) throw new DerError(`it has the extension ${dotted} twice`);
    extensions.set(dotted, { critical, value: expectTag(rest.at(-1), tags.octetString).content });
  }
  return extensions;
}

function partsOf(der: Buffer): Parts {
  const [tbs] = elementsOf(onlyElement(der, tags.sequence).content);
  const fields = elementsOf(expectTag(tbs, tags.sequence).content);
  const [serial, signature, issuer, , subject, publicKeyInfo, ...rest] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
  const wrapper = rest.find((element) => element.tag === 0xa3);
  return {
    serial: expectTag(serial, tags.integer),
    issuer: expectTag(issuer, tags.sequence),
    subject: expectTag(subject, tags.sequence),
    publicKeyInfo: expectTag(publicKeyInfo, tags.sequence),
    signature: expectTag(signature, tags.sequence),
    extensions: extensionsIn(wrapper && onlyElement(wrapper.content, tags.sequence)),
  };
}

/**
 * The name of an AlgorithmIdentifier; RSASSA-PSS with the hash that its parameters name, SHA-1 where they name none
 * (RFC 4055, 3.1). Throws DerError.
 */
export function signatureAlgorithmOf(identifier: Element): string {
  const [id, parameters] = elementsOf(identifier.content);
  const dotted = dottedIdentifier(expectTag(id, tags.objectIdentifier).content);
  const name = signatureAlgorithms[dotted] ?? dotted;
  if (name !== 'RSASSA-PSS') return name;
  const hash = elementsOf(expectTag(parameters, tags.sequence).content).find((parameter) => parameter.tag === 0xa0);
  if (hash === undefined) return 'RSASSA-PSS-SHA1';
  const [hashId] = elementsOf(onlyElement(hash.content, tags.sequence).content);
  const hashDotted = dottedIdentifier(expectTag(hashId, tags.objectIdentifier).content);
  return `RSASSA-PSS-${hashAlgorithms[hashDotted] ?? hashDotted}`;
}

function serialOf({ content }: Element): string {
  if ((content[0] ?? 0x80) >= 0x80) throw new DerError('its serial number is negative');
  return content.subarray(content[0] === 0 && content.length > 1 ? 1 : 0).toString('hex');
}

function basicConstraintsOf(extension: Extension | undefined): { isCA: boolean; pathLength?: number } {
  if (extension === undefined) return { isCA: false };
  const [first, second] = elementsOf(onlyElement(extension.value, tags.sequence).content);
  const isCA = first?.tag === tags.boolean && first.content[0] !== 0;
  const limit = first?.tag === tags.integer ? first : second;
  return limit === undefined ? { isCA } : { isCA, pathLength: smallIntegerOf(expectTag(limit, tags.integer).content) };
}

/** Values of the general names with this tag (RFC 5280, 4.2.1.6), one character an octet, so that nothing is lost. */
function generalNames(extension: Extension | undefined, tag: number): readonly string[] {
  if (extension === undefined) return [];
  const names = elementsOf(onlyElement(extension.value, tags.sequence).content);
  return names.filter((name) => name.tag === tag).map((name) => name.content.toString('latin1'));
}

const usageNames: ReadonlyMap<string, string> = new Map(Object.entries(extendedKeyUsageIds).map(([name, id]) => [id, name]));

function keyUsageOf(extension: Extension | undefined): { keyUsage?: readonly KeyUsage[] } {
  if (extension === undefined) return {};
  const bits = bitsOf(onlyElement(extension.value, tags.bitString).content);
  return { keyUsage: keyUsageBits.filter((_, position) => bits.includes(position)) };
}

function extendedKeyUsageOf(extension: Extension | undefined): { extendedKeyUsage?: readonly string[] } {
  if (extension === undefined) return {};
  const usages = elementsOf(onlyElement(extension.value, tags.sequence).content);
  return {
    extendedKeyUsage: usages.map((usage) => {
      const dotted = dottedIdentifier(expectTag(usage, tags.objectIdentifier).content);
      return usageNames.get(dotted) ?? dotted;
    }),
  };
}

/** Of a certificate or a revocation list: the key that signed it, where it says so by its identifier. Throws DerError. */
export function authorityKeyIdOf(extension: Extension | undefined): { readonly authorityKeyId?: string } {
  if (extension === undefined) return {};
  const keyId = elementsOf(onlyElement(extension.value, tags.sequence).content).find((element) => element.tag === 0x80);
  return keyId === undefined ? {} : { authorityKeyId: keyId.content.toString('hex') };
}

function subjectKeyIdOf(extension: Extension | undefined, publicKey: Buffer): string {
  const keyId = extension === undefined ? keyIdOf(publicKey) : onlyElement(extension.value, tags.octetString).content;
  return keyId.toString('hex');
}

function parse(octets: Uint8Array): Certificate {
  // Own memory: small Buffers share slabs, and a certificate that is kept would keep eight kilobytes.
  const der = Buffer.allocUnsafeSlow(octets.length);
  der.set(octets);
  const { serial, issuer, subject, publicKeyInfo, signature, extensions } = partsOf(der);
  const x509 = new X509Certificate(der);
  const { publicKey } = x509;
  const subjectAltName = extensions.get(extensionIds.subjectAltName);
  return {
    der,
    get pem() {
      return encodePem('CERTIFICATE', der);
    },
    serial: serialOf(serial),
    subject: formatName(subject.der),
    subjectDer: subject.der,
    issuer: formatName(issuer.der),
    issuerDer: issuer.der,
    notBefore: x509.validFromDate.getTime(),
    notAfter: x509.validToDate.getTime(),
    fingerprint: createHash('sha256').update(der).digest('hex'),
    subjectKeyId: subjectKeyIdOf(extensions.get(extensionIds.subjectKeyIdentifier), publicKeyInfo.der),
    ...authorityKeyIdOf(extensions.get(extensionIds.authorityKeyIdentifier)),
    ...basicConstraintsOf(extensions.get(extensionIds.basicConstraints)),
    dnsNames: generalNames(subjectAltName, 0x82),
    uris: generalNames(subjectAltName, 0x86),
    ...keyUsageOf(extensions.get(extensionIds.keyUsage)),
    ...extendedKeyUsageOf(extensions.get(extensionIds.extendedKeyUsage)),
    extensions,
    publicKey,
    publicKeyDer: publicKeyInfo.der,
    get keyAlgorithm() {
      return keyAlgorithmOf(publicKey);
    },
    signatureAlgorithm: signatureAlgorithmOf(signature),
    x509,
  };
}

/** One certificate, DER. Throws CertificateError. */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    return parse(der);
  } catch (cause) {
    const detail = cause instanceof DerError ? cause.message : 'its content is malformed or of an unknown kind';
    throw new CertificateError(`is not a usable X.509 certificate: ${detail}`, { cause });
  }
}

/**
 * Every certificate of a PEM text, in order; none for a text without any. Other blocks are refused, so that a private key
 * that was pasted among certificates is never handed out with them. Throws CertificateError, whose message completes a
 * sentence that begins with where the text came from.
 */
export function parseCertificates(pem: string): readonly Certificate[] {
  try {
    return decodePem(pem).map(({ label, der }, index) => {
      if (label !== 'CERTIFICATE') throw new CertificateError(`holds a ${label} block among the certificates`);
      try {
        return parseCertificate(der);
      } catch (error) {
        if (!(error instanceof CertificateError)) throw error;
        throw new CertificateError(`has block ${index + 1}, which ${error.message}`, { cause: error.cause });
      }
    });
  } catch (error) {
    throw error instanceof PemError ? new CertificateError(error.message, { cause: error }) : error;
  }
}
