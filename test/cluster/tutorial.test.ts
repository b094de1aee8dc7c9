// The tutorial, command by command: its bash blocks run in one shell, in order, and each shows what the page says it shows.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { findBinary } from '../support/controlplane/binaries.ts';
import { startControlPlane } from '../support/controlplane/index.ts';
import { installOperator } from '../support/install.ts';
import { needing } from '../support/needing.ts';
import { startOperator } from '../support/operator.ts';
import { freePort } from '../support/port.ts';
import { runProgram } from '../support/process.ts';

const { it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'kubectl', 'openssl');

const page = join(import.meta.dirname, '../../docs/tutorial.md');

interface Step {
  readonly commands: string;
  /** Lines that the page shows of its output. */
  readonly shown: readonly string[];
}

/** The bash blocks of a page, each with the text block that follows it, if one does. */
function stepsOf(markdown: string): readonly Step[] {
  const blocks = [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, content = '']) => ({ language, content }));
  return blocks.flatMap(({ language, content }, index) => {
    const next = blocks[index + 1];
    const shown = next?.language === 'text' ? next.content.trimEnd().split('\n') : [];
    return language === 'bash' ? [{ commands: content, shown }] : [];
  });
}

/** What differs from run to run may differ: times, ages, serials, column widths, and whatever the page leaves out with `…`. */
function loosely(line: string): RegExp {
  const escaped = line.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    escaped
      .replaceAll('…', '.*')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '\\S+')
      .replace(/\b\d+s\b/g, '\\S+')
      .replace(/\s+/g, '\\s+'),
  );
}

it('reads a page: commands, and what is shown of their output', () => {
  expect(stepsOf('```bash\na\n```\nb\n```text\nc\n```\n```console\nd\n```\n```bash\ne\n```\n')).toEqual([
    { commands: 'a\n', shown: ['c'] },
    { commands: 'e\n', shown: [] },
  ]);
  expect('ca  True  2031-01-01T00:00:00Z  12s').toMatch(loosely('ca True   2029-11-21T07:33:13Z   1s'));
  expect('Secret x holds y.').toMatch(loosely('Secret … y.'));
  expect('Secret x holds y').not.toMatch(loosely('Secret … y.'));
});

it('does and shows what the page says', async () => {
  const steps = stepsOf((await readFile(page, 'utf8')).replace('PORT=5061', `PORT=${await freePort()}`));
  expect(steps.length).toBeGreaterThan(10);

  await using running = new AsyncDisposableStack();
  const controlPlane = running.use(await startControlPlane());
  const { kubeconfig } = await installOperator(controlPlane);
  running.use(await startOperator({ kubeconfig }));
  const folder = await mkdtemp(join(tmpdir(), 'trustmesh-tutorial-'));
  running.defer(() => rm(folder, { recursive: true, force: true }));

  const marker = (index: number): string => `--- step ${index} is over`;
  const script = steps.map(({ commands }, index) => `${commands}\necho '${marker(index)}'`).join('\n');
  const { stdout } = await runProgram('bash', ['-e', '-c', script], {
    name: 'the tutorial',
    cwd: folder,
    env: {
      KUBECONFIG: controlPlane.kubeconfig,
      PATH: [dirname(await findBinary('kubectl')), process.env['PATH']].join(delimiter),
    },
    limitMs: 100_000,
  });

  let rest = stdout;
  for (const [index, { shown }] of steps.entries()) {
    const end = rest.indexOf(marker(index));
    const output = rest.slice(0, end);
    rest = rest.slice(end + marker(index).length);
    for (const line of shown) expect(output).toMatch(loosely(line));
  }
});
