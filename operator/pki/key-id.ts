// The key identifier that certificates name keys by.
import { createHash } from 'node:crypto';
import { elementsOf, expectTag, onlyElement, tags } from './der-reader.ts';

/**
 * RFC 7093, 2, method 1: the leftmost 160 bits of the SHA-256 of the subjectPublicKey's bits (without tag, length and
 * unused-bits octet). RFC 5280's own suggestion is the same over SHA-1, which modules in FIPS mode may refuse to compute;
 * verifiers compare identifiers and never compute them, so that both interoperate.
 * `publicKey` is a SubjectPublicKeyInfo, DER; the answer has 20 octets. Throws DerError.
 */
export function keyIdOf(publicKey: Buffer): Buffer {
  const [, bits] = elementsOf(onlyElement(publicKey, tags.sequence).content);
  const key = expectTag(bits, tags.bitString).content.subarray(1);
  return createHash('sha256').update(key).digest().subarray(0, 20);
}
