// docs/mesh.md against the code: the tables on the page are the tables that decide.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { roles } from '../../../operator/api/v1alpha1/index.ts';
import { meshTable } from '../../../operator/topology/mesh.ts';
import { refusalReasons } from '../../../operator/topology/party.ts';
import { listenerRules, type TrafficRow, trafficTable } from '../../../operator/topology/traffic.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/mesh.md'), 'utf8');

/** The rows of the table below a heading, cell by cell. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const from = page.indexOf(`\n## ${heading}\n`);
  const to = page.indexOf('\n## ', from + 1);
  return page
    .slice(from, to)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

it('has every rule, and no other', () => {
  expect(tableOf('The rules')).toEqual(
    meshTable.map(({ id, between, carries, protocols, ports }) => [
      between,
      carries,
      protocols.join(', '),
      ports.join(', ') || 'as declared',
      `\`${id}\``,
    ]),
  );
});

it('has every row of the traffic table, and no other', () => {
  const rows: readonly TrafficRow[] = trafficTable;
  expect(tableOf('Traffic')).toEqual(
    rows.map(({ traffic, protectedBy, policy }) => [traffic, protectedBy, policy === undefined ? '' : `\`${policy}\``]),
  );
});

it('has every rule for listeners, and no other', () => {
  expect(tableOf('Listeners')).toEqual(
    listenerRules.map((rule) => [
      rule.protocol,
      rule.roles.length === roles.length ? 'every role' : rule.roles.join(', '),
      rule.policy === undefined ? '' : `\`traffic.${rule.policy}\` is \`TCP\``,
    ]),
  );
});

it('has every reason for a refusal, and no other', () => {
  expect(tableOf('Why one is refused').map(([reason]) => reason)).toEqual(refusalReasons.map((reason) => `\`${reason}\``));
});
