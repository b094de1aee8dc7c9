// A CA as an enterprise brings its own: made by other software than the operator's.
import 'reflect-metadata';
import { randomBytes, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface ForeignCA {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  /** PEM, each with a final newline. */
  readonly pem: string;
  readonly keyPem: string;
}

export interface ForeignCAOptions {
  /** Absent: it signs itself. */
  readonly issuer?: ForeignCA;
  /** How many CAs may lie below it. */
  readonly pathLength?: number;
  /** By default a CA. */
  readonly ca?: boolean;
  /** Epoch ms; by default in a year. */
  readonly notAfter?: number;
  /** By default a new one. */
  readonly keys?: webcrypto.CryptoKeyPair;
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 24 * 3_600_000;

export async function makeCA(commonName: string, options: ForeignCAOptions = {}): Promise<ForeignCA> {
  const { issuer, pathLength, ca = true, notAfter = Date.now() + 365 * day } = options;
  const keys = options.keys ?? (await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']));
  const signer = issuer ?? { certificate: undefined, keys };
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    subject: `CN=${commonName}`,
    issuer: signer.certificate?.subject ?? `CN=${commonName}`,
    notBefore: new Date(Math.min(Date.now(), notAfter) - day),
    notAfter: new Date(notAfter),
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(ca, pathLength, true),
      new x509.KeyUsagesExtension(
        ca ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign : x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer.keys.publicKey),
    ],
  });
  return {
    certificate,
    keys,
    pem: `${certificate.toString('pem')}\n`,
    keyPem: `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n`,
  };
}

/** What a provided CA's Secret holds: the issuing CA, the CAs above it in order, and the root they lead to. */
export function providedData(issuing: ForeignCA, above: readonly ForeignCA[], root: ForeignCA) {
  return {
    'tls.crt': [issuing, ...above].map(({ pem }) => pem).join(''),
    'tls.key': issuing.keyPem,
    'ca.crt': root.pem,
  };
}
