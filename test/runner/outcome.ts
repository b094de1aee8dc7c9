// What came of each part of a test run, and the page that a person and a build server read at the end.

export interface Outcome {
  readonly kind: 'check' | 'suite';
  readonly name: string;
  /** Tests; a check has none, and counts as one failure when it fails. */
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Why it failed as a whole, where no test says it. */
  readonly failure?: string;
}

export interface NotRun {
  readonly name: string;
  readonly install: string;
}

export interface Verdict {
  /** The last of them is `N passed, N failed, N skipped`. */
  readonly lines: readonly string[];
  readonly exitCode: 0 | 1;
}

/** On a build server (`strict`) what was not run has failed; elsewhere it is shown and does no more. */
export function verdict(outcomes: readonly Outcome[], notRun: readonly NotRun[], strict: boolean): Verdict {
  const sum = (count: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + count(outcome), 0);
  const passed = sum((outcome) => outcome.passed);
  const skipped = sum((outcome) => outcome.skipped);
  const suites = outcomes.filter(({ kind }) => kind === 'suite');
  const empty = suites.length > 0 && passed + skipped + sum((outcome) => outcome.failed) === 0;
  // A tool that cannot be had is one failure more: it may be that no test was there to be skipped for it.
  const failed = sum((outcome) => outcome.failed) + (strict ? skipped + notRun.length : 0) + (empty ? 1 : 0);
  return {
    lines: [
      ...table(outcomes),
      ...outcomes.flatMap(({ name, failure }) => (failure === undefined ? [] : ['', `${name} failed:`, failure])),
      ...(notRun.length === 0
        ? []
        : ['', 'NOT RUN, for want of:', ...notRun.map(({ name, install }) => `  ${name}: install ${install}`)]),
      ...(strict && skipped > 0 ? ['', `${skipped} skipped here count as failed.`] : []),
      ...(empty ? ['', 'No test was there to run: see what was asked for.'] : []),
      '',
      `${passed} passed, ${failed} failed, ${strict ? 0 : skipped} skipped`,
    ],
    exitCode: failed > 0 ? 1 : 0,
  };
}

function table(outcomes: readonly Outcome[]): readonly string[] {
  const rows = [
    ['', 'passed', 'failed', 'skipped', 'seconds'],
    ...outcomes.map(({ name, passed, failed, skipped, seconds }) => [
      name,
      ...[passed, failed, skipped].map(String),
      seconds.toFixed(1),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  );
}
