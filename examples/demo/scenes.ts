// What is shown of the network once it stands: those that are accepted, those that are refused, and one that is taken out.
import { configMaps, secrets } from '../../operator/kube/resource.ts';
import type { ConnectOptions, Listener, Peer, Verdict } from '../../test/support/peers/index.ts';
import { authorityOf, day, makeAuthority, makeMaterial, materialOf, minute, trustOf } from '../../test/support/peers/material.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Encounter } from './encounters.ts';
import type { Network } from './network.ts';
import { businessOf } from './rules.ts';
import { listenAs, namesBelievedBy, type Server } from './servers.ts';

/** Declared beside the topology, to be taken out of it while everybody watches. */
export const bot = {
  apiVersion: 'trustmesh.io/v1alpha1',
  kind: 'TrustedServer',
  metadata: { name: 'bot', namespace: 'apps' },
  spec: {
    trustDomain: 'contoso',
    role: 'TrustedApplication',
    poolFQDN: 'bot.apps.contoso.com',
    members: [{ fqdn: 'bot01.apps.contoso.com' }],
  },
} as const;

export interface Cast {
  readonly network: Network;
  /** Runs the listeners; a process apart from the callers'. */
  readonly callees: Peer;
  /** Of the server with that label; throws where the topology has none. */
  server(label: string): Server;
  listener(label: string): Listener;
}

export const refusedBy = (side: 'server' | 'client', reason: Exclude<Verdict, 'accepted'>['reason']): Verdict => ({
  refusedBy: side,
  reason,
});

const callAs = ({ material }: Server, to: Server): Omit<ConnectOptions, 'port'> => ({
  material,
  trust: material,
  serverName: to.fqdn,
});

async function materialIn(namespace: string, name: string, { client }: Network) {
  return materialOf(await client.get(secrets, { namespace, name }));
}

/** What the topology names, and the clients of its members. */
export async function accepted(
  { network, callees, server, listener }: Cast,
  running: AsyncDisposableStack,
): Promise<readonly Encounter[]> {
  const trust = trustOf(await network.client.get(configMaps, { namespace: 'desktops', name: 'trustmesh-contoso' }));
  const open = async (namespace: string, secret: string): Promise<Listener> => {
    const material = await materialIn(namespace, secret, network);
    return running.use(await callees.listen({ material, requireClientCertificate: false }));
  };
  const between = (from: string, to: string): Encounter => ({
    caller: `${from} ${server(from).role}`,
    callee: `${to} ${server(to).role}`,
    listener: listener(to),
    call: callAs(server(from), server(to)),
    expected: 'accepted',
    why: businessOf(server(from), server(to)) ?? 'they have no business with each other',
  });
  return [
    between('fe01', 'med01'),
    between('med01', 'edge01'),
    between('bot01', 'fe01'),
    {
      caller: 'client in desktops',
      callee: 'web services of fe01',
      listener: await open('voice', 'pool01-fe01-web-services-internal-tls'),
      call: { trust, serverName: 'web-int.contoso.com' },
      expected: 'accepted',
      why: 'TLS: it trusts the bundle of desktops',
    },
    {
      caller: 'client in desktops',
      callee: 'edge01 from outside',
      listener: await open('perimeter', 'edge-edge01-access-edge-external-tls'),
      call: { trust, serverName: 'sip.contoso.com' },
      expected: 'accepted',
      why: 'TLS: asks for sip.contoso.com',
    },
  ];
}

