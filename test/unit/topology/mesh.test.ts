// Who talks to whom: every pair of roles.
import { type Role, roles } from '../../../operator/api/v1alpha1/index.ts';
import { meets, rolesThatMeet } from '../../../operator/topology/mesh.ts';

/** A row for each role: + for any pool of the other, o for members of one pool only, . for not at all. */
// biome-ignore format: a table
const table: Readonly<Record<Role, string>> = {
  //                   FE SE Di Me Ed SB PC TA Se
  FrontEnd:           '+  +  +  +  +  +  +  +  .',
  StandardEdition:    '+  +  +  +  +  +  +  +  .',
  Director:           '+  +  +  +  +  +  +  +  .',
  Mediation:          '+  +  +  o  +  +  .  .  .',
  Edge:               '+  +  +  +  o  +  .  .  .',
  SurvivableBranch:   '+  +  +  +  +  +  +  +  .',
  PersistentChat:     '+  +  +  .  .  +  o  .  .',
  TrustedApplication: '+  +  +  .  .  +  .  o  .',
  Server:             '.  .  .  .  .  .  .  .  +',
};

const meaning: Readonly<Record<string, 'Any' | 'SamePool' | undefined>> = { '+': 'Any', o: 'SamePool', '.': undefined };

const pairs = roles.flatMap((role) =>
  table[role].split(/ +/).map((mark, index) => [role, roles[index] ?? 'Server', meaning[mark]] as const),
);

it('has every pair', () => {
  expect(pairs).toHaveLength(roles.length ** 2);
});

it.each(pairs)('%s and %s meet: %s', (role, other, expected) => {
  expect(meets(role, other, 'ByRole')).toBe(expected);
});

it('is symmetric: who has a pool in its list is in the list of that pool', () => {
  for (const role of roles) {
    for (const other of roles) expect(meets(role, other, 'ByRole')).toBe(meets(other, role, 'ByRole'));
    expect(rolesThatMeet(role, 'ByRole')).toEqual(roles.filter((other) => meets(role, other, 'ByRole') !== undefined));
  }
});

it('is every server with every other where the mesh is full', () => {
  for (const role of roles) {
    expect(rolesThatMeet(role, 'Full')).toEqual(roles);
    for (const other of roles) expect(meets(role, other, 'Full')).toBe('Any');
  }
});
