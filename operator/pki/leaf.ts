// Signs leaf certificates: the hot path of issuance, one synchronous call a leaf.
import type { KeyObject } from 'node:crypto';
import { endEntityConstraints, extendedKeyUsage, keyUsage, subjectAltName, subjectKeyIdentifier } from './extensions.ts';
import type { Issuer } from './issuer.ts';
import { keyIdOf } from './key-id.ts';
import { distinguishedName, fitsCommonName } from './name.ts';
import { extendedKeyUsages, type LeafProfile, leafKeyUsages } from './profile.ts';
import { type CertificateFields, publicKeyInfo, signCertificate, toBeSigned } from './signing.ts';
import { isDnsName, isNamingUri } from './subject-names.ts';
import type { Validity } from './validity.ts';

export { type Issuer, issuerOf } from './issuer.ts';

/** The names a leaf is for. */
export interface LeafNames {
  /** One of `dnsNames`; it becomes the subject where it fits 64 characters. */
  readonly commonName?: string;
  /** At least one; lower case, ASCII. */
  readonly dnsNames: readonly string[];
  /** The SPIFFE ID: the single URI. */
  readonly uri?: string;
}

export interface LeafRequest extends LeafNames, Validity {
  readonly profile: LeafProfile;
  /** 16 random octets. */
  readonly serial: Uint8Array;
  readonly publicKey: KeyObject;
}

/** The common name of the subject: the asked one where it fits 64 characters, else none (an empty subject). */
export function leafCommonName({ commonName }: LeafNames): string | undefined {
  return commonName !== undefined && fitsCommonName(commonName) ? commonName : undefined;
}

/** Each profile's usages, written once: for elliptic curve keys, and for RSA keys. */
const usagesOf = (profile: LeafProfile) => ({
  keyUsage: keyUsage(leafKeyUsages(profile, false)),
  keyUsageRSA: keyUsage(leafKeyUsages(profile, true)),
  extendedKeyUsage: extendedKeyUsage(extendedKeyUsages[profile]),
});
const usages = {
  Server: usagesOf('Server'),
  Client: usagesOf('Client'),
  TokenSigning: usagesOf('TokenSigning'),
} as const satisfies Record<LeafProfile, unknown>;

function refuseNames({ commonName, dnsNames, uri, profile }: LeafRequest): void {
  if (dnsNames.length === 0) throw new TypeError('a leaf has at least one DNS name');
  for (const name of dnsNames) {
    if (!isDnsName(name)) throw new TypeError(`${JSON.stringify(name)} is not a DNS name in lower-case ASCII`);
  }
  if (commonName !== undefined && !dnsNames.includes(commonName)) {
    throw new TypeError(`the common name ${JSON.stringify(commonName)} is not among the DNS names`);
  }
  if (uri === undefined) return;
  if (profile === 'TokenSigning') throw new TypeError('a token signing certificate has no URI');
  if (!isNamingUri(uri)) throw new TypeError(`${JSON.stringify(uri)} is not a URI of ASCII host and path`);
}

function fieldsOf(issuer: Issuer, request: LeafRequest): CertificateFields {
  refuseNames(request);
  if (request.notAfter > issuer.certificate.notAfter) throw new RangeError('a leaf does not outlive its CA');
  const commonName = leafCommonName(request);
  const publicKey = publicKeyInfo(request.publicKey);
  const usage = usages[request.profile];
  return {
    serial: request.serial,
    subject: distinguishedName(commonName),
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    publicKey,
    extensions: [
      endEntityConstraints,
      request.publicKey.asymmetricKeyType === 'rsa' ? usage.keyUsageRSA : usage.keyUsage,
      usage.extendedKeyUsage,
      subjectKeyIdentifier(keyIdOf(publicKey)),
      issuer.authorityKeyIdentifier,
      subjectAltName(request.dnsNames, request.uri, commonName === undefined),
      ...issuer.pointers,
    ],
  };
}

/**
 * A leaf certificate, DER. It has not been checked: checkIssued (check.ts) does that before anything relies on it.
 * Throws TypeError for names it does not write and RangeError for a validity or serial it cannot have: what asks for
 * those has decided wrongly, and no certificate comes of it.
 */
export function signLeaf(issuer: Issuer, request: LeafRequest): Buffer {
  return signCertificate(issuer, fieldsOf(issuer, request));
}

/** What signLeaf signs: a TBSCertificate, DER. */
export function leafToBeSigned(issuer: Issuer, request: LeafRequest): Buffer {
  return toBeSigned(issuer, fieldsOf(issuer, request));
}
