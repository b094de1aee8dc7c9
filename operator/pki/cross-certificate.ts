// Holds a partner's CA to a scope of names in unmodified software: a federation root of ours that has signed one
// certificate, the cross-certificate, which stands in for the partner's own CA certificate and says what names may lie below.
import type { KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate } from './certificate.ts';
import { signRevocationList } from './crl.ts';
import { DerError } from './der-reader.ts';
import { authorityConstraints, authorityKeyIdentifier, copiedExtension, keyUsage, subjectKeyIdentifier } from './extensions.ts';
import { keyIdOf } from './key-id.ts';
import { extensionIds } from './object-identifiers.ts';
import { authorityKeyUsages } from './profile.ts';
import { type NameScope, scopedConstraints } from './scoped-constraints.ts';
import { publicKeyInfo, signCertificate, signerOf, signMirror } from './signing.ts';
import { backdating, wholeSecond } from './validity.ts';

export interface CrossRequest extends NameScope {
  /** A root, or any CA below one: its issuer's certificate is not needed. */
  readonly partnerCA: Certificate;
  /** Epoch ms. */
  readonly now: number;
  /** For this one signature: the private key is to be dropped afterwards. ECDSA on P-256 is approved by FIPS 140 and read by everybody. */
  readonly federationKeys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** 16 random octets; the cross-certificate has the number of the certificate that it stands in for. */
  readonly serials: { readonly root: Uint8Array };
}

export interface FederationTrust {
  /** The federation root: its subject is the issuer of the partner's CA certificate, octet by octet. */
  readonly root: Certificate;
  readonly cross: Certificate;
}

/** Everything that the key of a federation root ever signs. */
export interface CrossCertification extends FederationTrust {
  /**
   * DER. It revokes nothing: the cross-certificate is taken back by taking the federation root out of the bundle with it. Software that checks lists asks for one of every CA of the chain.
   */
  readonly revocationList: Buffer;
}

/** A CA of old whose certificate does not say what its key is for may sign what it has always signed. */
const usages = keyUsage(authorityKeyUsages);

/**
 * What of the partner's certificate limits it is kept as it stands; its names are held to the scope beside its own constraints.
 * Without a key identifier there is none: what its CA has written below it may go by another than we would make.
 */
function mirroredExtensions(partnerCA: Certificate, scope: NameScope, rootKeyId: Buffer): readonly Buffer[] {
  const { extensions, pathLength } = partnerCA;
  const copied = (id: string): readonly Buffer[] => {
    const extension = extensions.get(id);
    return extension === undefined ? [] : [copiedExtension(id, extension)];
  };
  const ownUsages = copied(extensionIds.keyUsage);
  return [
    authorityConstraints(pathLength),
    ...(ownUsages.length === 0 ? [usages] : ownUsages),
    ...copied(extensionIds.extendedKeyUsage),
    ...copied(extensionIds.subjectKeyIdentifier),
    authorityKeyIdentifier(rootKeyId),
    scopedConstraints(partnerCA, scope),
  ];
}

/**
 * A federation root and the cross-certificate and revocation list that it signs, all valid as long as the partner's CA is. Software that has
 * both in its bundle finds a path for the partner's certificates whether they name their issuer's key (AKI) by identifier,
 * by issuer and serial, or not at all.
 * Throws RangeError where the partner's CA has expired, DerError where its name constraints cannot be read, TypeError for
 * keys that no CA of ours may have.
 */
export function crossCertify({ partnerCA, permitted, excluded, now, federationKeys, serials }: CrossRequest): CrossCertification {
  const { notAfter } = partnerCA;
  if (notAfter <= now)
    throw new RangeError(`no cross-certificate is made for a CA that expired at ${new Date(notAfter).toISOString()}`);
  const notBefore = wholeSecond(now - backdating);
  const signer = signerOf(partnerCA.issuerDer, federationKeys.privateKey);
  const publicKey = publicKeyInfo(federationKeys.publicKey);
  const keyId = keyIdOf(publicKey);
  const root = signCertificate(signer, {
    serial: serials.root,
    subject: partnerCA.issuerDer,
    publicKey,
    notBefore,
    notAfter,
    extensions: [authorityConstraints(), usages, subjectKeyIdentifier(keyId), authorityKeyIdentifier(keyId)],
  });
  const cross = signMirror(signer, {
    serial: Buffer.from(partnerCA.serial, 'hex'),
    subject: partnerCA.subjectDer,
    publicKey: partnerCA.publicKeyDer,
    notBefore: Math.max(notBefore, partnerCA.notBefore),
    notAfter,
    extensions: mirroredExtensions(partnerCA, { permitted, excluded }, keyId),
  });
  const list = { issuerKeyId: keyId, number: 1, thisUpdate: notBefore, nextUpdate: notAfter, revoked: [] };
  return { root: parseCertificate(root), cross: parseCertificate(cross), revocationList: signRevocationList(signer, list) };
}

/** The same, with what keeps this CA from ever having a cross-certificate as a sentence: it is its owner's fault, and nobody else's. */
export function tryCrossCertify(request: CrossRequest): CrossCertification | { readonly failure: string } {
  try {
    return crossCertify(request);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || error instanceof DerError) return { failure: error.message };
    throw error;
  }
}
