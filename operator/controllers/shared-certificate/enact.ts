// Makes or rolls a shared certificate. The one in force before stays beside it: what it signed may still be met.

import { kebabCase } from '../../api/v1alpha1/index.ts';
import { secrets } from '../../kube/resource.ts';
import {
  type CertificateFacts,
  certificateData,
  expectedKeys,
  factAnnotations,
  type KeyMaterial,
} from '../../outputs/certificate-secret.ts';
import { label, managedBy } from '../../outputs/labels.ts';
import { certify } from '../certify.ts';
import type { Context } from '../context.ts';
import type { SharedObservation } from './observe.ts';
import type { Roll } from './plan.ts';

export async function enact({ owner }: SharedObservation, roll: Roll, context: Context): Promise<CertificateFacts> {
  const { client, namespace, stores } = context;
  const { need, authority, profileHash, replaces } = roll;
  const name = need.secretName;
  const request = {
    authority,
    ...need,
    keyStore: false,
    uid: owner.metadata.uid,
    secret: `${namespace}/${name}`,
    profileHash,
    trustHash: '',
  };
  const { material, facts } = await certify(request, context);
  const annotations = factAnnotations(facts, undefined);
  if (replaces === undefined) {
    const labels = { ...managedBy, [label.use]: kebabCase(need.use) };
    const metadata = { name, namespace, labels, annotations };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      type: 'kubernetes.io/tls',
      data: certificateData([], material),
    } as const;
    stores.secrets.apply(await client.create(secrets, secret));
  } else {
    // What somebody else wrote is not kept; what is only unknown to the journal is.
    const intact = expectedKeys([]).certificate.every((key) => replaces.metadata.ownedDataKeys?.includes(key) === true);
    const previous = intact ? await readCurrent(name, context) : undefined;
    const data = certificateData([], previous === undefined ? material : { ...material, previous });
    const { resourceVersion } = replaces.metadata;
    stores.secrets.apply(await client.patch(secrets, { namespace, name }, { metadata: { resourceVersion, annotations }, data }));
  }
  return facts;
}

async function readCurrent(name: string, { client, namespace }: Context): Promise<KeyMaterial> {
  const { data = {} } = await client.get(secrets, { namespace, name });
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  return { chain: text('tls.crt'), privateKey: text('tls.key') };
}
