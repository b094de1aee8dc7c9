// How traffic is protected: the table of the trust model (Microsoft, "Encryption for Lync Server 2013") as data, and what it
// says of each listener that a server declares. Two rows leave a choice, which is the TrustDomain's (`spec.traffic`).
import { type Role, roles, type TrustDomain, type TrustedServer } from '../api/v1alpha1/index.ts';
import { registrars } from './mesh.ts';
import { trunkRoles } from './trunks.ts';

export interface TrafficRow {
  readonly id: string;
  readonly traffic: string;
  readonly protectedBy: string;
  /** The field of `spec.traffic` that decides, where the row leaves a choice. */
  readonly policy?: keyof TrustDomain['spec']['traffic'];
}

/** Every row of the table, in its order. */
export const trafficTable = [
  { id: 'server-to-server', traffic: 'Server to server', protectedBy: 'MTLS' },
  { id: 'client-to-server', traffic: 'Client to server', protectedBy: 'TLS' },
  {
    id: 'instant-messaging',
    traffic: 'Instant messaging and presence',
    protectedBy: 'TLS; strictly internal traffic may use TCP, unencrypted',
    policy: 'instantMessaging',
  },
  { id: 'media', traffic: 'Audio, video and desktop sharing, media', protectedBy: 'SRTP' },
  { id: 'desktop-sharing', traffic: 'Desktop sharing, signalling', protectedBy: 'TLS' },
  { id: 'web-conferencing', traffic: 'Web conferencing', protectedBy: 'TLS' },
  {
    id: 'web',
    traffic: 'Meeting content download, address book download, distribution group expansion',
    protectedBy: 'HTTPS',
  },
  { id: 'mediation-media', traffic: 'Mediation server and its internal next hop, media', protectedBy: 'SRTP' },
  {
    id: 'mediation-to-gateway',
    traffic: 'Mediation server to media gateway, signalling',
    protectedBy: 'MTLS; a gateway that cannot may use TCP, unencrypted',
    policy: 'mediationToGateway',
  },
  {
    id: 'gateway-media',
    traffic: 'Mediation server to media gateway, media',
    protectedBy: 'none unless the gateway supports MTLS and storing certificates; then SRTP',
  },
] as const satisfies readonly TrafficRow[];

export type TrafficId = (typeof trafficTable)[number]['id'];
export type Listener = NonNullable<TrustedServer['spec']['listeners']>[number];
type Policy = keyof TrustDomain['spec']['traffic'];

interface ListenerRule {
  readonly row: TrafficId;
  readonly protocol: Listener['protocol'];
  readonly roles: readonly Role[];
  /** Of an Edge, the only face; every other role has one. */
  readonly face?: 'External';
  readonly policy?: Policy;
}

/** Whom clients call: registrars, an Edge from outside, and applications of the role Server. */
const calledByClients: readonly Role[] = [...registrars, 'Edge', 'Server'];

/** Which row allows which protocol to listeners of which role. What no rule allows, the table does not. */
export const listenerRules: readonly ListenerRule[] = [
  { row: 'server-to-server', protocol: 'MTLS', roles },
  { row: 'client-to-server', protocol: 'TLS', roles: calledByClients, face: 'External' },
  { row: 'web', protocol: 'HTTPS', roles: calledByClients, face: 'External' },
  { row: 'instant-messaging', protocol: 'TCP', roles: registrars, policy: 'instantMessaging' },
  { row: 'mediation-to-gateway', protocol: 'TCP', roles: trunkRoles, policy: 'mediationToGateway' },
];

export type ListenerVerdict =
  | { readonly allowed: true; readonly row: TrafficId; readonly encrypted: boolean }
  /** `message`: what the table allows instead, as a sentence. */
  | { readonly allowed: false; readonly message: string };

/** Whether the table, and the domain's choice where it leaves one, allow this listener to a server of this role. */
export function judgeListener(listener: Listener, role: Role, domain: TrustDomain): ListenerVerdict {
  const fitting = listenerRules.filter((rule) => rule.roles.includes(role) && fitsFace(rule, role, listener.face));
  const named = fitting.filter(({ protocol }) => protocol === listener.protocol);
  const rule = named.find(({ policy }) => policy === undefined || domain.spec.traffic[policy] === 'TCP');
  if (rule !== undefined) return { allowed: true, row: rule.row, encrypted: rule.protocol !== 'TCP' };
  const where = `Listener ${listener.name} (port ${listener.port}) is ${listener.protocol}`;
  const [choice] = named.flatMap(({ policy }) => policy ?? []);
  if (choice !== undefined) {
    return {
      allowed: false,
      message:
        `${where}, unencrypted, and spec.traffic.${choice} of TrustDomain ${domain.metadata.name} is TLS. ` +
        'Give it another protocol, or set that to TCP.',
    };
  }
  const instead = [...new Set(fitting.filter(({ policy }) => policy === undefined).map(({ protocol }) => protocol))];
  const who =
    role === 'Edge' && listener.face !== undefined ? `the ${listener.face.toLowerCase()} face of an Edge` : `the role ${role}`;
  return { allowed: false, message: `${where}, and what calls ${who} does so by ${instead.join(' or ')}. Use that.` };
}

function fitsFace({ face }: ListenerRule, role: Role, listensOn: Listener['face']): boolean {
  return role !== 'Edge' || face === undefined || listensOn !== 'Internal';
}
