// Bundles as others publish them: ours comes back as it went, and each fault of theirs has its name.
import { generateKeyPairSync } from 'node:crypto';
import {
  mostBundleAuthorities,
  mostBundleCharacters,
  parseBundle,
  sequenceFault,
  spiffeBundle,
} from '../../../operator/trust/spiffe-bundle.ts';
import { forge, schemes } from '../pki/forge.ts';

const ecdsa = forge({ ca: true, subject: 'Fabrikam CA' }).certificate;
const other = forge({ ca: true, subject: 'Other CA' }).certificate;
const rsa = forge({
  ca: true,
  subject: 'RSA',
  keys: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  scheme: schemes.rsa,
}).certificate;
const pss = forge({
  ca: true,
  subject: 'PSS',
  keys: generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' }),
  scheme: schemes.pss,
}).certificate;
const brainpool = forge({
  ca: true,
  subject: 'Brainpool',
  keys: generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }),
}).certificate;

const fingerprints = (verdict: ReturnType<typeof parseBundle>) =>
  verdict.ok ? verdict.authorities.map(({ fingerprint }) => fingerprint) : verdict;
const document = (...keys: readonly object[]): string => JSON.stringify({ keys });
const entry = (certificate = ecdsa) => JSON.parse(spiffeBundle({ authorities: [certificate] })).keys[0];

describe('our bundle', () => {
  it('is a JWK set as the specification shows it', () => {
    const { x, y } = ecdsa.publicKey.export({ format: 'jwk' });
    expect(JSON.parse(spiffeBundle({ authorities: [ecdsa], sequence: 12, refreshHint: 600 }))).toEqual({
      keys: [{ use: 'x509-svid', kty: 'EC', crv: 'P-256', x, y, x5c: [ecdsa.der.toString('base64')] }],
      spiffe_sequence: 12,
      spiffe_refresh_hint: 600,
    });
  });

  it('is read back as it was, with keys of every kind', () => {
    const authorities = [ecdsa, rsa, pss];
    const verdict = parseBundle(spiffeBundle({ authorities, sequence: 0, refreshHint: 300 }));
    expect(fingerprints(verdict)).toEqual(authorities.map(({ fingerprint }) => fingerprint));
    expect(verdict).toMatchObject({ ok: true, sequence: 0, refreshHint: 300 });
  });
});

describe('a bundle of theirs', () => {
  it.each<[string, string]>([
    ['PEM', ecdsa.pem],
    ['PEM with text around it', `Fabrikam CA\r\n${ecdsa.pem.replaceAll('\n', '\r\n')}`],
    ['with keys for tokens', document({ use: 'jwt-svid', kty: 'EC', kid: '1' }, entry())],
    [
      'with uses and types of the future',
      document({ use: 'wit-svid', kty: 'EC' }, { use: 'x509-svid', kty: 'AKP' }, { kty: 'EC' }, entry()),
    ],
    ['with members that nobody knows', JSON.stringify({ keys: [{ ...entry(), alg: 'ES256', colour: 'blue' }], extra: 1 })],
    ['without a sequence', document(entry())],
  ])('is read: %s', (_, text) => {
    expect(fingerprints(parseBundle(text))).toEqual([ecdsa.fingerprint]);
  });

  it.each<[string, string, string, string]>([
    ['no JSON', '{"keys": [', 'NotABundle', 'is no SPIFFE bundle: the document is not as it must be'],
    ['no keys', '{"spiffe_sequence": 1}', 'NotABundle', 'is no SPIFFE bundle: keys is not as it must be'],
    [
      'a sequence that is no number',
      '{"keys": [], "spiffe_sequence": "7"}',
      'NotABundle',
      'spiffe_sequence is not as it must be',
    ],
    [
      'a sequence beyond exact numbers',
      '{"keys": [], "spiffe_sequence": 1e300}',
      'NotABundle',
      'spiffe_sequence is not as it must be',
    ],
    [
      'a negative refresh hint',
      '{"keys": [], "spiffe_refresh_hint": -1}',
      'NotABundle',
      'spiffe_refresh_hint is not as it must be',
    ],
    [
      'no authority',
      document({ use: 'jwt-svid', kty: 'EC' }),
      'NoAuthority',
      'holds no X.509 authority: no peer could be believed by it',
    ],
    ['a page of text', '<html></html>', 'NoAuthority', 'holds no X.509 authority'],
    [
      'an authority without certificate',
      document({ ...entry(), x5c: undefined }),
      'BadAuthority',
      'has key 1, whose x5c is not exactly one certificate in base64',
    ],
    [
      'one with two',
      document(entry(), { ...entry(), x5c: [...entry().x5c, ...entry().x5c] }),
      'BadAuthority',
      'has key 2, whose x5c is not exactly one',
    ],
    [
      'one with other octets',
      document({ ...entry(), x5c: ['AAAA'] }),
      'BadAuthority',
      'has key 1, whose certificate is not a usable X.509 certificate',
    ],
    [
      'another key beside the certificate',
      document({ ...entry(other), x5c: entry().x5c }),
      'BadAuthority',
      'has key 1, which is not the key of the certificate beside it',
    ],
    [
      'a certificate on a curve that JWK has no name for',
      document({ use: 'x509-svid', kty: 'EC', x5c: [brainpool.der.toString('base64')] }),
      'BadAuthority',
      'has key 1, whose certificate has a key that JWK cannot express',
    ],
    [
      'a private key',
      ecdsa.pem.replaceAll('CERTIFICATE', 'PRIVATE KEY'),
      'BadAuthority',
      'holds a PRIVATE KEY block among the certificates',
    ],
    [
      'authorities without end',
      ecdsa.pem.repeat(mostBundleAuthorities + 1),
      'TooManyAuthorities',
      'holds 65 X.509 authorities, and at most 64 are taken',
    ],
    ['text without end', `${ecdsa.pem}${' '.repeat(mostBundleCharacters)}`, 'TooLarge', 'and at most 262144 are read'],
  ])('is refused: %s', (_, text, reason, says) => {
    expect(parseBundle(text)).toEqual({ ok: false, reason, message: expect.stringContaining(says) });
  });
});

describe('the sequence of a bundle', () => {
  it.each([
    [undefined, undefined],
    [undefined, 7],
    [7, 7],
    [7, 8],
    [0, 1],
  ])('may go from %s to %s', (before, next) => {
    expect(sequenceFault(before, next)).toBeUndefined();
  });

  it.each([
    [7, 6, 'has the sequence number 6, and 7 was seen before: a sequence never goes back. What was read then stays.'],
    [1, 0, 'has the sequence number 0, and 1 was seen before: a sequence never goes back. What was read then stays.'],
    [7, undefined, 'has no sequence number, and 7 was seen before: a sequence never goes back. What was read then stays.'],
  ])('never goes from %s to %s', (before, next, message) => {
    expect(sequenceFault(before, next)).toBe(message);
  });
});
