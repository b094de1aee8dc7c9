// Makes the authorities of a managed CA, each by one POST: of two that try, one finds the other's.

import { parseDuration } from '../../api/v1alpha1/duration.ts';
import type { EnterpriseCA } from '../../api/v1alpha1/index.ts';
import { generateKeyPairAside, randomSerial } from '../../authorities/keys.ts';
import { configMaps, secrets } from '../../kube/resource.ts';
import { annotation, label, managedBy } from '../../outputs/labels.ts';
import { createIssuing, createRoot } from '../../pki/authority.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { issuerOf } from '../../pki/leaf.ts';
import { validity } from '../../pki/validity.ts';
import type { Context } from '../context.ts';
import type { StoredAuthority } from '../stored-authority.ts';
import type { CAAction } from './plan.ts';
import { authoritySecretName, historyName } from './secrets.ts';

/** Throws ApiError with AlreadyExists where somebody was faster: observe again. */
export async function enact(enterpriseCA: EnterpriseCA, action: CAAction, context: Context): Promise<void> {
  const { client, namespace, now, log, stores } = context;
  const { name } = enterpriseCA.metadata;
  const { managed } = enterpriseCA.spec;
  const object = `EnterpriseCA ${name}`;
  switch (action.kind) {
    case 'CreateRoot': {
      if (managed === undefined) return;
      const { privateKey, publicKey } = await generateKeyPairAside(managed.root.privateKey);
      const certificate = createRoot({
        commonName: managed.root.commonName ?? defaultName(`${name} Root CA`),
        ...validity({ now: now(), duration: parseDuration(managed.root.duration) }),
        serial: randomSerial(),
        publicKey,
        privateKey,
      });
      await keep('root', action.generation, { certificate, privateKey }, certificate);
      log.info('root created', { object, secret: authoritySecretName(name, 'root', action.generation), reason: 'none exists' });
      return;
    }
    case 'CreateIssuing': {
      if (managed === undefined) return;
      const { root } = action;
      const { privateKey, publicKey } = await generateKeyPairAside(managed.issuing.privateKey);
      const certificate = createIssuing(issuerOf(root.certificate, root.privateKey), {
        commonName: defaultName(`${name} Issuing CA ${action.generation}`),
        ...validity({ now: now(), duration: parseDuration(managed.issuing.duration), issuerNotAfter: root.certificate.notAfter }),
        serial: randomSerial(),
        publicKey,
      });
      await keep('issuing', action.generation, { certificate, privateKey }, root.certificate);
      log.info('issuing CA created', {
        object,
        secret: authoritySecretName(name, 'issuing', action.generation),
        reason: 'none exists',
      });
      return;
    }
    case 'WriteHistory': {
      const { anchors, issuing, keyIds, resourceVersion } = action.history;
      const together = (certificates: readonly Certificate[]) => certificates.map(({ pem }) => pem).join('');
      const key = { namespace, name: historyName(name) };
      const data = {
        'ca.crt': together(anchors),
        'issuing.crt': together(issuing),
        'key-ids.json': JSON.stringify(keyIds),
      };
      if (resourceVersion !== undefined) await client.patch(configMaps, key, { metadata: { resourceVersion }, data });
      else
        await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...key, labels: managedBy }, data });
      return;
    }
  }

  async function keep(
    role: 'root' | 'issuing',
    generation: number,
    authority: StoredAuthority,
    root: Certificate,
  ): Promise<void> {
    const metadata = {
      name: authoritySecretName(name, role, generation),
      namespace,
      labels: { ...managedBy, [label.enterpriseCA]: name },
      annotations: { [annotation.owner]: enterpriseCA.metadata.uid },
    };
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const data = {
      'tls.crt': base64(authority.certificate.pem),
      'tls.key': base64(authority.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
      'ca.crt': base64(root.pem),
    };
    stores.secrets.apply(
      await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data }),
    );
  }
}

/** A common name holds 64 characters. */
function defaultName(name: string): string {
  return name.slice(-64);
}
