// An authority as its Secret holds it: one certificate and its key.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { messageOf } from '../../kube/log.ts';
import { type Certificate, parseCertificates } from '../../pki/certificate.ts';

export interface StoredAuthority {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

/** The authority, or what is wrong with it as half a sentence. */
export function readAuthority(chainPem: string, readKey: () => KeyObject): StoredAuthority | string {
  try {
    const [certificate] = parseCertificates(chainPem);
    if (certificate === undefined) return 'tls.crt holds no certificate';
    if (!certificate.isCA) return 'the certificate in tls.crt is not a CA';
    const privateKey = readKey();
    return isPairOf(privateKey, certificate) ? { certificate, privateKey } : 'tls.key is not the key of tls.crt';
  } catch (error) {
    return messageOf(error);
  }
}

function isPairOf(privateKey: KeyObject, certificate: Certificate): boolean {
  const { publicKey } = certificate;
  return createPublicKey(privateKey).equals(publicKey);
}
