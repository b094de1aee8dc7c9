// The end of a test run: the counts, what was not run, and when that is a failure.
import { type Outcome, verdict } from '../../runner/outcome.ts';
import { parseSelection } from '../../runner/selection.ts';

const outcome = (name: string, counts: Partial<Outcome> = {}): Outcome => ({
  kind: 'suite',
  name,
  passed: 0,
  failed: 0,
  skipped: 0,
  seconds: 1,
  ...counts,
});
const java = { name: 'java', install: 'java (on Debian: apt-get install default-jdk-headless)' };
const last = (lines: readonly string[]): string | undefined => lines.at(-1);

describe('the last line', () => {
  it('counts the tests of every suite', () => {
    const { lines, exitCode } = verdict([outcome('unit', { passed: 40 }), outcome('cluster', { passed: 2 })], [], true);
    expect(last(lines)).toBe('42 passed, 0 failed, 0 skipped');
    expect(exitCode).toBe(0);
  });

  it('counts a check that failed as one failure, and says why above', () => {
    const { lines, exitCode } = verdict(
      [outcome('types', { failed: 1, failure: 'TS2322: no' }), outcome('unit', { passed: 3 })],
      [],
      false,
    );
    expect(last(lines)).toBe('3 passed, 1 failed, 0 skipped');
    expect(lines).toEqual(expect.arrayContaining(['types failed:', 'TS2322: no']));
    expect(exitCode).toBe(1);
  });
});

describe('what was not run', () => {
  const outcomes = [outcome('interop', { passed: 5, skipped: 2 })];

  it('is named with what to install, and is no failure for a person', () => {
    const { lines, exitCode } = verdict(outcomes, [java], false);
    expect(lines).toEqual(expect.arrayContaining(['NOT RUN, for want of:', `  java: install ${java.install}`]));
    expect(last(lines)).toBe('5 passed, 0 failed, 2 skipped');
    expect(exitCode).toBe(0);
  });

  it('is a failure on a build server', () => {
    expect(verdict(outcomes, [java], true)).toMatchObject({ exitCode: 1 });
    expect(last(verdict(outcomes, [java], true).lines)).toBe('5 passed, 3 failed, 0 skipped');
    expect(verdict([outcome('interop', { passed: 5 })], [java], true)).toMatchObject({ exitCode: 1 });
    expect(verdict(outcomes, [], true)).toMatchObject({ exitCode: 1 });
  });

  it('is a failure everywhere when no test was run at all, unless only checks were asked for', () => {
    expect(verdict([outcome('unit')], [], false)).toMatchObject({ exitCode: 1 });
    expect(verdict([outcome('lint', { kind: 'check' })], [], false)).toMatchObject({ exitCode: 0 });
  });
});

describe('what a command line asks for', () => {
  const all = ['unit', 'conformance', 'cluster', 'interop'];

  it.each([
    [[], { withChecks: true, suites: all, patterns: [] }],
    [['unit'], { withChecks: false, suites: ['unit'], patterns: [] }],
    [['interop', 'unit'], { withChecks: false, suites: ['unit', 'interop'], patterns: [] }],
    [['checks'], { withChecks: true, suites: [], patterns: [] }],
    [['cluster', 'lease'], { withChecks: false, suites: ['cluster'], patterns: ['lease'] }],
    [['lease', 'queue'], { withChecks: false, suites: all, patterns: ['lease', 'queue'] }],
  ])('%j', (args, selection) => {
    expect(parseSelection(args)).toEqual(selection);
  });
});
