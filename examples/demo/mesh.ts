// Every server calls every other: one handshake a field, each compared with what the trust model says.
import { type Listener, meet, type Peer, type Verdict } from '../../test/support/peers/index.ts';
import { businessOf } from './rules.ts';
import type { Server } from './servers.ts';
import { bad, dim, good, print } from './terminal.ts';

const LABEL_WIDTH = 8;
const ROLE_WIDTH = 19;
const FIELD_WIDTH = 7;

export interface MeshResult {
  readonly handshakes: number;
  readonly accepted: number;
  /** Sentences about those that went otherwise than the trust model says. */
  readonly surprises: readonly string[];
}

/** Prints a line as each caller is through. `listeners` are those of `servers`, in their order. */
export async function callEverybody(
  servers: readonly Server[],
  listeners: readonly Listener[],
  caller: Peer,
): Promise<MeshResult> {
  const heads = servers.map(({ label }) => label.padEnd(FIELD_WIDTH)).join('');
  print(dim(`  ${'caller'.padEnd(LABEL_WIDTH + ROLE_WIDTH)}${heads}`));
  const surprises: string[] = [];
  let handshakes = 0;
  let accepted = 0;
  for (const from of servers) {
    const fields = await Promise.all(
      servers.map(async (to, index) => {
        const listener = listeners[index];
        if (to === from || listener === undefined) return dim('·'.padEnd(FIELD_WIDTH));
        const { material } = from;
        const { verdict } = await meet(listener, caller, { material, trust: material, serverName: to.fqdn });
        const expected = businessOf(from, to) === undefined ? 'refused' : 'accepted';
        handshakes += 1;
        if (verdict === 'accepted') accepted += 1;
        if (!isAsExpected(verdict, expected)) {
          surprises.push(`${from.label} calling ${to.label} should be ${expected}: ${JSON.stringify(verdict)}`);
          return bad('?'.padEnd(FIELD_WIDTH));
        }
        return verdict === 'accepted' ? good('✔'.padEnd(FIELD_WIDTH)) : dim(bad('✘'.padEnd(FIELD_WIDTH)));
      }),
    );
    print(`  ${from.label.padEnd(LABEL_WIDTH)}${dim(from.role.padEnd(ROLE_WIDTH))}${fields.join('')}`);
  }
  return { handshakes, accepted, surprises };
}

/** Whoever has no business here is refused by the server that it calls, because its peer list does not have the name. */
function isAsExpected(verdict: Verdict, expected: 'accepted' | 'refused'): boolean {
  if (verdict === 'accepted' || expected === 'accepted') return verdict === expected;
  return verdict.refusedBy === 'server' && verdict.reason === 'peer-not-in-topology';
}
