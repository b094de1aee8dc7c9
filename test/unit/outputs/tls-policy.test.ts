// The TLS policy: within FIPS nothing but what NIST approves, and names that the TLS library takes.
import { createSecureContext } from 'node:tls';
import { cipherSuites, groups, signatureSchemes } from '../../../operator/outputs/tls-policy.ts';

const all = (fips: boolean) => {
  const { tls12, tls13 } = cipherSuites(fips);
  return { suites: [...tls12, ...tls13], groups: groups(fips), schemes: signatureSchemes(fips) };
};

it('has within FIPS AES-GCM, the NIST curves, and ECDSA and RSA with SHA-2 alone', () => {
  const { suites, groups: curves, schemes } = all(true);
  for (const suite of suites)
    expect(suite).toMatch(/^(ECDHE-(ECDSA|RSA)-AES(128|256)-GCM|TLS_AES_(128|256)_GCM)[-_]SHA(256|384)$/);
  expect(curves).toEqual(['P-256', 'P-384', 'P-521']);
  for (const scheme of schemes) expect(scheme).toMatch(/^(ecdsa_secp\d+r1|rsa_pss_rsae|rsa_pkcs1)_sha(256|384|512)$/);
});

it('allows within FIPS nothing that it does not allow without', () => {
  const [within, without] = [all(true), all(false)];
  expect(without.suites).toEqual(expect.arrayContaining(within.suites));
  expect(without.groups).toEqual(expect.arrayContaining([...within.groups]));
  expect(without.schemes).toEqual(expect.arrayContaining([...within.schemes]));
});

it.each([true, false])('has names that OpenSSL takes (FIPS: %s)', (fips) => {
  const { suites, groups: curves, schemes } = all(fips);
  const context = { ciphers: suites.join(':'), ecdhCurve: curves.join(':'), sigalgs: schemes.join(':') };
  expect(() => createSecureContext(context)).not.toThrow();
  expect(() => createSecureContext({ ...context, ecdhCurve: 'P-255' })).toThrow();
  expect(() => createSecureContext({ ...context, sigalgs: 'rsa_pss_sha0' })).toThrow();
});
