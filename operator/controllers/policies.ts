// The rules by which a certificate is issued again, and those that stand in the way. Read from the top: the first rule
// that holds decides.
import { expectedKeys } from '../outputs/certificate-secret.ts';
import { spreadTime } from '../trust/published-since.ts';
import { reissueBreaker } from '../trust/reissue.ts';
import type { Circumstances } from './circumstances.ts';
import type { Succession } from './external-authority.ts';
import type { ObservedNeed } from './observed-need.ts';
import { notOwnedRetry } from './requeue.ts';

export interface Cause {
  readonly kind: 'Missing' | 'Edited' | 'Expired' | 'AuthorityReplaced' | 'ProfileChanged' | 'SourceChanged' | 'Due';
  /** Completes "issued because …". */
  readonly because: string;
}

export interface Obstacle {
  readonly reason: string;
  /** What stands in the way and what to do about it. */
  readonly message: string;
  readonly while: 'Reconciling' | 'Stalled';
  /** Epoch ms at which it may be gone by itself. */
  readonly until?: number;
}

type Policy = (observed: ObservedNeed, now: number) => Cause | undefined;

/** There is no Secret, or it was deleted. */
const missing: Policy = ({ secret }) => (secret === undefined ? { kind: 'Missing', because: 'there was none' } : undefined);

/** The hints on the Secret are damaged, or speak of a certificate that the journal does not know as the last one. */
const notAsRecorded: Policy = ({ facts, recorded, need }, now) => {
  if (facts === undefined) return { kind: 'Edited', because: `the annotations of Secret ${need.secretName} were changed` };
  if (need.shared !== undefined) return undefined;
  const told = ['serial', 'fingerprint', 'notBefore', 'notAfter'] as const;
  // The journal forgets what has expired.
  if (recorded === undefined ? facts.notAfter <= now : told.every((fact) => recorded[fact] === facts[fact])) return undefined;
  return { kind: 'Edited', because: `Secret ${need.secretName} does not hold the certificate that was issued for it last` };
};

/** Somebody else wrote a key of the Secret: the API server tells by its field managers. */
const edited: Policy = ({ secret, need }) => {
  const lost = expectedKeys(need.formats).certificate.filter((key) => secret?.metadata.ownedDataKeys?.includes(key) !== true);
  return lost.length === 0
    ? undefined
    : { kind: 'Edited', because: `${lost.join(', ')} of Secret ${need.secretName} was edited` };
};

const expired: Policy = ({ facts }, now) =>
  facts !== undefined && facts.notAfter <= now ? { kind: 'Expired', because: 'the certificate has expired' } : undefined;

/** The shared certificate that this Secret copies was rolled. */
const sourceChanged: Policy = ({ need, source, facts }) =>
  need.shared !== undefined && source !== undefined && source.facts.fingerprint !== facts?.fingerprint
    ? { kind: 'SourceChanged', because: 'the shared certificate was renewed' }
    : undefined;

/** A gateway's may have gone over to the CA of the domain, or from it to that of its pool. */
const authorityReplaced: Policy = ({ need, facts, state }) =>
  need.shared === undefined && state.available && facts !== undefined && facts.authority !== state.authority.keyId
    ? { kind: 'AuthorityReplaced', because: `"${state.authority.certificate.subject}" issues now` }
    : undefined;

/** Not asked while the CA is unavailable: its leaf defaults are part of the profile. */
const profileChanged: Policy = ({ need, facts, recorded, profileHash, state }) => {
  if (!state.available || facts === undefined || facts.profileHash === profileHash) return undefined;
  const before = recorded?.names ?? [];
  const added = need.dnsNames.filter((name) => !before.includes(name));
  const removed = before.filter((name) => !need.dnsNames.includes(name));
  const names = [...added.map((name) => `+${name}`), ...removed.map((name) => `-${name}`)];
  return {
    kind: 'ProfileChanged',
    because:
      recorded === undefined || names.length === 0
        ? 'its key type, life or formats changed'
        : `its names changed: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`,
  };
};

/** A CA that ends with the certificate, or before, has nothing longer to give. */
const due: Policy = ({ need, renewAt, facts, state }, now) =>
  need.shared === undefined &&
  renewAt !== undefined &&
  renewAt <= now &&
  !(state.available && facts !== undefined && state.authority.certificate.notAfter <= facts.notAfter)
    ? { kind: 'Due', because: 'it is due for renewal' }
    : undefined;

const policies: readonly Policy[] = [
  missing,
  notAsRecorded,
  edited,
  expired,
  sourceChanged,
  authorityReplaced,
  profileChanged,
  due,
];

