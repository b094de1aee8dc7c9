// A CA ready to issue: what every certificate it signs has in common is checked and written once.
import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { authorityKeyIdentifier, type IssuerUrls, issuerPointers } from './extensions.ts';
import { isKeyOf, type Signer, signerOf } from './signing.ts';
import { isFetchUrl } from './subject-names.ts';

export interface Issuer extends Signer {
  readonly certificate: Certificate;
  /** Extensions, DER. */
  readonly authorityKeyIdentifier: Buffer;
  readonly pointers: readonly Buffer[];
}

/**
 * Prepares a CA for issuing. Its name is copied by octets and its key identifier as its certificate has it, so that both
 * chain for every verifier. Throws TypeError for a certificate that is no CA, a key that is not its key or of a type that
 * no CA of ours may have, or a URL that is not http in ASCII.
 */
export function issuerOf(certificate: Certificate, privateKey: KeyObject, urls: IssuerUrls = {}): Issuer {
  if (!certificate.isCA) throw new TypeError(`${certificate.subject} cannot issue: it is not a CA`);
  if (!isKeyOf(privateKey, certificate.publicKey)) throw new TypeError(`the key is not the key of ${certificate.subject}`);
  for (const url of Object.values(urls)) {
    if (!isFetchUrl(url)) throw new TypeError(`${JSON.stringify(url)} is not an http URL in ASCII`);
  }
  return {
    ...signerOf(certificate.subjectDer, privateKey),
    certificate,
    authorityKeyIdentifier: authorityKeyIdentifier(Buffer.from(certificate.subjectKeyId, 'hex')),
    pointers: issuerPointers(urls),
  };
}
