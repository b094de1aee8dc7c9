// The chart as its users meet it: through helm, whose binary the control plane's toolchain finds or builds.
import { join } from 'node:path';
import { findBinary } from './controlplane/binaries.ts';
import { type Manifest, parseManifests } from './manifest.ts';
import { type Finished, runProgram } from './process.ts';

export const chartDirectory = join(import.meta.dirname, '../../charts/trustmesh');

/** Milliseconds: where there is no helm yet, it is built first. */
export const HELM_LIMIT_MS = 10 * 60_000;

export type Values = Readonly<Record<string, unknown>>;

export interface HelmOptions {
  /** Without it helm reaches no cluster. */
  readonly kubeconfig?: string;
  /** Given as `--values`. */
  readonly values?: Values;
}

let binary: Promise<string> | undefined;

/** Runs helm to its end. Throws `ProgramFailed`, whose message ends with what helm said, unless it succeeds. */
export async function helm(args: readonly string[], { kubeconfig, values }: HelmOptions = {}): Promise<Finished> {
  binary ??= findBinary('helm', () => undefined);
  return runProgram(await binary, [...args, ...(values === undefined ? [] : ['--values=-'])], {
    name: 'helm',
    env: { KUBECONFIG: kubeconfig ?? '/dev/null', HELM_NAMESPACE: undefined, HELM_DRIVER: undefined },
    ...(values === undefined ? {} : { input: JSON.stringify(values) }),
  });
}

export interface Release {
  readonly name?: string;
  readonly namespace?: string;
  readonly values?: Values;
  /** API versions beside the built-in ones that the cluster is taken to know. */
  readonly apiVersions?: readonly string[];
}

/** What installing the chart would apply, in helm's order. */
export async function renderChart(release: Release = {}): Promise<readonly Manifest[]> {
  const { name = 'trustmesh', namespace = 'trustmesh-system', values = {}, apiVersions = [] } = release;
  const capabilities = apiVersions.map((version) => `--api-versions=${version}`);
  const { stdout } = await helm(['template', name, chartDirectory, `--namespace=${namespace}`, ...capabilities], { values });
  return parseManifests(stdout);
}
