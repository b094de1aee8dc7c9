// `npm test`: makes ready what the tests need, runs the checks and the suites, and says what came of them.
//   npm test                     everything
//   npm test -- unit             one part: checks, unit, conformance, cluster or interop, or several
//   npm test -- cluster lease    the files of a part whose path matches
import { checks, runCheck } from './runner/check.ts';
import { checkMatrix, updatesMatrix } from './runner/matrix.ts';
import { type Outcome, verdict } from './runner/outcome.ts';
import { parseSelection } from './runner/selection.ts';
import { runSuite } from './runner/suite.ts';
import { forgetRecords } from './support/matrix.ts';
import { say } from './support/progress.ts';
import { prepareTools, type Suite } from './support/toolchain.ts';

const NODE_MAJOR = 24;
if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  say(`this is Node ${process.versions.node}; the tests need ${NODE_MAJOR}, which npm ci installs and npm test uses`);
  process.exit(1);
}

const { withChecks, suites, patterns } = parseSelection(process.argv.slice(2));
const strict = Boolean(process.env['CI']);
const missing = await prepareTools(suites);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));

async function runChecks(): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const check of withChecks ? checks : []) outcomes.push(await runCheck(check));
  return outcomes;
}

async function runSuites(chosen: readonly Suite[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const suite of chosen) {
    if (!interrupted.signal.aborted) outcomes.push(await runSuite({ suite, patterns, missing, signal: interrupted.signal }));
  }
  return outcomes;
}

/** After the interop suite as a whole, or to take over what a part of it has measured. */
async function runMatrixCheck(): Promise<readonly Outcome[]> {
  const due = suites.includes('interop') && (patterns.length === 0 || updatesMatrix) && !interrupted.signal.aborted;
  return due ? [await checkMatrix()] : [];
}

// Neither the checks nor these tests fill two cores; each of the other suites has them all.
const isLight = (suite: Suite): boolean => suite === 'unit' || suite === 'conformance';
const light = suites.filter(isLight);
const heavy = suites.filter((suite) => !isLight(suite));
if (patterns.length === 0 && suites.includes('interop')) forgetRecords();
const outcomes = [
  ...(await Promise.all([runChecks(), runSuites(light)])).flat(),
  ...(await runSuites(heavy)),
  ...(await runMatrixCheck()),
];
const notRun = missing.map(({ tool }) => ({ name: tool.name, install: tool.install }));
const { lines, exitCode } = verdict(outcomes, notRun, strict);
process.stdout.write(`\n${lines.join('\n')}\n`);
process.exitCode = interrupted.signal.aborted ? 1 : exitCode;
