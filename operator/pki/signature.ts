// The signatures that are believed: how each is verified, and which are refused as weak.
import { constants, type KeyObject, verify } from 'node:crypto';

interface Scheme {
  /** As node:crypto takes it; null where the algorithm hashes by itself. */
  readonly digest: string | null;
  readonly padding?: number;
  /** The type of key that makes such signatures. */
  readonly keys: readonly string[];
}

const rsa = (digest: string): Scheme => ({ digest, padding: constants.RSA_PKCS1_PADDING, keys: ['rsa'] });
const pss = (digest: string): Scheme => ({ digest, padding: constants.RSA_PKCS1_PSS_PADDING, keys: ['rsa', 'rsa-pss'] });
const ecdsa = (digest: string): Scheme => ({ digest, keys: ['ec'] });

/** By name, as `Certificate.signatureAlgorithm`. */
const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['sha256WithRSAEncryption', rsa('sha256')],
  ['sha384WithRSAEncryption', rsa('sha384')],
  ['sha512WithRSAEncryption', rsa('sha512')],
  ['RSASSA-PSS-SHA256', pss('sha256')],
  ['RSASSA-PSS-SHA384', pss('sha384')],
  ['RSASSA-PSS-SHA512', pss('sha512')],
  ['ecdsa-with-SHA256', ecdsa('sha256')],
  ['ecdsa-with-SHA384', ecdsa('sha384')],
  ['ecdsa-with-SHA512', ecdsa('sha512')],
  ['Ed25519', { digest: null, keys: ['ed25519'] }],
]);

export const isSupportedSignature = (name: string): boolean => schemes.has(name);

/** Whether `signature` is of this algorithm, over `data`, by the other half of `key`. Never for an algorithm that is refused. */
export function isSignedWith(
  key: KeyObject,
  { name, data, signature }: { readonly name: string; readonly data: Buffer; readonly signature: Buffer },
): boolean {
  const scheme = schemes.get(name);
  if (scheme === undefined || !scheme.keys.includes(key.asymmetricKeyType ?? '')) return false;
  const { digest, padding } = scheme;
  try {
    return verify(digest, data, padding === undefined ? key : { key, padding }, signature);
  } catch {
    // An RSA-PSS key may itself forbid the hash, and then OpenSSL does not begin.
    return false;
  }
}
