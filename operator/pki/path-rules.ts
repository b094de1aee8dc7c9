// What every path must keep to, whatever profile its certificates were made by: the rules of RFC 5280, 6.1, the strength of
// keys and signatures, and that names can be read in one way only.
import { isWeakKey, isWeakSignature } from './algorithm.ts';
import { authorityRules } from './authority-rules.ts';
import { describeName, isHostName } from './general-name.ts';
import { extensionIds } from './object-identifiers.ts';
import { type RefusalReason, type Rule, refusal } from './path-refusal.ts';
import { instant } from './problem.ts';
import { isSupportedSignature } from './signature.ts';

/** Extensions came with version 3 (4.1.2.1); without them there is no CA. */
const isOfVersionThree: Rule = ({ certificate, content }) =>
  content.version === 3
    ? undefined
    : refusal(certificate, 'InvalidVersion', `is of version ${content.version}: certificates must be of version 3`);

/** What is signed must say how it is signed (4.1.1.2), or the algorithm can be changed on the way. */
const saysHowItIsSigned: Rule = ({
  certificate,
  content: {
    signatureAlgorithms: [signed, outer],
  },
}) =>
  signed.equals(outer)
    ? undefined
    : refusal(
        certificate,
        'InvalidSignatureAlgorithm',
        'names one signature algorithm inside and another outside: both must be the same',
      );

/** Both ends belong to it (4.1.2.5). */
const isValidNow: Rule = ({ certificate }, { now }) => {
  if (now < certificate.notBefore) {
    return refusal(
      certificate,
      'NotYetValid',
      `is not valid before ${instant(certificate.notBefore)}, and it is ${instant(now)}`,
    );
  }
  if (now > certificate.notAfter) {
    return refusal(certificate, 'Expired', `expired at ${instant(certificate.notAfter)}, and it is ${instant(now)}`);
  }
  return undefined;
};

/** Beyond 8192 bits Go ends the handshake, and verifying becomes work that a peer can make us do. */
const hasStrongKey: Rule = ({ certificate, content }) => {
  const { keyAlgorithm, publicKey } = certificate;
  const { modulusLength = 0 } = publicKey.asymmetricKeyDetails ?? {};
  const refused = (reason: 'WeakKey' | 'UnsupportedKey', key = keyAlgorithm) =>
    refusal(
      certificate,
      reason,
      `has a key of ${key}: it must be ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519`,
    );
  switch (publicKey.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      if (isWeakKey(`RSA ${modulusLength}`)) return refused('WeakKey', `RSA ${modulusLength}`);
      return modulusLength > 8192 ? refused('UnsupportedKey') : undefined;
    case 'ec':
      if (content.keyParameters !== 0x06) return refused('UnsupportedKey', 'ECDSA on a curve without a name');
      return /^ECDSA P-(256|384|521)$/.test(keyAlgorithm) ? undefined : refused('UnsupportedKey');
    case 'ed25519':
      return undefined;
    default:
      return refused('UnsupportedKey');
  }
};

/** An anchor is believed for its key: nobody looks at its own signature. */
const isSignedStrongly: Rule = ({ certificate, role }) => {
  const { signatureAlgorithm: name } = certificate;
  if (role === 'anchor' || isSupportedSignature(name)) return undefined;
  return refusal(
    certificate,
    isWeakSignature(name) ? 'WeakSignature' : 'UnsupportedSignature',
    `is signed with ${name}: it must be signed with RSA, RSA-PSS or ECDSA over SHA-256 or better, or with Ed25519`,
  );
};

const processed: ReadonlySet<string> = new Set([
  extensionIds.basicConstraints,
  extensionIds.keyUsage,
  extensionIds.extendedKeyUsage,
  extensionIds.nameConstraints,
  extensionIds.subjectAltName,
  extensionIds.certificatePolicies,
  extensionIds.policyConstraints,
  extensionIds.policyMappings,
  extensionIds.inhibitAnyPolicy,
]);

const neverCritical: ReadonlyMap<string, [RefusalReason, string]> = new Map([
  [extensionIds.subjectKeyIdentifier, ['InvalidKeyIdentifier', 'subject key identifier']],
  [extensionIds.authorityKeyIdentifier, ['InvalidKeyIdentifier', 'authority key identifier']],
  [extensionIds.authorityInfoAccess, ['InvalidAuthorityInfoAccess', 'authority information access']],
]);

