// What is found about a server: listeners that the traffic table does not allow or that are unencrypted, peers that do not
// exist, and no SRTP where its domain requires that. Costs what the server itself declares. What keeps its certificates from being
// issued is not said here again.
import type { TrustDomain } from '../api/v1alpha1/index.ts';
import { concernedByKey, type Finding, inWords } from './findings.ts';
import { type NamedPeer, namedPeers } from './named-peers.ts';
import type { Placement } from './placements.ts';
import type { Topology } from './topology.ts';
import { judgeListener } from './traffic.ts';

/** Nothing of a server that its domain does not name: that it is not named is said already. */
export function findingsOfServer(key: string, topology: Topology): readonly Finding[] {
  const placement = topology.placement(key);
  const domain = placement && topology.domain(placement.server.spec.trustDomain);
  if (placement?.listed !== true || domain === undefined) return [];
  return [
    ...listenerFindings(placement, domain),
    ...discoveryFindings(placement, topology),
    ...peerFindings(placement, topology),
    ...mediaFindings(placement, domain),
  ];
}

function listenerFindings({ key, server }: Placement, domain: TrustDomain): readonly Finding[] {
  const self = concernedByKey('TrustedServer', key);
  const policy = { kind: 'TrustDomain', name: domain.metadata.name } as const;
  return (server.spec.listeners ?? []).flatMap((listener): Finding[] => {
    const judged = judgeListener(listener, server.spec.role, domain);
    if (!judged.allowed) {
      const message = `${judged.message} Nothing is rendered for it.`;
      return [{ reason: 'ListenerNotAllowed', message, concerns: [self, policy] }];
    }
    if (judged.encrypted) return [];
    const message =
      `Listener ${listener.name} (port ${listener.port}) is TCP: whoever is on the way reads and changes what it carries. ` +
      `TrustDomain ${policy.name} allows it; TLS protects it.`;
    return [{ reason: 'UnencryptedLink', message, concerns: [self, policy] }];
  });
}

/** Fails closed, and should not be taken for one that works. */
function discoveryFindings({ key, server }: Placement, topology: Topology): readonly Finding[] {
  const { trustDomain, listeners = [] } = server.spec;
  if (topology.partnersOf(trustDomain).some(({ spec }) => spec.mode === 'Discovered')) return [];
  return listeners
    .filter(({ partners }) => partners === 'Discovered')
    .map(({ name, port }): Finding => {
      const message =
        `Listener ${name} (port ${port}) is for discovered partners, and TrustDomain ${trustDomain} has no FederatedPartner of the mode ` +
        'Discovered, whose CAs it would believe: nobody gets in. Declare one, or take the listener away.';
      return { reason: 'ReferenceNotFound', message, concerns: [concernedByKey('TrustedServer', key)] };
    });
}

function peerFindings({ key, server }: Placement, topology: Topology): readonly Finding[] {
  const self = concernedByKey('TrustedServer', key);
  return (namedPeers(server, topology) ?? []).flatMap((peer): Finding[] => {
    const wrong = faultOf(peer, server.metadata.namespace ?? '', topology);
    if (wrong === undefined) return [];
    return [{ reason: 'ReferenceNotFound', message: `spec.peers names ${peer.name}: ${wrong}`, concerns: [self] }];
  });
}

function mediaFindings({ key, server }: Placement, domain: TrustDomain): readonly Finding[] {
  const own = server.spec.media?.encryptionLevel;
  if (own !== 'NotSupported' || domain.spec.media.encryptionLevel !== 'Required') return [];
  const { name } = domain.metadata;
  const message =
    `media.encryptionLevel of TrustDomain ${name} is Required, and that of this server ${own}: its media is not encrypted, and no call ` +
    'with media is set up with whoever declares Required. Leave it out here, or set it to Supported.';
  return [
    { reason: 'SRTPNotPossible', message, concerns: [concernedByKey('TrustedServer', key), { kind: 'TrustDomain', name }] },
  ];
}

/** A server that is there and not listed says itself why it is not. */
function faultOf({ name, entry }: NamedPeer, namespace: string, topology: Topology): string | undefined {
  if (entry !== undefined) return undefined;
  const other = topology.placement(`${namespace}/${name}`);
  if (other === undefined) {
    return (
      `there is no such pool that this server may talk to, and no TrustedServer of that name in namespace ${namespace}. ` +
      'Create it, or take it out of spec.peers.'
    );
  }
  if (!other.listed) return undefined;
  return (
    `${inWords(concernedByKey('TrustedServer', other.key))} has the role ${other.server.spec.role} in TrustDomain ` +
    `${other.server.spec.trustDomain}, and this server has no business with it. Take it out of spec.peers.`
  );
}
