// An authority as its Secret holds it: one certificate, its key, and the root that it leads to.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { messageOf } from '../kube/log.ts';
import { type Certificate, parseCertificates } from '../pki/certificate.ts';
import { chainProblems } from '../pki/chain.ts';

export interface StoredAuthority {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

/** The authority and the root it leads to, from PEM; or what is wrong with them as half a sentence. */
export function readAuthority(
  pem: { readonly certificate: string; readonly root: string },
  readKey: () => KeyObject,
): { readonly stored: StoredAuthority; readonly root: Certificate } | string {
  try {
    const [certificate] = parseCertificates(pem.certificate);
    if (certificate === undefined) return 'tls.crt holds no certificate';
    if (!certificate.isCA) return 'the certificate in tls.crt is not a CA';
    const [root] = parseCertificates(pem.root);
    if (root === undefined) return 'ca.crt holds no certificate';
    const problems = chainProblems({ chain: [certificate], anchors: [root], now: certificate.notBefore });
    const [untrusted] = problems.filter(({ reason }) => reason === 'Untrusted');
    if (untrusted !== undefined) return untrusted.message;
    const privateKey = readKey();
    return isPairOf(privateKey, certificate)
      ? { stored: { certificate, privateKey }, root }
      : 'tls.key is not the key of tls.crt';
  } catch (error) {
    return messageOf(error);
  }
}

function isPairOf(privateKey: KeyObject, certificate: Certificate): boolean {
  const { publicKey } = certificate;
  return createPublicKey(privateKey).equals(publicKey);
}
