// The profile of RFC 5280, 4: how a certificate must be made, beyond what a path needs (path-rules.ts). Enterprise CAs keep
// to it more or less, and TLS libraries do not insist; who does finds what else a careless CA may have got wrong.
import { isSelfSigned } from './chain.ts';
import { describeName, isHostName } from './general-name.ts';
import { extensionIds } from './object-identifiers.ts';
import { type Rule, refusal } from './path-refusal.ts';

/** 4.1.2.2: positive, at most 20 octets. An anchor's tells it from no other: roots numbered zero are in use. */
const hasSerial: Rule = ({ certificate, content: { serial }, role }) => {
  if (role === 'anchor' || (serial.length <= 20 && serial.some((octet) => octet !== 0))) return undefined;
  const what = serial.length > 20 ? `a serial number of ${serial.length} octets` : 'the serial number zero';
  return refusal(certificate, 'InvalidSerial', `has ${what}: it must be a positive number of at most 20 octets`);
};

/** 4.2.1.1: by key. It is there to find the issuer by, which nobody looks for above an anchor. */
const namesIssuingKey: Rule = ({ certificate, content, role }) =>
  role === 'anchor' || content.authorityKey?.keyId !== undefined || isSelfSigned(certificate)
    ? undefined
    : refusal(
        certificate,
        'InvalidKeyIdentifier',
        'does not say by which key it is signed: its authority key identifier must hold a key identifier',
      );

/** 4.2.1.2. */
const namesOwnKey: Rule = ({ certificate }) =>
  certificate.extensions.has(extensionIds.subjectKeyIdentifier) || !certificate.isCA
    ? undefined
    : refusal(certificate, 'InvalidKeyIdentifier', 'has no subject key identifier: every CA must have one');

/** 4.2.1.9: critical in a CA, and a path length only where certificates may be signed. */
const hasBasicConstraints: Rule = ({ certificate }) => {
  const { isCA, pathLength, keyUsage, extensions } = certificate;
  const wrong = (what: string) => refusal(certificate, 'InvalidBasicConstraints', what);
  if (isCA && !extensions.get(extensionIds.basicConstraints)?.critical)
    return wrong('has basic constraints that are not critical: in a CA they must be');
  if (pathLength === undefined) return undefined;
  return isCA && keyUsage?.includes('keyCertSign') !== false
    ? undefined
    : wrong('has a path length, which only a CA that signs certificates may have');
};

/** 4.2.1.3 and 4.2.1.9: who is no CA signs no certificates. */
const hasKeyUsage: Rule = ({ certificate: { isCA, keyUsage }, certificate }) =>
  !isCA && keyUsage?.includes('keyCertSign')
    ? refusal(certificate, 'InvalidKeyUsage', 'has the key usage keyCertSign and is not a CA: only a CA may have it')
    : undefined;

/** 4.2.1.10: in CAs only. */
const constrainsNamesAsCA: Rule = ({ certificate }) =>
  certificate.extensions.has(extensionIds.nameConstraints) && !certificate.isCA
    ? refusal(certificate, 'InvalidNameConstraints', 'has name constraints and is not a CA: only a CA may have them')
    : undefined;

/** 4.2.1.10: a leading dot is for the hosts of URIs and mail; some take it in DNS names, and others then find nothing in it. */
const hasPlainConstraints: Rule = ({ certificate, content: { nameConstraints } }) => {
  const { permitted = [], excluded = [] } = nameConstraints ?? {};
  const dotted = [...permitted, ...excluded].find((subtree) => subtree.kind === 'dns' && subtree.host.startsWith('.'));
  return dotted === undefined || dotted.kind !== 'dns'
    ? undefined
    : refusal(certificate, 'InvalidNameConstraints', `has the DNS constraint "${dotted.host}": it must not begin with a dot`);
};

/** 4.2.1.10. The Web lets it be otherwise, for software that is older than constraints. */
export const constrainsNamesCritically: Rule = ({ certificate }) =>
  certificate.extensions.get(extensionIds.nameConstraints)?.critical === false
    ? refusal(certificate, 'InvalidNameConstraints', 'has name constraints that are not critical: they must be')
    : undefined;

/** 4.2.1.6: critical where there is no other name, and DNS names in the preferred name syntax. */
const hasAlternativeNames: Rule = ({ certificate, content }) => {
  const { alternativeNames, subject } = content;
  const wrong = (what: string) => refusal(certificate, 'InvalidSubjectAltName', what);
  const extension = certificate.extensions.get(extensionIds.subjectAltName);
  if (subject.length === 0 && !extension?.critical)
    return wrong('has no subject: it must have a critical subject alternative name');
  const loose = alternativeNames.find(
    (name) => name.kind === 'dns' && (name.value.includes('_') || !isHostName(name.value.replace(/^\*\./, ''))),
  );
  return loose === undefined
    ? undefined
    : wrong(`has ${describeName(loose)}: a DNS name is of letters, digits and hyphens, and no address`);
};

/** 4.2.1.11 and 4.2.1.14. */
const constrainsPoliciesCritically: Rule = ({ certificate }) => {
  const ids = [extensionIds.policyConstraints, extensionIds.inhibitAnyPolicy];
  return ids.some((id) => certificate.extensions.get(id)?.critical === false)
    ? refusal(certificate, 'InvalidPolicies', 'has policy constraints that are not critical: they must be')
    : undefined;
};

/** In the order in which they are asked. */
export const certificateProfile: readonly Rule[] = [
  hasSerial,
  namesIssuingKey,
  namesOwnKey,
  hasBasicConstraints,
  hasKeyUsage,
  constrainsNamesAsCA,
  hasPlainConstraints,
  hasAlternativeNames,
  constrainsPoliciesCritically,
];
