// Certificates and CRLs as nobody should make them, for the tests of path validation: each signed by a real key, and wrong in
// what the test says only.
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Certificate, parseCertificate } from '../../../operator/pki/certificate.ts';
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  smallInteger,
  time,
  unsignedInteger,
  utf8String,
} from '../../../operator/pki/der-writer.ts';
import {
  authorityConstraints,
  authorityKeyIdentifier,
  extendedKeyUsage,
  keyUsage,
  subjectKeyIdentifier,
} from '../../../operator/pki/extensions.ts';
import { keyIdOf } from '../../../operator/pki/key-id.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { type ExtendedKeyUsage, extensionIds, type KeyUsage } from '../../../operator/pki/object-identifiers.ts';

/** What the tests take for the present. */
export const now = Date.UTC(2026, 5, 15, 12);
export const day = 24 * 60 * 60 * 1000;

export interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const made = new Map<string, Keys>();

/** On P-256; one pair for each name. */
export function keysOf(name: string): Keys {
  const keys = made.get(name) ?? generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  made.set(name, keys);
  return keys;
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');

/** General names (RFC 5280, 4.2.1.6), DER. */
export const generalName = {
  mail: (address: string) => implicit(1, ascii(address)),
  dns: (name: string) => implicit(2, ascii(name)),
  uri: (uri: string) => implicit(6, ascii(uri)),
  /** Octets, hex. */
  ip: (octets: string) => implicit(7, Buffer.from(octets, 'hex')),
  directory: (name: Buffer) => explicit(4, name),
  /** A user principal name, as Active Directory has it. */
  principal: (name: string) => explicit(0, objectIdentifier('1.3.6.1.4.1.311.20.2.3'), explicit(0, utf8String(name))),
};

/** A Name of attributes, the most general first; each by dotted type and a value, DER. */
export const nameOf = (...attributes: readonly (readonly [string, Buffer])[]): Buffer =>
  sequence(...attributes.map(([type, value]) => setOf(sequence(objectIdentifier(type), value))));

export interface Constraints {
  readonly permitted?: readonly Buffer[];
  readonly excluded?: readonly Buffer[];
}

/** The value of a nameConstraints extension. */
export function nameConstraints({ permitted = [], excluded = [] }: Constraints): Buffer {
  const subtrees = (number: number, bases: readonly Buffer[]) =>
    bases.length === 0 ? [] : [explicit(number, ...bases.map((base) => sequence(base)))];
  return sequence(...subtrees(0, permitted), ...subtrees(1, excluded));
}

/** A whole extension. */
export const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(objectIdentifier(id), ...(critical ? [booleanTrue] : []), octetString(value));

interface Scheme {
  readonly identifier: Buffer;
  readonly digest: string;
  /** Of an RSA key; absent: as the key has it. */
  readonly padding?: { readonly padding: number; readonly saltLength: number };
}

const scheme = (id: string, digest: string, ...parameters: readonly Buffer[]): Scheme => ({
  identifier: sequence(objectIdentifier(id), ...parameters),
  digest,
});

const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nullValue);
/** SHA-256 throughout, and a salt as long (RFC 4055, 3.1). */
const pssParameters = sequence(
  explicit(0, sha256),
  explicit(1, sequence(objectIdentifier('1.2.840.113549.1.1.8'), sha256)),
  explicit(2, smallInteger(32)),
);

export const schemes = {
  ecdsa: scheme('1.2.840.10045.4.3.2', 'sha256'),
  ecdsaWithSHA1: scheme('1.2.840.10045.4.1', 'sha1'),
  ecdsaWithSHA224: scheme('1.2.840.10045.4.3.1', 'sha224'),
  rsa: scheme('1.2.840.113549.1.1.11', 'sha256', nullValue),
  /** With any RSA key. */
  pss: {
    ...scheme('1.2.840.113549.1.1.10', 'sha256', pssParameters),
    padding: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  },
};

export interface Wish {
  /** A common name, or a Name, DER. */
  readonly subject?: string | Buffer;
  /** Absent: itself. */
  readonly by?: Forged;
  readonly keys?: Keys;
  /** A CA has basic constraints, keyCertSign and cRLSign; a leaf digitalSignature and serverAuth. */
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly keyUsage?: readonly KeyUsage[];
  readonly extendedKeyUsage?: readonly ExtendedKeyUsage[];
  /** General names, DER. */
  readonly names?: readonly Buffer[];
  readonly constraints?: Constraints;
  /** Whole extensions by identifier, beside the others or in their place; null: it does without. */
  readonly extensions?: Readonly<Record<string, Buffer | null>>;
  /** The magnitude of the INTEGER. */
  readonly serial?: Buffer;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly scheme?: Scheme;
  /** What it says inside that it is signed with. */
  readonly saysScheme?: Scheme;
  /** 2 is version 3. */
  readonly version?: number;
}

