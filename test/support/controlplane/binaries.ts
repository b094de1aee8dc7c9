// Finds the programs of a control plane, says where it took each from, and on failure everything that it tried.
import { join } from 'node:path';
import { cacheDirectory, exists } from '../cache.ts';
import { cacheKey, type GoBuild, goTool } from '../go.ts';
import { isExecutable, onPath } from '../path.ts';
import { type Say, say } from '../progress.ts';
import { envtestProgram, keptEnvtestProgram } from './envtest.ts';

export type Binary = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm';

/** Kept in step with go/kubernetes/go.mod. */
export const KUBERNETES_VERSION = 'v1.36.3';

/** Without these, Kubernetes calls itself v0.0.0 and clients refuse features. */
const version = (name: string, value: string | undefined): string => `-X k8s.io/component-base/version.${name}=${value ?? ''}`;
const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
const stampVersion = [version('gitVersion', KUBERNETES_VERSION), version('gitMajor', major), version('gitMinor', minor)];

const module = (name: string): string => join(import.meta.dirname, 'go', name);
const ofKubernetes = (name: Binary): GoBuild => ({
  name,
  moduleDirectory: module('kubernetes'),
  packagePath: `k8s.io/kubernetes/cmd/${name}`,
  ldflags: stampVersion,
});
const builds: Readonly<Record<Binary, GoBuild>> = {
  etcd: { name: 'etcd', moduleDirectory: module('etcd'), packagePath: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': ofKubernetes('kube-apiserver'),
  'kube-controller-manager': ofKubernetes('kube-controller-manager'),
  kubectl: ofKubernetes('kubectl'),
  helm: { name: 'helm', moduleDirectory: module('helm'), packagePath: 'helm.sh/helm/v4/cmd/helm' },
};

/** One place to look. `find` returns a path, or throws the sentence of why it has none. */
interface Source {
  readonly name: string;
  readonly find: (binary: Binary) => Promise<string>;
}

const sources: readonly Source[] = [
  { name: 'KUBEBUILDER_ASSETS', find: fromAssets },
  { name: 'PATH', find: fromPath },
  { name: 'the cache', find: fromCache },
  { name: 'the envtest archive', find: envtestProgram },
  { name: 'its pinned Go module', find: build },
];

/** The path of a program, found or made. Throws with one line for each place that was tried. */
export async function findBinary(binary: Binary, tell: Say = say): Promise<string> {
  const tried: string[] = [];
  for (const source of sources) {
    try {
      const path = await source.find(binary);
      tell(`${binary} from ${source.name}: ${path}`);
      return path;
    } catch (error) {
      tried.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error([`There is no ${binary}. Tried:`, ...tried].join('\n  '));
}

async function fromAssets(binary: Binary): Promise<string> {
  const directory = process.env['KUBEBUILDER_ASSETS'];
  if (!directory) throw new Error('not set');
  const path = join(directory, binary);
  if (await isExecutable(path)) return path;
  throw new Error(`no ${binary} in ${directory}`);
}

async function fromPath(binary: Binary): Promise<string> {
  const path = await onPath(binary);
  if (path !== undefined) return path;
  throw new Error(`no ${binary} on it`);
}

async function fromCache(binary: Binary): Promise<string> {
  const kept = await keptEnvtestProgram(binary);
  if (kept !== undefined) return kept;
  const built = join(cacheDirectory(), await cacheKey(builds[binary]), binary);
  if (await exists(built)) return built;
  throw new Error(`no ${binary} in ${cacheDirectory()}`);
}

function build(binary: Binary): Promise<string> {
  const { name, moduleDirectory, packagePath, ldflags } = builds[binary];
  return goTool(name, moduleDirectory, packagePath, ldflags);
}
