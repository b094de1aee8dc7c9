// The jest environment of every suite. It differs from jest's own for Node in two things: errors of Node itself are
// errors to the code under test, as they are outside jest, and a test file that leaves something running fails.
import { setTimeout as pause } from 'node:timers/promises';
import { types } from 'node:util';
import { TestEnvironment as NodeEnvironment } from 'jest-environment-node';

/** What a test can leave behind that keeps a process alive, by Node's name for it. */
const LEAKS: Readonly<Record<string, string>> = {
  ProcessWrap: 'a child process',
  TCPSocketWrap: 'a TCP connection',
  TCPServerWrap: 'a TCP listener',
  TLSWrap: 'a TLS connection',
  UDPWrap: 'a UDP socket',
  FSEventWrap: 'a file watcher',
};

/** Milliseconds for connections to finish closing; idle ones of fetch close themselves after four seconds. */
const CLOSING_LIMIT_MS = 6_000;

export default class Environment extends NodeEnvironment {
  #before: ReadonlyMap<string, number> = new Map();

  override async setup(): Promise<void> {
    await super.setup();
    // Tests run in a realm of their own, where `error instanceof Error` is false for what Node's modules throw.
    const { Error: RealmError } = this.global;
    const ordinary = Function.prototype[Symbol.hasInstance];
    Object.defineProperty(RealmError, Symbol.hasInstance, {
      value(this: unknown, value: unknown): boolean {
        return ordinary.call(this, value) || (this === RealmError && types.isNativeError(value));
      },
    });
    this.#before = activeResources();
  }

  override async teardown(): Promise<void> {
    const before = this.#before;
    await super.teardown();
    const deadline = performance.now() + CLOSING_LIMIT_MS;
    let left = leftRunning(before);
    while (left.length > 0 && performance.now() < deadline) {
      await pause(20);
      left = leftRunning(before);
    }
    if (left.length > 0) throw new Error(`This test file left running: ${left.join(', ')}. Whatever a test starts, it ends.`);
  }
}

function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function leftRunning(before: ReadonlyMap<string, number>): readonly string[] {
  const now = activeResources();
  return Object.entries(LEAKS).flatMap(([kind, name]) => {
    const more = (now.get(kind) ?? 0) - (before.get(kind) ?? 0);
    return more > 0 ? [more === 1 ? name : `${name} (${more} of them)`] : [];
  });
}
