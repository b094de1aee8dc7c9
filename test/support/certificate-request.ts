// Certificate requests (PKCS#10) as appliances make them, and as nobody should: any part can be another than it should be.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { signatureAlgorithmOf } from '../../operator/pki/algorithm.ts';
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  smallInteger,
  tlv,
} from '../../operator/pki/der-writer.ts';
import { distinguishedName } from '../../operator/pki/name.ts';
import { encodePem } from '../../operator/pki/pem.ts';

export interface RequestParts {
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** Name, DER; by default of the common name. */
  readonly subject?: Buffer;
  readonly commonName?: string;
  readonly dnsNames?: readonly string[];
  /** GeneralNames, DER, after the DNS names. */
  readonly otherNames?: readonly Buffer[];
  /** Complete extensions, DER, after the alternative names. */
  readonly extensions?: readonly Buffer[];
  /** Complete attributes, DER; by default one that asks for the extensions, or none. */
  readonly attributes?: readonly Buffer[];
  readonly version?: number;
  /** Of whoever signs, where it is somebody else. */
  readonly signer?: KeyObject;
  readonly digest?: 'sha1' | 'sha256';
}

export const ecKeys = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });
export const rsaKeys = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });

export const extension = (id: string, value: Buffer): Buffer => sequence(objectIdentifier(id), octetString(value));
export const authorityRequest: Buffer = extension('2.5.29.19', sequence(booleanTrue));
export const keyUsageRequest = (...bits: readonly number[]): Buffer => extension('2.5.29.15', namedBits(bits));

/** The attribute that asks for extensions, as PKCS#9 has it or, `id` given, as another has. */
export const extensionRequest = (extensions: readonly Buffer[], id = '1.2.840.113549.1.9.14'): Buffer =>
  sequence(objectIdentifier(id), setOf(sequence(...extensions)));

export const dnsName = (name: string): Buffer => implicit(2, Buffer.from(name, 'latin1'));
export const uriName = (uri: string): Buffer => implicit(6, Buffer.from(uri, 'latin1'));
export const mailName = (address: string): Buffer => implicit(1, Buffer.from(address, 'latin1'));
export const ipName = (...octets: readonly number[]): Buffer => implicit(7, Buffer.from(octets));

const sha1Algorithms: Readonly<Record<string, Buffer>> = {
  ec: sequence(objectIdentifier('1.2.840.10045.4.1')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.5'), tlv(0x05)),
};

/** DER. */
export function certificateRequestDer(parts: RequestParts): Buffer {
  const { keys, commonName, dnsNames = [], otherNames = [], version = 0, digest = 'sha256' } = parts;
  const names = [...dnsNames.map(dnsName), ...otherNames];
  const extensions = [...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]), ...(parts.extensions ?? [])];
  const attributes = parts.attributes ?? (extensions.length === 0 ? [] : [extensionRequest(extensions)]);
  const info = sequence(
    smallInteger(version),
    parts.subject ?? distinguishedName(commonName),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(0, ...attributes),
  );
  const key = parts.signer ?? keys.privateKey;
  const type = key.asymmetricKeyType ?? '';
  const usual = signatureAlgorithmOf(type === 'rsa' ? 'RSA 2048' : type === 'ed25519' ? 'Ed25519' : 'ECDSA P-256');
  const identifier = digest === 'sha1' ? sha1Algorithms[type] : usual?.identifier;
  if (identifier === undefined) throw new TypeError(`no request is signed with a key of type ${type}`);
  return sequence(info, identifier, bitString(sign(type === 'ed25519' ? null : digest, info, key)));
}

/** PEM. */
export function certificateRequest(parts: RequestParts): string {
  return encodePem('CERTIFICATE REQUEST', certificateRequestDer(parts));
}
