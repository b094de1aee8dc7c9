// A certificate for a key that never leaves the gateway: what the request in the spec asks for, what lies in the status for it,
// and whether that must be issued again. The status is a hint and may be cleared; the journal is the record.
import type { MediaGateway } from '../../api/v1alpha1/index.ts';
import { type Certificate, parseCertificates } from '../../pki/certificate.ts';
import {
  type CertificateRequest,
  checkCertificateRequest,
  parseCertificateRequest,
  type RequestRefusal,
} from '../../pki/certificate-request.ts';
import { renewalTime } from '../../trust/renewal.ts';
import { renewalSeed } from '../certify.ts';
import type { Context } from '../context.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { observeCertificate, type WantedCertificate } from '../owned-certificate.ts';
import type { Cause, Obstacle } from '../policies.ts';

export interface ObservedRequest {
  /** What is asked for beside the key, by the rules of every certificate; it has no Secret. */
  readonly need: ObservedNeed;
  readonly asked: CertificateRequest | { readonly refusals: readonly RequestRefusal[] };
  /** The leaf in the status, if that holds one. */
  readonly held?: Certificate;
  /** Epoch ms. */
  readonly renewAt?: number;
}

/** What the journal calls a certificate in the status: as no Secret can be called. */
function requestRecord({ metadata }: MediaGateway): string {
  return `${metadata.name}:csr`;
}

export function observeRequest(gateway: MediaGateway, wanted: WantedCertificate, context: Context): ObservedRequest {
  const { namespace, uid } = gateway.metadata;
  const need = { ...wanted.need, secretName: requestRecord(gateway) };
  const { state } = wanted;
  const held = heldBy(gateway);
  const renewAt =
    held === undefined || !state.available
      ? undefined
      : renewalTime(held, state.authority.leaf.renewAfterPercent, renewalSeed(uid, `${namespace}/${need.secretName}`));
  return {
    need: observeCertificate(gateway, { ...wanted, need }, context),
    asked: askedBy(gateway, wanted),
    ...(held === undefined ? {} : { held }),
    ...(renewAt === undefined ? {} : { renewAt }),
  };
}

function askedBy({ spec }: MediaGateway, { need, fips }: WantedCertificate): ObservedRequest['asked'] {
  const read = parseCertificateRequest(spec.certificate?.csr ?? '');
  if ('reason' in read) return { refusals: [read] };
  const refusals = checkCertificateRequest(read, { fqdn: spec.fqdn, uri: need.spiffeID ?? '', fips });
  return refusals.length === 0 ? read : { refusals };
}

/** Somebody may have written anything there. */
function heldBy({ status }: MediaGateway): Certificate | undefined {
  const { pem, fingerprint } = status?.certificate ?? {};
  if (pem === undefined) return undefined;
  try {
    const [leaf] = parseCertificates(pem);
    return leaf?.fingerprint === fingerprint ? leaf : undefined;
  } catch {
    return undefined;
  }
}

type Rule = (observed: ObservedRequest, request: CertificateRequest, now: number) => Cause | undefined;

const missing: Rule = ({ held, need }) =>
  held === undefined
    ? { kind: 'Missing', because: need.recorded === undefined ? 'there was none' : 'status.certificate was lost or edited' }
    : undefined;

/** The journal forgets what has expired. */
const notAsRecorded: Rule = ({ held, need: { recorded } }, _request, now) =>
  held === undefined || recorded?.fingerprint === held.fingerprint || (recorded === undefined && held.notAfter <= now)
    ? undefined
    : { kind: 'Edited', because: 'status.certificate is not the certificate that was issued last' };

const expired: Rule = ({ held }, _request, now) =>
  held !== undefined && held.notAfter <= now ? { kind: 'Expired', because: 'the certificate has expired' } : undefined;

const otherKey: Rule = ({ held }, { publicKey }) =>
  held === undefined || held.publicKey.equals(publicKey)
    ? undefined
    : { kind: 'ProfileChanged', because: 'spec.certificate.csr is for another key' };

const authorityReplaced: Rule = ({ held, need: { state } }) =>
  held === undefined || !state.available || held.authorityKeyId === state.authority.keyId
    ? undefined
    : { kind: 'AuthorityReplaced', because: `"${state.authority.certificate.subject}" issues now` };

const otherName: Rule = ({ held, need: { need } }) =>
  held === undefined || (held.dnsNames.join() === need.dnsNames.join() && held.uris.join() === need.spiffeID)
    ? undefined
    : { kind: 'ProfileChanged', because: `the gateway is ${need.dnsNames.join()} now` };

/** A CA that ends with the certificate, or before, has nothing longer to give. */
const due: Rule = ({ held, renewAt, need: { state } }, _request, now) =>
  held !== undefined &&
  renewAt !== undefined &&
  renewAt <= now &&
  !(state.available && state.authority.certificate.notAfter <= held.notAfter)
    ? { kind: 'Due', because: 'it is due for renewal' }
    : undefined;

const rules: readonly Rule[] = [missing, notAsRecorded, expired, otherKey, otherName, authorityReplaced, due];

/** Why a certificate must be issued for the request; undefined while the one in the status is right, or nothing may be issued. */
export function requestCause(observed: ObservedRequest, now: number): Cause | undefined {
  const { asked } = observed;
  if ('refusals' in asked) return undefined;
  for (const rule of rules) {
    const cause = rule(observed, asked, now);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

/** What is wrong with the request, as a sentence that says where; undefined where it may be granted. */
export function requestObstacle(gateway: MediaGateway, { asked }: ObservedRequest): Obstacle | undefined {
  if (!('refusals' in asked)) return undefined;
  const { namespace, name } = gateway.metadata;
  const faults = asked.refusals.map(({ message }) => message).join('; and it ');
  return {
    reason: 'RequestRefused',
    message: `spec.certificate.csr of MediaGateway ${namespace}/${name} ${faults}.`,
    while: 'Stalled',
  };
}