/** What is refused, each for a reason of its own. */
export async function refused(
  { network, callees, server, listener }: Cast,
  running: AsyncDisposableStack,
): Promise<readonly Encounter[]> {
  const now = Date.now();
  const [fe01, med01, dir01] = [server('fe01'), server('med01'), server('dir01')];
  const enterprise = authorityOf(await materialIn('trustmesh-system', 'contoso-issuing-1', network));
  const namesake = makeAuthority('Contoso');
  const trust = fe01.material;
  const outside = running.use(
    await callees.listen({
      material: await materialIn('perimeter', 'edge-edge01-access-edge-external-tls', network),
      requireClientCertificate: true,
    }),
  );
  const impostor = running.use(
    await callees.listen({
      material: makeMaterial(namesake, { dnsNames: [fe01.fqdn, fe01.pool] }),
      requireClientCertificate: false,
    }),
  );
  return [
    {
      caller: 'fe03, named by nobody',
      callee: 'med01',
      listener: listener('med01'),
      call: { material: makeMaterial(enterprise, { dnsNames: ['fe03.contoso.com'] }), trust, serverName: med01.fqdn },
      expected: refusedBy('server', 'peer-not-in-topology'),
      why: 'our CA signed it, no topology names it',
    },
    {
      caller: 'chat01 PersistentChat',
      callee: 'med01 Mediation',
      listener: listener('med01'),
      call: callAs(server('chat01'), med01),
      expected: refusedBy('server', 'peer-not-in-topology'),
      why: 'trusted, but the roles have no business',
    },
    {
      caller: 'fe01 by another CA',
      callee: 'med01',
      listener: listener('med01'),
      call: { material: makeMaterial(namesake, { dnsNames: [fe01.fqdn, fe01.pool] }), trust, serverName: med01.fqdn },
      expected: refusedBy('server', 'untrusted-issuer'),
      why: 'Contoso Root CA by name, another key',
    },
    {
      caller: 'fe01 of yesterday',
      callee: 'med01',
      listener: listener('med01'),
      call: {
        material: makeMaterial(enterprise, { dnsNames: [fe01.fqdn], notBefore: now - 2 * day, notAfter: now - minute }),
        trust,
        serverName: med01.fqdn,
      },
      expected: refusedBy('server', 'expired'),
      why: 'right name, right CA, a minute too late',
    },
    {
      caller: 'somebody',
      callee: 'fe01',
      listener: listener('fe01'),
      call: { trust, serverName: fe01.fqdn },
      expected: refusedBy('server', 'no-certificate-presented'),
      why: 'server to server is always mutual',
    },
    {
      caller: 'fe01 FrontEnd',
      callee: 'edge01 from outside',
      listener: outside,
      call: { material: fe01.material, trust, serverName: 'sip.contoso.com' },
      expected: refusedBy('server', 'untrusted-issuer'),
      why: 'outside, it believes partners only',
    },
    {
      caller: 'med01 Mediation',
      callee: 'fe01 taken for dir01',
      listener: listener('fe01'),
      call: callAs(med01, dir01),
      expected: refusedBy('client', 'name-mismatch'),
      why: 'med01 hangs up: the names are fe01’s',
    },
    {
      caller: 'med01 Mediation',
      callee: 'somebody as fe01',
      listener: impostor,
      call: callAs(med01, fe01),
      expected: refusedBy('client', 'untrusted-issuer'),
      why: 'med01 hangs up: our CA never signed it',
    },
  ];
}

/**
 * The bot once more, with the certificate that it had, after its peers have been told. `since` is when it was deleted, on
 * the clock of performance.now().
 */
export async function takenOut(
  former: Server,
  since: number,
  { network, callees, server }: Cast,
  running: AsyncDisposableStack,
): Promise<readonly Encounter[]> {
  const fe01 = server('fe01');
  await waitFor(`${fe01.label} to be told that ${former.label} is gone`, async () =>
    (await namesBelievedBy(fe01, network)).every((name) => name !== former.fqdn),
  );
  const took = ((performance.now() - since) / 1000).toFixed(1);
  return [
    {
      caller: 'bot01 with a copied key',
      callee: 'fe01 FrontEnd',
      listener: running.use(await listenAs(fe01, callees, network)),
      call: callAs(former, fe01),
      expected: refusedBy('server', 'peer-not-in-topology'),
      why: `off the list in ${took} s, key or no key`,
    },
  ];
}
