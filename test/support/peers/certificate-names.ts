// The names that a list of peers can hold a certificate to: its DNS names and URIs.
import type { X509Certificate } from 'node:crypto';

export function certificateNames({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName.split(', ').flatMap((name) => /^(?:DNS|URI):(.*)$/.exec(name)?.slice(1) ?? []);
}
