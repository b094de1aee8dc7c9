// Makes the authorities of the managed backend: a root that signs itself, and the issuing CA below it.
import type { KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate } from './certificate.ts';
import { authorityConstraints, authorityKeyIdentifier, keyUsage, subjectKeyIdentifier } from './extensions.ts';
import type { Issuer } from './issuer.ts';
import { keyIdOf } from './key-id.ts';
import { distinguishedName, fitsCommonName } from './name.ts';
import { authorityKeyUsages, issuingPathLength } from './profile.ts';
import { publicKeyInfo, signCertificate, signerOf } from './signing.ts';
import type { Validity } from './validity.ts';

export interface AuthorityRequest extends Validity {
  /** 1 to 64 characters, any script, no control characters. */
  readonly commonName: string;
  /** 16 random octets. */
  readonly serial: Uint8Array;
  readonly publicKey: KeyObject;
}

const usages = keyUsage(authorityKeyUsages);

function subjectOf({ commonName }: AuthorityRequest): Buffer {
  if (!fitsCommonName(commonName))
    throw new TypeError(`${JSON.stringify(commonName)} is not a common name of 1 to 64 characters`);
  return distinguishedName(commonName);
}

export interface RootRequest extends AuthorityRequest {
  readonly privateKey: KeyObject;
  /** How many CAs may follow below; absent, any number. */
  readonly pathLength?: number;
}

/**
 * A self-signed root. Above issuing CAs it sets no path length: what may come under it is decided by each certificate it
 * signs, whereas its own limit could never be raised without replacing the anchor everywhere.
 * Throws TypeError for a common name or key that it cannot have.
 */
export function createRoot(request: RootRequest): Certificate {
  const subject = subjectOf(request);
  const publicKey = publicKeyInfo(request.publicKey);
  const keyId = keyIdOf(publicKey);
  const constraints = authorityConstraints(request.pathLength);
  const extensions = [constraints, usages, subjectKeyIdentifier(keyId), authorityKeyIdentifier(keyId)];
  return parseCertificate(signCertificate(signerOf(subject, request.privateKey), { ...request, subject, publicKey, extensions }));
}

/** An issuing CA below `issuer`, with leaves only below itself. Throws TypeError as createRoot, RangeError where it would outlive `issuer`. */
export function createIssuing(issuer: Issuer, request: AuthorityRequest): Certificate {
  if (request.notAfter > issuer.certificate.notAfter) throw new RangeError('an issuing CA does not outlive its root');
  const subject = subjectOf(request);
  const publicKey = publicKeyInfo(request.publicKey);
  const extensions = [
    authorityConstraints(issuingPathLength),
    usages,
    subjectKeyIdentifier(keyIdOf(publicKey)),
    issuer.authorityKeyIdentifier,
    ...issuer.pointers,
  ];
  return parseCertificate(signCertificate(issuer, { ...request, subject, publicKey, extensions }));
}
