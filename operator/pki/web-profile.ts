// What the CA/Browser Forum's Baseline Requirements for TLS ask of certificates on the Web, beyond RFC 5280: section numbers
// are theirs. Private CAs are not bound by them.
import type { Certificate } from './certificate.ts';
import { describeName, type GeneralName, quoted } from './general-name.ts';
import { ipAddressText } from './ip-address.ts';
import { partsOfName } from './name.ts';
import { attributeTypes, extensionIds } from './object-identifiers.ts';
import { isSelfIssued, type Position, type Rule, refusal } from './path-refusal.ts';

const isRoot = (position: Position): boolean => position.role === 'anchor' && isSelfIssued(position);

/** 7.1.2.1.3: a root's authority key identifier, where it has one, is its own key and no more. */
const namesItself: Rule = (position) => {
  const {
    certificate,
    content: { authorityKey },
  } = position;
  if (!isRoot(position) || authorityKey === undefined) return undefined;
  const { keyId, issuer, serial } = authorityKey;
  const wrong = (what: string) => refusal(certificate, 'InvalidKeyIdentifier', what);
  if (keyId !== certificate.subjectKeyId)
    return wrong('is a root whose authority key identifier is not its own subject key identifier');
  if (issuer === undefined && serial === undefined) return undefined;
  return wrong('is a root whose authority key identifier names an issuer and serial: it must hold a key identifier only');
};

/** 7.1.2.1.2. */
const isRootForAnything: Rule = (position) =>
  isRoot(position) && position.certificate.extendedKeyUsage !== undefined
    ? refusal(position.certificate, 'InvalidExtendedKeyUsage', 'is a root with an extended key usage: a root must have none')
    : undefined;

/** 7.1.2.7.6 and 7.1.2.7.10. */
const saysWhatItIsFor: Rule = ({ certificate, role }) => {
  const { extendedKeyUsage, extensions } = certificate;
  const wrong = (what: string) => refusal(certificate, 'InvalidExtendedKeyUsage', what);
  if (role !== 'leaf') return undefined;
  if (extendedKeyUsage === undefined) return wrong('has no extended key usage: it must say what it is for');
  if (extensions.get(extensionIds.extendedKeyUsage)?.critical)
    return wrong('has an extended key usage that is critical: it must not be');
  return extendedKeyUsage.includes('anyExtendedKeyUsage')
    ? wrong('is for any extended key usage: it must name each that it is for')
    : undefined;
};

/** 7.1.2.7.8. */
const isNoAuthority: Rule = ({ certificate, role }) =>
  role === 'leaf' && certificate.isCA
    ? refusal(certificate, 'InvalidBasicConstraints', 'is a CA in the place of a leaf: a CA must not serve as one')
    : undefined;

/** 7.1.2.7.12. */
const hasPlainAlternativeNames: Rule = ({ certificate, content, role }) =>
  role === 'leaf' && content.subject.length > 0 && certificate.extensions.get(extensionIds.subjectAltName)?.critical
    ? refusal(
        certificate,
        'InvalidSubjectAltName',
        'has a subject and a critical subject alternative name: it must not be critical',
      )
    : undefined;

const commonNamesOf = ({ subjectDer }: Certificate): readonly string[] =>
  partsOfName(subjectDer)
    .flat()
    .filter(({ type }) => attributeTypes[type] === 'CN')
    .map(({ text }) => text ?? '');

/** How a common name repeats alternative names of this kind; a wildcard's own domain is taken for one of its names. */
const textsOf = (kind: 'dns' | 'ip', names: readonly GeneralName[]): readonly string[] =>
  names.flatMap((name) => {
    if (name.kind !== kind) return [];
    return name.kind === 'ip' ? [ipAddressText(name.octets)] : [name.value, name.value.replace(/^\*\./, '')];
  });

/** An address, well written or not: hosts do not end in a number (RFC 1123, 2.1), in any of the ways C takes them. */
const isLikeAddress = (text: string): boolean => text.includes(':') || /(^|\.)(0x[0-9a-f]*|[0-9]+)$/i.test(text);

/**
 * 7.1.4.3: a common name repeats an alternative name, character for character, an IPv6 address as RFC 5952 writes it. It is
 * compared with names of its own kind where there are any: certificates with a host's name and an address alone are in use.
 */
const repeatsAlternativeName: Rule = ({ certificate, content, role }) => {
  const { alternativeNames } = content;
  const stray = commonNamesOf(certificate).find((commonName) => {
    const names = textsOf(isLikeAddress(commonName) ? 'ip' : 'dns', alternativeNames);
    return names.length > 0 && !names.includes(commonName);
  });
  if (role !== 'leaf' || stray === undefined) return undefined;
  const names = alternativeNames.slice(0, 5).map(describeName).join(', ');
  return refusal(
    certificate,
    'InvalidCommonName',
    `has the common name ${quoted(stray)}, which must be one of its alternative names to the letter: ${names}`,
  );
};

/** 6.1.5. */
const hasWebKey: Rule = ({ certificate }) => {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const isWhole = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 1) % 8 === 0;
  return isWhole || asymmetricKeyType === 'ec'
    ? undefined
    : refusal(
        certificate,
        'UnsupportedKey',
        `has a key of ${certificate.keyAlgorithm}: it must be ECDSA, or RSA of a size that is a multiple of 8 bits`,
      );
};

/** In the order in which they are asked. */
export const webProfile: readonly Rule[] = [
  namesItself,
  isRootForAnything,
  isNoAuthority,
  saysWhatItIsFor,
  hasPlainAlternativeNames,
  repeatsAlternativeName,
  hasWebKey,
];
