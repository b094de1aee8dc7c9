// Another organisation with a CA of its own: believed for its own names at the Edge's external face, for nobody else's, nowhere
// else, and not at all once it is blocked.
import { z } from 'zod';
import { configMaps, federatedPartners, secrets } from '../../operator/kube/resource.ts';
import { bundleName } from '../../operator/outputs/trust-bundle.ts';
import type { Listener, Material } from '../../test/support/peers/index.ts';
import { type Issuing, makeAuthority, makeMaterial, materialOf } from '../../test/support/peers/material.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Encounter } from './encounters.ts';
import type { Network } from './network.ts';
import { type Cast, refusedBy } from './scenes.ts';

const name = 'fabrikam';
const edge = { namespace: 'perimeter', secret: 'edge-edge01-access-edge-external-tls' } as const;

export interface Partner {
  readonly authority: Issuing;
  /** What its own access edge shows. */
  readonly material: Material;
}

/** Applies the partner as a user does, and waits until the Edge believes it. */
export async function federate(network: Network): Promise<Partner> {
  const authority = makeAuthority('Fabrikam');
  const spec = {
    trustDomain: 'contoso',
    sipDomains: ['fabrikam.com'],
    mode: 'Direct',
    accessEdge: { fqdn: 'sip.fabrikam.com' },
    trust: { anchors: [{ pem: authority.anchors.map(({ pem }) => pem).join('') }] },
  };
  const object = { apiVersion: 'trustmesh.io/v1alpha1', kind: 'FederatedPartner', metadata: { name }, spec };
  await network.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  await inState('Trusted', network);
  return { authority, material: makeMaterial(authority, { dnsNames: ['sip.fabrikam.com'] }) };
}

/** The partner itself, and who would be somebody else with its help. */
export async function federated(
  { authority, material }: Partner,
  { network, callees, server, listener }: Cast,
  running: AsyncDisposableStack,
): Promise<readonly Encounter[]> {
  const fe01 = server('fe01');
  const outside = running.use(await listenOutside(callees, network));
  const trust = fe01.material;
  return [
    {
      caller: 'partner fabrikam.com',
      callee: 'edge01 from outside',
      listener: outside,
      call: { material, trust, serverName: 'sip.contoso.com' },
      expected: 'accepted',
      why: 'outside, for fabrikam.com alone',
    },
    {
      caller: 'forger at Fabrikam',
      callee: 'edge01 from outside',
      listener: outside,
      call: { material: makeMaterial(authority, { dnsNames: [fe01.fqdn] }), trust, serverName: 'sip.contoso.com' },
      expected: refusedBy('server', 'name-not-permitted'),
      why: 'its CA signed a name of ours',
    },
    {
      caller: 'partner fabrikam.com',
      callee: 'fe01 FrontEnd',
      listener: listener('fe01'),
      call: { material, trust, serverName: fe01.fqdn },
      expected: refusedBy('server', 'untrusted-issuer'),
      why: 'inside, nobody has heard of its CA',
    },
  ];
}

/** Blocks the partner, and lets it call once more. */
export async function blocked(
  { material }: Partner,
  { network, callees, server }: Cast,
  running: AsyncDisposableStack,
): Promise<readonly Encounter[]> {
  const since = performance.now();
  await network.kubectl(['patch', 'federatedpartner', name, '--type=merge', '-p', JSON.stringify({ spec: { mode: 'Blocked' } })]);
  await inState('Blocked', network);
  await waitFor('the Edge to believe nobody outside', async () => {
    const { 'ca.crt': anchors } = materialOf(await network.client.get(secrets, { namespace: edge.namespace, name: edge.secret }));
    return anchors.length === 0 ? true : undefined;
  });
  const took = ((performance.now() - since) / 1000).toFixed(1);
  return [
    {
      caller: 'blocked fabrikam.com',
      callee: 'edge01 from outside',
      listener: running.use(await listenOutside(callees, network)),
      call: { material, trust: server('fe01').material, serverName: 'sip.contoso.com' },
      expected: refusedBy('server', 'untrusted-issuer'),
      why: `out of the Edge’s trust in ${took} s`,
    },
  ];
}

async function inState(state: string, { client }: Network): Promise<void> {
  await waitFor(`the partner to be ${state}`, async () => {
    const { status, metadata } = await client.get(federatedPartners, { name });
    return status?.state === state && status.observedGeneration === metadata.generation ? true : undefined;
  });
}

const partnerList = z.object({ partners: z.array(z.object({ names: z.array(z.string()) })) });

/** The Edge's external face: its certificate and trust, and the names of its partners. */
async function listenOutside(peer: Cast['callees'], { client }: Network): Promise<Listener> {
  const { namespace, secret } = edge;
  const material = materialOf(await client.get(secrets, { namespace, name: secret }));
  const { data = {} } = await client.get(configMaps, { namespace, name: bundleName('contoso', 'edge-external') });
  const { partners } = partnerList.parse(JSON.parse(data['peers.json'] ?? ''));
  return await peer.listen({ material, requireClientCertificate: true, allowedNames: partners.flatMap(({ names }) => names) });
}
