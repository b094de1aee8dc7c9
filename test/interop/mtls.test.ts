// The product's one promise, on the wire: with the Secrets and bundles exactly as the API server holds them, what the
// topology names connects, and everything else is refused, for the right reason. The operator runs as in a cluster; the
// servers and clients are OpenSSL, Node, Go and Java.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/kube-config.ts';
import { configMaps, enterpriseCAs, type Resource, secrets, trustDomains, trustedServers } from '../../operator/kube/resource.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { installOperator } from '../support/install.ts';
import { applyManifests, parseManifests } from '../support/manifest.ts';
import { needing } from '../support/needing.ts';
import { startOperator } from '../support/operator.ts';
import { onPath } from '../support/path.ts';
import {
  type ListenOptions,
  type Material,
  meet,
  meetEach,
  type PeerName,
  type Peers,
  peerNames,
  startPeers,
  type Trust,
  withEachClient,
} from '../support/peers/index.ts';
import {
  authorityOf,
  day,
  type Issuing,
  makeAuthority,
  makeMaterial,
  materialOf,
  minute,
  trustOf,
} from '../support/peers/material.ts';
import { runProgram } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'openssl', 'go', 'java');

/** Two networks that know nothing of each other. In Contoso, front ends meet everybody here, mediation servers meet front ends only. */
const topology = parseManifests(`
apiVersion: v1
kind: Namespace
metadata: {name: voice}
---
apiVersion: v1
kind: Namespace
metadata: {name: elsewhere}
---
apiVersion: trustmesh.io/v1alpha1
kind: EnterpriseCA
metadata: {name: contoso}
spec: {managed: {}}
---
apiVersion: trustmesh.io/v1alpha1
kind: EnterpriseCA
metadata: {name: fabrikam}
spec: {managed: {}}
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustDomain
metadata: {name: contoso}
spec:
  enterpriseCA: contoso
  sipDomains: [contoso.com]
  members: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: voice}}}
  admission:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: voice}}
      roles: [FrontEnd, Mediation, PersistentChat, TrustedApplication]
      names: ["*.contoso.com"]
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustDomain
metadata: {name: fabrikam}
spec:
  enterpriseCA: fabrikam
  sipDomains: [fabrikam.com]
  members: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: elsewhere}}}
  admission:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: elsewhere}}
      roles: [Mediation]
      names: ["*.fabrikam.com"]
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustedServer
metadata: {name: pool01, namespace: voice}
spec:
  trustDomain: contoso
  role: FrontEnd
  poolFQDN: pool01.contoso.com
  members: [{fqdn: fe01.contoso.com}, {fqdn: fe02.contoso.com}]
  certificates: {uses: [{use: Default, formats: [PKCS12, CombinedPEM]}]}
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustedServer
metadata: {name: mediation, namespace: voice}
spec:
  trustDomain: contoso
  role: Mediation
  poolFQDN: medpool.contoso.com
  members: [{fqdn: med01.contoso.com}]
  certificates: {scope: Pool, uses: [{use: Default, formats: [PKCS12, CombinedPEM]}]}
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustedServer
metadata: {name: chat, namespace: voice}
spec:
  trustDomain: contoso
  role: PersistentChat
  poolFQDN: chat.contoso.com
  members: [{fqdn: chat01.contoso.com}]
  certificates: {scope: Pool, uses: [{use: Default, formats: [PKCS12]}]}
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustedServer
metadata: {name: retired, namespace: voice}
spec:
  trustDomain: contoso
  role: TrustedApplication
  poolFQDN: retired.contoso.com
  members: [{fqdn: retired01.contoso.com}]
  certificates: {scope: Pool, uses: [{use: Default, formats: [PKCS12]}]}
---
apiVersion: trustmesh.io/v1alpha1
kind: TrustedServer
metadata: {name: mediation, namespace: elsewhere}
spec:
  trustDomain: fabrikam
  role: Mediation
  poolFQDN: medpool.fabrikam.com
  members: [{fqdn: med01.fabrikam.com}]
  certificates: {scope: Pool, uses: [{use: Default, formats: [PKCS12]}]}
`);

/** Milliseconds for the control plane, the operator and the peers to start, and for everything to be issued. */
const SETUP_LIMIT_MS = 10 * 60_000;

const running = new AsyncDisposableStack();
let client: KubeClient;
let peers: Peers;

/** As the API server returned them once everything was Ready. */
let frontEnd: Material;
let mediation: Material;
let chat: Material;
let retired: Material;
let foreign: Material;
let clientBundle: Trust;
let contosoCA: Issuing;
let fabrikamCA: Issuing;
let namesForFrontEnds: readonly string[];
let namesForMediation: readonly string[];