/** Why this certificate must be issued or copied again; undefined while what is there is right. */
export function causeOf(observed: ObservedNeed, now: number): Cause | undefined {
  for (const policy of policies) {
    const cause = policy(observed, now);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

/** Epoch ms at which time alone may be a cause, where there is none now. */
export function nextTurn({ renewAt, facts }: ObservedNeed, now: number): number | undefined {
  return [renewAt, facts?.notAfter].find((time) => time !== undefined && time > now);
}

type Guard = (cause: Cause, observed: ObservedNeed, circumstances: Circumstances, now: number) => Obstacle | undefined;

/** The name is taken by another server's Secret of ours: it may go, so look again in a while. */
const secretNotOwned: Guard = (_cause, { foreign, need }, _circumstances, now) =>
  foreign
    ? {
        reason: 'SecretNotOwned',
        message: `Secret ${need.secretName} belongs to another object. Rename this server or member, or set secretName.`,
        while: 'Stalled',
        until: now + notOwnedRetry,
      }
    : undefined;

const notAdmitted: Guard = (_cause, _observed, { admission }) =>
  admission?.admitted === false ? { reason: admission.reason, message: admission.message, while: 'Stalled' } : undefined;

const domainInvalid: Guard = (_cause, observed, { domainProblem, sharesIds }) =>
  domainProblem === undefined || (sharesIds === true && hasIdentity(observed))
    ? undefined
    : { reason: 'TrustDomainNotValid', message: domainProblem, while: 'Stalled' };

/** It was issued one that is still good, for the same pool or member: another gives it no SPIFFE ID of a pool that it is not. */
function hasIdentity({ need, recorded, source }: ObservedNeed): boolean {
  return need.shared === undefined ? recorded !== undefined && recorded.member === need.member : source !== undefined;
}

const authorityNotAllowed: Guard = (_cause, { need }, { domain }) =>
  domain === undefined ||
  need.enterpriseCA === domain.spec.enterpriseCA ||
  domain.spec.additionalEnterpriseCAs?.includes(need.enterpriseCA) === true
    ? undefined
    : {
        reason: 'EnterpriseCANotAllowed',
        message:
          `Use ${need.use} asks for EnterpriseCA ${need.enterpriseCA}, which TrustDomain ${domain.metadata.name} does not allow. ` +
          `Use ${[domain.spec.enterpriseCA, ...(domain.spec.additionalEnterpriseCAs ?? [])].join(' or ')}, or add it to spec.additionalEnterpriseCAs.`,
        while: 'Stalled',
      };

const nameConflict: Guard = (_cause, { conflict }) =>
  conflict === undefined ? undefined : { reason: 'NameConflict', ...conflict, while: 'Stalled' };

const authorityUnavailable: Guard = (_cause, { state }) =>
  state.available ? undefined : { reason: state.reason, message: state.message, while: 'Reconciling' };

/** Holds for needs that copy a shared certificate; the others are their own source. */
const sourceMissing: Guard = (_cause, { need, source }) =>
  need.shared === undefined || source !== undefined
    ? undefined
    : {
        reason: 'SharedCertificatePending',
        message: `The shared ${need.use} certificate is not made yet.`,
        while: 'Reconciling',
      };

const notCompliant: Guard = (_cause, { complianceProblem }) =>
  complianceProblem === undefined ? undefined : { reason: 'NotFIPSCompliant', message: complianceProblem, while: 'Stalled' };

/** No certificate before the trust for it is in place. */
const trustPending: Guard = (_cause, { trustPending: message }) =>
  message === undefined ? undefined : { reason: 'TrustPending', message, while: 'Reconciling' };

/** Partners cannot verify its successor yet: what is in place serves on, unless it would end before. */
const partnersPending: Guard = (cause, { succession, facts }, _circumstances, now) =>
  cause.kind === 'AuthorityReplaced' &&
  succession?.hasToLast === true &&
  (facts?.notAfter ?? 0) > (succession.knownAt ?? now + spreadTime)
    ? awaitingPartners(succession)
    : undefined;

/** The external face of an Edge is to show a certificate from another CA once partners know that. */
export function awaitingPartners({ message, knownAt }: Succession): Obstacle {
  return { reason: 'TrustPending', message, while: 'Reconciling', ...(knownAt === undefined ? {} : { until: knownAt }) };
}

/** Time alone makes nobody suspicious: the journal says that it has passed. */
const breakerOpen: Guard = (cause, { issues, need }, _circumstances, now) => {
  if (cause.kind === 'Due' || cause.kind === 'Expired') return undefined;
  const breaker = reissueBreaker(issues, now);
  return breaker.openUntil === undefined
    ? undefined
    : {
        reason: 'ReissuedTooOften',
        message:
          `Secret ${need.secretName} needed ${breaker.recent} certificates within an hour, the last time because ${cause.because}. ` +
          'Find out who deletes or edits it; issuing goes on after a pause.',
        while: 'Stalled',
        until: breaker.openUntil,
      };
};

const guards: readonly Guard[] = [
  notAdmitted,
  domainInvalid,
  authorityNotAllowed,
  nameConflict,
  secretNotOwned,
  authorityUnavailable,
  notCompliant,
  sourceMissing,
  trustPending,
  partnersPending,
  breakerOpen,
];

/** What stands in the way of acting on this cause; undefined where nothing does. */
export function obstacleTo(
  cause: Cause,
  observed: ObservedNeed,
  circumstances: Circumstances,
  now: number,
): Obstacle | undefined {
  for (const guard of guards) {
    const obstacle = guard(cause, observed, circumstances, now);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}
