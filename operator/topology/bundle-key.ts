// Which bundles there are: one for each audience of a domain, in each namespace where somebody reads it.
import { kebabCase, type Role, roles } from '../api/v1alpha1/index.ts';
import type { Audience } from './names.ts';

/** One bundle: what the servers of an audience (or the clients) of a domain read in one namespace. */
export interface BundleKey {
  readonly domain: string;
  readonly audience: Audience;
  readonly namespace: string;
}

/** The roles that read an audience's bundle; none for clients. */
export function audienceRoles(audience: Audience): readonly Role[] {
  return audience === 'clients' ? [] : audience === 'edge-external' ? ['Edge'] : (rolesByAudience.get(audience) ?? []);
}

const rolesByAudience = new Map(roles.map((role): [string, readonly Role[]] => [kebabCase(role), [role]]));

export function bundlesOfRole(domain: string, role: Role, namespace: string): readonly BundleKey[] {
  const audiences: readonly Audience[] = role === 'Edge' ? ['edge', 'edge-external'] : [kebabCase(role)];
  return audiences.map((audience) => ({ domain, audience, namespace }));
}
