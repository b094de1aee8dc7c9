// Makes what the trust in gateways needs: a gateway authority, by one POST, and cross-certificates for CAs of gateways; and keeps
// what is public of both.

import type { TrustedServer } from '../../api/v1alpha1/index.ts';
import { makeGatewayAuthority } from '../../authorities/gateway-authority.ts';
import { generateKeyPair, randomSerial } from '../../authorities/keys.ts';
import { configMaps, secrets } from '../../kube/resource.ts';
import { annotation, label, managedBy, timestamp } from '../../outputs/labels.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { tryCrossCertify } from '../../pki/cross-certificate.ts';
import type { Context } from '../context.ts';
import { encodeTrunks, gatewayAuthoritySecret, type ScopedRecord, scopeInputs, trunksConfigMap } from '../trunk-records.ts';
import type { TrunkAction } from './plan.ts';

/** By `scopeInputs` of one anchor: why it can never be held to its gateway's name. */
export type Uncrossed = ReadonlyMap<string, string>;

const none: Uncrossed = new Map();

/**
 * Where a CA cannot be crossed nothing is written: what to write without it has to be planned anew. Throws ApiError with
 * AlreadyExists where somebody was faster: observe again.
 */
export async function enact(
  key: string,
  pool: TrustedServer | undefined,
  action: TrunkAction,
  context: Context,
): Promise<Uncrossed> {
  const { client, stores, namespace, now, log } = context;
  const [serverNamespace = '', server = ''] = key.split('/');
  const object = `TrustedServer ${key}`;
  const labels = { ...managedBy, [label.trunks]: 'true' };
  switch (action.kind) {
    case 'CreateAuthority': {
      if (pool === undefined) return none;
      const { certificate, privateKey } = await makeGatewayAuthority(pool.spec.poolFQDN, action.leaf, now());
      const metadata = {
        name: gatewayAuthoritySecret(server, serverNamespace, action.generation),
        namespace,
        labels,
        annotations: {
          [annotation.owner]: pool.metadata.uid,
          [annotation.authority]: certificate.subjectKeyId,
          [annotation.fingerprint]: certificate.fingerprint,
          [annotation.notAfter]: timestamp(certificate.notAfter),
        },
      };
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      const data = {
        'tls.crt': base64(certificate.pem),
        'tls.key': base64(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
        'ca.crt': base64(certificate.pem),
      };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data } as const;
      stores.secrets.apply(await client.create(secrets, secret));
      log.info('gateway authority created', { object, secret: metadata.name, reason: action.why });
      return none;
    }
    case 'WriteRecords': {
      const failures = new Map<string, string>();
      const made = action.missing.map(({ gateway, fqdn, anchors, inputs, origin }): [string, ScopedRecord] => {
        const scoped = anchors.flatMap((anchor) => {
          const crossed = scopedTo(fqdn, anchor, now());
          if (!('failure' in crossed)) return [crossed];
          log.error("a gateway's own CA not held to its name", { object, gateway, error: crossed.failure });
          failures.set(scopeInputs(fqdn, [anchor]), crossed.failure);
          return [];
        });
        return [gateway, { anchors, scoped, inputs, origin }];
      });
      if (failures.size > 0) return failures;
      const data = encodeTrunks({ scoped: new Map([...action.stays, ...made]), authorities: action.authorities });
      const name = trunksConfigMap(server, serverNamespace);
      if (action.replaces === undefined) {
        const metadata = { name, namespace, labels };
        stores.configMaps.apply(await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }));
      } else {
        const { resourceVersion, ownedDataKeys = [] } = action.replaces.metadata;
        const dropped = Object.fromEntries(ownedDataKeys.filter((each) => !(each in data)).map((each) => [each, null]));
        const patch = { metadata: { resourceVersion }, data: { ...dropped, ...data } };
        stores.configMaps.apply(await client.patch(configMaps, { namespace, name }, patch));
      }
      for (const [gateway] of made) log.info("a gateway's own CA held to its name", { object, gateway });
      return none;
    }
    case 'DeleteRecords': {
      const { name, uid, resourceVersion } = action.configMap.metadata;
      await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
      stores.configMaps.remove({ namespace, name }, { uid });
      return none;
    }
  }
}

/** The key of the federation root signs this once, and is gone with this call. */
function scopedTo(fqdn: string, partnerCA: Certificate, now: number): ReturnType<typeof tryCrossCertify> {
  return tryCrossCertify({
    partnerCA,
    permitted: (['dns', 'uri', 'mail'] as const).map((kind) => ({ kind, host: fqdn })),
    excluded: [],
    now,
    federationKeys: generateKeyPair({ algorithm: 'ECDSA', size: 256 }),
    serials: { root: randomSerial() },
  });
}
