// Who talks to whom, by role: the table of the trust model as data.
import { type Role, roles } from '../api/v1alpha1/index.ts';

export const registrars: readonly Role[] = ['FrontEnd', 'StandardEdition', 'Director', 'SurvivableBranch'];

const registrarPeers: readonly Role[] = [...registrars, 'Mediation', 'Edge', 'PersistentChat', 'TrustedApplication'];

const byRole: Readonly<Record<Role, readonly Role[]>> = {
  FrontEnd: registrarPeers,
  StandardEdition: registrarPeers,
  Director: registrarPeers,
  SurvivableBranch: registrarPeers,
  Mediation: [...registrars, 'Edge'],
  Edge: [...registrars, 'Mediation'],
  PersistentChat: registrars,
  TrustedApplication: registrars,
  Server: ['Server'],
};

/**
 * How a server of one role meets a pool of another: `Any` pool of that role, only the `SamePool` (members of one pool
 * always talk), or not at all.
 */
export function meets(role: Role, other: Role, mesh: 'ByRole' | 'Full'): 'Any' | 'SamePool' | undefined {
  if (mesh === 'Full' || byRole[role].includes(other)) return 'Any';
  return role === other ? 'SamePool' : undefined;
}

/** The roles whose peer list holds pools of this role. The relation is symmetric. */
export function rolesThatMeet(role: Role, mesh: 'ByRole' | 'Full'): readonly Role[] {
  return roles.filter((other) => meets(other, role, mesh) !== undefined);
}
