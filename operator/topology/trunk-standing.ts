// Whether a gateway has a trunk at all: it is admitted, holds its name, and the server that it names may have one.
import type { MediaGateway, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import type { DevicePlacement } from './devices.ts';
import { nameConflict } from './name-conflict.ts';
import type { Topology } from './topology.ts';
import { trunkRoles } from './trunks.ts';

export interface Trunk {
  readonly gateway: MediaGateway;
  readonly domain: TrustDomain;
  /** The server at the other end. */
  readonly pool: TrustedServer;
}

export type Standing =
  | ({ readonly stands: true } & Trunk)
  | {
      readonly stands: false;
      readonly reason:
        | 'TrustDomainNotFound'
        | 'NamespaceNotFound'
        | 'NamespaceTerminating'
        | 'NamespaceNotAdmitted'
        | 'NameNotAdmitted'
        | 'NameConflict'
        | 'MediationServerNotFound'
        | 'MediationServerUnsuitable';
      /** What stands in the way and what to do about it. */
      readonly message: string;
      /** Epoch ms at which it may be gone by itself. */
      readonly until?: number;
    };

/** One that lost its admission a short while ago keeps its trunk; nothing is renewed meanwhile. */
export function standingOf(placement: DevicePlacement<MediaGateway>, topology: Topology): Standing {
  const { device: gateway, admission, listed } = placement;
  const { trustDomain, fqdn, mediationServer } = gateway.spec;
  const namespace = gateway.metadata.namespace ?? '';
  const refuse = (reason: Extract<Standing, { stands: false }>['reason'], message: string, until?: number): Standing => ({
    stands: false,
    reason,
    message,
    ...(until === undefined ? {} : { until }),
  });
  const domain = topology.domain(trustDomain);
  if (domain === undefined)
    return refuse(
      'TrustDomainNotFound',
      `TrustDomain ${trustDomain} does not exist. Create it, or name another in spec.trustDomain. What was issued stays as it is.`,
    );
  const facts = topology.namespace(namespace);
  if (facts === undefined) return refuse('NamespaceNotFound', `Namespace ${namespace} is not known yet.`);
  if (facts.terminating) return refuse('NamespaceTerminating', `Namespace ${namespace} is being deleted.`);
  if (admission?.admitted === false && !listed) return refuse(admission.reason, admission.message);
  const conflict = nameConflict(fqdn, gateway.metadata.uid, topology);
  if (conflict !== undefined) return refuse('NameConflict', conflict.message, conflict.until);
  const pool = topology.placement(`${namespace}/${mediationServer.name}`);
  if (pool === undefined)
    return refuse(
      'MediationServerNotFound',
      `TrustedServer ${mediationServer.name} does not exist in namespace ${namespace}. Create it with the role ${trunkRoles.join(' or ')}, or name another in spec.mediationServer.`,
    );
  const { role, trustDomain: other } = pool.server.spec;
  if (other !== trustDomain)
    return refuse(
      'MediationServerUnsuitable',
      `TrustedServer ${mediationServer.name} belongs to TrustDomain ${other}, the gateway to ${trustDomain}: name a server of its own domain in spec.mediationServer.`,
    );
  if (!trunkRoles.includes(role))
    return refuse(
      'MediationServerUnsuitable',
      `TrustedServer ${mediationServer.name} has the role ${role}, which has no trunks: name one with the role ${trunkRoles.join(' or ')} in spec.mediationServer.`,
    );
  if (!pool.listed)
    return refuse(
      'MediationServerUnsuitable',
      `TrustedServer ${mediationServer.name} has no place in the topology: see its condition TopologyValid.`,
    );
  return { stands: true, gateway, domain, pool: pool.server };
}

/** The trunks of a server, those of the oldest gateways first. */
export function trunksOf(server: string, topology: Topology): readonly Trunk[] {
  return [...topology.trunksOf(server)]
    .flatMap((key) => {
      const placement = topology.gateway(key);
      const standing = placement?.listed === true ? standingOf(placement, topology) : undefined;
      return standing?.stands === true ? [standing] : [];
    })
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ gateway: { metadata } }: Trunk): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}
