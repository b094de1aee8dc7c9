// Which servers make credentials for a media relay, and so are given its secret: nobody asks those servers, and so the relays of
// one namespace that may do so are counted.
import type { MediaRelay, Role, TrustedServer } from '../api/v1alpha1/index.ts';
import type { DevicePlacement } from './devices.ts';
import { registrars } from './mesh.ts';

/** Where the relay names none: registrars, and mediation servers for calls of their trunks. */
export const relayUsers: readonly Role[] = [...registrars, 'Mediation'];

/** @param key of the server, `namespace/name` */
export function usesRelay(key: string, { spec: { role } }: TrustedServer, { spec }: MediaRelay): boolean {
  if (spec.registrars === undefined) return relayUsers.includes(role);
  return spec.registrars.some(({ namespace, name }) => `${namespace}/${name}` === key);
}

/** Of one namespace and domain: each leaves a Secret beside every server that uses it. */
export const mostRelays = 16;

/**
 * Whether a relay may hand its secret out, of all relays of its namespace: those that have, and then the oldest, of one second
 * those of lower UIDs.
 *
 * @param delivered whether registrars have the secret of a relay: calls are lost where it is taken from them
 */
export function mayHaveUsers(
  { device, key }: DevicePlacement<MediaRelay>,
  neighbours: readonly DevicePlacement<MediaRelay>[],
  delivered: (relay: MediaRelay) => boolean,
): boolean {
  const others = neighbours.filter(
    (other) => other.key !== key && other.listed && other.device.spec.trustDomain === device.spec.trustDomain,
  );
  if (others.length < mostRelays || delivered(device)) return true;
  const rank = ({ metadata }: MediaRelay) => `${metadata.creationTimestamp}/${metadata.uid}`;
  return others.filter((other) => rank(other.device) < rank(device) || delivered(other.device)).length < mostRelays;
}
