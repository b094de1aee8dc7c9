// Carries the actions of a plan out. The key of a federation root is made here, signs one certificate, and is gone.
import { generateKeyPair, randomSerial } from '../../authorities/keys.ts';
import { crossCertify } from '../../pki/cross-certificate.ts';
import type { Context } from '../context.ts';
import { crossData, type FederationAction } from './plan.ts';
import type { FederationRecords } from './records.ts';

export async function enact(
  domain: string,
  action: FederationAction,
  records: FederationRecords,
  context: Context,
): Promise<void> {
  const { log, now } = context;
  const object = `TrustDomain ${domain}`;
  switch (action.kind) {
    case 'CrossCertify': {
      const { certificate, permitted, excluded, partners } = action.authority;
      const { root, cross } = crossCertify({
        partnerCA: certificate,
        permitted,
        excluded,
        now: now(),
        federationKeys: generateKeyPair({ algorithm: 'ECDSA', size: 256 }),
        serials: { root: randomSerial() },
      });
      await records.write(domain, action.record, crossData(action.authority, root, cross), context);
      log.info('partner CA cross-certified', {
        object,
        partners: partners.join(', '),
        authority: certificate.subject,
        reason: 'what is believed of it is not what it was',
      });
      return;
    }
    case 'WriteSource':
      await records.write(domain, action.record, action.data, context);
      log.info('anchors of a partner taken from their source', { object, configMap: action.record });
      return;
    case 'Remove':
      await records.remove(action.record, context);
      log.info('record of a partner removed', { object, configMap: action.record, reason: 'nothing asks for it any more' });
      return;
  }
}
