// Writes the certificate extensions that the operator issues (RFC 5280, 4.2), each a complete Extension in DER.
import {
  booleanTrue,
  explicit,
  implicit,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  smallInteger,
} from './der-writer.ts';
import {
  accessMethodIds,
  type ExtendedKeyUsage,
  extendedKeyUsageIds,
  extensionIds,
  type KeyUsage,
  keyUsageBits,
} from './object-identifiers.ts';
import type { HostSubtree, IPSubtree } from './subtree.ts';

/** Where relying parties find what belongs to an issuer; http URLs (RFC 5280, 4.2.1.13 and 4.2.2.1). */
export interface IssuerUrls {
  /** DER CRL of the issuer. */
  readonly crl?: string;
  readonly ocsp?: string;
  /** DER certificate of the issuer. */
  readonly caIssuers?: string;
}

type Writer = (...value: readonly Uint8Array[]) => Buffer;

const extension = (dotted: string, critical: boolean): Writer => {
  const head = critical ? Buffer.concat([objectIdentifier(dotted), booleanTrue]) : objectIdentifier(dotted);
  return (...value) => sequence(head, octetString(...value));
};

const writers = {
  basicConstraints: extension(extensionIds.basicConstraints, true),
  keyUsage: extension(extensionIds.keyUsage, true),
  extendedKeyUsage: extension(extensionIds.extendedKeyUsage, false),
  subjectKeyIdentifier: extension(extensionIds.subjectKeyIdentifier, false),
  authorityKeyIdentifier: extension(extensionIds.authorityKeyIdentifier, false),
  subjectAltName: extension(extensionIds.subjectAltName, false),
  criticalSubjectAltName: extension(extensionIds.subjectAltName, true),
  crlDistributionPoints: extension(extensionIds.crlDistributionPoints, false),
  authorityInfoAccess: extension(extensionIds.authorityInfoAccess, false),
  nameConstraints: extension(extensionIds.nameConstraints, true),
  crlNumber: extension(extensionIds.crlNumber, false),
};

/** cA stays out of an end entity's, since DER leaves out a default. */
export const endEntityConstraints: Buffer = writers.basicConstraints(sequence());

/** `pathLength`: how many CAs may follow below; absent, any number. */
export function authorityConstraints(pathLength?: number): Buffer {
  return writers.basicConstraints(sequence(booleanTrue, ...(pathLength === undefined ? [] : [smallInteger(pathLength)])));
}

export function keyUsage(usages: readonly KeyUsage[]): Buffer {
  return writers.keyUsage(namedBits(usages.map((usage) => keyUsageBits.indexOf(usage))));
}

export function extendedKeyUsage(usages: readonly ExtendedKeyUsage[]): Buffer {
  return writers.extendedKeyUsage(sequence(...usages.map((usage) => objectIdentifier(extendedKeyUsageIds[usage]))));
}

export function subjectKeyIdentifier(keyId: Uint8Array): Buffer {
  return writers.subjectKeyIdentifier(octetString(keyId));
}

export function authorityKeyIdentifier(keyId: Uint8Array): Buffer {
  return writers.authorityKeyIdentifier(sequence(implicit(0, keyId)));
}

/** Of a revocation list (5.2.3). */
export function crlNumber(number: number): Buffer {
  return writers.crlNumber(smallInteger(number));
}

/** The caller has made sure that names are ASCII: an IA5String would hold something else otherwise. */
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const dnsName = (name: string): Buffer => implicit(2, ascii(name));
const uriName = (uri: string): Buffer => implicit(6, ascii(uri));
const mailName = (address: string): Buffer => implicit(1, ascii(address));

/** Critical exactly where the subject is empty (RFC 5280, 4.2.1.6). */
export function subjectAltName(dnsNames: readonly string[], uri: string | undefined, critical: boolean): Buffer {
  const names = dnsNames.map(dnsName);
  if (uri !== undefined) names.push(uriName(uri));
  return (critical ? writers.criticalSubjectAltName : writers.subjectAltName)(sequence(...names));
}

/** The distribution point and the access descriptions for the URLs that are set, as extensions to append; often none. */
export function issuerPointers({ crl, ocsp, caIssuers }: IssuerUrls): readonly Buffer[] {
  const pointers: Buffer[] = [];
  if (crl !== undefined) {
    pointers.push(writers.crlDistributionPoints(sequence(sequence(explicit(0, explicit(0, uriName(crl)))))));
  }
  const access: Buffer[] = [];
  if (ocsp !== undefined) access.push(sequence(objectIdentifier(accessMethodIds.ocsp), uriName(ocsp)));
  if (caIssuers !== undefined) access.push(sequence(objectIdentifier(accessMethodIds.caIssuers), uriName(caIssuers)));
  if (access.length > 0) pointers.push(writers.authorityInfoAccess(sequence(...access)));
  return pointers;
}

/** The base of a subtree as a GeneralName, DER (RFC 5280, 4.2.1.10). */
export function subtreeBase(subtree: HostSubtree | IPSubtree): Buffer {
  switch (subtree.kind) {
    case 'dns':
      return dnsName(subtree.host);
    case 'uri':
      return uriName(subtree.host);
    case 'mail':
      return mailName(subtree.local === undefined ? subtree.host : `${subtree.local}@${subtree.host}`);
    case 'ip':
      return implicit(7, Buffer.concat([subtree.address, subtree.mask]));
  }
}

/** Critical. Bases are GeneralNames, DER; a list without any is left out, as it must be. */
export function nameConstraints(permitted: readonly Buffer[], excluded: readonly Buffer[]): Buffer {
  const subtrees = (number: number, bases: readonly Buffer[]) =>
    bases.length === 0 ? [] : [explicit(number, ...bases.map((base) => sequence(base)))];
  return writers.nameConstraints(sequence(...subtrees(0, permitted), ...subtrees(1, excluded)));
}

/** An extension of another certificate, octet by octet. */
export function copiedExtension(id: string, { critical, value }: { readonly critical: boolean; readonly value: Buffer }): Buffer {
  return extension(id, critical)(value);
}
