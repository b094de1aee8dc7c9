// A real coturn on what the operator wrote for a relay: its Secrets are mounted as kubelet does it, whenever they change, and it
// is run by the script in them.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { secrets } from '../../operator/kube/resource.ts';
import type { Trustmesh } from './installation.ts';
import { mount } from './mounted.ts';
import { type Program, runProgram, startProgram } from './process.ts';
import type { TurnCredential } from './turn-client.ts';
import { waitFor } from './wait.ts';

export interface Coturn extends AsyncDisposable {
  readonly program: Program;
}

/** Major and minor. */
export async function coturnVersion(): Promise<string> {
  const { stdout } = await runProgram('turnserver', ['--version']);
  return /\b(\d+\.\d+)\.\d+/.exec(stdout)?.[1] ?? stdout;
}

/** Starts coturn on 127.0.0.1 for a relay in namespace perimeter. Returns when it takes allocations. */
export async function startCoturn(trustmesh: Trustmesh, relay: string): Promise<Coturn> {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'coturn-'));
  stack.defer(() => rm(root, { recursive: true }));
  const volumes = { [`${relay}-credentials`]: join(root, 'credentials'), [`${relay}-tls`]: join(root, 'default') };
  const state = join(root, 'state');
  await mkdir(state);
  for (const name of Object.keys(volumes)) await trustmesh.secret('perimeter', name);

  const versions = new Map<string, string>();
  const bring = async () => {
    for (const [name, directory] of Object.entries(volumes)) {
      const secret = await trustmesh.find(secrets, { namespace: 'perimeter', name });
      // What was deleted stays mounted.
      if (secret === undefined || versions.get(name) === secret.metadata.resourceVersion) continue;
      versions.set(name, secret.metadata.resourceVersion);
      const files = Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
      await mount(directory, Object.fromEntries(files));
    }
  };
  await bring();
  const ended = new AbortController();
  const following = (async () => {
    while (!ended.signal.aborted) {
      await bring();
      await pause(100);
    }
  })();
  stack.defer(async () => {
    ended.abort();
    await following;
  });

  const local = ['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', '--allow-loopback-peers'];
  const program = stack.use(
    await startProgram('sh', [join(root, 'credentials', 'run.sh'), ...local], {
      name: 'coturn',
      env: {
        TRUSTMESH_CREDENTIALS: join(root, 'credentials'),
        TRUSTMESH_CERTIFICATE: join(root, 'default'),
        TRUSTMESH_STATE: state,
        TRUSTMESH_EVERY: '1',
      },
    }),
  );
  await waitFor('coturn to be up', () => /Total .* servers: \d+/.test(program.output()), { seen: () => program.output() });
  const owned = stack.move();
  return { program, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * What coturn's own client says of a call of two clients through the relay: how many messages were lost.
 * @throws ProgramFailed where it gets no allocation
 */
export async function relayedCall(
  port: number,
  { username, password }: TurnCredential,
  ...more: readonly string[]
): Promise<number> {
  const credential = ['-u', username, '-w', password];
  const { stdout } = await runProgram(
    'turnutils_uclient',
    ['-p', String(port), ...credential, '-y', '-c', '-n', '10', '-m', '1', ...more, '127.0.0.1'],
    { limitMs: 20_000 },
  );
  const lost = /Total lost packets (\d+)/.exec(stdout)?.[1];
  if (lost === undefined) throw new Error(`turnutils_uclient does not say what was lost:\n${stdout}`);
  return Number(lost);
}
