// Says that a shared certificate was made or rolled, or why it could not be. Its users' conditions follow from the copies.
import { IssuanceError } from '../../authorities/issue.ts';
import { messageOf } from '../../kube/log.ts';
import type { CertificateFacts } from '../../outputs/certificate-secret.ts';
import type { Context } from '../context.ts';
import type { SharedObservation } from './observe.ts';
import type { Roll } from './plan.ts';

export function reportRolled(
  { owner }: SharedObservation,
  { need, cause }: Roll,
  facts: CertificateFacts,
  { events, log }: Context,
): void {
  const first = cause.kind === 'Missing';
  log.info(first ? 'shared certificate issued' : 'shared certificate renewed', {
    object: `${owner.kind} ${owner.metadata.name}`,
    secret: need.secretName,
    serial: facts.serial,
    reason: cause.because,
  });
  events.record({
    regarding: owner,
    type: 'Normal',
    reason: first ? 'CertificateIssued' : 'CertificateRenewed',
    action: first ? 'Issue' : 'Renew',
    note:
      `The shared ${need.use} certificate (serial ${facts.serial}) was made, because ${cause.because}. ` +
      'Every server that uses it gets a copy, with the previous one beside it.',
    key: `${need.secretName}/${facts.serial}`,
  });
}

export function reportFailure({ owner }: SharedObservation, { need }: Roll, error: unknown, { events, log }: Context): void {
  const message = messageOf(error);
  log.error('issuance of a shared certificate failed', {
    object: `${owner.kind} ${owner.metadata.name}`,
    secret: need.secretName,
    error: message,
  });
  if (!(error instanceof IssuanceError)) return;
  events.record({
    regarding: owner,
    type: 'Warning',
    reason: 'IssuanceFailed',
    action: 'Issue',
    note: message,
    key: need.secretName,
  });
}
