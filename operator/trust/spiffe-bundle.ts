// Bundles as installations publish them to each other: the SPIFFE bundle format (SPIFFE Trust Domain and Bundle, 4), a JWK set
// in which each X.509 authority is one key, and plain PEM. What is read came from another organisation's web server.
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { z } from 'zod';
import { type Certificate, CertificateError, parseCertificate, parseCertificates } from '../pki/certificate.ts';
import { elementsOf, expectTag, onlyElement, tags } from '../pki/der-reader.ts';

export interface PublishedBundle {
  readonly authorities: readonly Certificate[];
  /** Grows with every change of the bundle; absent in PEM, and where a publisher does not count. */
  readonly sequence?: number;
  /** How often to look again, in seconds, as the publisher wishes; absent where it does not say. */
  readonly refreshHint?: number;
}

export type BundleFault = 'TooLarge' | 'NotABundle' | 'BadAuthority' | 'TooManyAuthorities' | 'NoAuthority';

/** `message` completes a sentence that begins with where the bundle came from. */
export type BundleVerdict =
  | ({ readonly ok: true } & PublishedBundle)
  | { readonly ok: false; readonly reason: BundleFault; readonly message: string };

/** Of the whole text, in characters: several times what a bundle with the most authorities has. */
export const mostBundleCharacters = 262_144;
/** More than anybody federates by; that a partner may have fewer is for others to say. */
export const mostBundleAuthorities = 64;

/** Keys that are not for X.509 (`jwt-svid`), of types that nobody knows yet, or without a use, are to be ignored (4.2). */
const bundleDocument = z.object({
  keys: z.array(z.looseObject({ kty: z.string().optional(), use: z.string().optional() })).max(1024),
  spiffe_sequence: z.int().min(0).optional(),
  spiffe_refresh_hint: z.int().min(0).optional(),
});

/** Exactly one certificate, standard base64 of DER (4.2.3; RFC 7517, 4.7). */
const authorityKey = z.looseObject({ x5c: z.tuple([z.base64().min(1)]) });

/** A key restricted to RSA-PSS has no JWK of its own: its numbers are those of any RSA key (RFC 4055, 1.2). */
function jwkOf({ publicKey, publicKeyDer }: Certificate): JsonWebKey {
  if (publicKey.asymmetricKeyType !== 'rsa-pss') return publicKey.export({ format: 'jwk' });
  const [, bits] = elementsOf(onlyElement(publicKeyDer, tags.sequence).content);
  const key = expectTag(bits, tags.bitString).content.subarray(1);
  return createPublicKey({ key, format: 'der', type: 'pkcs1' }).export({ format: 'jwk' });
}

/** The document, JSON. Throws where an authority has a key that JWK cannot express. */
export function spiffeBundle({ authorities, sequence, refreshHint }: PublishedBundle): string {
  return JSON.stringify({
    keys: authorities.map((authority) => ({
      ...jwkOf(authority),
      use: 'x509-svid',
      x5c: [authority.der.toString('base64')],
    })),
    ...(sequence === undefined ? {} : { spiffe_sequence: sequence }),
    ...(refreshHint === undefined ? {} : { spiffe_refresh_hint: refreshHint }),
  });
}

const fault = (reason: BundleFault, message: string): BundleVerdict & { readonly ok: false } => ({ ok: false, reason, message });

/** The key beside the certificate is the certificate's (RFC 7517, 4.7); readers that look at one only must see the same. */
function isItsKey(entry: Readonly<Record<string, unknown>>, key: JsonWebKey): boolean {
  return Object.entries(key).every(([member, value]) => entry[member] === undefined || entry[member] === value);
}

/** Undefined for a key that JWK has no name for, such as one on a Brainpool curve. */
function jwkIfAny(certificate: Certificate): JsonWebKey | undefined {
  try {
    return jwkOf(certificate);
  } catch {
    return undefined;
  }
}

function authorityIn(entry: Readonly<Record<string, unknown>>, place: number): Certificate | string {
  const parsed = authorityKey.safeParse(entry);
  if (!parsed.success) return `has key ${place}, whose x5c is not exactly one certificate in base64`;
  try {
    const certificate = parseCertificate(Buffer.from(parsed.data.x5c[0], 'base64'));
    const key = jwkIfAny(certificate);
    if (key === undefined) return `has key ${place}, whose certificate has a key that JWK cannot express`;
    return isItsKey(entry, key) ? certificate : `has key ${place}, which is not the key of the certificate beside it`;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return `has key ${place}, whose certificate ${error.message}`;
  }
}

const known = ['EC', 'RSA', 'OKP'];

function counted(bundle: PublishedBundle): BundleVerdict {
  const { length } = bundle.authorities;
  if (length === 0) return fault('NoAuthority', 'holds no X.509 authority: no peer could be believed by it');
  if (length <= mostBundleAuthorities) return { ok: true, ...bundle };
  return fault('TooManyAuthorities', `holds ${length} X.509 authorities, and at most ${mostBundleAuthorities} are taken`);
}

function parseDocument(text: string): BundleVerdict {
  const parsed = bundleDocument.safeParse(jsonIn(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the document' : issue.path.join('.');
    return fault('NotABundle', `is no SPIFFE bundle: ${where} is not as it must be`);
  }
  const { keys, spiffe_sequence: sequence, spiffe_refresh_hint: refreshHint } = parsed.data;
  const authorities: Certificate[] = [];
  for (const [index, key] of keys.entries()) {
    if (key.use !== 'x509-svid' || key.kty === undefined || !known.includes(key.kty)) continue;
    const authority = authorityIn(key, index + 1);
    if (typeof authority === 'string') return fault('BadAuthority', authority);
    authorities.push(authority);
  }
  return counted({
    authorities,
    ...(sequence === undefined ? {} : { sequence }),
    ...(refreshHint === undefined ? {} : { refreshHint }),
  });
}

/** Undefined for what is no JSON: no document is that. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parsePem(text: string): BundleVerdict {
  try {
    return counted({ authorities: parseCertificates(text) });
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return fault('BadAuthority', error.message);
  }
}

/** A bundle in either form, told apart by its first character. Whether its authorities may be anchors is not asked here. */
export function parseBundle(text: string): BundleVerdict {
  if (text.length > mostBundleCharacters) {
    return fault('TooLarge', `is of ${text.length} characters, and at most ${mostBundleCharacters} are read`);
  }
  return text.trimStart().startsWith('{') ? parseDocument(text) : parsePem(text);
}

/**
 * Why a bundle is not taken after one with the sequence `before`, as the sentence goes on; undefined: it may be. Whoever can
 * answer in the partner's place could otherwise bring back a CA that the partner has given up.
 */
export function sequenceFault(before: number | undefined, next: number | undefined): string | undefined {
  if (before === undefined || (next !== undefined && next >= before)) return undefined;
  const now = next === undefined ? 'has no sequence number' : `has the sequence number ${next}`;
  return `${now}, and ${before} was seen before: a sequence never goes back. What was read then stays.`;
}
