// What each kind of certificate may be used for. A certificate says so itself, and every verifier holds it to that.
import type { ExtendedKeyUsage, KeyUsage } from './object-identifiers.ts';

/**
 * - `Server`: serves and calls, as trusted servers do on one certificate.
 * - `Client`: only calls (an Edge whose external CA gives no clientAuth).
 * - `TokenSigning`: signs tokens and is refused for TLS. An absent extended key usage would allow every use, so it carries
 *   the one made for it, id-kp-oauthAccessTokenSigning (RFC 9509), and no SPIFFE ID.
 */
export type LeafProfile = 'Server' | 'Client' | 'TokenSigning';

export const extendedKeyUsages: Readonly<Record<LeafProfile, readonly ExtendedKeyUsage[]>> = {
  Server: ['serverAuth', 'clientAuth'],
  Client: ['clientAuth'],
  TokenSigning: ['oauthAccessTokenSigning'],
};

/**
 * keyEncipherment is for the RSA key transport of a TLS server alone: a TLS client never uses it (RFC 5280, 4.2.1.12), and
 * an elliptic curve key has no such use (RFC 8813, 3; RFC 8410, 5).
 */
export function leafKeyUsages(profile: LeafProfile, keyIsRSA: boolean): readonly KeyUsage[] {
  return keyIsRSA && profile === 'Server' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'];
}

export const authorityKeyUsages: readonly KeyUsage[] = ['keyCertSign', 'cRLSign'];

/** How many CAs may follow below an issuing CA: none. */
export const issuingPathLength = 0;
