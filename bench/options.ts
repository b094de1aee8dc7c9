// What `npm run bench` is asked to measure.
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Sizes of the fleet, ascending. The first is for the sample and for one more server only. */
  readonly sizes: readonly number[];
  readonly namespaces: number;
  /** Rounds of the null writer before each run of the operator, and as many after it. */
  readonly nullRounds: number;
  /** How long the steady state is looked at, s. */
  readonly restSeconds: number;
  /** For the Node of the operator's process. */
  readonly nodeOptions: string;
  readonly writeDocs: boolean;
  /** Measure nothing else: without an API server. */
  readonly only?: 'one-change';
}

/** As the image starts it, and the heap that Node allows itself under the chart's memory limit of 512 MiB. */
const asShipped = '--max-semi-space-size=8 --max-old-space-size=256';

export const usage = `npm run bench -- [options]
  --servers A,B      sizes of the fleet (default 1000,10000); a fleet of 100 always comes first
  --quick            500 servers, fewer rounds of the null writer, a short look at the steady state
  --rounds N         rounds of the null writer before and after each run (default 3)
  --rest SECONDS     how long the steady state is looked at (default 60)
  --namespaces N     over how many namespaces the servers are spread (default 10)
  --node-options=S   more options for the Node of the operator's process, such as --cpu-prof
  --only one-change  only what one changed object re-plans, which takes seconds and no API server
  --write-docs       puts the figures into docs/performance.md`;

/** @throws TypeError for what is no option */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      servers: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      rest: { type: 'string' },
      namespaces: { type: 'string', default: '10' },
      'node-options': { type: 'string', multiple: true },
      'write-docs': { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const { quick, only } = values;
  if (only !== undefined && only !== 'one-change') throw new TypeError(`${JSON.stringify(only)} is not one-change`);
  const asked = (values.servers ?? (quick ? '500' : '1000,10000')).split(',').map(count);
  return {
    sizes: [...new Set([100, ...asked])].sort((a, b) => a - b),
    namespaces: count(values.namespaces),
    nullRounds: count(values.rounds ?? (quick ? '2' : '3')),
    restSeconds: count(values.rest ?? (quick ? '15' : '60')),
    nodeOptions: [asShipped, ...(values['node-options'] ?? [])].join(' '),
    writeDocs: values['write-docs'],
    ...(only === undefined ? {} : { only }),
  };
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new TypeError(`${JSON.stringify(text)} is not a number of 1 or more`);
  return number;
}
