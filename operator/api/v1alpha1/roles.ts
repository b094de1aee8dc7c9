// The roles and certificate uses of the topology (Microsoft, "Certificate infrastructure requirements", Lync Server 2013).
import { z } from 'zod';

export const roles = [
  'FrontEnd',
  'StandardEdition',
  'Director',
  'Mediation',
  'Edge',
  'SurvivableBranch',
  'PersistentChat',
  'TrustedApplication',
  'Server',
] as const;

export const role = z.enum(roles);
export type Role = (typeof roles)[number];

export const uses = [
  'Default',
  'WebServicesInternal',
  'WebServicesExternal',
  'OAuthTokenIssuer',
  'AccessEdgeExternal',
  'AccessEdgeOutbound',
  'Internal',
  'AudioVideoAuthentication',
] as const;

export const use = z.enum(uses);
export type Use = (typeof uses)[number];

const registrarWithWebServices = ['Default', 'WebServicesInternal', 'WebServicesExternal', 'OAuthTokenIssuer'] as const;

/** The uses that each role has. What names a use holds is the topology's to say. */
export const usesByRole = {
  FrontEnd: registrarWithWebServices,
  StandardEdition: registrarWithWebServices,
  Director: ['Default'],
  Mediation: ['Default'],
  Edge: ['AccessEdgeExternal', 'AccessEdgeOutbound', 'Internal', 'AudioVideoAuthentication'],
  SurvivableBranch: ['Default'],
  PersistentChat: ['Default'],
  TrustedApplication: ['Default'],
  Server: ['Default'],
} as const satisfies Readonly<Record<Role, readonly Use[]>>;

/** `FrontEnd` as `front-end`, `OAuthTokenIssuer` as `oauth-token-issuer`: the form that Secret and ConfigMap names carry. */
export function kebabCase(name: Role | Use): string {
  return name.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
}
