// Who may be one end of a connection: members of servers, media gateways, media relays, federated partners, clients. Each is
// looked up in the topology, which knows it and all that it may show, or says why it does not.
import type { FederatedPartner, TrustDomain } from '../api/v1alpha1/index.ts';
import type { Placement } from './placements.ts';
import type { Topology } from './topology.ts';
import { standingOf, type Trunk } from './trunk-standing.ts';

export type Face = 'Internal' | 'External';

export type Party = (
  | {
      readonly kind: 'Server';
      /** `namespace/name`. */
      readonly key: string;
      /** FQDN of one member; absent, any of them. */
      readonly member?: string;
      /** Of an Edge, which of its faces; absent, the one that the other party is met at. */
      readonly face?: Face;
    }
  | { readonly kind: 'Gateway'; readonly key: string }
  | { readonly kind: 'Relay'; readonly key: string }
  | { readonly kind: 'Partner'; readonly name: string }
  /** Whoever holds the client bundle of a domain. */
  | { readonly kind: 'Client'; readonly domain: string }
) & {
  /** The certificate that it shows, where one is at hand: held against what it must show. */
  readonly presents?: Presented;
};

export interface Presented {
  /** DNS names, whole. */
  readonly names: readonly string[];
  readonly issuer: Anchor;
}

/** Where trust in a certificate comes from. */
export type Anchor =
  | { readonly kind: 'EnterpriseCA'; readonly name: string }
  /** Of a mediation pool, `namespace/name`: believed by that pool alone. */
  | { readonly kind: 'GatewayAuthority'; readonly pool: string }
  /** A gateway's own CA, scoped to the gateway's name. */
  | { readonly kind: 'GatewayCA'; readonly gateway: string }
  /** A partner's CA, scoped to the partner's names. */
  | { readonly kind: 'PartnerCA'; readonly partner: string };

export const refusalReasons = [
  'NotInTopology',
  'WrongRole',
  'NotAPeer',
  'NameConflict',
  'NameMismatch',
  'CANotTrusted',
  'Blocked',
  'AddressNotKnown',
  'PlainTCPNotAllowed',
  'WrongInterface',
  'NotItsTrunk',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export interface Refusal {
  readonly allowed: false;
  readonly reason: RefusalReason;
  /** Who, why, and by which row of the trust model: sentences. */
  readonly message: string;
}

export type Known =
  | {
      readonly kind: 'Server';
      readonly party: Extract<Party, { kind: 'Server' }>;
      readonly placement: Placement;
      readonly domain: TrustDomain;
      /** Of pool and members, or of the one member: those that it holds. */
      readonly names: readonly string[];
    }
  | ({ readonly kind: 'Gateway'; readonly party: Extract<Party, { kind: 'Gateway' }> } & Trunk)
  | {
      readonly kind: 'Relay';
      readonly party: Extract<Party, { kind: 'Relay' }>;
      readonly relay: NonNullable<ReturnType<Topology['relay']>>['device'];
      readonly domain: TrustDomain;
    }
  | {
      readonly kind: 'Partner';
      readonly party: Extract<Party, { kind: 'Partner' }>;
      readonly partner: FederatedPartner;
      readonly domain: TrustDomain;
    }
  | { readonly kind: 'Client'; readonly party: Extract<Party, { kind: 'Client' }>; readonly domain: TrustDomain };

export type KnownServer = Extract<Known, { kind: 'Server' }>;

export function refuse(reason: RefusalReason, message: string): Refusal {
  return { allowed: false, reason, message };
}

/** `TrustedServer voice/pool01`, `FederatedPartner fabrikam`, `a client of contoso`. */
export function partyInWords(party: Party): string {
  switch (party.kind) {
    case 'Server':
      return `TrustedServer ${party.key}`;
    case 'Gateway':
      return `MediaGateway ${party.key}`;
    case 'Relay':
      return `MediaRelay ${party.key}`;
    case 'Partner':
      return `FederatedPartner ${party.name}`;
    case 'Client':
      return `a client of ${party.domain}`;
    default:
      return party satisfies never;
  }
}

/** What the topology knows of a party. Only what it names is trusted, whatever certificate it has. */
export function lookUp(party: Party, topology: Topology): Known | Refusal {
  switch (party.kind) {
    case 'Server':
      return lookUpServer(party, topology);
    case 'Gateway': {
      const placement = topology.gateway(party.key);
      if (placement === undefined) return notNamed(party);
      const standing = standingOf(placement, topology);
      if (standing.stands) return { ...standing, kind: 'Gateway', party };
      if (standing.reason === 'MediationServerUnsuitable') return refuse('WrongRole', standing.message);
      return refuse(standing.reason === 'NameConflict' ? 'NameConflict' : 'NotInTopology', standing.message);
    }
    case 'Relay': {
      const { device: relay, listed = false } = topology.relay(party.key) ?? {};
      const domain = relay && topology.domain(relay.spec.trustDomain);
      if (!listed || relay === undefined || domain === undefined) return notNamed(party);
      return heldBy(relay.metadata.uid, relay.spec.fqdn, topology) ?? { kind: 'Relay', party, relay, domain };
    }
    case 'Partner': {
      const partner = topology.partner(party.name);
      const domain = partner && topology.domain(partner.spec.trustDomain);
      return partner === undefined || domain === undefined ? notNamed(party) : { kind: 'Partner', party, partner, domain };
    }
    case 'Client': {
      const domain = topology.domain(party.domain);
      return domain === undefined ? notNamed(party) : { kind: 'Client', party, domain };
    }
    default:
      return party satisfies never;
  }
}

function lookUpServer(party: Extract<Party, { kind: 'Server' }>, topology: Topology): Known | Refusal {
  const placement = topology.placement(party.key);
  const domain = placement && topology.domain(placement.server.spec.trustDomain);
  if (placement?.listed !== true || domain === undefined) return notNamed(party);
  const { metadata, spec } = placement.server;
  const { poolFQDN, members } = spec;
  if (party.member !== undefined && !members.some(({ fqdn }) => fqdn === party.member)) {
    return refuse('NotInTopology', `${partyInWords(party)} has no member ${party.member}. ${onlyTheNamed}`);
  }
  const conflict = heldBy(metadata.uid, poolFQDN, topology);
  if (conflict !== undefined) return conflict;
  const declared = [poolFQDN, ...(party.member === undefined ? members.map(({ fqdn }) => fqdn) : [party.member])];
  const names = [...new Set(declared)].filter((name) => heldBy(metadata.uid, name, topology) === undefined);
  return { kind: 'Server', party, placement, domain, names };
}

const onlyTheNamed = 'Only what the topology names is trusted, whatever certificate it shows.';

function notNamed(party: Party): Refusal {
  return refuse('NotInTopology', `The topology does not name ${partyInWords(party)}. ${onlyTheNamed}`);
}

/** Why an object does not have a name that it declares; undefined where it holds it. */
function heldBy(uid: string, name: string, topology: Topology): Refusal | undefined {
  const holder = topology.holder(name);
  if (holder?.kind === 'Claim' && holder.claim.uid === uid) return undefined;
  const who =
    holder?.kind === 'Claim'
      ? `held by ${holder.claim.kind} ${holder.claim.namespace}/${holder.claim.name}`
      : `reserved for namespace ${holder?.namespace ?? ''}`;
  return refuse('NameConflict', `${name} is ${who}: nobody else is believed under it.`);
}
