// The programs that the suites need beside Node: where each comes from, how it is had, what to install where it cannot be.
import { exists } from './cache.ts';
import { findBinary } from './controlplane/binaries.ts';
import { ENVOY_HINT, envoyProgram } from './envoy.ts';
import { GO_HINT } from './go.ts';
import { tryNameServer } from './name-server.ts';
import { onPath } from './path.ts';
import { lastLines, runProgram } from './process.ts';
import { say } from './progress.ts';

export type Suite = 'unit' | 'conformance' | 'cluster' | 'interop';

export interface Tool {
  readonly name: string;
  /** All of them must be on PATH, or `obtain` be able to make them. */
  readonly commands: readonly string[];
  readonly suites: readonly Suite[];
  /** The Debian package that has them. */
  readonly debianPackage?: string;
  /** What that package adds where it is no command: absolute paths, as Debian has them. */
  readonly debianFiles?: readonly string[];
  /** Finds or builds the program. Absent: it must be on PATH. */
  readonly obtain?: () => Promise<unknown>;
  /** For a person: what to install. */
  readonly install: string;
}

const ofControlPlane = (name: Parameters<typeof findBinary>[0], suites: readonly Suite[]): Tool => ({
  name,
  commands: [name],
  suites,
  obtain: () => findBinary(name),
  install: `${name} on PATH or in KUBEBUILDER_ASSETS, or what builds it: ${GO_HINT}`,
});

const onDebian = (
  name: string,
  commands: readonly string[],
  suites: readonly Suite[],
  debianPackage: string,
  debianFiles: readonly string[] = [],
): Tool => ({
  name,
  commands,
  suites,
  debianPackage,
  debianFiles,
  install: `${commands.join(', ')} (on Debian: apt-get install ${debianPackage})`,
});

/** In the order in which they are looked for: what builds others comes first. */
export const tools: readonly Tool[] = [
  { name: 'go', commands: ['go'], suites: ['unit', 'interop'], install: GO_HINT },
  onDebian('openssl', ['openssl'], ['unit', 'interop'], 'openssl'),
  onDebian('dnsmasq', ['dnsmasq'], ['unit', 'interop'], 'dnsmasq-base'),
  onDebian('java', ['java', 'javac', 'keytool'], ['unit', 'interop'], 'default-jdk-headless'),
  ofControlPlane('etcd', ['cluster', 'interop']),
  ofControlPlane('kube-apiserver', ['cluster', 'interop']),
  ofControlPlane('kube-controller-manager', ['cluster', 'interop']),
  ofControlPlane('kubectl', ['cluster']),
  ofControlPlane('helm', ['unit', 'cluster', 'interop']),
  onDebian('haproxy', ['haproxy'], ['interop'], 'haproxy'),
  // The packages of its njs modules bring nginx.
  onDebian('nginx', ['nginx'], ['interop'], 'libnginx-mod-stream-js', ['/usr/lib/nginx/modules/ngx_stream_js_module.so']),
  onDebian('nginx-http-js', ['nginx'], ['interop'], 'libnginx-mod-http-js', ['/usr/lib/nginx/modules/ngx_http_js_module.so']),
  // The package of its TLS module brings Kamailio.
  onDebian('kamailio', ['kamailio', 'kamcmd'], ['interop'], 'kamailio-tls-modules'),
  {
    name: 'name-server',
    commands: ['unshare'],
    suites: ['interop'],
    obtain: tryNameServer,
    install: 'util-linux, and leave to make namespaces and to listen on port 53: run the suite as root',
  },
  onDebian('coturn', ['turnserver', 'turnadmin', 'turnutils_uclient'], ['interop'], 'coturn'),
  onDebian('sipp', ['sipp'], ['interop'], 'sip-tester'),
  onDebian('rtpengine', ['rtpengine'], ['interop'], 'rtpengine-daemon'),
  { name: 'envoy', commands: ['envoy'], suites: ['interop'], obtain: envoyProgram, install: ENVOY_HINT },
];

export interface Missing {
  readonly tool: Tool;
  /** What was tried. */
  readonly why: string;
}

/** Makes the tools of these suites ready: found, installed or built, each said as it happens. Returns those that cannot be had. */
export async function prepareTools(suites: readonly Suite[], inventory: readonly Tool[] = tools): Promise<readonly Missing[]> {
  const needed = inventory.filter((tool) => tool.suites.some((suite) => suites.includes(suite)));
  await installDebianPackages(needed);
  const missing: Missing[] = [];
  for (const tool of needed) {
    try {
      await (tool.obtain ?? (() => requireOnPath(tool)))();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      say(`${tool.name} cannot be had: ${why}`);
      missing.push({ tool, why });
    }
  }
  return missing;
}

async function requireOnPath({ name, commands }: Tool): Promise<void> {
  const absent = await absentOf(commands);
  if (absent.length > 0) throw new Error(`${absent.join(', ')} not on PATH`);
  say(`${name} from PATH: ${await onPath(commands[0] ?? name)}`);
}

async function absentOf(commands: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(commands.map(async (command) => ({ command, path: await onPath(command) })));
  return found.flatMap(({ command, path }) => (path === undefined ? [command] : []));
}

/** Only where it is root's business to do so, and only what is absent: elsewhere the missing tools are named at the end. */
async function installDebianPackages(needed: readonly Tool[]): Promise<void> {
  if (process.getuid?.() !== 0 || (await onPath('apt-get')) === undefined) return;
  const packages: string[] = [];
  for (const { commands, debianPackage, debianFiles = [] } of needed) {
    if (debianPackage === undefined) continue;
    const there = (await absentOf(commands)).length === 0 && (await Promise.all(debianFiles.map(exists))).every(Boolean);
    if (!there) packages.push(debianPackage);
  }
  if (packages.length === 0) return;
  const aptGet = (...args: string[]): Promise<unknown> =>
    runProgram('apt-get', ['-q', ...args], { env: { DEBIAN_FRONTEND: 'noninteractive' }, limitMs: 10 * 60_000 });
  try {
    say(`installing ${packages.join(', ')} with apt-get`);
    await aptGet('update');
    await aptGet('install', '--yes', '--no-install-recommends', ...packages);
  } catch (error) {
    say(`apt-get could not install them: ${lastLines(error instanceof Error ? error.message : String(error), 5)}`);
  }
}

/** How the runner tells the tests which tools cannot be had: their names, by commas. */
export const MISSING_TOOLS = 'TRUSTMESH_MISSING_TOOLS';
