// The operator as a process of its own, as it runs in a cluster: it knows the cluster only by its kubeconfig, and the rest
// of the machinery knows it only by what it writes there, serves and logs.
import { get } from 'node:http';
import { join } from 'node:path';
import { type Exit, lastLines, startProgram } from './process.ts';
import { waitFor } from './wait.ts';

const repository = join(import.meta.dirname, '../..');

const entries = { source: join(repository, 'operator/main.ts'), bundle: join(repository, 'dist/trustmesh.mjs') };

export interface OperatorOptions {
  /** The path of a kubeconfig, with the permissions of the chart's service account (install.ts). */
  readonly kubeconfig: string;
  /** The operator's own; it must exist. By default trustmesh-system. */
  readonly namespace?: string;
  /** More flags. */
  readonly args?: readonly string[];
  /** Added to the environment of this process; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The TypeScript as it is (default), or what `npm run build` made of it. */
  readonly entry?: keyof typeof entries;
  /** Milliseconds until it must be ready; by default 20,000. */
  readonly limitMs?: number;
}

export interface OperatorProcess extends AsyncDisposable {
  readonly pid: number;
  /** Where it serves metrics and health, without a path. */
  readonly url: string;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  /** What it logged, JSON lines unless its flags say otherwise; the last 256 KiB. */
  logs(): string;
  /** Sends a signal and does not wait: SIGKILL for a crash. */
  kill(signal: NodeJS.Signals): void;
  /** Asks it to drain. The exit code, or undefined when it had to be killed. */
  stop(): Promise<number | undefined>;
}

/** Long enough for work in hand to be finished; the chart gives a Pod as much. */
const DRAIN_LIMIT_MS = 30_000;

/** Returns when it answers that it is ready. Throws, with the end of its log, when it ends or does not become ready. */
export async function startOperator(options: OperatorOptions): Promise<OperatorProcess> {
  const { kubeconfig, namespace = 'trustmesh-system', args = [], env = {}, entry = 'source', limitMs = 20_000 } = options;
  let url: string | undefined;
  const flags = ['--kubeconfig', kubeconfig, '--namespace', namespace, '--listen', '127.0.0.1:0', '--log-format', 'json'];
  const program = await startProgram(process.execPath, [entries[entry], ...flags, ...args], {
    name: 'operator',
    // What the test runner needs of Node is none of the operator's business.
    env: { NODE_OPTIONS: undefined, ...env },
    onLine: (line) => {
      url ??= addressIn(line);
    },
  });
  try {
    const ready = await waitFor(
      'the operator to be ready',
      async () => {
        if (!program.running) return 'ended';
        return url !== undefined && (await statusOf(`${url}/readyz`)) === 200 ? url : undefined;
      },
      { limitMs, seen: () => lastLines(program.output(), 40) },
    );
    if (ready === 'ended')
      throw new Error(`the operator ended with ${ending(await program.exited)}:\n${lastLines(program.output(), 40)}`);
    return {
      pid: program.pid,
      url: ready,
      exited: program.exited,
      get running() {
        return program.running;
      },
      logs: program.output,
      kill: (signal) => void (program.running && process.kill(program.pid, signal)),
      stop: async () => (await program.stop({ graceMs: DRAIN_LIMIT_MS })).code,
      [Symbol.asyncDispose]: program[Symbol.asyncDispose],
    };
  } catch (error) {
    await program.stop({ signal: 'SIGKILL' });
    throw error;
  }
}

const ending = ({ code, signal }: Exit): string => String(code ?? signal);

/** The address in the line that tells it, in either format. Other lines may be anything: a runtime that cannot start says so in its own way. */
function addressIn(line: string): string | undefined {
  if (!/\blistening\b/.test(line)) return undefined;
  const address = /\baddress(?:=|":")([^\s"]+)/.exec(line)?.[1];
  return address === undefined ? undefined : `http://${address}`;
}

/** The status code of an answer; throws when there is none. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)));
    request.on('error', reject);
  });
}
