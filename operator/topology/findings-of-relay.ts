// What is found about a media relay, from what is declared alone: servers that it names and that make no credentials for it, and
// a domain that requires FIPS of what has no approved algorithms for it.
import type { MediaRelay } from '../api/v1alpha1/index.ts';
import { concernedByKey, type Finding } from './findings.ts';
import type { Topology } from './topology.ts';

/** Nothing while its domain is missing or does not admit it: that is said already. */
export function findingsOfRelay(key: string, topology: Topology): readonly Finding[] {
  const placement = topology.relay(key);
  if (placement?.listed !== true) return [];
  return [...namesNoRegistrar(placement.device, key, topology), ...isOutsideFIPS(placement.device, key, topology)];
}

function namesNoRegistrar({ spec }: MediaRelay, key: string, topology: Topology): readonly Finding[] {
  const { trustDomain, registrars = [] } = spec;
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

/** RFC 8489, 9.2.2: MD5 where the relay offers no other password algorithm, and coturn offers none. */
function isOutsideFIPS({ spec }: MediaRelay, key: string, topology: Topology): readonly Finding[] {
  if (topology.domain(spec.trustDomain)?.spec.security.fips !== 'Required') return [];
  const message =
    `TrustDomain ${spec.trustDomain} requires FIPS, and a TURN relay is outside it: the key of its credentials is an MD5, ` +
    'which no FIPS list approves. Media stays protected by SRTP; have the relay assessed, or do without it.';
  return [{ reason: 'NotFIPSCompliant', message, concerns: [concernedByKey('MediaRelay', key)] }];
}
