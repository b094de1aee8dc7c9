// The trusted servers as real TLS servers on the loopback interface, made from what the API server holds and nothing else:
// the Secret of each, and the peer list of its role.
import { z } from 'zod';
import { kebabCase, type Role, type TrustedServer } from '../../operator/api/v1alpha1/index.ts';
import { configMaps, secrets, trustedServers } from '../../operator/kube/resource.ts';
import { bundleName } from '../../operator/outputs/trust-bundle.ts';
import { memberName } from '../../operator/topology/names.ts';
import type { Listener, Material, Peer } from '../../test/support/peers/index.ts';
import { materialOf } from '../../test/support/peers/material.ts';
import type { Network } from './network.ts';

export interface Server {
  /** The first label of its name. */
  readonly label: string;
  readonly role: Role;
  readonly pool: string;
  /** The name that others call it by. */
  readonly fqdn: string;
  readonly namespace: string;
  readonly material: Material;
}

/** Every server of the topology by the certificate that it shows inside the network, in the order of their roles. */
export async function serversOf({ client }: Network): Promise<readonly Server[]> {
  const { items } = await client.list(trustedServers);
  const servers = await Promise.all(
    items.flatMap((server) =>
      (server.status?.certificates ?? [])
        .filter(({ use }) => use === 'Default' || use === 'Internal')
        .map(async ({ member, secretName }): Promise<Server> => {
          const { namespace = '' } = server.metadata;
          const fqdn = fqdnOf(server, member);
          return {
            label: fqdn.slice(0, fqdn.indexOf('.')),
            role: server.spec.role,
            pool: server.spec.poolFQDN,
            fqdn,
            namespace,
            material: materialOf(await client.get(secrets, { namespace, name: secretName })),
          };
        }),
    ),
  );
  return servers.sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || (a.fqdn < b.fqdn ? -1 : 1));
}

const order: readonly Role[] = [
  'FrontEnd',
  'StandardEdition',
  'Director',
  'SurvivableBranch',
  'Mediation',
  'Edge',
  'PersistentChat',
  'TrustedApplication',
  'Server',
];

function fqdnOf({ spec }: TrustedServer, member: string | undefined): string {
  return spec.members.find((each) => memberName(each) === member)?.fqdn ?? spec.poolFQDN;
}

const peerList = z.object({
  peers: z.array(z.object({ pool: z.string(), names: z.array(z.string()), within: z.literal('SamePool').optional() })),
});

/** The names that this server may believe, from the peer list of its role in its namespace. */
export async function namesBelievedBy(server: Server, { client }: Network): Promise<readonly string[]> {
  const name = bundleName('contoso', kebabCase(server.role));
  const { data = {} } = await client.get(configMaps, { namespace: server.namespace, name });
  return peerList
    .parse(JSON.parse(data['peers.json'] ?? ''))
    .peers.filter(({ pool, within }) => within !== 'SamePool' || pool === server.pool)
    .flatMap(({ names }) => names);
}

/** A listener that demands a certificate of our CA, and then that one of its names is in the peer list. */
export async function listenAs(server: Server, peer: Peer, network: Network): Promise<Listener> {
  return peer.listen({
    material: server.material,
    requireClientCertificate: true,
    allowedNames: await namesBelievedBy(server, network),
  });
}
