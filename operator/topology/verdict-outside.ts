// Verdicts on what is no server of the domain: the trunk to a media gateway, a federated partner, a client, a media relay.
import type { Use } from '../api/v1alpha1/index.ts';
import {
  allow,
  anchorsOf,
  describe,
  insideAnchor,
  needsOf,
  noBusiness,
  portsOf,
  type Side,
  spiffeIDsOf,
  type Verdict,
  type Way,
} from './allowance.ts';
import { blockerOf, blockersOf } from './blockers.ts';
import { type Rule, ruleBetween, rules } from './mesh.ts';
import { partnerListing } from './partner-listing.ts';
import { type Anchor, type Known, type KnownServer, partyInWords, refuse } from './party.ts';
import { usesRelay } from './relay-users.ts';
import type { Topology } from './topology.ts';
import { allowsTransport, gatewaySpiffeID, trunkCertificate, trunkPort, usesGatewayAuthority } from './trunks.ts';

export function onTrunk(
  server: KnownServer,
  gateway: Extract<Known, { kind: 'Gateway' }>,
  calls: 'ToGateway' | 'ToServer',
): Verdict {
  const { metadata, spec } = gateway.gateway;
  if (server.placement.server.metadata.uid !== gateway.pool.metadata.uid) {
    return refuse(
      'NotItsTrunk',
      `The trunk of ${partyInWords(gateway.party)} ends at TrustedServer ${metadata.namespace}/${gateway.pool.metadata.name}: no other server talks to it, and no other believes its certificate.`,
    );
  }
  const { domain } = gateway;
  const { role } = gateway.pool.spec;
  if (!allowsTransport(domain, spec)) {
    return refuse(
      'PlainTCPNotAllowed',
      `${partyInWords(gateway.party)} has transport TCP, and spec.traffic.mediationToGateway of TrustDomain ${domain.metadata.name} is TLS. Once TLS is configured, it is mutual.`,
    );
  }
  const protocol = spec.transport === 'TCP' ? 'TCP' : 'MTLS';
  const byDefault = [trunkPort({ ...spec, port: undefined }, role)];
  const ports = calls === 'ToGateway' ? [trunkPort(spec, role)] : portsOf(server, protocol, byDefault, undefined);
  const none: Side = { names: [], spiffeIDs: [], holds: [] };
  if (protocol === 'TCP') return allow(rules.mediationGateway, [{ protocol, ports }], none, none);
  const own = trunkCertificate(spec) === 'OwnAuthority';
  const issuer: Anchor = own
    ? { kind: 'GatewayCA', gateway: gateway.party.key }
    : usesGatewayAuthority(spec)
      ? { kind: 'GatewayAuthority', pool: server.placement.key }
      : { kind: 'EnterpriseCA', name: domain.spec.enterpriseCA };
  return allow(
    rules.mediationGateway,
    [{ protocol, ports }],
    { names: server.names, spiffeIDs: spiffeIDsOf(server), holds: [issuer] },
    { names: [spec.fqdn], spiffeIDs: own ? [] : [gatewaySpiffeID(domain, spec)], holds: [insideAnchor(server)] },
  );
}

