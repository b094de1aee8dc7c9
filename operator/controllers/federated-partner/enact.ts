// Carries the actions of a plan out. The key of a federation root is made here, signs one certificate and one revocation list, and is gone.
import { generateKeyPair, randomSerial } from '../../authorities/keys.ts';
import { tryCrossCertify } from '../../pki/cross-certificate.ts';
import type { Context } from '../context.ts';
import { crossData } from './cross-records.ts';
import type { FederationAction } from './plan.ts';
import type { FederationRecords } from './records.ts';

/** @returns why a cross-certificate cannot be made, where that is for good: a sentence */
export async function enact(
  domain: string,
  action: FederationAction,
  records: FederationRecords,
  context: Context,
): Promise<string | undefined> {
  const { log, now } = context;
  const object = `TrustDomain ${domain}`;
  switch (action.kind) {
    case 'CrossCertify': {
      const { certificate, permitted, excluded, partners } = action.authority;
      const made = tryCrossCertify({
        partnerCA: certificate,
        permitted,
        excluded,
        now: now(),
        federationKeys: generateKeyPair({ algorithm: 'ECDSA', size: 256 }),
        serials: { root: randomSerial() },
      });
      if ('failure' in made) {
        log.error('partner CA not cross-certified', { object, partners: partners.join(', '), error: made.failure });
        return `"${certificate.subject}" cannot be held to the names of its partner: ${made.failure}. The partner must name another CA certificate.`;
      }
      await records.write(domain, action.record, crossData(action.authority, made), context);
      log.info('partner CA cross-certified', {
        object,
        partners: partners.join(', '),
        authority: certificate.subject,
        reason: 'what is believed of it is not what it was',
      });
      return undefined;
    }
    case 'WriteSource':
      await records.write(domain, action.record, action.data, context);
      log.info('anchors of a partner taken from their source', { object, configMap: action.record });
      return undefined;
    case 'WriteEdges':
      await records.write(domain, action.record, action.data, context);
      log.info('access edges of a partner taken from DNS', { object, configMap: action.record });
      return undefined;
    case 'WriteList':
      await records.write(domain, action.record, action.data, context);
      log.info('revocation list of a partner taken', { object, configMap: action.record });
      return undefined;
    case 'Remove':
      await records.remove(action.record, context);
      log.info('record of a partner removed', { object, configMap: action.record, reason: 'nothing asks for it any more' });
      return undefined;
  }
}
