// The files that the operator renders for Envoy, HAProxy and nginx, as they stand in the API server: laid out as the
// documentation says, taken by each program's own checker, and held to what they promise by handshakes.
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { trustedServers } from '../../operator/kube/resource.ts';
import { envoyProgram } from '../support/envoy.ts';
import {
  domainManifest,
  enterpriseCAManifest,
  mediaNamespace,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
} from '../support/installation.ts';
import { needing } from '../support/needing.ts';
import { type Material, type Peers, type Protocol, peerNames, startPeers } from '../support/peers/index.ts';
import { authorityOf, makeAuthority, makeMaterial, materialOf } from '../support/peers/material.ts';
import { freePort } from '../support/port.ts';
import { type Program, runProgram, startProgram } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const tools = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'openssl', 'go', 'java'] as const;

/** Milliseconds for the control plane, the operator and the peers to start, and for everything to be issued. */
const SETUP_LIMIT_MS = 10 * 60_000;

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;
let peers: Peers;
/** The port of a plain server behind the proxies that answers a line with `welcome`. */
let backend: number;

/** Whom mediation servers meet: a front end, and one that will leave. */
let frontEnd: Material;
let retired: Material;
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
      pool('retired', { role: 'FrontEnd' }) +
      pool('chat', { role: 'PersistentChat' }) +
      pool('neighbour', { role: 'Mediation' }),
  );
  const issued = async (name: string) => {
    await trustmesh.ready('media', name);
    return materialOf(await trustmesh.secret('media', `${name}-tls`));
  };
  [frontEnd, retired, chat, neighbour] = await Promise.all([
    issued('frontend'),
    issued('retired'),
    issued('chat'),
    issued('neighbour'),
  ]);
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

type Data = Readonly<Record<string, string | Buffer>>;

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
  const data = await trustmesh.configMap('media', `${name}-trust`);
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, text.replaceAll('/etc/trustmesh', root)]));
}

/** As kubelet writes a volume: the files are links through `..data`, which is replaced by one rename. */
async function mount(directory: string, data: Data): Promise<void> {
  await mkdir(directory, { recursive: true });
  const version = await mkdtemp(join(directory, '..'));
  for (const [name, content] of Object.entries(data)) await writeFile(join(version, name), content);
  await symlink(version, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  for (const name of Object.keys(data)) {
    await rm(join(directory, name), { force: true });
    await symlink(join('..data', name), join(directory, name));
  }
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

/** What every one of them does, and what those do that cannot read names. */
function holds(name: string, strangers: typeof accepted, server: () => Mounted): void {
  it('accepts a peer', async () => {
    expect(await callsBy(frontEnd, server(), name)).toEqual(accepted);
  });

  it(`${strangers === refused ? 'refuses' : 'cannot refuse'} a certificate of the right CA that is of no peer`, async () => {
    expect(await callsBy(stranger, server(), name)).toEqual(strangers);
    expect(await callsBy(chat, server(), name)).toEqual(strangers);
  });

  it('refuses a caller without a certificate', async () => {
    expect(await callsBy(undefined, server(), name)).toEqual(refused);
  });

  it("refuses a peer's name from another CA", async () => {
    expect(await callsBy(foreign, server(), name)).toEqual(refused);
  });

  it('refuses a TLS version below the minimum', async () => {
    expect(await callsBy(frontEnd, server(), name, 'TLSv1.2')).toEqual(refused);
  });
}

/** Starts a proxy and returns when it listens. */
async function serve(command: string, args: readonly string[], { port }: Mounted): Promise<void> {
  const program: Program = running.use(await startProgram(command, args));
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

needing(...tools, 'envoy').describe('Envoy', () => {
  const name = 'envoy';
  let server: Mounted;

  beforeAll(async () => {
    server = await mounted(name, 'Envoy');
    const configuration = join(server.root, 'envoy.yaml');
    await writeFile(configuration, await bootstrap());
    const args = ['-c', configuration, '--service-node', name, '--service-cluster', name, '--use-dynamic-base-id'];
    const envoy = await envoyProgram();
    await runProgram(envoy, [...args, '--mode', 'validate']);
    await serve(envoy, args, server);
  }, 60_000);

  /** What a user adds: where to listen, and what lies behind. */
  async function bootstrap(): Promise<string> {
    const { 'envoy-listener-sip.yaml': socket = '' } = await trustOf(name, server.root);
    const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
    const type = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
    const proxy = { '@type': type, stat_prefix: 'sip', cluster: 'sip' };
    const filters = [{ name: 'envoy.filters.network.tcp_proxy', typed_config: proxy }];
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(backend) } }] }];
    return stringify({
      static_resources: {
        listeners: [{ name: 'sip', address: address(server.port), filter_chains: [{ filters, ...parse(socket) }] }],
        clusters: [{ name: 'sip', type: 'STATIC', load_assignment: { cluster_name: 'sip', endpoints } }],
      },
    });
  }

  holds(name, refused, () => server);

  it('accepts members of its own pool, and of no other of its role', async () => {
    const own = materialOf(await trustmesh.secret('media', `${name}-tls`));
    expect(await callsBy(own, server, name)).toEqual(accepted);
    expect(await callsBy(neighbour, server, name)).toEqual(refused);
  });

  it('refuses a server that left the topology, without a reload', async () => {
    expect(await callsBy(retired, server, name)).toEqual(accepted);
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'retired' });
    const without = await waitFor(
      'the list without it',
      async () => {
        const data = await trustOf(name, server.root);
        return data['envoy-default-peers.yaml']?.includes('retired') ? undefined : data;
      },
      { limitMs: 30_000 },
    );
    await mount(join(server.root, 'trust'), without);
    const calls = { material: retired, trust: retired, port: server.port, serverName: `${name}.contoso.com` };
    await waitFor('Envoy to read the list', async () => !(await peers.node.connect(calls)).accepted);
    expect(await callsBy(retired, server, name)).toEqual(refused);
    expect(await callsBy(frontEnd, server, name)).toEqual(accepted);
  });
});

