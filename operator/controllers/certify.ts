// Makes a certificate and enters it in the journal: the step that comes before any Secret holds it.

import type { KeyObject } from 'node:crypto';
import type { Use } from '../api/v1alpha1/index.ts';
import type { Authority, AuthorityState } from '../authorities/authority.ts';
import { issueCertificate, issueForKey } from '../authorities/issue.ts';
import type { CertificateFacts, KeyMaterial } from '../outputs/certificate-secret.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { LeafProfile } from '../pki/profile.ts';
import { backdating } from '../pki/validity.ts';
import type { Issue } from '../trust/reissue.ts';
import { renewalTime } from '../trust/renewal.ts';
import type { Context } from './context.ts';

export interface CertificateRequest {
  readonly authority: Authority;
  readonly dnsNames: readonly string[];
  readonly spiffeID?: string | undefined;
  readonly profile: LeafProfile;
  readonly keyStore: boolean;
  /** Of the object that the certificate belongs to. */
  readonly uid: string;
  /** `namespace/name`. */
  readonly secret: string;
  readonly use: Use;
  readonly member?: string | undefined;
  readonly profileHash: string;
  readonly trustHash: string;
}

/**
 * A certificate that the journal knows. A crash after this leaves a record without its Secret: it stands for a key that
 * died in memory.
 */
export async function certify(
  request: CertificateRequest,
  context: Context,
): Promise<{ readonly material: KeyMaterial; readonly facts: CertificateFacts }> {
  const wish = { ...wishOf(request), keyStore: request.keyStore };
  const { leaf, material } = await issueCertificate(request.authority, wish, context.now());
  return { material, facts: await enter(leaf, request, context) };
}

/** The same for a key that is kept elsewhere. The record names what it lies in as no Secret can be called. */
export async function certifyKey(
  request: Omit<CertificateRequest, 'keyStore'>,
  publicKey: KeyObject,
  context: Context,
): Promise<{ readonly chain: string; readonly facts: CertificateFacts }> {
  const { leaf, chain } = issueForKey(request.authority, wishOf(request), publicKey, context.now());
  return { chain, facts: await enter(leaf, request, context) };
}

function wishOf({ dnsNames, spiffeID, profile }: Omit<CertificateRequest, 'keyStore'>) {
  return { dnsNames, ...(spiffeID === undefined ? {} : { uri: spiffeID }), profile };
}

/** Makes the record durable. */
async function enter(
  leaf: Certificate,
  request: Omit<CertificateRequest, 'keyStore'>,
  { journal, onIssued }: Context,
): Promise<CertificateFacts> {
  const { authority, dnsNames, uid, secret, use, member } = request;
  const { serial, fingerprint, notBefore, notAfter } = leaf;
  await journal.commit({
    serial,
    fingerprint,
    authority: authority.keyId,
    names: dnsNames,
    uid,
    secret,
    use,
    ...(member === undefined ? {} : { member }),
    notBefore,
    notAfter,
  });
  onIssued(authority.enterpriseCA);
  const renewAt = renewalTime(leaf, authority.leaf.renewAfterPercent, renewalSeed(uid, secret));
  return {
    serial,
    fingerprint,
    notBefore,
    notAfter,
    renewAt,
    authority: authority.keyId,
    profileHash: request.profileHash,
    trustHash: request.trustHash,
  };
}

/** What was issued for a need, and from when on each was due for renewal: what the breaker looks at. */
export function issuesOf(
  uid: string,
  secret: string,
  state: AuthorityState,
  { journal }: Pick<Context, 'journal'>,
): readonly Issue[] {
  // Without its authority nothing is issued at all.
  if (!state.available) return [];
  const { renewAfterPercent } = state.authority.leaf;
  return journal
    .recordsOf(uid)
    .filter((record) => record.secret === secret)
    .map((record) => ({
      at: record.notBefore + backdating,
      dueAt: renewalTime(record, renewAfterPercent, renewalSeed(uid, secret)),
    }));
}

/** What the renewals of certificates are spread by. */
export function renewalSeed(uid: string, secret: string): string {
  return `${uid}/${secret}`;
}
