// Whether the certificate that a bundle endpoint shows is to be believed. A pin stands for issuer and name, not for validity;
// otherwise it must lead to the CAs that were named, or to those that the public trusts, and be for the host that was asked for.
import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { type Certificate, CertificateError, parseCertificates } from '../pki/certificate.ts';
import { validatePresented } from '../pki/path.ts';
import { instant } from '../pki/problem.ts';

export interface EndpointTrust {
  /** CA certificates, PEM. */
  readonly ca?: string | undefined;
  /** SHA-256 of the certificate, lower-case hex. With it, `ca` has no say; with neither, the public CAs have. */
  readonly certificateSHA256?: string | undefined;
}

export interface Presented {
  /** DER, the leaf first. */
  readonly chain: readonly Uint8Array[];
  /** A DNS name or an IP address, without brackets. */
  readonly host: string;
}

/** Why not, as a sentence goes on after a colon; undefined: it is to be believed. `now` in epoch ms. */
export function endpointMistrust({ chain, host }: Presented, trust: EndpointTrust, now: number): string | undefined {
  const [leaf] = chain;
  if (leaf === undefined) return 'it presents no certificate';
  if (trust.certificateSHA256 !== undefined) return pinMismatch(leaf, trust.certificateSHA256, now);
  const anchors = trust.ca === undefined ? publicAnchors() : certificatesIn(trust.ca);
  if (typeof anchors === 'string') return `what names its CAs ${anchors}`;
  const name = isIP(host) === 0 ? { dns: host } : { ip: host };
  const options = { profile: 'Enterprise', wildcards: true } as const;
  const verdict = validatePresented({ presented: chain, anchors, now, purpose: 'server', name, options });
  return verdict.ok ? undefined : verdict.message;
}

function pinMismatch(der: Uint8Array, pin: string, now: number): string | undefined {
  const fingerprint = createHash('sha256').update(der).digest('hex');
  if (fingerprint !== pin) return `it presents the certificate ${fingerprint}, and ${pin} is the one to be believed`;
  const { validFromDate, validToDate } = new X509Certificate(der);
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  if (now < notBefore) return `its certificate is not valid before ${instant(notBefore)}`;
  return now > notAfter ? `its certificate expired at ${instant(notAfter)}` : undefined;
}

let publicRoots: readonly Certificate[] | undefined;

/** Those that Node brings, and those of NODE_EXTRA_CA_CERTS, which it reads once as well. */
function publicAnchors(): readonly Certificate[] {
  publicRoots ??= getCACertificates('default').flatMap((pem) => {
    const parsed = certificatesIn(pem);
    return typeof parsed === 'string' ? [] : parsed;
  });
  return publicRoots;
}

/** Or what is wrong with the text, as the sentence goes on. */
function certificatesIn(pem: string): readonly Certificate[] | string {
  try {
    return parseCertificates(pem);
  } catch (error) {
    if (error instanceof CertificateError) return error.message;
    throw error;
  }
}
