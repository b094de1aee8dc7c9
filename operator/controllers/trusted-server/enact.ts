// Carries the actions of a plan out. Each is idempotent: what was written before a crash is found, not repeated.
import type { TrustedServer } from '../../api/v1alpha1/index.ts';
import { configMaps, trustedServers } from '../../kube/resource.ts';
import { ownedBy } from '../../outputs/certificate-secret.ts';
import { annotation, label, managedBy } from '../../outputs/labels.ts';
import { serverTrustName } from '../../outputs/trust-bundle.ts';
import type { Context } from '../context.ts';
import { type CertificateOutcome, confirmOwner, enactCertificates } from '../enact-certificate.ts';
import { createOwn, isForeign } from '../foreign.ts';
import type { Plan, TrustAction } from './plan.ts';

export interface Outcome extends CertificateOutcome {
  /** The ConfigMap of the server's own is somebody else's. */
  readonly trustNotOwned: boolean;
}

/** @throws ApiError where the server is gone, and what it had with it */
export async function enact(server: TrustedServer, { certificates, trust }: Plan, context: Context): Promise<Outcome> {
  const outcome = await enactCertificates(trustedServers, server, certificates, context);
  let trustNotOwned = false;
  let { failure } = outcome;
  for (const action of trust) {
    try {
      trustNotOwned = (await carryOut(server, action, context)) === 'NotOwned';
    } catch (error) {
      failure ??= error;
    }
  }
  return { ...outcome, trustNotOwned, ...(failure === undefined ? {} : { failure }) };
}

async function carryOut(server: TrustedServer, action: TrustAction, context: Context): Promise<'NotOwned' | undefined> {
  const { client, stores, log } = context;
  const { uid: owner, namespace = '' } = server.metadata;
  if (action.kind === 'DeleteTrust') {
    const { name, uid, resourceVersion } = action.configMap.metadata;
    await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
    stores.configMaps.remove({ namespace, name }, { uid });
    return undefined;
  }
  const name = serverTrustName(server.metadata.name);
  const { hash, partnersHash } = action;
  const annotations = {
    [annotation.trustHash]: hash,
    ...(partnersHash === undefined ? {} : { [annotation.peersHash]: partnersHash }),
  };
  if (action.replaces !== undefined) {
    const { resourceVersion, ownedDataKeys = [] } = action.replaces.metadata;
    const dropped = Object.fromEntries(ownedDataKeys.filter((key) => !(key in action.data)).map((key) => [key, null]));
    stores.configMaps.apply(
      await client.patch(
        configMaps,
        { namespace, name },
        {
          metadata: { resourceVersion, annotations: { [annotation.peersHash]: null, ...annotations } },
          data: { ...dropped, ...action.data },
        },
      ),
    );
  } else {
    await confirmOwner(trustedServers, server, context);
    if (await isForeign(configMaps, { namespace, name }, owner, context)) return 'NotOwned';
    const labels = { ...managedBy, [label.server]: server.metadata.name };
    const metadata = { name, namespace, labels, annotations, ownerReferences: [ownedBy(server)] };
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: action.data };
    if ((await createOwn(configMaps, configMap, owner, context)) === 'NotOwned') return 'NotOwned';
  }
  log.info('trust of a server written', { object: `TrustedServer ${namespace}/${server.metadata.name}`, configMap: name });
  return undefined;
}
