// The keys and serial numbers that the operator makes.
import { createPrivateKey } from 'node:crypto';
import type { PrivateKey } from '../../../operator/api/v1alpha1/index.ts';
import { generateKeyPair, generateKeyPairAside, privateKeyPem, randomSerial } from '../../../operator/authorities/keys.ts';
import { keyAlgorithmFor, keyAlgorithmOf } from '../../../operator/pki/algorithm.ts';
import { isKeyOf } from '../../../operator/pki/signing.ts';
import { keyKinds } from './authorities.ts';

describe('a key pair', () => {
  it.each(keyKinds)('is of the kind that was asked for: $algorithm $size', async (kind) => {
    const { privateKey, publicKey } = await generateKeyPairAside(kind);
    expect(keyAlgorithmOf(privateKey)).toBe(keyAlgorithmFor(kind));
    expect(isKeyOf(privateKey, publicKey)).toBe(true);
  });

  it.each<[PrivateKey, string]>([
    [{ algorithm: 'ECDSA', size: 224 }, '256, 384 or 521 bits, not 224'],
    [{ algorithm: 'RSA', size: 1024 }, '2048 to 4096 bits, not 1024'],
    [{ algorithm: 'RSA', size: 8192 }, '2048 to 4096 bits, not 8192'],
  ])('is refused: %j', async (kind, sentence) => {
    expect(() => generateKeyPair(kind)).toThrow(sentence);
    await expect(generateKeyPairAside(kind)).rejects.toThrow(sentence);
  });

  it('leaves the event loop free while an RSA key is made', async () => {
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    await generateKeyPairAside({ algorithm: 'RSA', size: 3072 });
    clearInterval(turning);
    expect(turns).toBeGreaterThan(0);
  });

  it('is written as PKCS#8, unencrypted', () => {
    for (const kind of keyKinds.filter(({ algorithm }) => algorithm !== 'RSA')) {
      const { privateKey, publicKey } = generateKeyPair(kind);
      const pem = privateKeyPem(privateKey);
      expect(pem.startsWith('-----BEGIN PRIVATE KEY-----\n') && pem.endsWith('-----END PRIVATE KEY-----\n')).toBe(true);
      expect(isKeyOf(createPrivateKey(pem), publicKey)).toBe(true);
    }
  });
});

describe('a serial number', () => {
  it('has 128 random bits and does not come twice', () => {
    const serials = Array.from({ length: 1000 }, () => Buffer.from(randomSerial()));
    expect(serials.every((serial) => serial.length === 16)).toBe(true);
    expect(new Set(serials.map((serial) => serial.toString('hex'))).size).toBe(1000);
    expect(serials.some((serial) => (serial[0] ?? 0) >= 0x80)).toBe(true);
  });
});
