// What a piece of code leaves running: timers and sockets that are still there when it says it has ended.
import { waitFor } from './wait.ts';

const KINDS = ['Timeout', 'TCPSocketWrap', 'TLSWrap'] as const;

type Residue = Readonly<Record<(typeof KINDS)[number], number>>;

function running(): Residue {
  const kinds = process.getActiveResourcesInfo();
  const count = (kind: string) => kinds.filter((active) => active === kind).length;
  return { Timeout: count('Timeout'), TCPSocketWrap: count('TCPSocketWrap'), TLSWrap: count('TLSWrap') };
}

/** To be called before; the function that it returns waits until no more of anything runs than then. */
export function residueSince(): () => Promise<void> {
  const before = running();
  return async () => {
    const leftover = () => KINDS.filter((kind) => running()[kind] > before[kind]);
    await waitFor('nothing is left running', () => leftover().length === 0, {
      seen: () => `${JSON.stringify(running())}, before ${JSON.stringify(before)}`,
    });
  };
}
