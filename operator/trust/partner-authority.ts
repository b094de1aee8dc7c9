// Which CA certificates are the same CA: the same subject and the same key, however each of them is written. A partner may
// bring several certificates of one CA, and several partners the same.
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../pki/certificate.ts';
import { isSelfSigned } from '../pki/chain.ts';
import { directoryName } from '../pki/directory-name.ts';
import { keyIdOf } from '../pki/key-id.ts';

/** A Name in a form in which names that OpenSSL takes for the same are equal. Throws DerError. */
export const comparableName = (der: Buffer): string => directoryName(der).join('/');

/** A point can be written compressed or not, and it is the same key. */
function pointOf(publicKey: KeyObject): string | undefined {
  try {
    const { crv, x, y } = publicKey.export({ format: 'jwk' });
    return `${crv} ${x} ${y}`;
  } catch {
    // A curve that JWK has no name for; nobody accepts it anyway.
    return undefined;
  }
}

/** A key in a form in which equal keys are equal, whatever algorithm identifier stands beside them. */
export function comparableKey({ publicKey, publicKeyDer }: Certificate): string {
  const point = publicKey.asymmetricKeyType === 'ec' ? pointOf(publicKey) : undefined;
  return point ?? keyIdOf(publicKeyDer).toString('hex');
}

/** What a CA is told from others by. Throws DerError. */
export const authorityIdentity = (certificate: Certificate): string =>
  JSON.stringify([comparableName(certificate.subjectDer), comparableKey(certificate)]);

/**
 * The certificate that stands for a CA, of several with its subject and key, those in place first. A self-signed one can only
 * have been made by who holds the key; of the others everybody can make one up, and then whoever came first is
 * believed. Of those self-signed the one that ends last is taken, so that a CA that renewed its certificate stays.
 */
export function representative(certificates: readonly [Certificate, ...Certificate[]]): Certificate {
  const selfSigned = certificates.filter(isSelfSigned);
  return selfSigned.reduce((best, one) => (one.notAfter > best.notAfter ? one : best), selfSigned[0] ?? certificates[0]);
}

interface Claim {
  readonly partner: string;
  readonly certificate: Certificate;
}

/**
 * Whose word stands against a claim on a CA, of those accepted (`same`: all of that CA). A certificate that the CA's own key
 * signed settles its limits for all. The signature of an issuer does not, be its root listed beside it or not: anybody's root
 * can sign anybody's key, with limits of its choice, and the CA would be held to them for all.
 */
export function rivalOf<C extends Claim>(claim: C, same: readonly C[]): C | undefined {
  const { fingerprint } = claim.certificate;
  const isSettled = [claim, ...same].some(({ certificate }) => isSelfSigned(certificate));
  if (isSettled || same.some(({ certificate }) => certificate.fingerprint === fingerprint)) return undefined;
  return same.find(({ partner }) => partner !== claim.partner);
}
