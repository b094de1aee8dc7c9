// The files that the operator renders for Envoy, HAProxy and nginx, as they stand in the API server: laid out as the
// documentation says, taken by each program's own checker, and held to what they promise by handshakes.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustedServers } from '../../operator/kube/resource.ts';
import {
  domainManifest,
  enterpriseCAManifest,
  mediaNamespace,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { mount, relocated } from '../support/mounted.ts';
import { needing } from '../support/needing.ts';
import { type Material, type Peers, type Protocol, peerNames, startPeers } from '../support/peers/index.ts';
import { authorityOf, makeAuthority, makeMaterial, materialOf } from '../support/peers/material.ts';
import { freePort } from '../support/port.ts';
import { type Program, runProgram, startProgram } from '../support/process.ts';
import { proxies, type RunningProxy, steadily } from '../support/proxies.ts';
import { hasCode } from '../support/system-error.ts';
import { waitFor } from '../support/wait.ts';

const tools = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'openssl', 'go', 'java'] as const;

/** Milliseconds for the control plane, the operator and the peers to start, and for everything to be issued. */
const SETUP_LIMIT_MS = 10 * 60_000;

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;
let peers: Peers;
/** The port of a plain server behind the proxies that answers a line with `welcome`. */
let backend: number;

/** Whom mediation servers meet. */
let frontEnd: Material;
/** Trusted servers that have no business with the mediation servers of another pool. */
let chat: Material;
let neighbour: Material;
/** A certificate of the enterprise for a name that the topology does not have. */
let stranger: Material;
let foreign: Material;

beforeAll(async () => {
  const [started, startedPeers] = await Promise.all([startTrustmesh(), startPeers()]);
  trustmesh = running.use(started);
  peers = running.use(startedPeers);
  backend = await startBackend();
  await trustmesh.apply(
    mediaNamespace +
      enterpriseCAManifest('contoso', { managed: {} }) +
      domainManifest('contoso', { security: { tls: { minVersion: '1.3' } } }) +
      pool('frontend', { role: 'FrontEnd' }) +
      pool('chat', { role: 'PersistentChat' }) +
      pool('neighbour', { role: 'Mediation' }),
  );
  const issued = async (name: string) => {
    await trustmesh.ready('media', name);
    return materialOf(await trustmesh.secret('media', `${name}-tls`));
  };
  [frontEnd, chat, neighbour] = await Promise.all([issued('frontend'), issued('chat'), issued('neighbour')]);
  const names = (of: string) => ({
    dnsNames: [`${of}.contoso.com`],
    uri: `spiffe://contoso.com/front-end/${of}.contoso.com`,
  });
  const contosoCA = authorityOf(materialOf(await trustmesh.secret('trustmesh-system', 'contoso-issuing-1')));
  stranger = makeMaterial(contosoCA, names('stranger'));
  foreign = makeMaterial(makeAuthority('fabrikam'), names('frontend'));
}, SETUP_LIMIT_MS);
afterAll(() => running.disposeAsync());

function pool(name: string, spec: Readonly<Record<string, unknown>>): string {
  const certificates = { scope: 'Pool', uses: [{ use: 'Default', formats: ['PKCS12'] }] };
  return serverManifest(name, {
    poolFQDN: `${name}.contoso.com`,
    members: [{ fqdn: `${name}01.contoso.com` }],
    certificates,
    ...spec,
  });
}

async function startBackend(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write('welcome\n')).on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
  });
  running.defer(() => void server.close());
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return port;
}

interface Mounted {
  readonly root: string;
  readonly port: number;
}

/** A mediation server that asks for an output: its Secret and its ConfigMap, mounted where the documentation says. */
async function mounted(name: string, output: string, more: readonly object[] = []): Promise<Mounted> {
  const port = await freePort();
  await trustmesh.apply(pool(name, { outputs: [output], listeners: [{ name: 'sip', port, protocol: 'MTLS' }, ...more] }));
  await trustmesh.ready('media', name);
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-mounted-'));
  running.defer(() => rm(root, { recursive: true, force: true }));
  await mount(join(root, 'default'), { ...materialOf(await trustmesh.secret('media', `${name}-tls`)) });
  await mount(join(root, 'trust'), await trustOf(name, root));
  return { root, port };
}

