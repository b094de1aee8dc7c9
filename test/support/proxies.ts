// Envoy, HAProxy and nginx on rendered files, with what a user adds: where to listen, what lies behind, whom to call.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Output } from '../../operator/outputs/formats.ts';
import { envoyProgram } from './envoy.ts';
import { type Program, runProgram, startProgram } from './process.ts';

export interface ProxyOptions {
  /** Where the files are mounted that the documentation has below /etc/trustmesh. */
  readonly root: string;
  /** Rendered listeners with mutual TLS. */
  readonly listeners: readonly { readonly name: string; readonly port: number }[];
  /** Port of the plain server behind all of them. */
  readonly backend: number;
  /** Takes plain connections and passes them on over TLS, to a server that must have this name. */
  readonly calls?: { readonly port: number; readonly to: number; readonly name: string; readonly partner: string };
}

export interface RunningProxy extends AsyncDisposable {
  readonly program: Program;
  /** Has it read its files anew; one that does so by itself is left alone. */
  reload(): void;
}

export interface ProxySoftware {
  readonly name: 'Envoy' | 'HAProxy' | 'nginx';
  readonly output: Output;
  /** Of the inventory (toolchain.ts). */
  readonly tools: readonly string[];
  /** Major and minor, and what it needs to read names. */
  version(): Promise<string>;
  /** Checks the configuration with the program's own checker, and starts it. */
  start(options: ProxyOptions): Promise<RunningProxy>;
}

const versionIn = (text: string): string => /\b(\d+\.\d+)\.\d+/.exec(text)?.[1] ?? text;

const envoy: ProxySoftware = {
  name: 'Envoy',
  output: 'Envoy',
  tools: ['envoy'],
  version: async () => versionIn((await runProgram(await envoyProgram(), ['--version'])).stdout),
  start: async (options) => {
    const configuration = join(options.root, 'envoy.yaml');
    await writeFile(configuration, await bootstrap(options));
    const args = ['-c', configuration, '--service-node', 'edge', '--service-cluster', 'edge', '--use-dynamic-base-id'];
    const command = await envoyProgram();
    await runProgram(command, [...args, '--mode', 'validate']);
    return running(await startProgram(command, args));
  },
};

const local = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

async function bootstrap({ root, listeners, backend, calls }: ProxyOptions): Promise<string> {
  const rendered = async (name: string) => parse(await readFile(join(root, 'trust', name), 'utf8'));
  const filters = (cluster: string) => {
    const type = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
    return [{ name: 'envoy.filters.network.tcp_proxy', typed_config: { '@type': type, stat_prefix: cluster, cluster } }];
  };
  const cluster = (name: string, port: number, more: object) => {
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: local(port) } }] }];
    return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints }, ...more };
  };
  const inbound = await Promise.all(
    listeners.map(async ({ name, port }) => {
      const socket = await rendered(`envoy-listener-${name}.yaml`);
      return { name, address: local(port), filter_chains: [{ filters: filters('behind'), ...socket }] };
    }),
  );
  const outbound = calls && { name: 'calls', address: local(calls.port), filter_chains: [{ filters: filters('called') }] };
  const called = calls && cluster('called', calls.to, await rendered(`envoy-cluster-partner-${calls.partner}.yaml`));
  return stringify({
    static_resources: {
      listeners: [...inbound, ...(outbound === undefined ? [] : [outbound])],
      clusters: [cluster('behind', backend, {}), ...(called === undefined ? [] : [called])],
    },
  });
}

const haproxy: ProxySoftware = {
  name: 'HAProxy',
  output: 'HAProxy',
  tools: ['haproxy'],
  version: async () => `${versionIn((await runProgram('haproxy', ['-v'])).stdout)} with Lua`,
  start: async ({ root, listeners, backend, calls }) => {
    const own = join(root, 'own.cfg');
    const { port, to, name, partner } = calls ?? {};
    const anchors = `${root}/trust/partner-${partner}.crt`;
    await writeFile(
      own,
      `defaults
  mode tcp
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${listeners.map((listener) => `backend ${listener.name}\n  server behind 127.0.0.1:${backend}\n`).join('')}
${calls ? `listen calls\n  bind 127.0.0.1:${port}\n  server called 127.0.0.1:${to} ssl verify required verifyhost ${name} ca-file ${anchors}\n` : ''}`,
    );
    const args = ['-f', own, '-f', join(root, 'trust/haproxy.cfg')];
    await runProgram('haproxy', ['-c', ...args]);
    return running(await startProgram('haproxy', ['-W', ...args]), 'SIGUSR2');
  },
};

const nginx: ProxySoftware = {
  name: 'nginx',
  output: 'Nginx',
  tools: ['nginx', 'nginx-http-js'],
  version: async () => `${versionIn((await runProgram('nginx', ['-v'])).stderr)} with njs`,
  start: async ({ root, listeners, backend, calls }) => {
    const { port, to, name, partner } = calls ?? {};
    const anchors = `${root}/trust/partner-${partner}.crt`;
    const own = join(root, 'nginx.conf');
    await writeFile(
      own,
      `include /etc/nginx/modules-enabled/*.conf;
daemon off;
pid ${root}/pid;
error_log stderr info;
events {}
stream {
${listeners.map((listener) => `server { include ${root}/trust/nginx-${listener.name}.stream.conf; proxy_pass 127.0.0.1:${backend}; }\n`).join('')}
${calls ? `server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${to}; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_verify_depth 8; proxy_ssl_name ${name}; proxy_ssl_trusted_certificate ${anchors}; }` : ''}
}
`,
    );
    const args = ['-e', 'stderr', '-c', own];
    await runProgram('nginx', ['-t', ...args]);
    return running(await startProgram('nginx', args), 'SIGHUP');
  },
};

export const proxies: readonly ProxySoftware[] = [envoy, haproxy, nginx];

function running(program: Program, signal?: NodeJS.Signals): RunningProxy {
  return {
    program,
    reload: () => void (signal !== undefined && process.kill(program.pid, signal)),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/**
 * For a moment after a reload whoever served before takes connections beside whoever serves now. A probe for `waitFor`: true
 * once `holds` was so ten times in a row.
 */
export function steadily(holds: () => Promise<boolean>): () => Promise<boolean> {
  let times = 0;
  return async () => {
    times = (await holds()) ? times + 1 : 0;
    return times >= 10;
  };
}
