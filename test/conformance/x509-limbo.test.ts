// Path validation judged by x509-limbo: each case as the corpus decides it, and each refusal for its own reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, type LimboCase, limbo } from './limbo.ts';
import { decidedOtherwise, reasons } from './reasons.ts';

/** Another corpus of the same format, of which only the decisions are known. */
const other = process.env['TRUSTMESH_CORPUS'];
const { testcases } = limbo.parse(JSON.parse(readFileSync(other ?? join(import.meta.dirname, 'x509-limbo.json'), 'utf8')));
const failing = testcases.filter(({ expected_result }) => expected_result === 'FAILURE');
const byId = (cases: readonly LimboCase[]): [string, LimboCase][] => cases.map((limboCase) => [limboCase.id, limboCase]);

const decision = (...[limboCase, profile]: Parameters<typeof judge>): string => {
  const verdict = judge(limboCase, profile);
  return verdict.ok ? 'SUCCESS' : `FAILURE, ${verdict.reason}: ${verdict.message}`;
};

it.each(byId(testcases.filter(({ id }) => !(id in decidedOtherwise))))('%s', (id, limboCase) => {
  const reason = reasons[id] === undefined ? '' : `, ${reasons[id]}: `;
  expect(decision(limboCase)).toMatch(new RegExp(`^${limboCase.expected_result}${reason}`));
});

it.each(byId(testcases.filter(({ id }) => id in decidedOtherwise)))('%s is decided otherwise', (_, limboCase) => {
  expect(decision(limboCase)).toMatch(limboCase.expected_result === 'FAILURE' ? /^SUCCESS/ : /^FAILURE/);
});

if (other === undefined) {
  it('has a reason for every refusal, and for no case else', () => {
    const wanted = failing.map(({ id }) => id).filter((id) => !(id in decidedOtherwise));
    expect(Object.keys(reasons).sort()).toEqual(wanted.sort());
  });

  // What these cases are made of lacks key identifiers, which alone would refuse them.
  it.each(byId(failing.filter(({ id }) => id.startsWith('pathological::pathological-chain'))))(
    '%s ends soon where its form is let pass',
    (_, limboCase) => {
      const started = performance.now();
      expect(decision(limboCase, 'Enterprise')).toMatch(/^FAILURE, (ChainTooDeep|TooMuchWork|UntrustedIssuer): /);
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );
}
