// What keys and signatures are called, which of them a CA may have, and which FIPS 140 approves.
import { generateKeyPairSync } from 'node:crypto';
import {
  isFIPSApproved,
  isFIPSApprovedSignature,
  isWeakKey,
  isWeakSignature,
  keyAlgorithmFor,
  keyAlgorithmOf,
  signatureAlgorithmOf,
} from '../../../operator/pki/algorithm.ts';
import { hierarchy, keyKinds, keysFor } from './authorities.ts';

describe('a key', () => {
  it('is called the same whether it was made or is only specified', () => {
    const names = keyKinds.map((kind) => keyAlgorithmOf(keysFor(kind).publicKey));
    expect(names).toEqual(['ECDSA P-256', 'ECDSA P-384', 'ECDSA P-521', 'RSA 2048', 'RSA 3072', 'Ed25519']);
    expect(keyKinds.map(keyAlgorithmFor)).toEqual(names);
    expect([keyAlgorithmFor({ algorithm: 'ECDSA' }), keyAlgorithmFor({ algorithm: 'RSA' })]).toEqual(['ECDSA P-256', 'RSA 2048']);
  });

  it.each([
    ['ECDSA P-256', 'ecdsa-with-SHA256'],
    ['ECDSA P-384', 'ecdsa-with-SHA384'],
    ['ECDSA P-521', 'ecdsa-with-SHA512'],
    ['RSA 2048', 'sha256WithRSAEncryption'],
    ['RSA 8192', 'sha256WithRSAEncryption'],
    ['Ed25519', 'Ed25519'],
    ['RSA 1024', undefined],
    ['RSA 16384', undefined],
    ['ECDSA secp256k1', undefined],
    ['RSA-PSS 2048', undefined],
    ['ed448', undefined],
  ])('%s signs with %s', (algorithm, signature) => {
    expect(signatureAlgorithmOf(algorithm)?.name).toBe(signature);
  });

  it('names the signature as the certificate does', () => {
    for (const kind of keyKinds) {
      const { root } = hierarchy({ rootKey: kind });
      expect(root.signatureAlgorithm).toBe(signatureAlgorithmOf(root.keyAlgorithm)?.name);
    }
  });

  it('that the operator never makes is still named', () => {
    const names = [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed448'),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    ].map(({ publicKey }) => keyAlgorithmOf(publicKey));
    expect(names).toEqual(['ECDSA secp256k1', 'ed448', 'RSA-PSS 2048']);
  });

  it('is weak where it is RSA under 2048 bits', () => {
    expect(['RSA 1024', 'RSA 2047', 'RSA 2048', 'ECDSA P-256', 'Ed25519'].map(isWeakKey)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('a signature', () => {
  it.each([
    ['sha1WithRSAEncryption', true],
    ['ecdsa-with-SHA1', true],
    ['RSASSA-PSS-SHA1', true],
    ['md5WithRSAEncryption', true],
    ['sha256WithRSAEncryption', false],
    ['RSASSA-PSS-SHA256', false],
    ['ecdsa-with-SHA512', false],
    ['Ed25519', false],
  ])('%s is weak: %s', (name, weak) => {
    expect(isWeakSignature(name)).toBe(weak);
  });
});

describe('FIPS 140', () => {
  it.each([
    ['ECDSA P-256', true, true],
    ['ECDSA P-521', true, true],
    ['RSA 2048', true, true],
    ['RSA 1024', false, false],
    ['ECDSA secp256k1', false, false],
    // FIPS 186-5 brought it, after FIPS 140-2 had closed.
    ['Ed25519', false, true],
    ['ed448', false, false],
  ])('for keys of %s: approved by 140-2 %s, by 140-3 %s', (algorithm, by2, by3) => {
    expect([isFIPSApproved(algorithm), isFIPSApproved(algorithm, '140-2'), isFIPSApproved(algorithm, '140-3')]).toEqual([
      by2,
      by2,
      by3,
    ]);
  });

  it.each([
    ['ecdsa-with-SHA256', true, true],
    ['sha384WithRSAEncryption', true, true],
    ['RSASSA-PSS-SHA256', true, true],
    ['sha1WithRSAEncryption', false, false],
    ['RSASSA-PSS-SHA1', false, false],
    ['Ed25519', false, true],
    ['1.2.3.4', false, false],
  ])('for signatures of %s: approved by 140-2 %s, by 140-3 %s', (name, by2, by3) => {
    expect([isFIPSApprovedSignature(name), isFIPSApprovedSignature(name, '140-3')]).toEqual([by2, by3]);
  });
});
