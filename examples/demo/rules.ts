// Who has business with whom, as the trust model has it. Written down here once more, on purpose: the demo compares what
// real handshakes say with this table, not with what the operator made of its own.
import type { Role } from '../../operator/api/v1alpha1/index.ts';

const registrars: readonly Role[] = ['FrontEnd', 'StandardEdition', 'Director', 'SurvivableBranch'];

const table: readonly (readonly [ones: readonly Role[], others: readonly Role[], carries: string])[] = [
  [registrars, registrars, 'registrar – registrar: SIP'],
  [registrars, ['Mediation'], 'registrar – Mediation: SIP and media'],
  [registrars, ['Edge'], 'registrar – Edge, inside: SIP'],
  [['Mediation'], ['Edge'], 'Mediation – Edge: media authentication'],
  [registrars, ['PersistentChat'], 'registrar – persistent chat: SIP'],
  [registrars, ['TrustedApplication'], 'registrar – application: SIP'],
  [['Server'], ['Server'], 'server – server: whatever they speak'],
];

interface Party {
  readonly role: Role;
  readonly pool: string;
}

/** What two servers have to do with each other, in words; undefined where it is nothing. */
export function businessOf(one: Party, other: Party): string | undefined {
  if (one.pool === other.pool) return 'members of one pool: everything';
  return table.find(
    ([ones, others]) =>
      (ones.includes(one.role) && others.includes(other.role)) || (ones.includes(other.role) && others.includes(one.role)),
  )?.[2];
}