/** The files of a server's ConfigMap, for a machine on which they lie elsewhere. */
async function trustOf(name: string, root: string): Promise<Readonly<Record<string, string>>> {
  return relocated(await trustmesh.configMap('media', `${name}-trust`), root);
}

/** What each peer says of a call: `accepted` when its line came back from behind the proxy. */
async function callsBy(material: Material | undefined, { port }: Mounted, name: string, protocol: Protocol = 'TLSv1.3') {
  const verdicts: Record<string, string> = {};
  for (const caller of peerNames) {
    const options = { trust: frontEnd, port, serverName: `${name}.contoso.com`, protocol };
    const call = await peers[caller].connect({ ...options, ...(material === undefined ? {} : { material }) });
    verdicts[caller] = call.accepted ? 'accepted' : `refused by ${call.refusedBy}`;
  }
  return verdicts;
}

const each = (verdict: string) => Object.fromEntries(peerNames.map((name) => [name, verdict]));
const accepted = each('accepted');
const refused = each('refused by peer');

for (const software of proxies) {
  needing(...tools, ...software.tools).describe(software.name, () => {
    const name = software.name.toLowerCase();
    let server: Mounted;
    let proxy: RunningProxy;

    beforeAll(async () => {
      server = await mounted(name, software.output);
      const listeners = [{ name: 'sip', port: server.port }];
      proxy = running.use(await software.start({ root: server.root, listeners, backend }));
      await listens(server, proxy.program);
    }, 60_000);

    it('accepts a peer', async () => {
      expect(await callsBy(frontEnd, server, name)).toEqual(accepted);
    });

    it('refuses a certificate of the right CA that is of no peer', async () => {
      expect(await callsBy(stranger, server, name)).toEqual(refused);
      expect(await callsBy(chat, server, name)).toEqual(refused);
    });

    it('accepts members of its own pool, and of no other of its role', async () => {
      const own = materialOf(await trustmesh.secret('media', `${name}-tls`));
      expect(await callsBy(own, server, name)).toEqual(accepted);
      expect(await callsBy(neighbour, server, name)).toEqual(refused);
    });

    it('refuses a caller without a certificate', async () => {
      expect(await callsBy(undefined, server, name)).toEqual(refused);
    });

    it("refuses a peer's name from another CA", async () => {
      expect(await callsBy(foreign, server, name)).toEqual(refused);
    });

    it('refuses a TLS version below the minimum', async () => {
      expect(await callsBy(frontEnd, server, name, 'TLSv1.2')).toEqual(refused);
    });

    it('refuses a server that left the topology, once it has read the list', async () => {
      const leaver = `left-${name}`;
      await trustmesh.apply(pool(leaver, { role: 'FrontEnd' }));
      await trustmesh.ready('media', leaver);
      const retired = materialOf(await trustmesh.secret('media', `${leaver}-tls`));
      const take = async (listed: boolean) => {
        const isDue = (files: Readonly<Record<string, string>>) =>
          Object.values(files).some((text) => text.includes(`spiffe://contoso.com/front-end/${leaver}.`)) === listed;
        const files = await waitFor(
          `the list ${listed ? 'with' : 'without'} it`,
          async () => {
            const current = await trustOf(name, server.root);
            return isDue(current) ? current : undefined;
          },
          { limitMs: 30_000 },
        );
        await mount(join(server.root, 'trust'), files);
        proxy.reload();
        const call = { material: retired, trust: retired, port: server.port, serverName: `${name}.contoso.com` };
        const isRead = steadily(async () => (await peers.node.connect(call)).accepted === listed);
        await waitFor(`${software.name} to read the list`, isRead, { limitMs: 30_000, seen: proxy.program.output });
      };
      await take(true);
      await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: leaver });
      await take(false);
      expect(await callsBy(retired, server, name)).toEqual(refused);
      expect(await callsBy(frontEnd, server, name)).toEqual(accepted);
    });
  });
}

