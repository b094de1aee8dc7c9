// The ceiling that issuance is held against: a writer that thinks of nothing. For each server it makes the three writes that
// the operator makes for it (a Secret, a status, an Event), of the same kinds, verbs and sizes, because they are copies of
// what the operator wrote; with the same client, the same service account and as many connections.
import type { TrustedServer } from '../operator/api/v1alpha1/index.ts';
import { KubeClient } from '../operator/kube/client.ts';
import { loadKubeConfig } from '../operator/kube/kube-config.ts';
import { type Event, events, type MetadataObject, type Secret, secrets, trustedServers } from '../operator/kube/resource.ts';
import { clearServers, createServers } from './fleet.ts';
import { sideBySide } from './side-by-side.ts';

/** What the operator wrote for one server. */
export interface Sample {
  readonly server: TrustedServer;
  readonly secret: Secret;
  readonly event: Event;
}

/** As many as the operator reconciles at once, and has connections. */
export const CONCURRENCY = 32;

/** Takes the sample from a server that the operator has finished. @throws where one of the three is missing */
export async function takeSample(admin: KubeClient, { metadata }: MetadataObject): Promise<Sample> {
  const { name, namespace = '' } = metadata;
  const server = await admin.get(trustedServers, { namespace, name });
  const [certificate] = server.status?.certificates ?? [];
  if (certificate === undefined) throw new Error(`TrustedServer ${namespace}/${name} holds no certificate to take as a sample`);
  const { items } = await admin.list(events, { namespace });
  const event = items.find(({ regarding, reason }) => regarding.uid === server.metadata.uid && reason === 'CertificateIssued');
  if (event === undefined) throw new Error(`no event tells of the certificate of TrustedServer ${namespace}/${name}`);
  return { server, secret: await admin.get(secrets, { namespace, name: certificate.secretName }), event };
}

export interface NullRound {
  readonly servers: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
}

/** Makes the servers, writes for them (this alone is timed), and takes all of it away again. */
export async function nullRound(
  admin: KubeClient,
  operatorKubeconfig: string,
  sample: Sample,
  spread: readonly string[],
  count: number,
): Promise<NullRound> {
  const servers = await createServers(admin, spread, count);
  try {
    await using client = new KubeClient(loadKubeConfig(operatorKubeconfig), { connections: CONCURRENCY });
    const started = performance.now();
    await sideBySide(servers, CONCURRENCY, (server) => writeFor(client, server, sample));
    return { servers: count, seconds: (performance.now() - started) / 1000 };
  } finally {
    await clearServers(admin, spread);
  }
}

async function writeFor(client: KubeClient, { metadata }: MetadataObject, sample: Sample): Promise<void> {
  const { name, namespace = '', uid, resourceVersion } = metadata;
  const { labels = {}, annotations = {}, ownerReferences = [] } = sample.secret.metadata;
  const { type = 'kubernetes.io/tls', data = {} } = sample.secret;
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `${name}-node-tls`,
      namespace,
      labels,
      annotations,
      ownerReferences: ownerReferences.map((owner) => ({ ...owner, name, uid })),
    },
    type,
    data,
  });
  await client.patch(
    trustedServers,
    { namespace, name },
    { metadata: { resourceVersion }, status: sample.server.status },
    { subresource: 'status' },
  );
  const { metadata: _, ...event } = sample.event;
  await client.create(events, {
    ...event,
    metadata: { name: `${name}.${uid.replaceAll('-', '').slice(0, 20)}`, namespace },
    regarding: { ...event.regarding, namespace, name, uid },
  });
}
