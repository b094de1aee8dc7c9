// Programs that tests start: their output is at hand, and they are gone at the end, even when the test process is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { tailOfFile } from './log-tail.ts';
import { hasCode } from './system-error.ts';

export interface ProgramOptions {
  /** What messages call it; by default the command's last path segment. */
  readonly name?: string;
  readonly cwd?: string;
  /** Added to the environment of this process; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Both outputs go to this file and never through this process: for programs that write much. */
  readonly logFile?: string;
  /** Called with each line of either output as it comes; never with `logFile`. */
  readonly onLine?: (line: string, from: 'stdout' | 'stderr') => void;
}

export interface Exit {
  /** Absent when a signal ended it. */
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
}

export interface Program extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  /** Absent with `logFile`. */
  readonly stdin: Writable | undefined;
  /** The end of both outputs in the order they came, at most 256 KiB. */
  output(): string;
  /** The end of standard output alone; empty with `logFile`. */
  stdout(): string;
  /** Asks with `signal`, then kills, with everything it started. Returns when it is gone; harmless when it already is. */
  stop(options?: { readonly signal?: NodeJS.Signals; readonly graceMs?: number }): Promise<Exit>;
}

const KEPT_OUTPUT = 256 * 1024;

/** Starts a program in a process group of its own. Throws when it cannot be started at all. */
export async function startProgram(
  command: string,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Promise<Program> {
  const { name = basename(command), logFile } = options;
  const log = logFile === undefined ? undefined : openSync(logFile, 'a');
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: log === undefined ? 'pipe' : ['ignore', log, log],
  });
  if (log !== undefined) closeSync(log);
  const pid = await started(name, child);
  const ended = Promise.withResolvers<Exit>();
  const guard = killWhenThisProcessDies(pid);
  let running = true;
  child.once('exit', (code, signal) => {
    running = false;
    guard.kill('SIGKILL');
    ended.resolve({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) });
  });
  const stdout = capture(child.stdout);
  const both = capture(child.stdout, child.stderr);
  if (options.onLine) eachLine(child, options.onLine);

  const stop: Program['stop'] = async ({ signal = 'SIGTERM', graceMs = 5_000 } = {}) => {
    if (running) {
      signalGroup(pid, signal);
      const waiting = new AbortController();
      await Promise.race([ended.promise, pause(graceMs, undefined, { signal: waiting.signal }).catch(() => undefined)]);
      waiting.abort();
    }
    signalGroup(pid, 'SIGKILL');
    const exit = await ended.promise;
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
    return exit;
  };
  return {
    name,
    pid,
    exited: ended.promise,
    get running() {
      return running;
    },
    stdin: child.stdin ?? undefined,
    output: logFile === undefined ? both : () => tailOfFile(logFile, KEPT_OUTPUT),
    stdout,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
}

/** Carries the exit and both outputs of a program that failed; the message shows their end. */
export class ProgramFailed extends Error {
  readonly exit: Exit;
  readonly stdout: string;
  readonly stderr: string;

  constructor(commandLine: string, exit: Exit, { stdout, stderr }: Finished) {
    const how = exit.signal === undefined ? `ended with ${exit.code}` : `was ended by ${exit.signal}`;
    super(`${commandLine} ${how}\n${lastLines(`${stdout}${stderr}`, 30)}`);
    this.name = 'ProgramFailed';
    this.exit = exit;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

export interface RunOptions extends ProgramOptions {
  /** Given to its standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** Milliseconds after which it is killed. */
  readonly limitMs?: number;
}

/** Runs a program to its end and returns its complete output. Throws `ProgramFailed` unless it ends with 0. */
export async function runProgram(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Finished> {
  const { name = basename(command), limitMs = 120_000 } = options;
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: 'pipe',
  });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  if (options.onLine) eachLine(child, options.onLine);
  const closed = Promise.withResolvers<Exit>();
  child.once('close', (code, signal) =>
    closed.resolve({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }),
  );
  const pid = await started(name, child);
  const guard = killWhenThisProcessDies(pid);
  const limit = setTimeout(() => signalGroup(pid, 'SIGKILL'), limitMs);
  // A program may end without reading its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  const exit = await closed.promise;
  clearTimeout(limit);
  guard.kill('SIGKILL');
  signalGroup(pid, 'SIGKILL');
  const finished = { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
  if (exit.code !== 0) throw new ProgramFailed([name, ...args].join(' '), exit, finished);
  return finished;
}

/** The last lines of a text, for error messages. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

function started(name: string, child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${name} could not be started: ${error.message}`, { cause: error })));
    child.once('spawn', () => (child.pid === undefined ? reject(new Error(`${name} has no process id`)) : resolve(child.pid)));
  });
}

/**
 * A shell that holds the reading end of a pipe whose writing end only this process has. However this process ends, the
 * pipe closes, and the shell kills the program's group.
 */
function killWhenThisProcessDies(pid: number): ChildProcess {
  const guard = spawn('sh', ['-c', 'read -r _; kill -s KILL -- "-$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  guard.on('error', () => undefined);
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return guard;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

function capture(...streams: readonly (Readable | null)[]): () => string {
  let kept = '';
  for (const stream of streams) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      kept = (kept + chunk).slice(-KEPT_OUTPUT);
    });
  }
  return () => kept;
}

function eachLine(child: ChildProcess, take: NonNullable<ProgramOptions['onLine']>): void {
  for (const from of ['stdout', 'stderr'] as const) {
    let rest = '';
    child[from]?.on('data', (chunk: Buffer | string) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line, from);
    });
    child[from]?.on('end', () => {
      if (rest !== '') take(rest, from);
    });
  }
}
