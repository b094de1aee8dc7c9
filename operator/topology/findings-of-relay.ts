// What is found about a media relay, from what is declared alone: servers that it names and that make no credentials for it.
import { concernedByKey, type Finding } from './findings.ts';
import type { Topology } from './topology.ts';

/** Nothing while its domain is missing or does not admit it: that is said already. */
export function findingsOfRelay(key: string, topology: Topology): readonly Finding[] {
  const placement = topology.relay(key);
  if (placement?.listed !== true) return [];
  const { trustDomain, registrars = [] } = placement.device.spec;
  return registrars.flatMap(({ namespace, name }): Finding[] => {
    const named = topology.placement(`${namespace}/${name}`);
    if (named?.listed === true && named.server.spec.trustDomain === trustDomain) return [];
    const message =
      `spec.registrars names TrustedServer ${namespace}/${name}, which ` +
      `${named === undefined ? 'does not exist' : `is no server that TrustDomain ${trustDomain} names`}. ` +
      'It gets no credentials: create it, or take it out of spec.registrars.';
    return [{ reason: 'ReferenceNotFound', message, concerns: [concernedByKey('MediaRelay', key)] }];
  });
}
