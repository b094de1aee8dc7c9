// Puts a certificate together and signs it (RFC 5280, 4.1). What it may say is decided by leaf.ts and authority.ts.
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { keyAlgorithmOf, type SignatureAlgorithm, signatureAlgorithmOf } from './algorithm.ts';
import { bitString, explicit, objectIdentifier, sequence, smallInteger, time, unsignedInteger } from './der-writer.ts';
import type { Validity } from './validity.ts';

export interface Signer {
  /** Name, DER, as the signer's own certificate has it. */
  readonly name: Buffer;
  readonly privateKey: KeyObject;
  readonly algorithm: SignatureAlgorithm;
}

export interface CertificateFields extends Validity {
  /** The magnitude, big-endian, at most 20 octets with its sign octet. */
  readonly serial: Uint8Array;
  /** Name, DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** Complete extensions, DER. */
  readonly extensions: readonly Buffer[];
}

const version3 = explicit(0, smallInteger(2));

/** Throws TypeError for a key that no CA of ours may have. */
export function signerOf(name: Buffer, privateKey: KeyObject): Signer {
  const algorithm = signatureAlgorithmOf(keyAlgorithmOf(privateKey));
  if (algorithm === undefined) throw new TypeError(`a CA cannot sign with a key of type ${keyAlgorithmOf(privateKey)}`);
  return { name, privateKey, algorithm };
}

/** A TBSCertificate, DER. Throws RangeError for a serial that is zero or too long, or a validity that ends before it begins. */
export function toBeSigned(signer: Signer, fields: CertificateFields): Buffer {
  if (unsignedInteger(fields.serial).length > 22) throw new RangeError('a serial number has at most 20 octets');
  if (fields.serial.every((octet) => octet === 0)) throw new RangeError('a serial number is never zero');
  return withAnySerial(signer, fields);
}

function withAnySerial({ name, algorithm }: Signer, fields: CertificateFields): Buffer {
  if (fields.notAfter <= fields.notBefore) throw new RangeError('a certificate cannot end before it begins');
  return sequence(
    version3,
    unsignedInteger(fields.serial),
    algorithm.identifier,
    name,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    explicit(3, sequence(...fields.extensions)),
  );
}

/** A Certificate, DER. Throws RangeError as toBeSigned. */
export function signCertificate(signer: Signer, fields: CertificateFields): Buffer {
  return signed(signer, toBeSigned(signer, fields));
}

/** As signCertificate, for one that mirrors another's: the serial is not ours to choose, and old roots are numbered zero. */
export function signMirror(signer: Signer, fields: CertificateFields): Buffer {
  return signed(signer, withAnySerial(signer, fields));
}

function signed({ algorithm, privateKey }: Signer, tbs: Buffer): Buffer {
  return sequence(tbs, algorithm.identifier, bitString(sign(algorithm.digest, tbs, privateKey)));
}

const ecPublicKey = objectIdentifier('1.2.840.10045.2.1');
const curves: ReadonlyMap<string, Buffer> = new Map(
  Object.entries({ 'P-256': '1.2.840.10045.3.1.7', 'P-384': '1.3.132.0.34', 'P-521': '1.3.132.0.35' }).map(([name, dotted]) => [
    name,
    sequence(ecPublicKey, objectIdentifier(dotted)),
  ]),
);
const uncompressed = Buffer.of(4);

/**
 * SubjectPublicKeyInfo, DER. Of an elliptic curve key it is put together from its coordinates (RFC 5480, 2), which OpenSSL
 * gives away in half the time: the export is the largest part of the cost of a leaf.
 */
export function publicKeyInfo(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'ec') {
    const { crv = '', x = '', y = '' } = key.export({ format: 'jwk' });
    const algorithm = curves.get(crv);
    if (algorithm !== undefined) {
      const point = Buffer.concat([uncompressed, Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
      return sequence(algorithm, bitString(point));
    }
  }
  return key.export({ type: 'spki', format: 'der' });
}

/** Whether `privateKey` is the other half of `publicKey`. */
export function isKeyOf(privateKey: KeyObject, publicKey: KeyObject): boolean {
  return createPublicKey(privateKey).equals(publicKey);
}
