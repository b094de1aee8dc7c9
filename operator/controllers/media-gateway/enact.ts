// Carries the plan for a gateway out: a certificate into a Secret, or one for its request, which the status then holds.

import type { MediaGateway } from '../../api/v1alpha1/index.ts';
import { IssuanceError } from '../../authorities/issue.ts';
import { messageOf } from '../../kube/log.ts';
import { mediaGateways } from '../../kube/resource.ts';
import type { CertificateFacts } from '../../outputs/certificate-secret.ts';
import { certifyKey } from '../certify.ts';
import type { Context } from '../context.ts';
import { type CertificateOutcome, confirmOwner, enactCertificates } from '../enact-certificate.ts';
import type { Obstacle } from '../policies.ts';
import type { Grant, Plan } from './plan.ts';

export interface Outcome extends CertificateOutcome {
  /** What was issued for the request: leaf and intermediates, PEM. */
  readonly granted?: { readonly pem: string; readonly facts: CertificateFacts };
  readonly notGranted?: Obstacle;
}

/** @throws ApiError where the gateway is gone, and what it had with it */
export async function enact(gateway: MediaGateway, { certificates, grant }: Plan, context: Context): Promise<Outcome> {
  const outcome = await enactCertificates(mediaGateways, gateway, certificates, context);
  if (grant === undefined) return outcome;
  await confirmOwner(mediaGateways, gateway, context);
  try {
    return { ...outcome, granted: await carryOut(gateway, grant, context) };
  } catch (failure) {
    const reason = failure instanceof IssuanceError || failure instanceof RangeError ? 'IssuanceFailed' : 'WriteFailed';
    const notGranted = { reason, message: messageOf(failure), while: 'Reconciling' } as const;
    return { ...outcome, notGranted, failure: outcome.failure ?? failure };
  }
}

async function carryOut(gateway: MediaGateway, { need, request, authority, cause }: Grant, context: Context) {
  const { namespace, name, uid } = gateway.metadata;
  const { chain, facts } = await certifyKey(
    { ...need, authority, uid, secret: `${namespace}/${need.secretName}`, profileHash: '', trustHash: '' },
    request.publicKey,
    context,
  );
  context.log.info('certificate for a request issued', {
    object: `MediaGateway ${namespace}/${name}`,
    serial: facts.serial,
    reason: cause.because,
  });
  return { pem: chain, facts };
}