/** 6.1.4, o, and 6.1.5, f; 4.2.1.1, 4.2.1.2 and 4.2.2.1. */
const hasOnlyKnownCriticalExtensions: Rule = ({ certificate }) => {
  const [unknown] = [...certificate.extensions].find(([id, { critical }]) => critical && !processed.has(id)) ?? [];
  if (unknown === undefined) return undefined;
  const [reason, name] = neverCritical.get(unknown) ?? [];
  return reason === undefined
    ? refusal(
        certificate,
        'UnknownCriticalExtension',
        `has the critical extension ${unknown}, which is not known here and may limit what the certificate is good for`,
      )
    : refusal(certificate, reason, `has a critical ${name}: it must not be critical`);
};

/** 4.1.2.4 and 4.1.2.6: an empty name chains to any other. */
const hasNames: Rule = ({ certificate, content, role }) => {
  if (content.issuer.length === 0)
    return refusal(certificate, 'InvalidIssuer', 'does not say who issued it: its issuer is empty');
  return content.subject.length === 0 && role !== 'leaf'
    ? refusal(certificate, 'InvalidSubject', 'has no subject: a CA must have a name')
    : undefined;
};

/**
 * A DNS name is a host name, or one below a wildcard that is the whole first label (RFC 9525, 6.3): anything else, a NUL in
 * particular, is one name to one reader and another to the next.
 */
const hasReadableNames: Rule = ({ certificate, content }) => {
  const unreadable = content.alternativeNames.find(
    (name) => name.kind === 'dns' && !isHostName(name.value.replace(/^\*\./, '')) && !isAddressLike(name.value),
  );
  return unreadable === undefined
    ? undefined
    : refusal(certificate, 'InvalidSubjectAltName', `has ${describeName(unreadable)}, which is no host name`);
};

/** An address among the DNS names is common where software knows no other place, and matches no host name and no address. */
const isAddressLike = (name: string): boolean => /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(name);

const purposes = { server: 'serverAuth', client: 'clientAuth' } as const;

/**
 * An extended key usage says what a certificate is for (4.2.1.12); in a CA, what those below it may be for: RFC 5280 leaves
 * that open, and all software on the Web reads it so.
 */
const isForThePurpose: Rule = ({ certificate, role }, { purpose }) => {
  const { extendedKeyUsage } = certificate;
  const wanted = purposes[purpose];
  if (extendedKeyUsage === undefined) return undefined;
  if (extendedKeyUsage.length === 0) {
    return refusal(
      certificate,
      'InvalidExtendedKeyUsage',
      'has an extended key usage that names none: it must name one, or be absent',
    );
  }
  if (extendedKeyUsage.includes(wanted) || extendedKeyUsage.includes('anyExtendedKeyUsage')) return undefined;
  const limits = role === 'leaf' ? 'is for' : 'limits what is below it to';
  return refusal(certificate, 'WrongExtendedKeyUsage', `${limits} ${extendedKeyUsage.join(', ')}: a ${purpose} needs ${wanted}`);
};

const handshakeUsages = ['digitalSignature', 'keyEncipherment', 'keyAgreement'] as const;

/** What TLS does with a key (4.2.1.12). Of a CA in the place of a leaf RFC 5280 says nothing. */
const mayAuthenticate: Rule = ({ certificate, role }) => {
  const { keyUsage, isCA } = certificate;
  if (role !== 'leaf' || isCA || keyUsage === undefined || handshakeUsages.some((usage) => keyUsage.includes(usage)))
    return undefined;
  return refusal(
    certificate,
    'WrongKeyUsage',
    `may not be used in a handshake: its key usage is ${keyUsage.join(', ') || 'empty'}, without digitalSignature`,
  );
};

/** In the order in which they are asked: what a person would first want to know comes first. */
export const pathRules: readonly Rule[] = [
  isOfVersionThree,
  saysHowItIsSigned,
  isValidNow,
  hasStrongKey,
  isSignedStrongly,
  hasOnlyKnownCriticalExtensions,
  hasNames,
  hasReadableNames,
  isForThePurpose,
  mayAuthenticate,
  ...authorityRules,
];
