// Keys and signature algorithms by name: what a key is called, what a CA signs with, what peers refuse
// as weak, and what FIPS 140 approves.
import type { KeyObject } from 'node:crypto';
import type { PrivateKey } from '../api/v1alpha1/index.ts';
import { nullValue, objectIdentifier, sequence } from './der-writer.ts';

/** `ECDSA P-256`, `RSA 2048`, `RSA-PSS 2048`, `Ed25519`; keys that the operator does not make go by the name that OpenSSL gives them. */
export type KeyAlgorithm = string;

export interface SignatureAlgorithm {
  readonly name: string;
  /** AlgorithmIdentifier, DER: NULL parameters for RSA (RFC 4055, 5), none for ECDSA (RFC 5758, 3.2) and Ed25519 (RFC 8410, 3). */
  readonly identifier: Buffer;
  /** As node:crypto takes it; null where the algorithm hashes by itself. */
  readonly digest: string | null;
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** What a key is called. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm {
  const { namedCurve = 'of an unnamed curve', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return `ECDSA ${curves[namedCurve] ?? namedCurve}`;
    case 'rsa':
      return `RSA ${modulusLength}`;
    case 'rsa-pss':
      return `RSA-PSS ${modulusLength}`;
    case 'ed25519':
      return 'Ed25519';
    default:
      return key.asymmetricKeyType ?? key.type;
  }
}

/** What a key made to this specification is called; the sizes where none is given are 256 and 2048 bits. */
export function keyAlgorithmFor({ algorithm, size }: PrivateKey): KeyAlgorithm {
  switch (algorithm) {
    case 'ECDSA':
      return `ECDSA P-${size ?? 256}`;
    case 'RSA':
      return `RSA ${size ?? 2048}`;
    case 'Ed25519':
      return 'Ed25519';
  }
}

const signature = (
  name: string,
  dotted: string,
  digest: SignatureAlgorithm['digest'],
  ...parameters: readonly Buffer[]
): SignatureAlgorithm => ({ name, identifier: sequence(objectIdentifier(dotted), ...parameters), digest });

const withRSA = signature('sha256WithRSAEncryption', '1.2.840.113549.1.1.11', 'sha256', nullValue);
const byAlgorithm: ReadonlyMap<KeyAlgorithm, SignatureAlgorithm> = new Map([
  ['ECDSA P-256', signature('ecdsa-with-SHA256', '1.2.840.10045.4.3.2', 'sha256')],
  ['ECDSA P-384', signature('ecdsa-with-SHA384', '1.2.840.10045.4.3.3', 'sha384')],
  ['ECDSA P-521', signature('ecdsa-with-SHA512', '1.2.840.10045.4.3.4', 'sha512')],
  ['Ed25519', signature('Ed25519', '1.3.101.112', null)],
]);

/** The RSA sizes that every peer takes: below 2048 bits is weak, above 8192 Go ends the handshake. */
const rsaBits = (algorithm: KeyAlgorithm): number => Number(/^RSA(?:-PSS)? ([0-9]+)$/.exec(algorithm)?.[1] ?? 0);
const isUsableRSA = (algorithm: KeyAlgorithm): boolean =>
  algorithm.startsWith('RSA ') && rsaBits(algorithm) >= 2048 && rsaBits(algorithm) <= 8192;

/** What a CA with this key signs with; undefined for a key that no CA of ours may have. */
export function signatureAlgorithmOf(algorithm: KeyAlgorithm): SignatureAlgorithm | undefined {
  return isUsableRSA(algorithm) ? withRSA : byAlgorithm.get(algorithm);
}

/** Whether peers refuse keys of this algorithm for their size. */
export function isWeakKey(algorithm: KeyAlgorithm): boolean {
  return algorithm.startsWith('RSA') && rsaBits(algorithm) < 2048;
}

/** Whether peers refuse certificates signed with this (as `Certificate.signatureAlgorithm`): collisions can be made. */
export function isWeakSignature(name: string): boolean {
  return /md[245]|sha-?1(?![0-9])/i.test(name);
}

export type FIPS = '140-2' | '140-3';

/**
 * Whether FIPS 140 approves keys of this algorithm. FIPS 140-2 (Annex A) knows FIPS 186-4: RSA from 2048 bits (SP 800-131Ar2, 3)
 * and the NIST curves. Ed25519 came with FIPS 186-5 and SP 800-186, which modules validated to FIPS 140-3 (SP 800-140C) may
 * implement; a domain that requires FIPS has servers of either, so the operator asks for what both approve.
 */
export function isFIPSApproved(algorithm: KeyAlgorithm, standard: FIPS = '140-2'): boolean {
  if (algorithm === 'Ed25519') return standard === '140-3';
  return byAlgorithm.has(algorithm) || rsaBits(algorithm) >= 2048;
}

/** Whether FIPS 140 approves making signatures of this name (as `Certificate.signatureAlgorithm`). */
export function isFIPSApprovedSignature(name: string, standard: FIPS = '140-2'): boolean {
  return name === 'Ed25519' ? standard === '140-3' : /sha-?(224|256|384|512)/i.test(name);
}
