// Certificates that no CA of ours would sign: any subject, any names, octet by octet as the forger wants them.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createRoot } from '../../../operator/pki/authority.ts';
import { parseCertificates } from '../../../operator/pki/certificate.ts';
import { signRevocationList } from '../../../operator/pki/crl.ts';
import { explicit, implicit, objectIdentifier, sequence, tlv, utf8String } from '../../../operator/pki/der-writer.ts';
import { endEntityConstraints, extendedKeyUsage, keyUsage } from '../../../operator/pki/extensions.ts';
import { issuerOf } from '../../../operator/pki/leaf.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { publicKeyInfo, signCertificate } from '../../../operator/pki/signing.ts';
import { day, type Issuing, minute, trustIn } from './material.ts';
import type { Material } from './peer.ts';

/** GeneralNames, DER (RFC 5280, 4.2.1.6). */
export const generalName = {
  dns: (name: string) => implicit(2, Buffer.from(name, 'latin1')),
  uri: (uri: string) => implicit(6, Buffer.from(uri, 'latin1')),
  mail: (address: string) => implicit(1, Buffer.from(address, 'latin1')),
  ip: (...octets: readonly number[]) => implicit(7, Buffer.from(octets)),
  directory: (commonName: string) => explicit(4, distinguishedName(commonName)),
  /** otherName with the user principal name that Microsoft's software maps to accounts. */
  userPrincipal: (name: string) => tlv(0xa0, objectIdentifier('1.3.6.1.4.1.311.20.2.3'), explicit(0, utf8String(name))),
} as const;

/** The extension with these names, DER. */
export function subjectAltName(...names: readonly Buffer[]): Buffer {
  return sequence(objectIdentifier('2.5.29.17'), tlv(0x04, sequence(...names)));
}

export interface Forgery {
  /** Of the subject; absent: an empty one. */
  readonly commonName?: string;
  /** GeneralNames, DER; absent: no such extension. */
  readonly names?: readonly Buffer[];
}

/** A certificate for a day, and the files of a Secret with it; for TLS on both sides. */
export function forge({ issuer, intermediates, anchors }: Issuing, { commonName, names }: Forgery): Material {
  const now = Date.now();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = signCertificate(issuer, {
    serial: randomBytes(16),
    subject: distinguishedName(commonName),
    notBefore: now - 5 * minute,
    notAfter: now + day,
    publicKey: publicKeyInfo(publicKey),
    extensions: [
      endEntityConstraints,
      keyUsage(['digitalSignature']),
      extendedKeyUsage(['serverAuth', 'clientAuth']),
      issuer.authorityKeyIdentifier,
      ...(names === undefined ? [] : [subjectAltName(...names)]),
    ],
  });
  const leaf = encodePem('CERTIFICATE', der);
  return {
    'tls.crt': Buffer.from([leaf, ...intermediates.map(({ pem }) => pem)].join('')),
    'tls.key': Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    ...trustIn(anchors),
  };
}

/** A root that signs leaves itself. */
export function makeRoot(commonName: string): Issuing {
  const now = Date.now();
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const validity = { notBefore: now - 30 * day, notAfter: now + 365 * day };
  const root = createRoot({ ...validity, commonName, serial: randomBytes(16), ...keys });
  return { issuer: issuerOf(root, keys.privateKey), intermediates: [], anchors: [root] };
}

/** A CRL of these leaves, DER (RFC 5280, 5), for a day, or `life` ms. Of two the one with the greater number is newer. */
export function revocationList(
  { issuer, intermediates, anchors }: Issuing,
  revoked: readonly Material[],
  number = 1,
  life: number = day,
): Buffer {
  const [authority] = [...intermediates, ...anchors];
  const now = Math.floor(Date.now() / 1000) * 1000;
  return signRevocationList(issuer, {
    issuerKeyId: Buffer.from(authority?.subjectKeyId ?? '', 'hex'),
    number,
    thisUpdate: now - 60 * minute + number * 1000,
    nextUpdate: now + life,
    revoked: revoked.map(({ 'tls.crt': pem }) => ({
      serial: parseCertificates(pem.toString())[0]?.serial ?? '',
      since: now - 60 * minute,
    })),
  });
}
