// What path validation reads of a certificate beyond what Certificate keeps: fields as they are encoded, and the extensions
// that rules are about, each parsed strictly. It is read when a path comes to need it, so that a certificate that nobody
// uses hurts nobody, and read once.
import type { Certificate } from './certificate.ts';
import { certificatePoliciesOf, type PolicyExtensions, policyConstraintsOf, policyMappingsOf } from './certificate-policies.ts';
import { DerError, dottedIdentifier, elementsOf, expectTag, onlyElement, smallIntegerOf, tags } from './der-reader.ts';
import { type DirectoryName, directoryName } from './directory-name.ts';
import { alternativeNamesOf, type GeneralName, generalNameOf } from './general-name.ts';
import { subjectNamesOf } from './name-constraints.ts';
import { extensionIds } from './object-identifiers.ts';
import { type NameConstraints, nameConstraintsOf } from './subtree.ts';

export interface Content {
  /** As people count: 3 is the one with extensions. */
  readonly version: number;
  /** The content of the INTEGER. */
  readonly serial: Buffer;
  /** Both AlgorithmIdentifiers, DER: what was signed says, and what the signature says. */
  readonly signatureAlgorithms: readonly [signed: Buffer, outer: Buffer];
  /** Tag of the key's algorithm parameters; absent where it has none. */
  readonly keyParameters?: number;
  readonly subject: DirectoryName;
  readonly issuer: DirectoryName;
  /** The alternative names; none where there is no such extension. */
  readonly alternativeNames: readonly GeneralName[];
  /** All that name constraints are about. */
  readonly subjectNames: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  readonly authorityKey?: AuthorityKey;
  readonly policies: PolicyExtensions;
}

/** authorityKeyIdentifier (RFC 5280, 4.2.1.1): the issuer's key, or its certificate by issuer and serial. */
export interface AuthorityKey {
  /** Lower-case hex. */
  readonly keyId?: string;
  readonly issuer?: readonly GeneralName[];
  /** As `Certificate.serial`. */
  readonly serial?: string;
}

/** What of the content cannot be read: an extension by its dotted identifier, else a field. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
  readonly extension: string | undefined;

  constructor(message: string, extension?: string) {
    super(message);
    this.extension = extension;
  }
}

const inField = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw error instanceof DerError ? new ContentError(error.message) : error;
  }
};

/** What `read` makes of an extension's value; undefined where the certificate has none. Throws ContentError. */
function inExtension<T>({ extensions }: Certificate, id: string, read: (value: Buffer) => T): T | undefined {
  const extension = extensions.get(id);
  if (extension === undefined) return undefined;
  try {
    return read(extension.value);
  } catch (error) {
    throw error instanceof DerError ? new ContentError(error.message, id) : error;
  }
}

function authorityKeyOf(value: Buffer): AuthorityKey {
  const fields = new Map(elementsOf(onlyElement(value, tags.sequence).content).map((field) => [field.tag, field.content]));
  const [keyId, issuer, serial] = [fields.get(0x80), fields.get(0xa1), fields.get(0x82)];
  return {
    ...(keyId === undefined ? {} : { keyId: keyId.toString('hex') }),
    ...(issuer === undefined ? {} : { issuer: elementsOf(issuer).map(generalNameOf) }),
    ...(serial === undefined ? {} : { serial: serial.subarray(serial[0] === 0 && serial.length > 1 ? 1 : 0).toString('hex') }),
  };
}

/** AuthorityInfoAccessSyntax (4.2.2.1): that it can be read is all that is asked of it. */
function expectAccessDescriptions(value: Buffer): void {
  const descriptions = elementsOf(onlyElement(value, tags.sequence).content);
  if (descriptions.length === 0) throw new DerError('it is empty');
  for (const description of descriptions) {
    const [method, location] = elementsOf(expectTag(description, tags.sequence).content);
    dottedIdentifier(expectTag(method, tags.objectIdentifier).content);
    if (location === undefined) throw new DerError('it has an access method without a location');
    generalNameOf(location);
  }
}

type Fields = Pick<Content, 'version' | 'serial' | 'signatureAlgorithms' | 'keyParameters' | 'subject' | 'issuer'>;

function fieldsOf({ der, subjectDer, issuerDer }: Certificate): Fields {
  const [tbs, outer] = elementsOf(onlyElement(der, tags.sequence).content);
  const fields = elementsOf(expectTag(tbs, tags.sequence).content);
  const [first] = fields;
  const version = first?.tag === 0xa0 ? smallIntegerOf(onlyElement(first.content, tags.integer).content) : 0;
  const [serial, signed, , , , keyInfo] = first?.tag === 0xa0 ? fields.slice(1) : fields;
  const [keyAlgorithm] = elementsOf(expectTag(keyInfo, tags.sequence).content);
  const [, parameters] = elementsOf(expectTag(keyAlgorithm, tags.sequence).content);
  return {
    version: version + 1,
    serial: expectTag(serial, tags.integer).content,
    signatureAlgorithms: [expectTag(signed, tags.sequence).der, expectTag(outer, tags.sequence).der],
    ...(parameters === undefined ? {} : { keyParameters: parameters.tag }),
    subject: directoryName(subjectDer),
    issuer: directoryName(issuerDer),
  };
}

function policyExtensionsOf(certificate: Certificate): PolicyExtensions {
  const policies = inExtension(certificate, extensionIds.certificatePolicies, certificatePoliciesOf);
  const mappings = inExtension(certificate, extensionIds.policyMappings, policyMappingsOf);
  const inhibitAnyPolicy = inExtension(certificate, extensionIds.inhibitAnyPolicy, (value) =>
    smallIntegerOf(onlyElement(value, tags.integer).content),
  );
  return {
    ...(policies === undefined ? {} : { policies }),
    ...(mappings === undefined ? {} : { mappings }),
    ...inExtension(certificate, extensionIds.policyConstraints, policyConstraintsOf),
    ...(inhibitAnyPolicy === undefined ? {} : { inhibitAnyPolicy }),
  };
}

function read(certificate: Certificate): Content {
  const nameConstraints = inExtension(certificate, extensionIds.nameConstraints, nameConstraintsOf);
  const authorityKey = inExtension(certificate, extensionIds.authorityKeyIdentifier, authorityKeyOf);
  inExtension(certificate, extensionIds.authorityInfoAccess, expectAccessDescriptions);
  return {
    ...inField(() => fieldsOf(certificate)),
    alternativeNames: inExtension(certificate, extensionIds.subjectAltName, alternativeNamesOf) ?? [],
    subjectNames: inField(() => subjectNamesOf(certificate)),
    ...(nameConstraints === undefined ? {} : { nameConstraints }),
    ...(authorityKey === undefined ? {} : { authorityKey }),
    policies: policyExtensionsOf(certificate),
  };
}

const contents = new WeakMap<Certificate, Content | ContentError>();

function readOrError(certificate: Certificate): Content | ContentError {
  try {
    return read(certificate);
  } catch (error) {
    if (error instanceof ContentError) return error;
    throw error;
  }
}

/** What a certificate says, or what of it cannot be read. */
export function contentOf(certificate: Certificate): Content | ContentError {
  const known = contents.get(certificate) ?? readOrError(certificate);
  contents.set(certificate, known);
  return known;
}
