// Key material: what the API server holds, and what a test makes for the cases that the operator itself would never issue.
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createIssuing, createRoot } from '../../../operator/pki/authority.ts';
import { type Certificate, parseCertificate, parseCertificates } from '../../../operator/pki/certificate.ts';
import { keyStore, keyStoreRandomLength, trustStore } from '../../../operator/pki/key-store.ts';
import { type Issuer, issuerOf, signLeaf } from '../../../operator/pki/leaf.ts';
import type { LeafProfile } from '../../../operator/pki/profile.ts';
import type { Material, Trust } from './peer.ts';

/** The data of a Secret or ConfigMap, as its JSON has it: base64. */
type EncodedData = Readonly<Record<string, string>>;

/** A certificate's Secret. Throws where it lacks the chain, the key or the anchors. */
export function materialOf({ data = {} }: { readonly data?: EncodedData }): Material {
  const { 'tls.crt': chain, 'tls.key': key, 'ca.crt': anchors, ...rest } = decoded(data);
  if (chain === undefined || key === undefined || anchors === undefined)
    throw new Error(`no certificate Secret: it has ${Object.keys(data).join(', ')}`);
  return { ...rest, 'tls.crt': chain, 'tls.key': key, 'ca.crt': anchors };
}

/** A bundle's ConfigMap. Throws where it has no anchors. */
export function trustOf({
  data = {},
  binaryData = {},
}: {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: EncodedData;
}): Trust {
  const { 'truststore.p12': store } = decoded(binaryData);
  if (data['ca.crt'] === undefined) throw new Error(`no trust bundle: it has ${Object.keys(data).join(', ')}`);
  return { 'ca.crt': Buffer.from(data['ca.crt']), ...(store === undefined ? {} : { 'truststore.p12': store }) };
}

function decoded(data: EncodedData): Readonly<Record<string, Buffer | undefined>> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

export const minute = 60_000;
export const day = 24 * 60 * minute;

export interface LeafOptions {
  readonly dnsNames: readonly string[];
  readonly uri?: string;
  /** By default `Server`. */
  readonly profile?: LeafProfile;
  /** Epoch ms; by default five minutes ago. */
  readonly notBefore?: number;
  /** Epoch ms; by default tomorrow. */
  readonly notAfter?: number;
}

/** An issuing CA and what leads to it. */
export interface Issuing {
  readonly issuer: Issuer;
  /** From the issuing CA up to below the root. */
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
}

/** A root of a year and an issuing CA below it. */
export function makeAuthority(commonName: string): Issuing & { readonly root: Issuing } {
  const now = Date.now();
  const validity = { notBefore: now - 30 * day, notAfter: now + 365 * day };
  const rootKeys = keyPair();
  const root = createRoot({ ...validity, commonName: `${commonName} Root CA`, serial: randomBytes(16), ...rootKeys });
  const keys = keyPair();
  const issuing = createIssuing(issuerOf(root, rootKeys.privateKey), {
    notBefore: root.notBefore,
    notAfter: root.notAfter,
    commonName: `${commonName} Issuing CA`,
    serial: randomBytes(16),
    publicKey: keys.publicKey,
  });
  return {
    issuer: issuerOf(issuing, keys.privateKey),
    intermediates: [issuing],
    anchors: [root],
    root: { issuer: issuerOf(root, rootKeys.privateKey), intermediates: [], anchors: [root] },
  };
}

/** A CA of the operator's, from the Secret in its namespace. Throws where that holds no CA. */
export function authorityOf(secret: Material): Issuing {
  const intermediates = parseCertificates(secret['tls.crt'].toString());
  const [issuing] = intermediates;
  if (issuing === undefined) throw new Error('the Secret holds no CA');
  return {
    issuer: issuerOf(issuing, createPrivateKey(secret['tls.key'].toString())),
    intermediates,
    anchors: parseCertificates(secret['ca.crt'].toString()),
  };
}

/** What a Secret with the format PKCS12 would hold. */
export function makeMaterial({ issuer, intermediates, anchors }: Issuing, options: LeafOptions): Material {
  const now = Date.now();
  const { privateKey, publicKey } = keyPair();
  const [commonName] = options.dnsNames;
  const leaf = parseCertificate(
    signLeaf(issuer, {
      profile: 'Server',
      notBefore: now - 5 * minute,
      notAfter: now + day,
      ...options,
      ...(commonName === undefined ? {} : { commonName }),
      serial: randomBytes(16),
      publicKey,
    }),
  );
  const chain = [leaf, ...intermediates];
  const password = randomBytes(16).toString('hex');
  return {
    'tls.crt': Buffer.from(chain.map(({ pem }) => pem).join('')),
    'tls.key': Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'keystore.p12': keyStore({ privateKey, chain, password, random: randomBytes(keyStoreRandomLength) }),
    'keystore-password': Buffer.from(password),
    ...trustIn(anchors),
  };
}

export function trustIn(anchors: readonly Certificate[]): Required<Trust> {
  return { 'ca.crt': Buffer.from(anchors.map(({ pem }) => pem).join('')), 'truststore.p12': trustStore({ anchors }) };
}

function keyPair(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}
