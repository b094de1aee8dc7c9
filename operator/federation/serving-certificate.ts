// The certificate that a listener shows and its key, from a directory as a Secret is mounted: tls.crt and tls.key. Both may be
// replaced at any moment, one after the other, so a pair that does not match is not taken, nor is anything unreadable.
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../kube/log.ts';
import { type Certificate, parseCertificates } from '../pki/certificate.ts';
import { codeOf } from './network-error.ts';

export type ServingCertificate =
  | { readonly usable: true; readonly cert: string; readonly key: string; readonly leaf: Certificate }
  /** A sentence for a person; it repeats no content of the files. */
  | { readonly usable: false; readonly message: string };

const unusable = (message: string): ServingCertificate => ({ usable: false, message });

export async function readServingCertificate(directory: string): Promise<ServingCertificate> {
  const cert = await textOf(directory, 'tls.crt');
  const key = await textOf(directory, 'tls.key');
  if ('problem' in cert) return unusable(cert.problem);
  if ('problem' in key) return unusable(key.problem);
  const leaf = leafOf(cert.text);
  if (typeof leaf === 'string') return unusable(`tls.crt in ${directory} ${leaf}.`);
  return isKeyOf(leaf, key.text)
    ? { usable: true, cert: cert.text, key: key.text, leaf }
    : unusable(`tls.key in ${directory} is not the private key, in PEM and not encrypted, of the first certificate in tls.crt.`);
}

async function textOf(directory: string, file: string): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    return { text: await readFile(join(directory, file), 'utf8') };
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'is not there' : `cannot be read (${codeOf(error) ?? 'unknown'})`;
    return { problem: `${file} in ${directory} ${why}.` };
  }
}

/** Or what is wrong with the file, as the sentence goes on after its name. */
function leafOf(pem: string): Certificate | string {
  try {
    return parseCertificates(pem)[0] ?? 'holds no certificate';
  } catch (error) {
    return messageOf(error);
  }
}

function isKeyOf(leaf: Certificate, pem: string): boolean {
  try {
    return leaf.x509.checkPrivateKey(createPrivateKey(pem));
  } catch {
    // Whatever OpenSSL says of a text that is no key is of no use, and may repeat it.
    return false;
  }
}
