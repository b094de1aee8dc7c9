// Programs that tests start: their output, their end, and the end of everything that they started.
import { join } from 'node:path';
import { isAlive } from '../../support/cache.ts';
import { ProgramFailed, runProgram, startProgram } from '../../support/process.ts';
import { waitFor } from '../../support/wait.ts';

const sh = (script: string): readonly [string, readonly string[]] => ['sh', ['-c', script]];

describe('runProgram', () => {
  it('returns the whole of both outputs', async () => {
    expect(await runProgram(...sh('cat; echo warning >&2'), { input: 'pem\n' })).toEqual({
      stdout: 'pem\n',
      stderr: 'warning\n',
    });
  });

  it('throws how a program failed, with the end of what it said', async () => {
    const failure = await runProgram(...sh('echo out; echo no such key >&2; exit 4')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProgramFailed);
    expect(failure).toMatchObject({ exit: { code: 4 }, stdout: 'out\n', message: expect.stringContaining('no such key') });
  });

  it('kills what takes too long, and says so', async () => {
    await expect(runProgram(...sh('sleep 60'), { limitMs: 50 })).rejects.toThrow('SIGKILL');
  });

  it('gives the lines of both outputs as they come', async () => {
    const lines: string[] = [];
    await runProgram(...sh('printf "a\\nb\\nc"; echo d >&2'), { onLine: (line, from) => lines.push(`${from} ${line}`) });
    expect(lines.sort()).toEqual(['stderr d', 'stdout a', 'stdout b', 'stdout c']);
  });
});

describe('startProgram', () => {
  it('says what could not be started', async () => {
    await expect(startProgram('/nowhere/kamailio')).rejects.toThrow('kamailio could not be started');
  });

  it('ends a program with everything that it started', async () => {
    const program = await startProgram(...sh('sleep 600 & echo $!; wait'));
    const child = Number(await waitFor('the id of its child', () => program.stdout() || undefined));
    expect(isAlive(child)).toBe(true);
    expect(await program.stop()).toEqual({ signal: 'SIGTERM' });
    await waitFor('its child is gone', () => isGone(child));
  });

  it('kills a program that does not listen', async () => {
    const program = await startProgram(...sh('trap "" TERM; echo ready; while :; do sleep 1; done'));
    await waitFor('its trap', () => program.output().includes('ready'));
    expect(await program.stop({ graceMs: 50 })).toEqual({ signal: 'SIGKILL' });
    expect(program.running).toBe(false);
  });

  it('is gone when its starter is killed', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../support/process.ts'));
    const script = `const { startProgram } = await import(${module}); console.log((await startProgram('sleep', ['600'])).pid);`;
    await using starter = await startProgram(process.execPath, ['--input-type=module', '--eval', script], {
      env: { NODE_OPTIONS: undefined },
    });
    const pid = Number(await waitFor('the id of the program', () => starter.stdout() || undefined, { seen: starter.output }));
    process.kill(starter.pid, 'SIGKILL');
    await waitFor('the program is gone', () => isGone(pid));
  });
});

/** Dead, or dead and not yet collected by whatever is its parent now. */
async function isGone(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return true;
  const { stdout } = await runProgram('ps', ['-o', 'stat=', '-p', String(pid)]);
  return stdout.startsWith('Z');
}