needing(...tools, 'haproxy').describe('HAProxy', () => {
  const name = 'haproxy';
  let server: Mounted;

  beforeAll(async () => {
    server = await mounted(name, 'HAProxy');
    const own = join(server.root, 'own.cfg');
    await writeFile(
      own,
      `defaults
  timeout connect 5s
  timeout client 20s
  timeout server 20s
backend sip
  mode tcp
  server behind 127.0.0.1:${backend}
`,
    );
    const args = ['-f', own, '-f', join(server.root, 'trust/haproxy.cfg')];
    await runProgram('haproxy', ['-c', ...args]);
    await serve('haproxy', args, server);
  }, 60_000);

  holds(name, accepted, () => server);
});

needing(...tools, 'nginx').describe('nginx', () => {
  const name = 'nginx';
  let server: Mounted;
  let webPort: number;

  beforeAll(async () => {
    webPort = await freePort();
    server = await mounted(name, 'Nginx', [{ name: 'web', port: webPort, protocol: 'MTLS' }]);
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
stream {
  server {
    include ${server.root}/trust/nginx-sip.conf;
    proxy_pass 127.0.0.1:${backend};
  }
}
http {
  access_log off;
  ${temporary.join(' ')}
  server {
    include ${server.root}/trust/nginx-web.conf;
    return 200;
  }
}
`,
    );
    const args = ['-e', 'stderr', '-c', own];
    await runProgram('nginx', ['-t', ...args]);
    await serve('nginx', args, server);
  }, 60_000);

  holds(name, accepted, () => server);

  it('answers 400 to those whom it refuses in http', async () => {
    expect(await answerTo(frontEnd)).toBe(200);
    expect(await answerTo(foreign)).toBe(400);
    expect(await answerTo(undefined)).toBe(400);
  });

  async function answerTo(material: Material | undefined): Promise<number | undefined> {
    const identity = material === undefined ? {} : { cert: material['tls.crt'], key: material['tls.key'] };
    const options = { host: '127.0.0.1', port: webPort, servername: `${name}.contoso.com`, ca: frontEnd['ca.crt'], agent: false };
    const [response] = await once(request({ ...options, ...identity }).end(), 'response');
    response.resume();
    return response.statusCode;
  }
});

needing(...tools).describe('an output that is not rendered', () => {
  const edge = (outputs: readonly string[]) =>
    pool('edge', { role: 'Edge', certificates: { scope: 'Pool', uses: [{ use: 'Internal' }] }, outputs });

  it('is said in the condition, and the others are there', async () => {
    await trustmesh.apply(edge(['Envoy', 'HAProxy']));
    const { message } = await trustmesh.reason('media', 'edge', 'TrustDistributed', 'OutputNotRendered');
    expect(message).toMatch(/^HAProxy is not rendered for an Edge/);
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
