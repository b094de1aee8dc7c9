// The figures as tables in Markdown: what a terminal shows is what docs/performance.md holds.
import type { LeafFigures } from './leaf.ts';
import { median } from './median.ts';
import type { NullRound } from './null-writer.ts';
import type { ChangeFigures, OneChangeFigures } from './one-change.ts';
import type { OperatorRun } from './operator-run.ts';
import { type ByWrite, sum } from './write-counts.ts';

export interface Measured {
  readonly run: OperatorRun;
  /** Empty for the fleet that the sample is taken from. */
  readonly before: readonly NullRound[];
  readonly after: readonly NullRound[];
}

export interface Figures {
  readonly leaves: LeafFigures;
  readonly runs: readonly Measured[];
  readonly namespaces: number;
  readonly machine: string;
}

export function report({ leaves, runs, namespaces, machine }: Figures): string {
  const against = runs.filter(({ before }) => before.length > 0);
  return [
    `${machine}; API server, etcd and operator on the same machine; servers over ${namespaces} namespaces.`,
    '',
    '### Issuing for a fleet',
    '',
    ...table(
      ['', ...against.map(({ run }) => `${group(run.servers)} servers`), 'target'],
      [
        ['null writer, median (lowest to highest), servers/s', ...against.map(nullRates), ''],
        ['operator, servers/s', ...against.map(({ run }) => operatorRate(run).toFixed(0)), ''],
        ['**ratio**', ...against.map((each) => ratio(each).toFixed(2)), '>= 0.7'],
        ['until all are Ready, s', ...against.map(({ run }) => run.readySeconds.toFixed(1)), ''],
        ['until the last Event is written, s', ...against.map(({ run }) => run.writtenSeconds.toFixed(1)), ''],
        ['before that, until the process leads, s', ...against.map(({ run }) => run.startSeconds.toFixed(1)), ''],
        ['CPU of the operator, start included, s', ...against.map(({ run }) => run.cpuSeconds.toFixed(1)), ''],
        ['CPU of the API server meanwhile, s', ...against.map(({ run }) => run.issuing.cpuSeconds.toFixed(1)), ''],
        ['peak RSS of the operator, MiB', ...against.map(({ run }) => (run.peakRSS / 2 ** 20).toFixed(0)), '< 300'],
        ['kept its Lease throughout', ...against.map(({ run }) => (run.keptLease ? 'yes' : 'no')), 'yes'],
        ['writes at rest', ...against.map(atRest), '0'],
      ],
    ),
    '',
    '### Writes of the whole run',
    '',
    ...writesTable(against.map(({ run }) => run)),
    '',
    '### One more server',
    '',
    ...oneMoreTable(runs.map(({ run }) => run)),
    '',
    '### Leaves on one core',
    '',
    ...table(
      ['', 'leaves/s', 'target'],
      [
        ['key pair, certificate, PEM of both', group(leaves.made), '>= 5,000'],
        ['the same, parsed back and checked', group(leaves.issued), ''],
      ],
    ),
  ].join('\n');
}

/** Each row a kind of change; the last column says how much more it is in the largest network than in the smallest. */
export function reportOneChange(sizes: readonly OneChangeFigures[], machine: string): string {
  const [first, last] = [sizes.at(0), sizes.at(-1)];
  const row = (name: string, cell: (figures: ChangeFigures) => number, index: number) => {
    const values = sizes.flatMap(({ changes }) => changes.slice(index, index + 1).map(cell));
    const [smallest, largest] = [values.at(0) ?? 0, values.at(-1) ?? 0];
    return [name, ...values.map((value) => group(value)), smallest === 0 ? '' : (largest / smallest).toFixed(2)];
  };
  return [
    `${machine}; pools of five in ${first?.namespaces ?? 0} namespaces; CPU time, medians.`,
    '',
    ...table(
      ['', ...sizes.map(({ servers, pools }) => `${group(servers)} servers, ${group(pools)} pools`), 'ratio'],
      (last?.changes ?? []).flatMap(({ what }, index) => [
        [`**${what}**`, ...sizes.map(() => ''), ''],
        row('index, µs', (figures) => figures.index, index),
        row('planning what it told of, µs', (figures) => figures.planning, index),
        row('making the peer lists to write, µs', (figures) => figures.documents, index),
        row('keys told', (figures) => figures.keys, index),
        row('KiB of them', (figures) => figures.bytes / 1024, index),
      ]),
    ),
  ].join('\n');
}

/** Over the median of all rounds, those before and those after. */
export function ratio(measured: Measured): number {
  return operatorRate(measured.run) / median(ratesOf(measured));
}

/** Until the last of the three writes of the last server, as the null writer's. */
function operatorRate({ servers, writtenSeconds }: OperatorRun): number {
  return servers / writtenSeconds;
}

function ratesOf({ before, after }: Measured): readonly number[] {
  return [...before, ...after].map(({ servers, seconds }) => servers / seconds);
}

function nullRates(measured: Measured): string {
  const rates = ratesOf(measured);
  return `${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)})`;
}

function atRest({ run: { rest, restSeconds, restHeartbeats } }: Measured): string {
  const what = [...rest.writes].map(([write, count]) => `${write}: ${count}`).join(', ');
  return `${sum(rest.writes)} in ${restSeconds} s${what === '' ? '' : ` (${what})`}; ${restHeartbeats} of Leases`;
}

function writesTable(runs: readonly OperatorRun[]): readonly string[] {
  const rows = keysOf(runs.map(({ issuing }) => issuing.writes)).map((write) => [
    write,
    ...runs.flatMap(({ issuing, servers }) => {
      const count = issuing.writes.get(write) ?? 0;
      return [group(count), (count / servers).toFixed(3)];
    }),
  ]);
  const total = runs.flatMap(({ issuing, servers }) => [
    `**${group(sum(issuing.writes))}**`,
    `**${(sum(issuing.writes) / servers).toFixed(3)}**`,
  ]);
  const refused = runs.flatMap(({ issuing }) => [group(sum(issuing.refused)), '']);
  return table(
    ['write', ...runs.flatMap(({ servers }) => [`${group(servers)} servers`, 'a server'])],
    [...rows, ['**all**', ...total], ['refused (conflicts)', ...refused]],
  );
}

function oneMoreTable(runs: readonly OperatorRun[]): readonly string[] {
  const row = (name: string, cell: (run: OperatorRun) => string) => [name, ...runs.map(cell)];
  const writes = keysOf(runs.map(({ oneMore }) => oneMore.counts.writes));
  const bytes = keysOf(runs.map(({ oneMore }) => oneMore.counts.bytes));
  return table(
    ['', ...runs.map(({ servers }) => `to ${group(servers)}`)],
    [
      row('until Ready, s', ({ oneMore }) => oneMore.readySeconds.toFixed(2)),
      row('**writes**', ({ oneMore }) => group(sum(oneMore.counts.writes))),
      ...writes.map((write) => row(write, ({ oneMore }) => group(oneMore.counts.writes.get(write) ?? 0))),
      row('**bytes of request bodies**', ({ oneMore }) => group(sum(oneMore.counts.bytes))),
      ...bytes.map((write) => row(write, ({ oneMore }) => group(oneMore.counts.bytes.get(write) ?? 0))),
    ],
  );
}

function keysOf(counts: readonly ByWrite[]): readonly string[] {
  return [...new Set(counts.flatMap((each) => [...each.keys()]))].sort();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (column === 0 ? (cells[column] ?? '').padEnd(width) : (cells[column] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)];
}

function group(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
