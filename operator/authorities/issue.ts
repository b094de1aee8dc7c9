// Makes one certificate: a key, a signature, and a second look before anybody relies on it. Synchronous work of one leaf at
// a time; the event loop turns between two.
import { type KeyObject, randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { KeyMaterial } from '../outputs/certificate-secret.ts';
import { type Certificate, parseCertificate } from '../pki/certificate.ts';
import { checkIssued } from '../pki/check.ts';
import { keyStore, keyStoreRandomLength } from '../pki/key-store.ts';
import { signLeaf } from '../pki/leaf.ts';
import type { LeafProfile } from '../pki/profile.ts';
import { validity } from '../pki/validity.ts';
import type { Authority } from './authority.ts';
import { generateKeyPairAside, randomSerial } from './keys.ts';

export interface CertificateWish {
  readonly dnsNames: readonly string[];
  readonly uri?: string;
  readonly profile: LeafProfile;
  readonly keyStore: boolean;
}

export interface IssuedCertificate {
  readonly leaf: Certificate;
  readonly material: KeyMaterial;
}

/** The certificate that was made is not the one that was asked for; nothing of it was kept. */
export class IssuanceError extends Error {
  override readonly name = 'IssuanceError';
}

/** Throws IssuanceError where the result does not pass its check, RangeError where the CA itself has expired. */
export async function issueCertificate(authority: Authority, wish: CertificateWish, now: number): Promise<IssuedCertificate> {
  await turn();
  const { privateKey, publicKey } = await generateKeyPairAside(authority.leaf.privateKey);
  const leaf = signed(authority, wish, { publicKey, key: privateKey }, now);
  const chain = [leaf, ...authority.intermediates];
  return {
    leaf,
    material: {
      chain: pemOf(chain),
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ...(wish.keyStore ? { keyStore: storeOf(chain, privateKey) } : {}),
    },
  };
}

/** For a key whose other half somebody else has: the leaf, and its chain (leaf, then intermediates), PEM. Throws as issueCertificate. */
export function issueForKey(
  authority: Authority,
  wish: Omit<CertificateWish, 'keyStore'>,
  publicKey: KeyObject,
  now: number,
): { readonly leaf: Certificate; readonly chain: string } {
  const leaf = signed(authority, wish, { publicKey, key: publicKey }, now);
  return { leaf, chain: pemOf([leaf, ...authority.intermediates]) };
}

const pemOf = (chain: readonly Certificate[]): string => chain.map((certificate) => certificate.pem).join('');

/** `key`: what the result is checked with, the private half where it is at hand. */
function signed(
  authority: Authority,
  wish: Omit<CertificateWish, 'keyStore'>,
  { publicKey, key }: { readonly publicKey: KeyObject; readonly key: KeyObject },
  now: number,
): Certificate {
  const [commonName] = wish.dnsNames;
  const expected = {
    ...(commonName === undefined ? {} : { commonName }),
    dnsNames: wish.dnsNames,
    ...(wish.uri === undefined ? {} : { uri: wish.uri }),
    profile: wish.profile,
    serial: randomSerial(),
    ...validity({ now, duration: authority.leaf.duration, issuerNotAfter: authority.certificate.notAfter }),
  };
  const leaf = parseCertificate(signLeaf(authority.issuer, { ...expected, publicKey }));
  const { chain, anchors } = authority;
  const problems = checkIssued({ leaf, key, chain, anchors, expected, now });
  if (problems.length > 0) {
    throw new IssuanceError(
      `The certificate for ${wish.dnsNames[0]} by "${authority.certificate.subject}" was discarded: ` +
        problems.map((problem) => problem.message).join('; '),
    );
  }
  return leaf;
}

/** A PKCS#12 key store under a password of its own. */
export function storeOf(chain: readonly Certificate[], privateKey: KeyObject): NonNullable<KeyMaterial['keyStore']> {
  const password = randomBytes(24).toString('base64url');
  const alias = chain[0]?.dnsNames[0] ?? 'server';
  return { pkcs12: keyStore({ privateKey, chain, alias, password, random: randomBytes(keyStoreRandomLength) }), password };
}