const mediationNames = {
  dnsNames: ['medpool.contoso.com', 'med01.contoso.com'],
  uri: 'spiffe://contoso.com/mediation/medpool.contoso.com',
};

beforeAll(async () => {
  const [controlPlane, startedPeers] = await Promise.all([startControlPlane(), startPeers()]);
  running.use(controlPlane);
  peers = running.use(startedPeers);
  client = running.use(new KubeClient(loadKubeConfig(controlPlane.kubeconfig)));
  await issueEverything(controlPlane);

  const [ofFrontEnd, ofMediation, ofChat, ofRetired, ofForeign] = await Promise.all([
    secret('voice', 'pool01-fe01-tls'),
    secret('voice', 'mediation-tls'),
    secret('voice', 'chat-tls'),
    secret('voice', 'retired-tls'),
    secret('elsewhere', 'mediation-tls'),
  ]);
  [frontEnd, mediation, chat, retired, foreign] = [ofFrontEnd, ofMediation, ofChat, ofRetired, ofForeign];
  clientBundle = trustOf(await client.get(configMaps, { namespace: 'voice', name: 'trustmesh-contoso' }));
  contosoCA = authorityOf(await secret('trustmesh-system', 'contoso-issuing-1'));
  fabrikamCA = authorityOf(await secret('trustmesh-system', 'fabrikam-issuing-1'));
  namesForFrontEnds = await listedNames('trustmesh-contoso-front-end');
  namesForMediation = await listedNames('trustmesh-contoso-mediation');
}, SETUP_LIMIT_MS);
afterAll(() => running.disposeAsync());

async function issueEverything(controlPlane: ControlPlane): Promise<void> {
  const { kubeconfig } = await installOperator(controlPlane);
  running.use(await startOperator({ kubeconfig }));
  const namespaces = topology.filter(({ kind }) => kind === 'Namespace');
  await applyManifests(controlPlane.kubeconfig, namespaces);
  await applyManifests(
    controlPlane.kubeconfig,
    topology.filter((object) => !namespaces.includes(object)),
  );
  const kinds: Readonly<Record<string, Resource>> = {
    EnterpriseCA: enterpriseCAs,
    TrustDomain: trustDomains,
    TrustedServer: trustedServers,
  };
  await Promise.all(
    topology.map(async ({ kind, metadata: { name, namespace } }) => {
      const resource = kinds[kind];
      if (resource !== undefined) await ready(resource, { name, ...(namespace === undefined ? {} : { namespace }) });
    }),
  );
}

const status = z.object({
  metadata: z.object({ generation: z.number() }),
  status: z.object({
    observedGeneration: z.number(),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string() })),
  }),
});