/** Returns when a proxy takes connections. */
async function listens({ port }: Mounted, program: Program): Promise<void> {
  const probe = { trust: frontEnd, material: frontEnd, port, serverName: 'proxy.contoso.com' };
  await waitFor(
    `${program.name} to listen`,
    async () => {
      if (!program.running) throw new Error('it has ended');
      const call = await peers.node.connect(probe);
      return call.accepted || call.refusedBy === 'peer' || call.reason !== 'connection-refused';
    },
    { limitMs: 30_000, everyMs: 200, seen: program.output },
  );
}

needing(...tools, 'nginx', 'nginx-http-js').describe('nginx in http', () => {
  const name = 'web';
  let server: Mounted;

  beforeAll(async () => {
    server = await mounted(name, 'Nginx');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${server.root}/${kind};`,
    );
    const own = join(server.root, 'nginx.conf');
    await writeFile(
      own,
      `include /etc/nginx/modules-enabled/*.conf;
daemon off;
pid ${server.root}/pid;
error_log stderr info;
events {}
http {
  access_log off;
  ${temporary.join(' ')}
  server {
    include ${server.root}/trust/nginx-sip.http.conf;
    error_page 400 495 496 =200 /welcome;
    location / { return 200; }
  }
}
`,
    );
    const args = ['-e', 'stderr', '-c', own];
    await runProgram('nginx', ['-t', ...args]);
    await listens(server, running.use(await startProgram('nginx', args)));
  }, 60_000);

  it('answers a peer, and nobody else, whatever page is shown for errors', async () => {
    expect(await answerTo(frontEnd)).toBe(200);
    for (const other of [stranger, chat, foreign, undefined]) expect(await answerTo(other)).toBe('nothing');
  });

  async function answerTo(material: Material | undefined): Promise<number | 'nothing' | undefined> {
    const identity = material === undefined ? {} : { cert: material['tls.crt'], key: material['tls.key'] };
    const options = {
      host: '127.0.0.1',
      port: server.port,
      servername: `${name}.contoso.com`,
      ca: frontEnd['ca.crt'],
      agent: false,
    };
    try {
      const [response] = await once(request({ ...options, ...identity }).end(), 'response');
      response.resume();
      return response.statusCode;
    } catch (error) {
      if (hasCode(error, 'ECONNRESET')) return 'nothing';
      throw error;
    }
  }
});

needing(...tools).describe('an output that is not rendered', () => {
  const edge = (outputs: readonly string[]) =>
    pool('edge', { role: 'Edge', certificates: { scope: 'Pool', uses: [{ use: 'Internal' }] }, outputs });

  it('is said in the condition, and the others are there', async () => {
    await trustmesh.apply(edge(['Envoy', 'HAProxy']));
    const { message } = await trustmesh.reason('media', 'edge', 'TrustDistributed', 'OutputNotRendered');
    expect(message).toMatch(/^HAProxy is rendered listener by listener, and spec\.listeners has none/);
    const files = Object.keys(await trustmesh.configMap('media', 'edge-trust')).sort();
    expect(files).toEqual(['ca.crt', 'envoy-internal-certificate.yaml', 'envoy-internal-peers.yaml', 'peers.json']);
  });

  it('leaves no file of an output that is not asked for any more', async () => {
    await trustmesh.apply(edge(['Nginx']));
    const files = async () =>
      Object.keys(await trustmesh.configMap('media', 'edge-trust'))
        .sort()
        .join();
    await waitFor('the files to go', async () => (await files()) === 'ca.crt,peers.json', { seen: files });
  });
});
