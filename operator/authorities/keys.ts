// The one place where keys and serial numbers are made. Everything else takes them as arguments.
import { generateKeyPair as generateInBackground, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { PrivateKey } from '../api/v1alpha1/index.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const curves: Readonly<Record<number, string>> = { 256: 'P-256', 384: 'P-384', 521: 'P-521' };

function curveOf(size: number): string {
  const curve = curves[size];
  if (curve === undefined) throw new RangeError(`an ECDSA key has 256, 384 or 521 bits, not ${size}`);
  return curve;
}

function modulusOf(size: number): number {
  if (!(size >= 2048 && size <= 4096)) throw new RangeError(`an RSA key has 2048 to 4096 bits, not ${size}`);
  return size;
}

/**
 * A new key pair: ECDSA P-256, P-384 or P-521 (256 unless given), RSA of 2048 to 4096 bits (2048 unless given), Ed25519.
 * Throws RangeError for another size. An elliptic curve key takes tens of microseconds. An RSA key takes from a tenth of a
 * second to several: where others wait for the event loop, use generateKeyPairAside.
 */
export function generateKeyPair({ algorithm, size }: PrivateKey): KeyPair {
  switch (algorithm) {
    case 'ECDSA':
      return generateKeyPairSync('ec', { namedCurve: curveOf(size ?? 256) });
    case 'RSA':
      return generateKeyPairSync('rsa', { modulusLength: modulusOf(size ?? 2048) });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
  }
}

const generateRSA = promisify(generateInBackground);

/** As generateKeyPair, without keeping the event loop: RSA keys are made on another thread. */
export async function generateKeyPairAside(specification: PrivateKey): Promise<KeyPair> {
  if (specification.algorithm !== 'RSA') return generateKeyPair(specification);
  return await generateRSA('rsa', { modulusLength: modulusOf(specification.size ?? 2048) });
}

/** 128 random bits for a certificate's serial number, never all zero. */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(16);
  return serial.some((octet) => octet !== 0) ? serial : randomSerial();
}

/** PKCS#8, unencrypted (RFC 5958), with a final newline. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
