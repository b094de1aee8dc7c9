// `npm test`: makes ready what the tests need, runs the checks and the suites, and says what came of them.
//   npm test                     everything
//   npm test -- unit             one part: checks, unit, cluster or interop, or several
//   npm test -- cluster lease    the files of a part whose path matches
import { checks, runCheck } from './runner/check.ts';
import { type Outcome, verdict } from './runner/outcome.ts';
import { parseSelection } from './runner/selection.ts';
import { runSuite } from './runner/suite.ts';
import { say } from './support/progress.ts';
import { prepareTools } from './support/toolchain.ts';

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
const outcomes: Outcome[] = [];
/** Two lanes at first, since neither the checks nor the unit tests fill two cores; after that each suite has them all. */
const runChecks = async (): Promise<void> => {
  for (const check of withChecks ? checks : []) outcomes.push(await runCheck(check));
};
const runUnit = async (): Promise<void> => {
  if (suites.includes('unit')) outcomes.push(await runSuite({ suite: 'unit', patterns, missing, signal: interrupted.signal }));
};
await Promise.all([runChecks(), runUnit()]);
for (const suite of suites) {
  if (suite === 'unit' || interrupted.signal.aborted) continue;
  process.stdout.write(`${suite}\n`);
  outcomes.push(await runSuite({ suite, patterns, missing, signal: interrupted.signal }));
}

const notRun = missing.map(({ tool }) => ({ name: tool.name, install: tool.install }));
const { lines, exitCode } = verdict(outcomes, notRun, strict);
process.stdout.write(`\n${lines.join('\n')}\n`);
process.exitCode = interrupted.signal.aborted ? 1 : exitCode;
