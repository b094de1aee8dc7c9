// Certificates by their PEM, each text read once: a look reads what all sources and records hold, and looks are many.
import { type Certificate, CertificateError, parseCertificates } from '../../pki/certificate.ts';

/** Texts that are kept; beyond, the one that was read first goes. */
const mostTexts = 4_000;
const known = new Map<string, readonly Certificate[]>();

/** None where it is not PEM of certificates. */
export function certificatesIn(pem: string | undefined): readonly Certificate[] {
  if (pem === undefined || pem === '') return [];
  const before = known.get(pem);
  if (before !== undefined) return before;
  const certificates = read(pem);
  const [oldest] = known.keys();
  if (known.size >= mostTexts && oldest !== undefined) known.delete(oldest);
  known.set(pem, certificates);
  return certificates;
}

function read(pem: string): readonly Certificate[] {
  try {
    return parseCertificates(pem);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
