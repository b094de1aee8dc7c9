// Single handshakes worth a sentence: who called whom, what came of it, and why.
import { isDeepStrictEqual } from 'node:util';
import { type ConnectOptions, type Listener, meet, type Peer, type Verdict } from '../../test/support/peers/index.ts';
import { bad, bold, type Cell, dim, good, print, row, warning } from './terminal.ts';

export interface Encounter {
  readonly caller: string;
  readonly callee: string;
  readonly listener: Listener;
  readonly call: Omit<ConnectOptions, 'port'>;
  readonly expected: Verdict;
  /** Of the situation, in a sentence. */
  readonly why: string;
}

const widths = [2, 25, 22, 12] as const;

export function printHead(): void {
  const cells = ['', 'caller', 'callee', 'verdict', 'why'].map((text) => ({ text, style: dim }));
  print(...row(cells, widths));
}

/** Lets each happen and prints it. Returns sentences about those that went otherwise than expected. */
export async function encounter(encounters: readonly Encounter[], peer: Peer): Promise<readonly string[]> {
  const surprises: string[] = [];
  for (const { caller, callee, listener, call, expected, why } of encounters) {
    const { verdict } = await meet(listener, peer, call);
    const asExpected = isDeepStrictEqual(verdict, expected);
    if (!asExpected) {
      surprises.push(`${caller} calling ${callee}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(verdict)}`);
    }
    const cells = (verdictShown: string, style: (text: string) => string, first: string): readonly Cell[] => [
      { text: '' },
      { text: caller, style: bold },
      { text: callee },
      { text: asExpected ? verdictShown : `${verdictShown} !`, style },
      { text: first },
    ];
    if (verdict === 'accepted') {
      print(...row(cells('✔ accepted', asExpected ? good : warning, why), widths));
    } else {
      print(...row(cells('✘ refused', asExpected ? bad : warning, verdict.reason.replaceAll('-', ' ')), widths));
      print(...row([{ text: '' }, { text: '' }, { text: '' }, { text: '' }, { text: why, style: dim }], widths));
    }
  }
  return surprises;
}
