// The gateway authority of a mediation pool: a CA of its own for the certificates of the pool's gateways, so that these open
// nothing but the pool. A root that signs them itself, since nobody else is to trust it.

import { parseDuration } from '../api/v1alpha1/duration.ts';
import type { EnterpriseCA } from '../api/v1alpha1/index.ts';
import { createRoot } from '../pki/authority.ts';
import type { Certificate } from '../pki/certificate.ts';
import { issuerOf } from '../pki/leaf.ts';
import { validity } from '../pki/validity.ts';
import type { Authority, LeafDefaults } from './authority.ts';
import { generateKeyPairAside, type KeyPair, randomSerial } from './keys.ts';

/** How long one lives, ms: five years, or four lives of what it issues. */
const shortestLife = 5 * 365 * 86_400_000;
const lives = 4;

const suffix = ' gateway authority';
/** A common name holds 64 characters. Of a long pool its end is left out: the key tells authorities apart. */
const commonNameOf = (poolFQDN: string): string => `${poolFQDN.slice(0, 64 - suffix.length)}${suffix}`;

/** Its leaves are as the EnterpriseCA of the domain says, and so is its own key. */
export function leafDefaultsOf({ spec: { leaf } }: EnterpriseCA): LeafDefaults {
  return {
    duration: parseDuration(leaf.duration),
    renewAfterPercent: leaf.renewAfterPercent,
    privateKey: leaf.privateKey,
  };
}

export async function makeGatewayAuthority(
  poolFQDN: string,
  leaf: LeafDefaults,
  now: number,
): Promise<KeyPair & { readonly certificate: Certificate }> {
  const { privateKey, publicKey } = await generateKeyPairAside(leaf.privateKey);
  const certificate = createRoot({
    commonName: commonNameOf(poolFQDN),
    ...validity({ now, duration: Math.max(shortestLife, lives * leaf.duration) }),
    serial: randomSerial(),
    publicKey,
    privateKey,
    pathLength: 0,
  });
  return { privateKey, publicKey, certificate };
}

/**
 * Epoch ms from when on there must be a successor. Two lives of a leaf are left then: one for the trust in the successor to
 * go out, however long that takes, while the certificates that are issued meanwhile are not cut short.
 */
export function successionTime({ notAfter }: Certificate, leaf: LeafDefaults): number {
  return notAfter - 2 * leaf.duration;
}

export function gatewayAuthority(
  { certificate, privateKey }: Pick<KeyPair, 'privateKey'> & { readonly certificate: Certificate },
  {
    enterpriseCA,
    generation,
    leaf,
  }: {
    /** Whose settings it follows. */
    readonly enterpriseCA: string;
    readonly generation: number;
    readonly leaf: LeafDefaults;
  },
): Authority {
  return {
    enterpriseCA,
    generation,
    keyId: certificate.subjectKeyId,
    certificate,
    chain: [certificate],
    intermediates: [],
    anchors: [certificate],
    issuer: issuerOf(certificate, privateKey),
    leaf,
  };
}