export interface Forged {
  readonly certificate: Certificate;
  readonly keys: Keys;
  /** Name, DER. */
  readonly name: Buffer;
}

const keyIdentifier = ({ publicKey }: Keys): Buffer => keyIdOf(publicKey.export({ type: 'spki', format: 'der' }));

function extensionsFor(wish: Wish, keys: Keys): readonly Buffer[] {
  const { ca = false, names, constraints } = wish;
  const usages = wish.keyUsage ?? (ca ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']);
  const purposes = wish.extendedKeyUsage ?? (ca ? undefined : ['serverAuth']);
  const whole: Record<string, Buffer | null> = {
    ...(ca && { [extensionIds.basicConstraints]: authorityConstraints(wish.pathLength) }),
    [extensionIds.keyUsage]: keyUsage(usages),
    ...(purposes && { [extensionIds.extendedKeyUsage]: extendedKeyUsage(purposes) }),
    [extensionIds.subjectKeyIdentifier]: subjectKeyIdentifier(keyIdentifier(keys)),
    [extensionIds.authorityKeyIdentifier]: authorityKeyIdentifier(keyIdentifier(wish.by?.keys ?? keys)),
    ...(names && { [extensionIds.subjectAltName]: extension(extensionIds.subjectAltName, sequence(...names)) }),
    ...(constraints && {
      [extensionIds.nameConstraints]: extension(extensionIds.nameConstraints, nameConstraints(constraints), true),
    }),
    ...wish.extensions,
  };
  return Object.values(whole).filter((value) => value !== null);
}

let serials = 0x1000;

/** A certificate as it is wished for, DER, with what it takes to sign others by it. */
export function forgeDer(wish: Wish): Omit<Forged, 'certificate'> & { readonly der: Buffer } {
  const { subject = wish.ca ? 'CA' : 'leaf', by, scheme = schemes.ecdsa, version = 2 } = wish;
  const name = typeof subject === 'string' ? distinguishedName(subject) : subject;
  const keys = wish.keys ?? keysOf(name.toString('hex'));
  const extensions = extensionsFor(wish, keys);
  serials += 1;
  const tbs = sequence(
    ...(version === 0 ? [] : [explicit(0, smallInteger(version))]),
    unsignedInteger(wish.serial ?? Buffer.of(serials >> 8, serials & 0xff)),
    (wish.saysScheme ?? scheme).identifier,
    by?.name ?? name,
    sequence(time(wish.notBefore ?? now - day), time(wish.notAfter ?? now + 30 * day)),
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [explicit(3, sequence(...extensions))]),
  );
  const signature = sign(scheme.digest, tbs, { key: (by?.keys ?? keys).privateKey, ...scheme.padding });
  return { der: sequence(tbs, scheme.identifier, bitString(signature)), keys, name };
}

export function forge(wish: Wish = {}): Forged {
  const { der, ...rest } = forgeDer(wish);
  return { certificate: parseCertificate(der), ...rest };
}

export interface ListWish {
  readonly by: Forged;
  readonly revoked?: readonly Certificate[];
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
  /** Whole extensions; absent: a CRL number. */
  readonly extensions?: readonly Buffer[];
  /** Of every entry. */
  readonly entryExtensions?: readonly Buffer[];
  /** Who signs in the issuer's place. */
  readonly signedBy?: Keys;
}

export const crlNumber = extension('2.5.29.20', smallInteger(7));

/** A CertificateList, DER. */
export function forgeList({ by, revoked = [], signedBy = by.keys, ...wish }: ListWish): Buffer {
  const { extensions = [crlNumber], entryExtensions = [] } = wish;
  const entries = revoked.map(({ serial }) =>
    sequence(
      unsignedInteger(Buffer.from(serial, 'hex')),
      time(now - 60_000),
      ...(entryExtensions.length === 0 ? [] : [sequence(...entryExtensions)]),
    ),
  );
  const tbs = sequence(
    smallInteger(1),
    schemes.ecdsa.identifier,
    by.name,
    time(wish.thisUpdate ?? now - day),
    time(wish.nextUpdate ?? now + day),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    ...(extensions.length === 0 ? [] : [explicit(0, sequence(...extensions))]),
  );
  return sequence(tbs, schemes.ecdsa.identifier, bitString(sign('sha256', tbs, signedBy.privateKey)));
}
