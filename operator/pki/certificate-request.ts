// Certificate requests (PKCS#10, RFC 2986): parsed strictly into a value that cannot be wrong, and held to the one name that a
// certificate may be for. Whoever made the request chose every octet of it.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isFIPSApproved, keyAlgorithmOf, signatureAlgorithmOf as signerAlgorithmOf } from './algorithm.ts';
import { extensionsIn, signatureAlgorithmOf } from './certificate.ts';
import { bitsOf, DerError, dottedIdentifier, type Element, elementsOf, expectTag, onlyElement, tags } from './der-reader.ts';
import { alternativeNamesOf, describeName, type GeneralName, quoted } from './general-name.ts';
import { type NameAttribute, partsOfName } from './name.ts';
import { extensionIds, keyUsageBits } from './object-identifiers.ts';
import { decodePem, PemError } from './pem.ts';
import { isSignedWith, isSupportedSignature } from './signature.ts';

export interface CertificateRequest {
  readonly publicKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Buffer;
  /** As `Certificate.signatureAlgorithm`. The signature has been verified: who made the request has the key. */
  readonly signatureAlgorithm: string;
  /** The attributes of the subject, in order. */
  readonly subject: readonly NameAttribute[];
  /** Asked for by a subjectAltName; absent without one. */
  readonly alternativeNames?: readonly GeneralName[];
  readonly asksForCA: boolean;
}

export type RequestRefusalReason =
  | 'NotARequest'
  | 'SignatureInvalid'
  | 'WeakSignature'
  | 'WeakKey'
  | 'NotFIPSCompliant'
  | 'NameMismatch'
  | 'CARequested';

export interface RequestRefusal {
  readonly reason: RequestRefusalReason;
  /** What was seen, and what would be right: completes a sentence that begins with where the request is. */
  readonly message: string;
}

/** What nobody needs a request for is longer. Octets. */
const longest = 16_384;
const labels = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];
const commonName = '2.5.4.3';
/** PKCS#9's, and the one that Microsoft's tools wrote for the same before (MS-WCCE, 2.2.2.7.7.2). */
const extensionRequests = ['1.2.840.113549.1.9.14', '1.3.6.1.4.1.311.2.1.14'];

const refusal = (reason: RequestRefusalReason, message: string): RequestRefusal => ({ reason, message });

/** One request, PEM with nothing beside it. */
export function parseCertificateRequest(pem: string): CertificateRequest | RequestRefusal {
  const wanted = 'put one CERTIFICATE REQUEST block there, as `openssl req -new` writes it';
  if (pem.length > longest) return refusal('NotARequest', `has ${pem.length} octets: ${wanted}`);
  try {
    const blocks = decodePem(pem);
    const [block] = blocks;
    if (block === undefined || blocks.length > 1) return refusal('NotARequest', `holds ${blocks.length} PEM blocks: ${wanted}`);
    if (!labels.includes(block.label)) return refusal('NotARequest', `holds a ${block.label}: ${wanted}`);
    return read(block.der);
  } catch (error) {
    if (error instanceof PemError) return refusal('NotARequest', `${error.message}: ${wanted}`);
    if (error instanceof DerError) return refusal('NotARequest', `is no certificate request, since ${error.message}: ${wanted}`);
    throw error;
  }
}

function read(der: Buffer): CertificateRequest | RequestRefusal {
  const [info, algorithm, signature, ...more] = elementsOf(onlyElement(der, tags.sequence).content);
  if (more.length > 0) throw new DerError('something follows its signature');
  const [version, subject, publicKeyInfo, attributes, ...rest] = elementsOf(expectTag(info, tags.sequence).content);
  if (!expectTag(version, tags.integer).content.equals(Buffer.of(0))) throw new DerError('its version is not 1');
  if (rest.length > 0) throw new DerError('something follows its attributes');
  const publicKeyDer = expectTag(publicKeyInfo, tags.sequence).der;
  const publicKey = keyOf(publicKeyDer);
  const signatureAlgorithm = signatureAlgorithmOf(expectTag(algorithm, tags.sequence));
  if (!isSupportedSignature(signatureAlgorithm)) {
    return refusal('WeakSignature', `is signed with ${signatureAlgorithm}: sign it with SHA-256 or better`);
  }
  const bits = expectTag(signature, tags.bitString).content;
  if (bits[0] !== 0) throw new DerError('its signature is no whole number of octets');
  const data = expectTag(info, tags.sequence).der;
  if (!isSignedWith(publicKey, { name: signatureAlgorithm, data, signature: bits.subarray(1) })) {
    const message = 'is not signed with the key that it is for: make it again where the key is, and paste all of it';
    return refusal('SignatureInvalid', message);
  }
  const extensions = extensionsAskedFor(attributes);
  const alternativeNames = extensions.get(extensionIds.subjectAltName);
  return {
    publicKey,
    publicKeyDer,
    signatureAlgorithm,
    subject: partsOfName(expectTag(subject, tags.sequence).der).flat(),
    ...(alternativeNames === undefined ? {} : { alternativeNames: alternativeNamesOf(alternativeNames.value) }),
    asksForCA: asksForCA(extensions),
  };
}

