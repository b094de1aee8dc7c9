// Authorities and leaves for the tests of this folder: real keys, made once a test file, and real certificates.
import { randomBytes } from 'node:crypto';
import type { PrivateKey } from '../../../operator/api/v1alpha1/index.ts';
import { generateKeyPair, type KeyPair } from '../../../operator/authorities/keys.ts';
import { keyAlgorithmFor } from '../../../operator/pki/algorithm.ts';
import { createIssuing, createRoot } from '../../../operator/pki/authority.ts';
import { type Certificate, parseCertificate } from '../../../operator/pki/certificate.ts';
import type { IssuerUrls } from '../../../operator/pki/extensions.ts';
import { type Issuer, issuerOf, type LeafRequest, signLeaf } from '../../../operator/pki/leaf.ts';
import { validity } from '../../../operator/pki/validity.ts';

/** What the tests take for the present. */
export const now = Date.UTC(2026, 5, 15, 12);
export const hour = 60 * 60 * 1000;
export const day = 24 * hour;

/** Every kind of key that the operator makes; of RSA the sizes that a test can wait for. */
export const keyKinds: readonly PrivateKey[] = [
  { algorithm: 'ECDSA', size: 256 },
  { algorithm: 'ECDSA', size: 384 },
  { algorithm: 'ECDSA', size: 521 },
  { algorithm: 'RSA', size: 2048 },
  { algorithm: 'RSA', size: 3072 },
  { algorithm: 'Ed25519' },
];

const made = new Map<string, KeyPair>();

/** A key of this kind: one for each name. RSA keys take long, so that one does for all who do not ask for another. */
export function keysFor(kind: PrivateKey, name = ''): KeyPair {
  const key = `${keyAlgorithmFor(kind)} ${name}`;
  const keys = made.get(key) ?? generateKeyPair(kind);
  made.set(key, keys);
  return keys;
}

export interface Hierarchy {
  readonly root: Certificate;
  readonly rootKeys: KeyPair;
  readonly issuing: Certificate;
  readonly issuingKeys: KeyPair;
  readonly issuer: Issuer;
}

export interface HierarchyOptions {
  readonly rootKey?: PrivateKey;
  readonly issuingKey?: PrivateKey;
  readonly urls?: IssuerUrls;
  /** What tells its keys and names from another's. */
  readonly name?: string;
  /** Epoch ms: the present, where it is not the tests' own. */
  readonly at?: number;
  /** Epoch ms; how long root and issuing CA are valid, instead of 10 and 3 years. */
  readonly rootNotAfter?: number;
  readonly issuingNotAfter?: number;
}

export function hierarchy({
  rootKey = { algorithm: 'ECDSA', size: 384 },
  issuingKey = { algorithm: 'ECDSA', size: 256 },
  urls = {},
  name = 'Contoso',
  at = now,
  rootNotAfter = at + 3650 * day,
  issuingNotAfter = Math.min(at + 1095 * day, rootNotAfter),
}: HierarchyOptions = {}): Hierarchy {
  const rootKeys = keysFor(rootKey, `${name} root`);
  const issuingKeys = keysFor(issuingKey, `${name} issuing`);
  const notBefore = at - 30 * day;
  const root = createRoot({
    commonName: `${name} Root CA`,
    serial: randomBytes(16),
    notBefore,
    notAfter: rootNotAfter,
    ...rootKeys,
  });
  const issuing = createIssuing(issuerOf(root, rootKeys.privateKey, urls), {
    commonName: `${name} Issuing CA`,
    serial: randomBytes(16),
    notBefore,
    notAfter: issuingNotAfter,
    publicKey: issuingKeys.publicKey,
  });
  return { root, rootKeys, issuing, issuingKeys, issuer: issuerOf(issuing, issuingKeys.privateKey, urls) };
}

/** What a front end asks for, with changes. */
export function frontEnd(changes: Partial<LeafRequest> = {}): LeafRequest {
  return {
    commonName: 'pool01.contoso.com',
    dnsNames: ['pool01.contoso.com', 'fe01.contoso.com', 'sip.contoso.com'],
    uri: 'spiffe://contoso.com/front-end/pool01.contoso.com/fe01.contoso.com',
    profile: 'Server',
    serial: randomBytes(16),
    publicKey: keysFor({ algorithm: 'ECDSA' }).publicKey,
    ...validity({ now, duration: 90 * day }),
    ...changes,
  };
}

/** As frontEnd, without common name. */
export function withoutCommonName(changes: Partial<LeafRequest> = {}): LeafRequest {
  const { commonName: _, ...request } = frontEnd(changes);
  return request;
}

/** As frontEnd, for signing tokens: no SPIFFE ID. */
export function tokenSigner(changes: Partial<LeafRequest> = {}): LeafRequest {
  const { uri: _, ...request } = frontEnd({ profile: 'TokenSigning', ...changes });
  return request;
}

export const issue = (issuer: Issuer, request: LeafRequest): Certificate => parseCertificate(signLeaf(issuer, request));
