// Which cipher suites, groups and signature schemes a rendered file allows, by the names that OpenSSL and BoringSSL know.
// The TLS versions are 1.2 and 1.3, from the domain's `security.tls.minVersion` on: SP 800-52r2, 3.1 wants both and none below.
//
// Outside FIPS: what RFC 9325, 4.2 recommends, forward secrecy and AEAD alone.
// Within FIPS, of that what NIST approves. The sources, for modules validated to FIPS 140-2 (Annex A, C and D) as to 140-3
// (SP 800-140C and D, which name the same documents):
//   suites      SP 800-52r2, 3.3.1.1 and 3.3.1.2; AES is FIPS 197, GCM SP 800-38D. ChaCha20 is in neither list. CCM, which
//               is, is left out: BoringSSL has none.
//   groups      SP 800-56Ar3, appendix D: the curves P-256, P-384 and P-521 of SP 800-186. X25519 is not among them: SP 800-186 has
//               its curve for signatures only.
//   signatures  FIPS 186-5: ECDSA, RSA PKCS #1 v1.5 and PSS, with SHA-2 (FIPS 180-4). EdDSA came with 186-5, so modules
//               validated to FIPS 140-2, which knows 186-4, do not have it: it is left out for both.

export interface CipherSuites {
  /** OpenSSL's names. */
  readonly tls12: readonly string[];
  /** IANA's names, which are OpenSSL's too. */
  readonly tls13: readonly string[];
}

const approvedSuites: CipherSuites = {
  tls12: [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
  ],
  tls13: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'],
};
const recommendedSuites: CipherSuites = {
  tls12: [...approvedSuites.tls12, 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  tls13: [...approvedSuites.tls13, 'TLS_CHACHA20_POLY1305_SHA256'],
};

/** In order of preference. */
export function cipherSuites(fips: boolean): CipherSuites {
  return fips ? approvedSuites : recommendedSuites;
}

const approvedGroups = ['P-256', 'P-384', 'P-521'];
const recommendedGroups = ['X25519', ...approvedGroups];

/** Groups of the key exchange, in order of preference, by names that OpenSSL and BoringSSL share. */
export function groups(fips: boolean): readonly string[] {
  return fips ? approvedGroups : recommendedGroups;
}

const approvedSchemes = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
];
const recommendedSchemes = [...approvedSchemes, 'ed25519'];

/** Schemes that a peer may sign the handshake with (RFC 8446, 4.2.3), by their IANA names. */
export function signatureSchemes(fips: boolean): readonly string[] {
  return fips ? approvedSchemes : recommendedSchemes;
}
