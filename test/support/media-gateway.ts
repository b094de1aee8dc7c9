// Media gateways and their pools, as tests declare and find them.
import { X509Certificate } from 'node:crypto';
import type { Condition } from '../../operator/api/object.ts';
import type { MediaGateway } from '../../operator/api/v1alpha1/index.ts';
import { mediaGateways } from '../../operator/kube/resource.ts';
import { serverManifest, type Trustmesh, textOf } from './installation.ts';
import { waitFor } from './wait.ts';

/** A mediation pool of one member, whose Secret is `<name>-a-tls`. */
export const poolManifest = (name: string, spec: object = {}): string =>
  serverManifest(name, { poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}-a.contoso.com`, name: 'a' }], ...spec });

/** A gateway `<name>.contoso.com` with a trunk to a pool. */
export function gatewayManifest(name: string, pool: string, spec: object = {}): string {
  const whole = { trustDomain: 'contoso', fqdn: `${name}.contoso.com`, mediationServer: { name: pool }, ...spec };
  const object = {
    apiVersion: 'trustmesh.io/v1alpha1',
    kind: 'MediaGateway',
    metadata: { name, namespace: 'media' },
    spec: whole,
  };
  return `${JSON.stringify(object)}\n---\n`;
}

/** Waits until a condition of the gateway, as it is now, has this reason. */
export async function gatewayReason(
  { find }: Trustmesh,
  name: string,
  type: string,
  reason: string,
): Promise<{ readonly condition: Condition; readonly gateway: MediaGateway }> {
  let seen: readonly Condition[] | undefined;
  return await waitFor(
    `${type} of MediaGateway ${name} to be ${reason}`,
    async () => {
      const gateway = await find(mediaGateways, { namespace: 'media', name });
      seen = gateway?.status?.conditions;
      const condition = seen?.find((each) => each.type === type);
      const isCurrent = condition?.observedGeneration === gateway?.metadata.generation;
      return gateway !== undefined && condition?.reason === reason && isCurrent ? { condition, gateway } : undefined;
    },
    { limitMs: 40_000, seen: () => seen },
  );
}

export async function gatewayReady(trustmesh: Trustmesh, name: string): Promise<MediaGateway> {
  return (await gatewayReason(trustmesh, name, 'Ready', 'Ready')).gateway;
}

export const certificatesIn = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));

export const subjectsIn = (pem: string): readonly string[] => certificatesIn(pem).map(({ subject }) => subject);

/** Subjects of the anchors in the Secret of a pool. */
export async function anchorsOfPool(trustmesh: Trustmesh, pool: string): Promise<readonly string[]> {
  return subjectsIn(textOf(await trustmesh.secret('media', `${pool}-a-tls`), 'ca.crt'));
}
