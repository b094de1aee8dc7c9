// The accounts that a listener gives, one a connection, kept until somebody asks for them.
import { waitFor } from '../wait.ts';
import type { Handshake } from './peer.ts';

export interface Handshakes {
  /** `account` may throw: then whoever asks for this connection gets the error. */
  add(account: () => Handshake): void;
  next(): Promise<Handshake>;
}

export function handshakes(program: string): Handshakes {
  const untold: (() => Handshake)[] = [];
  return {
    add: (account) => void untold.push(account),
    next: async () => (await waitFor(`${program}'s account of a connection`, () => untold.shift(), { everyMs: 2 }))(),
  };
}