function keyOf(der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    throw new DerError('it has a key that cannot be read');
  }
}

/** Attributes are optional in practice, though not in the RFC. Two readers could take each another of two lists. */
function extensionsAskedFor(attributes: Element | undefined): ReturnType<typeof extensionsIn> {
  if (attributes === undefined) return new Map();
  const requests = elementsOf(expectTag(attributes, 0xa0).content).flatMap((attribute) => {
    const [id, values, ...rest] = elementsOf(expectTag(attribute, tags.sequence).content);
    const dotted = dottedIdentifier(expectTag(id, tags.objectIdentifier).content);
    if (rest.length > 0) throw new DerError(`something follows the values of its attribute ${dotted}`);
    return extensionRequests.includes(dotted) ? elementsOf(expectTag(values, tags.set).content) : [];
  });
  if (requests.length > 1) throw new DerError('it asks for extensions twice');
  const [request] = requests;
  return request === undefined ? new Map() : extensionsIn(expectTag(request, tags.sequence));
}

function asksForCA(extensions: ReturnType<typeof extensionsIn>): boolean {
  const constraints = extensions.get(extensionIds.basicConstraints);
  const usage = extensions.get(extensionIds.keyUsage);
  const [first] = constraints === undefined ? [] : elementsOf(onlyElement(constraints.value, tags.sequence).content);
  const isCA = first?.tag === tags.boolean && first.content[0] !== 0;
  const signs = usage === undefined ? [] : bitsOf(onlyElement(usage.value, tags.bitString).content);
  return isCA || signs.some((bit) => keyUsageBits[bit] === 'keyCertSign');
}

/** What a certificate may be for. */
export interface ExpectedRequest {
  /** The only DNS name, in lower case. */
  readonly fqdn: string;
  /** The only URI. */
  readonly uri: string;
  readonly fips: boolean;
}

/** Everything that the request asks for and may not have; nothing: it may be granted. */
export function checkCertificateRequest(request: CertificateRequest, expected: ExpectedRequest): readonly RequestRefusal[] {
  return [...keyRefusals(request, expected), ...nameRefusals(request, expected)];
}

/** FIPS 186-4, B.3.1: an exponent that is odd and above 2^16; smaller ones have broken more than one padding. */
const smallestExponent = 65_537n;

function keyRefusals({ publicKey }: CertificateRequest, { fips }: ExpectedRequest): readonly RequestRefusal[] {
  const algorithm = keyAlgorithmOf(publicKey);
  const exponent = publicKey.asymmetricKeyDetails?.publicExponent;
  const wanted = `use ECDSA on P-256, P-384 or P-521, ${fips ? 'or RSA of 2048 to 8192 bits' : 'RSA of 2048 to 8192 bits, or Ed25519'}`;
  if (signerAlgorithmOf(algorithm) === undefined) return [refusal('WeakKey', `is for a key of ${algorithm}: ${wanted}`)];
  if (exponent !== undefined && (exponent < smallestExponent || exponent % 2n === 0n))
    return [refusal('WeakKey', `is for an RSA key with the exponent ${exponent}: make one with 65537`)];
  if (fips && !isFIPSApproved(algorithm))
    return [refusal('NotFIPSCompliant', `is for a key of ${algorithm}, which FIPS 140 does not approve: ${wanted}`)];
  return [];
}

function nameRefusals(
  { subject, alternativeNames, asksForCA }: CertificateRequest,
  { fqdn, uri }: ExpectedRequest,
): readonly RequestRefusal[] {
  const wanted = `ask for ${fqdn} alone, or for no name`;
  const commonNames = subject.filter(({ type }) => type === commonName).map(({ text }) => text);
  const isOwn = (name: GeneralName) =>
    (name.kind === 'dns' && name.value.toLowerCase() === fqdn) || (name.kind === 'uri' && name.value === uri);
  return [
    ...(asksForCA ? [refusal('CARequested', 'asks to be a CA: leave out CA:TRUE and keyCertSign')] : []),
    ...commonNames
      .filter((text) => text?.toLowerCase() !== fqdn && text !== '')
      .map((text) =>
        refusal('NameMismatch', `has the common name ${text === undefined ? 'of no text' : quoted(text)}: ${wanted}`),
      ),
    ...(commonNames.length > 1 ? [refusal('NameMismatch', `has ${commonNames.length} common names: ${wanted}`)] : []),
    ...(alternativeNames ?? [])
      .filter((name) => !isOwn(name))
      .map((name) => refusal('NameMismatch', `asks for ${describeName(name)}: ${wanted}`)),
  ];
}
