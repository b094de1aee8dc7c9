// Whether one party may call another, and what that takes: the protocol and ports, the names that each certificate must show, the
// anchors that each side must hold, and the rule it follows from; or why not. Pure, and in proportion to the two parties alone.
import { allow, insideOf, noBusiness, portsOf, type Side, type Verdict } from './allowance.ts';
import { ruleBetween, rules } from './mesh.ts';
import { namedPeers } from './named-peers.ts';
import { type Anchor, type Known, type KnownServer, lookUp, type Party, partyInWords, type Refusal, refuse } from './party.ts';
import type { Topology } from './topology.ts';
import { ofClient, onTrunk, toRelay, withPartner } from './verdict-outside.ts';

export type { Allowance, Side, Verdict, Way } from './allowance.ts';

/** Whether `from` may call `to`. */
export function verdict(from: Party, to: Party, topology: Topology): Verdict {
  const caller = lookUp(from, topology);
  if ('allowed' in caller) return caller;
  const called = lookUp(to, topology);
  if ('allowed' in called) return called;
  if (caller.domain.metadata.name !== called.domain.metadata.name) {
    const message = `${partyInWords(from)} belongs to TrustDomain ${caller.domain.metadata.name}, ${partyInWords(to)} to ${called.domain.metadata.name}: each trusts its own topology alone.`;
    return refuse('NotInTopology', message);
  }
  const judged = judge(caller, called, topology);
  if (!judged.allowed) return judged;
  return contradiction(from, judged.from, judged.to) ?? contradiction(to, judged.to, judged.from) ?? judged;
}

function judge(from: Known, to: Known, topology: Topology): Verdict {
  if (from.kind === 'Server' && to.kind === 'Server') return betweenServers(from, to, topology);
  if (from.kind === 'Server' && to.kind === 'Gateway') return onTrunk(from, to, 'ToGateway');
  if (from.kind === 'Gateway' && to.kind === 'Server') return mirrored(onTrunk(to, from, 'ToServer'));
  if (from.kind === 'Server' && to.kind === 'Partner') return withPartner(from, to, 'ToPartner', topology);
  if (from.kind === 'Partner' && to.kind === 'Server') return mirrored(withPartner(to, from, 'ToServer', topology));
  if (from.kind === 'Client' && to.kind === 'Server') return ofClient(from, to);
  if (to.kind === 'Relay') return toRelay(from, to);
  return noBusiness(from, to);
}

function betweenServers(from: KnownServer, to: KnownServer, topology: Topology): Verdict {
  const outside = [from, to].find((server) => server.party.face === 'External');
  if (outside !== undefined) {
    return refuse(
      'WrongInterface',
      `The external face of ${partyInWords(outside.party)} believes partners alone: an enterprise certificate is not accepted there. Servers meet an Edge at its internal face.`,
    );
  }
  const same = from.placement.key === to.placement.key;
  const [role, other] = [from.placement.server.spec.role, to.placement.server.spec.role];
  const rule = same ? rules.samePool : ruleBetween(role, other, from.domain.spec.security.mesh);
  if (rule === undefined) return noBusiness(from, to);
  const narrowed = same ? undefined : (leftOut(from, to, topology) ?? leftOut(to, from, topology));
  if (narrowed !== undefined) return narrowed;
  return allow(
    rule,
    [{ protocol: 'MTLS', ports: portsOf(to, 'MTLS', rule.ports, 'Internal') }],
    insideOf(from, to),
    insideOf(to, from),
  );
}

/** Each side reads its own list: what one leaves out, it refuses, whoever calls. */
function leftOut(reader: KnownServer, peer: KnownServer, topology: Topology): Refusal | undefined {
  const { poolFQDN } = peer.placement.server.spec;
  const named = namedPeers(reader.placement.server, topology);
  if (named === undefined || named.some(({ pool }) => pool === poolFQDN)) return undefined;
  const message = `spec.peers of ${partyInWords(reader.party)} does not name ${poolFQDN}: it neither calls that pool nor believes it.`;
  return refuse('NotAPeer', message);
}

/** Seen from the other end. */
function mirrored(judged: Verdict): Verdict {
  return judged.allowed ? { ...judged, from: judged.to, to: judged.from } : judged;
}

/** Why the certificate that a party shows is not the one it should be. */
function contradiction(party: Party, side: Side, other: Side): Refusal | undefined {
  const { presents } = party;
  if (presents === undefined || side.names.length === 0) return undefined;
  if (!other.holds.map(anchorInWords).includes(anchorInWords(presents.issuer))) {
    return refuse(
      'CANotTrusted',
      `The certificate of ${partyInWords(party)} comes from ${anchorInWords(presents.issuer)}, and what believes it here is ${other.holds.map(anchorInWords).join(' or ') || 'nothing'}.`,
    );
  }
  if (presents.names.some((name) => side.names.includes(name))) return undefined;
  return refuse(
    'NameMismatch',
    `The certificate of ${partyInWords(party)} shows ${presents.names.join(', ') || 'no DNS name'}; expected is ${side.names.join(' or ')}.`,
  );
}

function anchorInWords(anchor: Anchor): string {
  switch (anchor.kind) {
    case 'EnterpriseCA':
      return `EnterpriseCA ${anchor.name}`;
    case 'GatewayAuthority':
      return `the gateway authority of ${anchor.pool}`;
    case 'GatewayCA':
      return `the CA of MediaGateway ${anchor.gateway}`;
    case 'PartnerCA':
      return `the CA of FederatedPartner ${anchor.partner}`;
    default:
      return anchor satisfies never;
  }
}