/** Whoever is merely discovered is no party with an edge of its own: it is found by each domain that is called. */
export function withPartner(
  server: KnownServer,
  { party, partner }: Extract<Known, { kind: 'Partner' }>,
  calls: 'ToPartner' | 'ToServer',
  topology: Topology,
): Verdict {
  const { server: edge } = server.placement;
  if (edge.spec.role !== 'Edge') {
    return refuse('WrongRole', `${describe(server)} is no Edge: trust in a partner is held by Edge servers only.`);
  }
  if (server.party.face === 'Internal' || edge.spec.edge?.accessFQDN === undefined) {
    return refuse(
      'WrongInterface',
      `${partyInWords(server.party)} meets partners at its external face, which spec.edge.accessFQDN names: a partner's certificate is not accepted on the internal one.`,
    );
  }
  const blocker = blockerOf(partner, blockersOf(topology.partnersOf(partner.spec.trustDomain)));
  if (blocker !== undefined) {
    return refuse(
      'Blocked',
      `FederatedPartner ${blocker} has the mode Blocked: ${party.name} is refused whatever its certificate.`,
    );
  }
  if (partner.status?.state === 'Refused') {
    return refuse('CANotTrusted', `Nothing is believed of ${partyInWords(party)}: its conditions say why.`);
  }
  const { edges, names } = partnerListing(partner, server.domain, topology);
  if (calls === 'ToPartner' && edges.length === 0) {
    return refuse(
      'AddressNotKnown',
      `Nobody knows where the access edge of ${partyInWords(party)} is (${partner.spec.mode}): it may call, and is not called.`,
    );
  }
  const isDiscovered = partner.spec.mode === 'Discovered';
  const inbound = isDiscovered
    ? portsOf(server, 'MTLS', [], 'External', 'Discovered')
    : portsOf(server, 'MTLS', rules.edgePartner.ports, 'External');
  if (calls === 'ToServer' && inbound.length === 0) {
    return refuse(
      'WrongInterface',
      `${partyInWords(server.party)} has no listener for discovered partners (listeners[].partners), and on no other are public CAs believed.`,
    );
  }
  const outbound = needsOf(server, ['AccessEdgeOutbound', 'AccessEdgeExternal']);
  const ways: Way[] = [
    {
      protocol: 'MTLS',
      ports: calls === 'ToPartner' ? [...new Set(edges.map(({ port }) => port))] : inbound,
    },
  ];
  return allow(
    rules.edgePartner,
    ways,
    {
      names: [...new Set(outbound.flatMap(({ dnsNames }) => dnsNames))],
      spiffeIDs: spiffeIDsOf(server),
      holds: [{ kind: 'PartnerCA', partner: party.name }],
    },
    {
      names,
      spiffeIDs: [],
      holds: anchorsOf(server, ['AccessEdgeOutbound', 'AccessEdgeExternal']),
    },
  );
}

const webUses: readonly Use[] = ['WebServicesInternal', 'WebServicesExternal'];

export function ofClient(client: Extract<Known, { kind: 'Client' }>, server: KnownServer): Verdict {
  const { role } = server.placement.server.spec;
  const rule = clientRule(server);
  if (rule === undefined) return noBusiness(client, server);
  if (server.party.face === 'Internal') {
    return refuse(
      'WrongInterface',
      `Clients meet ${partyInWords(server.party)} at its external face: at the internal one only servers are believed.`,
    );
  }
  const uses: readonly Use[] = role === 'Edge' ? ['AccessEdgeExternal'] : ['Default', ...webUses];
  const [sip, web] = rule.ports;
  const ways = (['TLS', 'HTTPS', 'TCP'] as const).flatMap((protocol): Way[] => {
    const byDefault = protocol === 'TLS' ? sip : protocol === 'HTTPS' ? web : undefined;
    const ports = portsOf(server, protocol, byDefault === undefined ? [] : [byDefault], 'External');
    return ports.length === 0 && protocol === 'TCP' ? [] : [{ protocol, ports }];
  });
  const names = [...new Set(needsOf(server, uses).flatMap(({ dnsNames }) => dnsNames))];
  return allow(
    rule,
    ways,
    { names: [], spiffeIDs: [], holds: anchorsOf(server, uses) },
    { names, spiffeIDs: spiffeIDsOf(server), holds: [] },
  );
}

function clientRule({ placement: { server } }: KnownServer): Rule | undefined {
  const { role } = server.spec;
  if (role === 'Edge') return rules.clientEdge;
  if (role === 'Server') return rules.clientServer;
  return ruleBetween(role, role, 'ByRole') === rules.registrarRegistrar ? rules.clientRegistrar : undefined;
}

export function toRelay(from: Known, { relay, domain }: Extract<Known, { kind: 'Relay' }>): Verdict {
  const { ports, fqdn } = relay.spec;
  const user = from.kind === 'Client' || (from.kind === 'Server' && usesRelay(from.placement.key, from.placement.server, relay));
  if (!user) {
    return refuse(
      'WrongRole',
      `${describe(from)} makes no credentials for MediaRelay ${relay.metadata.namespace}/${relay.metadata.name}, and is given none.`,
    );
  }
  return allow(
    rules.mediaRelay,
    [{ protocol: 'TLS', ports: [ports.turns] }],
    { names: [], spiffeIDs: [], holds: [{ kind: 'EnterpriseCA', name: domain.spec.enterpriseCA }] },
    { names: [fqdn], spiffeIDs: [], holds: [] },
  );
}