async function ready(resource: Resource, key: { readonly namespace?: string; readonly name: string }): Promise<void> {
  await waitFor(
    `${resource.kind} ${key.name} to be Ready`,
    async () => {
      const { metadata, status: seen } = status.parse(await client.get(resource, key));
      const current = seen.observedGeneration === metadata.generation;
      if (current && seen.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return true;
      throw new Error(JSON.stringify(seen));
    },
    { limitMs: 60_000 },
  );
}

async function secret(namespace: string, name: string): Promise<Material> {
  return materialOf(await client.get(secrets, { namespace, name }));
}

const peerList = z.object({ peers: z.array(z.object({ names: z.array(z.string()) })) });

/** What software that checks names is given to check them against. */
async function listedNames(configMap: string): Promise<readonly string[]> {
  const { data = {} } = await client.get(configMaps, { namespace: 'voice', name: configMap });
  return peerList.parse(JSON.parse(data['peers.json'] ?? '')).peers.flatMap(({ names }) => names);
}

/** A front end's listener, which holds clients to the front ends' peer list where the program can. */
function asFrontEnd(name: PeerName): ListenOptions {
  return {
    material: frontEnd,
    requireClientCertificate: true,
    ...(peers[name].checksNames ? { allowedNames: namesForFrontEnds } : {}),
  };
}

describe.each(peerNames)('MTLS with %s as server', (server) => {
  it.each(peerNames)('%s as client: a mediation server calls a front end', async (caller) => {
    await using listener = await peers[server].listen(asFrontEnd(server));
    for (const serverName of ['fe01.contoso.com', 'pool01.contoso.com']) {
      const meeting = await meet(listener, peers[caller], { material: mediation, trust: mediation, serverName });
      expect(meeting).toMatchObject({
        server: { accepted: true, peerNames: [...mediationNames.dnsNames, mediationNames.uri] },
        client: {
          accepted: true,
          peerNames: expect.arrayContaining(['fe01.contoso.com', 'pool01.contoso.com', 'sip.contoso.com']),
        },
      });
    }
  });

  it.each(peerNames)('%s as client: a front end calls a mediation server', async (caller) => {
    const names = peers[server].checksNames ? { allowedNames: namesForMediation } : {};
    await using listener = await peers[server].listen({ material: mediation, requireClientCertificate: true, ...names });
    const { verdict } = await meet(listener, peers[caller], {
      material: frontEnd,
      trust: frontEnd,
      serverName: 'medpool.contoso.com',
    });
    expect(verdict).toBe('accepted');
  });

  it('is the same in TLS 1.2', async () => {
    await using listener = await peers[server].listen({ ...asFrontEnd(server), protocol: 'TLSv1.2' });
    const calls = { material: mediation, trust: mediation, serverName: 'pool01.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient('accepted'));
  });
});

describe.each(peerNames)('client TLS with %s as server', (server) => {
  it('is accepted by clients that have nothing but the client bundle', async () => {
    await using listener = await peers[server].listen({ material: frontEnd, requireClientCertificate: false });
    const calls = { trust: clientBundle, serverName: 'sip.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient('accepted'));
  });

  it('is refused by clients that look for another server', async () => {
    await using listener = await peers[server].listen({ material: frontEnd, requireClientCertificate: false });
    const calls = { trust: clientBundle, serverName: 'sip.fabrikam.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient({ refusedBy: 'client', reason: 'name-mismatch' }));
  });

  it('is refused by the clients of another network', async () => {
    await using listener = await peers[server].listen({ material: frontEnd, requireClientCertificate: false });
    const calls = { trust: foreign, serverName: 'sip.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient({ refusedBy: 'client', reason: 'untrusted-issuer' }));
  });
});

describe.each(peerNames)('what must fail with %s as server', (server) => {
  it.each([
    ["a server of another network, with that network's CA", () => foreign],
    ['a certificate for our names from the CA of another network', () => makeMaterial(fabrikamCA, mediationNames)],
    [
      'a certificate for our names from a CA that copies the name of ours',
      () => makeMaterial(makeAuthority('contoso'), mediationNames),
    ],
  ])('refuses %s', async (_, material) => {
    await using listener = await peers[server].listen(asFrontEnd(server));
    const calls = { material: material(), trust: mediation, serverName: 'pool01.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient({ refusedBy: 'server', reason: 'untrusted-issuer' }));
  });

  it('refuses a certificate of our CA that has expired', async () => {
    const now = Date.now();
    const material = makeMaterial(contosoCA, { ...mediationNames, notBefore: now - day, notAfter: now - minute });
    await using listener = await peers[server].listen(asFrontEnd(server));
    const calls = { material, trust: mediation, serverName: 'pool01.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient({ refusedBy: 'server', reason: 'expired' }));
  });

  it('refuses a server that shows no certificate', async () => {
    await using listener = await peers[server].listen(asFrontEnd(server));
    const calls = { trust: mediation, serverName: 'pool01.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(
      withEachClient({ refusedBy: 'server', reason: 'no-certificate-presented' }),
    );
  });

  it.each([
    ['another member of its pool', 'fe02.contoso.com'],
    ['another server', 'medpool.contoso.com'],
  ])('is refused under the name of %s', async (_, serverName) => {
    await using listener = await peers[server].listen(asFrontEnd(server));
    const calls = { material: mediation, trust: mediation, serverName };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient({ refusedBy: 'client', reason: 'name-mismatch' }));
  });

  it('is refused with a certificate of another network, or with one of ours that has expired', async () => {
    const now = Date.now();
    const names = { dnsNames: ['pool01.contoso.com'] };
    const calls = { material: mediation, trust: mediation, serverName: 'pool01.contoso.com' };
    await using impostor = await peers[server].listen({
      material: makeMaterial(fabrikamCA, names),
      requireClientCertificate: false,
    });
    expect(await meetEach(impostor, peers, { ...calls })).toEqual(
      withEachClient({ refusedBy: 'client', reason: 'untrusted-issuer' }),
    );
    const old = makeMaterial(contosoCA, { ...names, notBefore: now - day, notAfter: now - minute });
    await using late = await peers[server].listen({ material: old, requireClientCertificate: false });
    expect(await meetEach(late, peers, calls)).toEqual(withEachClient({ refusedBy: 'client', reason: 'expired' }));
  });
});

describe.each(['node', 'go', 'java'] as const)('a certificate of the right CA does not help, with %s as server', (server) => {
  const notInTopology = withEachClient({ refusedBy: 'server', reason: 'peer-not-in-topology' });

  it('a name that the topology does not have', async () => {
    const material = makeMaterial(contosoCA, {
      dnsNames: ['stranger.contoso.com'],
      uri: 'spiffe://contoso.com/mediation/stranger.contoso.com',
    });
    await using listener = await peers[server].listen(asFrontEnd(server));
    expect(await meetEach(listener, peers, { material, trust: mediation, serverName: 'pool01.contoso.com' })).toEqual(
      notInTopology,
    );
  });

  it('a trusted server whose role has no business here', async () => {
    await using listener = await peers[server].listen({
      material: mediation,
      requireClientCertificate: true,
      allowedNames: namesForMediation,
    });
    expect(await meetEach(listener, peers, { material: chat, trust: chat, serverName: 'medpool.contoso.com' })).toEqual(
      notInTopology,
    );
  });
});

describe('formats', () => {
  it('Java trusts by the trust store of the ConfigMap, of the Secret, and by PEM alike', async () => {
    expect(clientBundle['truststore.p12']).toBeDefined();
    expect(mediation['truststore.p12']).toBeDefined();
    await using listener = await peers.openssl.listen({ material: frontEnd, requireClientCertificate: false });
    for (const trust of [clientBundle, mediation, { 'ca.crt': clientBundle['ca.crt'] }]) {
      const { verdict } = await meet(listener, peers.java, { trust, serverName: 'pool01.contoso.com' });
      expect(verdict).toBe('accepted');
    }
  });

  it('keytool lists the key store with its password, and the trust store without one', async () => {
    await using files = await filesOf(frontEnd);
    const password = frontEnd['keystore-password']?.toString();
    const list = async (name: string, ...args: string[]) =>
      (
        await runProgram(
          'keytool',
          ['-J-Duser.language=en', '-list', '-storetype', 'PKCS12', '-keystore', files.path(name), ...args],
          { env: { PASSWORD: password }, input: '\n' },
        )
      ).stdout;
    expect(await list('keystore.p12', '-storepass:env', 'PASSWORD')).toMatch(/PrivateKeyEntry/);
    expect(await list('truststore.p12')).toMatch(/trustedCertEntry/);
  });

  it('one combined PEM file is chain and key, as HAProxy loads it', async () => {
    const combined = frontEnd['tls-combined.pem'] ?? Buffer.alloc(0);
    await using listener = await peers.openssl.listen({
      material: { ...frontEnd, 'tls.crt': combined, 'tls.key': combined },
      requireClientCertificate: true,
    });
    const calls = { material: mediation, trust: mediation, serverName: 'pool01.contoso.com' };
    expect(await meetEach(listener, peers, calls)).toEqual(withEachClient('accepted'));
    const haproxy = await onPath('haproxy');
    if (haproxy === undefined) return;
    await using files = await filesOf(frontEnd);
    await writeFile(
      files.path('haproxy.cfg'),
      `defaults
  mode tcp
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend sip
  bind 127.0.0.1:5061 ssl crt ${files.path('tls-combined.pem')} ca-file ${files.path('ca.crt')} verify required
  default_backend none
backend none
`,
    );
    // Checks the file and loads what it names; binds nothing.
    await runProgram(haproxy, ['-c', '-f', files.path('haproxy.cfg')]);
  });
});

describe('a server that is taken out of the topology', () => {
  it('loses its peers, although its certificate is valid for months', async () => {
    const verdicts = async (allowedNames: readonly string[]) => {
      await using listener = await peers.go.listen({ material: frontEnd, requireClientCertificate: true, allowedNames });
      return await meetEach(listener, peers, { material: retired, trust: retired, serverName: 'pool01.contoso.com' });
    };
    expect(await verdicts(namesForFrontEnds)).toEqual(withEachClient('accepted'));
    await client.delete(trustedServers, { namespace: 'voice', name: 'retired' });
    const names = await waitFor(
      'the front ends to be told',
      async () => {
        const listed = await listedNames('trustmesh-contoso-front-end');
        return listed.includes('retired.contoso.com') ? undefined : listed;
      },
      { limitMs: 30_000 },
    );
    expect(await verdicts(names)).toEqual(withEachClient({ refusedBy: 'server', reason: 'peer-not-in-topology' }));
  });
});

interface Files extends AsyncDisposable {
  path(name: string): string;
}

/** A Secret as a directory, as a Pod sees it. */
async function filesOf(material: Material): Promise<Files> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-secret-'));
  for (const [name, content] of Object.entries(material)) await writeFile(join(directory, name), content, { mode: 0o600 });
  return {
    path: (name) => join(directory, name),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
