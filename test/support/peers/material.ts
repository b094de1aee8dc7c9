// Key material of an enterprise CA made at test time: for the cases that the operator itself would never issue.
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createIssuing, createRoot } from '../../../operator/pki/authority.ts';
import { type Issuer, issuerOf, signLeaf } from '../../../operator/pki/leaf.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import type { LeafProfile } from '../../../operator/pki/profile.ts';
import { runProgram } from '../process.ts';
import type { Material, Trust } from './peer.ts';

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
  /** Certificates from the issuing CA up to below the root, PEM. */
  readonly intermediates: string;
  /** The root, PEM. */
  readonly anchors: string;
}

/** A root of a year and an issuing CA below it. */
export function makeAuthority(commonName: string): Issuing {
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
  return { issuer: issuerOf(issuing, keys.privateKey), intermediates: issuing.pem, anchors: root.pem };
}

export async function makeMaterial({ issuer, intermediates, anchors }: Issuing, options: LeafOptions): Promise<Material> {
  const now = Date.now();
  const { privateKey, publicKey } = keyPair();
  const [commonName] = options.dnsNames;
  const leaf = signLeaf(issuer, {
    profile: 'Server',
    notBefore: now - 5 * minute,
    notAfter: now + day,
    ...options,
    ...(commonName === undefined ? {} : { commonName }),
    serial: randomBytes(16),
    publicKey,
  });
  const chain = encodePem('CERTIFICATE', leaf) + intermediates;
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    'tls.crt': Buffer.from(chain),
    'tls.key': Buffer.from(key),
    'ca.crt': Buffer.from(anchors),
    ...(await keyStores(chain, key)),
  };
}

async function keyStores(chain: string, key: string): Promise<Partial<Material>> {
  const password = randomBytes(16).toString('hex');
  const { stdout } = await runProgram('sh', ['-c', 'openssl pkcs12 -export -passout env:PASSWORD | base64 -w0'], {
    input: chain + key,
    env: { PASSWORD: password },
  });
  return { 'keystore.p12': Buffer.from(stdout, 'base64'), 'keystore-password': Buffer.from(password) };
}

export function trustIn({ anchors }: Issuing): Trust {
  return { 'ca.crt': Buffer.from(anchors) };
}

function keyPair(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}
