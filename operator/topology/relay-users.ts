// Which servers make credentials for a media relay, and so are given its secret.
import type { MediaRelay, Role, TrustedServer } from '../api/v1alpha1/index.ts';
import { registrars } from './mesh.ts';

/** Where the relay names none: registrars, and mediation servers for calls of their trunks. */
export const relayUsers: readonly Role[] = [...registrars, 'Mediation'];

/** @param key of the server, `namespace/name` */
export function usesRelay(key: string, { spec: { role } }: TrustedServer, { spec }: MediaRelay): boolean {
  if (spec.registrars === undefined) return relayUsers.includes(role);
  return spec.registrars.some(({ namespace, name }) => `${namespace}/${name}` === key);
}
