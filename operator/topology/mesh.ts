// Who talks to whom: the table of the trust model ("Who talks to whom") as data, and what follows from it for two roles.
import { type Role, roles } from '../api/v1alpha1/index.ts';

export const registrars: readonly Role[] = ['FrontEnd', 'StandardEdition', 'Director', 'SurvivableBranch'];

export type Protocol = 'MTLS' | 'TLS' | 'TCP' | 'HTTPS';

export interface MeshRule {
  readonly id: string;
  readonly between: string;
  readonly carries: string;
  readonly protocols: readonly Protocol[];
  /** TCP ports by default; none where the server that is called says it itself. */
  readonly ports: readonly number[];
  /** Of rules between servers: any role of the one with any of the other. */
  readonly roles?: readonly [readonly Role[], readonly Role[]];
}

/** Every rule by which two parties may talk. Between two servers the first that fits is the one that counts. */
export const rules = {
  samePool: { id: 'same-pool', between: 'members of one pool', carries: 'everything', protocols: ['MTLS'], ports: [] },
  registrarRegistrar: {
    id: 'registrar-registrar',
    between: 'registrar and registrar',
    carries: 'SIP',
    protocols: ['MTLS'],
    ports: [5061],
    roles: [registrars, registrars],
  },
  registrarMediation: {
    id: 'registrar-mediation',
    between: 'registrar and Mediation',
    carries: 'SIP; media by SRTP',
    protocols: ['MTLS'],
    ports: [5067, 5070],
    roles: [registrars, ['Mediation']],
  },
  registrarEdge: {
    id: 'registrar-edge',
    between: 'registrar and Edge, internal face',
    carries: 'SIP, media relay authentication',
    protocols: ['MTLS'],
    ports: [5061, 5062],
    roles: [registrars, ['Edge']],
  },
  mediationEdge: {
    id: 'mediation-edge',
    between: 'Mediation and Edge, internal face',
    carries: 'media relay authentication, media',
    protocols: ['MTLS'],
    ports: [5062],
    roles: [['Mediation'], ['Edge']],
  },
  registrarPersistentChat: {
    id: 'registrar-persistent-chat',
    between: 'registrar and PersistentChat',
    carries: 'SIP',
    protocols: ['MTLS'],
    ports: [5061],
    roles: [registrars, ['PersistentChat']],
  },
  registrarTrustedApplication: {
    id: 'registrar-trusted-application',
    between: 'registrar and TrustedApplication',
    carries: 'SIP',
    protocols: ['MTLS'],
    ports: [5061],
    roles: [registrars, ['TrustedApplication']],
  },
  serverServer: {
    id: 'server-server',
    between: 'Server and Server, unless one narrows its `peers`',
    carries: 'what they declare',
    protocols: ['MTLS'],
    ports: [],
    roles: [['Server'], ['Server']],
  },
  fullMesh: {
    id: 'full-mesh',
    between: 'any two servers of a domain whose `security.mesh` is `Full`',
    carries: 'what they declare',
    protocols: ['MTLS'],
    ports: [],
  },
  mediationGateway: {
    id: 'mediation-gateway',
    between: 'Mediation or SurvivableBranch and a MediaGateway, its own trunks only',
    carries: 'SIP; media by SRTP where the gateway can',
    protocols: ['MTLS', 'TCP'],
    ports: [5067, 5066],
  },
  edgePartner: {
    id: 'edge-partner',
    between: 'Edge, external face, and the access edge of a FederatedPartner, by its mode',
    carries: 'SIP',
    protocols: ['MTLS'],
    ports: [5061],
  },
  clientRegistrar: {
    id: 'client-registrar',
    between: 'client and registrar',
    carries: 'SIP, web',
    protocols: ['TLS', 'HTTPS'],
    ports: [5061, 443],
  },
  clientEdge: {
    id: 'client-edge',
    between: 'client and Edge, external face',
    carries: 'SIP, web',
    protocols: ['TLS', 'HTTPS'],
    ports: [5061, 443],
  },
  clientServer: {
    id: 'client-server',
    between: 'client and Server',
    carries: 'what it declares',
    protocols: ['TLS', 'HTTPS'],
    ports: [],
  },
  mediaRelay: {
    id: 'media-relay',
    between: 'client, or a server that makes its credentials, and a MediaRelay',
    carries: 'media',
    protocols: ['TLS'],
    ports: [5349],
  },
} as const satisfies Readonly<Record<string, MeshRule>>;

export type Rule = (typeof rules)[keyof typeof rules];

/** In the order of the table. */
export const meshTable: readonly MeshRule[] = Object.values(rules);

const betweenRoles = Object.values(rules).filter((rule) => 'roles' in rule);

/** The rule by which a server of one role may talk to a pool other than its own, of another role or the same. */
export function ruleBetween(role: Role, other: Role, mesh: 'ByRole' | 'Full'): Rule | undefined {
  return ruleOfRoles.get(`${role}/${other}`) ?? (mesh === 'Full' ? rules.fullMesh : undefined);
}

function fits({ roles: [one, another] }: Required<MeshRule>, role: Role, other: Role): boolean {
  return (one.includes(role) && another.includes(other)) || (one.includes(other) && another.includes(role));
}

const ruleOfRoles: ReadonlyMap<string, Rule> = new Map(
  roles.flatMap((role) =>
    roles.flatMap((other) => {
      const rule = betweenRoles.find((each) => fits(each, role, other));
      return rule === undefined ? [] : [[`${role}/${other}`, rule] as const];
    }),
  ),
);

/**
 * How a server of one role meets a pool of another: `Any` pool of that role, only the `SamePool` (members of one pool
 * always talk), or not at all.
 */
export function meets(role: Role, other: Role, mesh: 'ByRole' | 'Full'): 'Any' | 'SamePool' | undefined {
  if (ruleBetween(role, other, mesh) !== undefined) return 'Any';
  return role === other ? 'SamePool' : undefined;
}

/** The roles whose peer list holds pools of this role. The relation is symmetric. */
export function rolesThatMeet(role: Role, mesh: 'ByRole' | 'Full'): readonly Role[] {
  return roles.filter((other) => meets(other, role, mesh) !== undefined);
}
