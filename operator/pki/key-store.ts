// PKCS#12 (RFC 7292) as Java reads it: a key store with a server's key and chain, and a trust store with anchors.
// Salts and initialisation vectors are arguments, so that the same input is the same file.
import { createCipheriv, createHash, createHmac, type KeyObject, pbkdf2Sync } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { bmpString, explicit, nullValue, objectIdentifier, octetString, sequence, setOf, smallInteger } from './der-writer.ts';
import { extendedKeyUsageIds } from './object-identifiers.ts';

/**
 * Iterations of both key derivations. The password is random and lies beside the store in its Secret, so that it guards
 * against nothing that iterations would slow down; tools refuse fewer than some thousands.
 */
export const iterations = 10_000;

const saltLength = 16;
const ivLength = 16;

/** How many random octets keyStore takes: two salts (SP 800-132, 5.1: 128 bits at least) and an initialisation vector. */
export const keyStoreRandomLength = 2 * saltLength + ivLength;

const ids = {
  data: objectIdentifier('1.2.840.113549.1.7.1'),
  shroudedKeyBag: objectIdentifier('1.2.840.113549.1.12.10.1.2'),
  certificateBag: objectIdentifier('1.2.840.113549.1.12.10.1.3'),
  x509Certificate: objectIdentifier('1.2.840.113549.1.9.22.1'),
  friendlyName: objectIdentifier('1.2.840.113549.1.9.20'),
  localKeyId: objectIdentifier('1.2.840.113549.1.9.21'),
  /** Oracle's: the entry is trusted, for the usages that follow. Without it Java does not list the certificate. */
  javaTrusted: objectIdentifier('2.16.840.1.113894.746875.1.1'),
  pbes2: objectIdentifier('1.2.840.113549.1.5.13'),
  pbkdf2: objectIdentifier('1.2.840.113549.1.5.12'),
  hmacWithSHA256: objectIdentifier('1.2.840.113549.2.9'),
  aes256CBC: objectIdentifier('2.16.840.1.101.3.4.1.42'),
  sha256: objectIdentifier('2.16.840.1.101.3.4.2.1'),
};

const contentInfo = (content: Buffer): Buffer => sequence(ids.data, explicit(0, octetString(content)));
const bag = (type: Buffer, value: Buffer, attributes: readonly Buffer[]): Buffer =>
  sequence(type, explicit(0, value), ...(attributes.length > 0 ? [setOf(...attributes)] : []));
const attribute = (type: Buffer, value: Buffer): Buffer => sequence(type, setOf(value));
const certificateBag = (certificate: Certificate, attributes: readonly Buffer[]): Buffer =>
  bag(ids.certificateBag, sequence(ids.x509Certificate, explicit(0, octetString(certificate.der))), attributes);

/** PFX, RFC 7292, 4. */
const pfx = (authenticatedSafe: Buffer, ...macData: readonly Buffer[]): Buffer =>
  sequence(smallInteger(3), contentInfo(authenticatedSafe), ...macData);

/** EncryptedPrivateKeyInfo by PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC (RFC 8018, 6.2). */
function shroudedKey(privateKey: KeyObject, password: string, salt: Uint8Array, iv: Uint8Array): Buffer {
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, iterations, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  const derivation = sequence(
    ids.pbkdf2,
    sequence(octetString(salt), smallInteger(iterations), sequence(ids.hmacWithSHA256, nullValue)),
  );
  const scheme = sequence(ids.pbes2, sequence(derivation, sequence(ids.aes256CBC, octetString(iv))));
  return sequence(scheme, octetString(encrypted));
}

const blockLength = 64;

/** `octets` repeated to whole blocks. */
function inBlocks(octets: Uint8Array): Buffer {
  return Buffer.alloc(Math.ceil(octets.length / blockLength) * blockLength, octets);
}

/** The MAC key: RFC 7292, appendix B.2, with SHA-256 and purpose 3, of which one hash is as long as the key. */
function macKey(password: string, salt: Uint8Array): Buffer {
  const terminated = Buffer.from(`${password}\0`, 'utf16le').swap16();
  let digest = createHash('sha256')
    .update(Buffer.alloc(blockLength, 3))
    .update(inBlocks(salt))
    .update(inBlocks(terminated))
    .digest();
  for (let round = 1; round < iterations; round++) digest = createHash('sha256').update(digest).digest();
  return digest;
}

function macData(content: Buffer, password: string, salt: Uint8Array): Buffer {
  const mac = createHmac('sha256', macKey(password, salt)).update(content).digest();
  return sequence(sequence(sequence(ids.sha256, nullValue), octetString(mac)), octetString(salt), smallInteger(iterations));
}

export interface KeyStoreContent {
  readonly privateKey: KeyObject;
  /** The leaf of `privateKey` first, then its issuers. */
  readonly chain: readonly Certificate[];
  /** What Java calls the entry; lower case, since Java compares it so. Absent, `tls`, which stays the same over renewals. */
  readonly alias?: string;
  readonly password: string;
  /** `keyStoreRandomLength` octets, never used before. */
  readonly random: Uint8Array;
}

/**
 * A PKCS#12 key store, DER, for Java 8u301 or newer, OpenSSL 1.1 or newer: the key under the password, the certificates,
 * which are public, in the clear, all under an HMAC-SHA-256. The two key derivations take about 10 ms.
 * Throws RangeError for another number of random octets.
 */
export function keyStore({ privateKey, chain, alias = 'tls', password, random }: KeyStoreContent): Buffer {
  if (random.length !== keyStoreRandomLength) throw new RangeError(`a key store takes ${keyStoreRandomLength} random octets`);
  const keySalt = random.subarray(0, saltLength);
  const macSalt = random.subarray(saltLength, 2 * saltLength);
  const iv = random.subarray(2 * saltLength);
  // Java finds the leaf of a key by equal local key ids, and the rest of the chain by issuer names.
  const localKeyId = attribute(ids.localKeyId, octetString(Buffer.from(chain[0]?.fingerprint ?? '', 'hex')));
  const identity = [attribute(ids.friendlyName, bmpString(alias)), localKeyId];
  const keys = sequence(bag(ids.shroudedKeyBag, shroudedKey(privateKey, password, keySalt, iv), identity));
  const certificates = sequence(...chain.map((certificate, index) => certificateBag(certificate, index === 0 ? identity : [])));
  const safe = sequence(contentInfo(keys), contentInfo(certificates));
  return pfx(safe, macData(safe, password, macSalt));
}

const anyUsage = objectIdentifier(extendedKeyUsageIds.anyExtendedKeyUsage);

/**
 * A PKCS#12 trust store, DER, of these anchors in this order. It is neither encrypted nor under a MAC: anchors are public,
 * whoever can replace the file can replace its password too, and so it can be rewritten without knowing one. Java opens it
 * with any password or none. Aliases are fingerprints: unique, and the same wherever the anchor goes.
 */
export function trustStore({ anchors }: { readonly anchors: readonly Certificate[] }): Buffer {
  const bags = anchors.map((anchor) =>
    certificateBag(anchor, [attribute(ids.friendlyName, bmpString(anchor.fingerprint)), attribute(ids.javaTrusted, anyUsage)]),
  );
  return pfx(sequence(contentInfo(sequence(...bags))));
}
