// The status of an EnterpriseCA: whether it can issue, with what, and until when.
import type { EnterpriseCA, EnterpriseCAStatus } from '../../api/v1alpha1/index.ts';
import type { Unavailable } from '../../authorities/authority.ts';
import { timestamp } from '../../outputs/labels.ts';
import { type Aspect, summarise } from '../conditions.ts';
import type { Context } from '../context.ts';
import type { CAObservation } from './observe.ts';
import type { CAPlan, ListedAuthority } from './plan.ts';
import { authoritySecretName } from './secrets.ts';

/** What the schema takes: beyond sixteen generations the oldest are left out. */
const listLimit = 32;

export function report({ enterpriseCA, backend }: CAObservation, plan: CAPlan, now: number): EnterpriseCAStatus {
  const { availability, authorities } = plan;
  // Authorities that are gone stay listed: a generation that existed is never made a second time.
  const secretOf = ({ role, generation }: ListedAuthority) =>
    backend.kind === 'Provided'
      ? role === 'Issuing'
        ? { secretName: backend.secretName }
        : {}
      : { secretName: authoritySecretName(enterpriseCA.metadata.name, role === 'Root' ? 'root' : 'issuing', generation) };
  const seen = authorities.map((authority) => ({
    role: authority.role,
    generation: authority.generation,
    subject: authority.certificate.subject,
    serial: authority.certificate.serial,
    fingerprint: authority.certificate.fingerprint,
    keyAlgorithm: authority.certificate.keyAlgorithm,
    notBefore: timestamp(authority.certificate.notBefore),
    notAfter: timestamp(authority.certificate.notAfter),
    ...secretOf(authority),
  }));
  const gone =
    backend.kind === 'Managed'
      ? (enterpriseCA.status?.authorities ?? []).filter(
          (known) =>
            known.role === 'Root' && !seen.some(({ role, generation }) => role === 'Root' && generation === known.generation),
        )
      : [];
  return {
    observedGeneration: enterpriseCA.metadata.generation ?? 0,
    conditions: [...summarise(enterpriseCA, aspects(plan), now)],
    ...(backend.kind === 'None' ? {} : { backend: backend.kind }),
    phase: phaseOf(plan),
    ...(availability.available
      ? { generation: availability.authority.generation, notAfter: timestamp(availability.authority.certificate.notAfter) }
      : {}),
    authorities: [...seen, ...gone].slice(0, listLimit),
  };
}

/** `RollingOver` while an older generation still issues. */
function phaseOf({ availability, actions, hindrance }: CAPlan): 'Active' | 'Pending' | 'RollingOver' {
  if (!availability.available) return 'Pending';
  return actions.length > 0 || hindrance !== undefined ? 'RollingOver' : 'Active';
}

function aspects({ availability, hindrance, notices = [] }: CAPlan): readonly Aspect[] {
  const type = 'Available';
  if (!availability.available) return [{ type, status: 'False', ...availability }];
  const { certificate, generation } = availability.authority;
  const message = [`"${certificate.subject}" (generation ${generation}) issues.`, ...notices.map((notice) => `${notice}.`)].join(
    ' ',
  );
  if (hindrance !== undefined) {
    return [
      { type, status: 'True', reason: 'Available', message },
      { type: 'RolloverInProgress', status: 'False', ...hindrance, while: 'Stalled' },
    ];
  }
  return [{ type, status: 'True', reason: 'Available', message }];
}

/** When the CA's own end begins to shorten the life of what it issues, epoch ms. */
function shorteningFrom(plan: CAPlan): number | undefined {
  if (!plan.availability.available) return undefined;
  const { certificate, leaf } = plan.availability.authority;
  return certificate.notAfter - leaf.duration;
}

/** Epoch ms at which time alone changes what is to be said of the CA. */
export function nextTurn(plan: CAPlan, now: number): number | undefined {
  if (!plan.availability.available) return undefined;
  const { notAfter } = plan.availability.authority.certificate;
  return [shorteningFrom(plan), notAfter].find((time) => time !== undefined && time > now);
}

/** What those who use the CA are told: the Secret that a reason speaks of is the CA's, not one of theirs. */
export function toldToUsers(name: string, unavailable: { readonly reason: string; readonly message: string }): Unavailable {
  const isOfItsSecret = unavailable.reason.startsWith('Secret');
  const reason = isOfItsSecret ? 'AuthorityNotUsable' : unavailable.reason;
  return { available: false, reason, message: `EnterpriseCA ${name}: ${unavailable.message}` };
}

/** Events for what keeps the CA from its keys, and for its coming end. */
export function announce(enterpriseCA: EnterpriseCA, plan: CAPlan, { events, now }: Context): void {
  const { availability, hindrance } = plan;
  const warn = (reason: string, note: string, key: string) =>
    events.record({ regarding: enterpriseCA, type: 'Warning', reason, action: 'Reconcile', note, key });
  const notOwned = hindrance ?? (availability.available ? undefined : availability);
  if (notOwned?.reason === 'SecretNotOwned') warn('SecretNotOwned', notOwned.message, notOwned.message);
  const from = shorteningFrom(plan);
  if (from === undefined || from > now() || !availability.available) return;
  const { certificate } = availability.authority;
  warn(
    'ExpiringSoon',
    `"${certificate.subject}" expires at ${timestamp(certificate.notAfter)}: certificates end with it, earlier than spec.leaf.duration says. ` +
      'Renew it: raise spec.managed.generation, or put its successor into the provided Secret.',
    certificate.fingerprint,
  );
}
