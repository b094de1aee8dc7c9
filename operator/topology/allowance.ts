// What it takes that one party may call another: the ways in, and what each side must show and hold. What the verdicts on
// servers, trunks, partners and clients are made of.
import type { Use } from '../api/v1alpha1/index.ts';
import type { MeshRule, Protocol, Rule } from './mesh.ts';
import { certificateNeeds, spiffeID } from './names.ts';
import { type Anchor, type Face, type Known, type KnownServer, partyInWords, type Refusal, refuse } from './party.ts';
import { judgeListener } from './traffic.ts';

/** One way in at the party that is called. */
export interface Way {
  readonly protocol: Protocol;
  /** What it declares, or else the rule's; none where nobody says. */
  readonly ports: readonly number[];
}

export interface Side {
  /** DNS names of which its certificate must show at least one; none where it shows no certificate. */
  readonly names: readonly string[];
  /** SPIFFE IDs, of which the certificates that are issued here show exactly one. */
  readonly spiffeIDs: readonly string[];
  /** What it must trust, and needs no more than, to believe the other. */
  readonly holds: readonly Anchor[];
}

export interface Allowance {
  readonly allowed: true;
  readonly rule: Rule['id'];
  /** The rule as a sentence. */
  readonly because: string;
  readonly ways: readonly Way[];
  readonly from: Side;
  readonly to: Side;
}

export type Verdict = Allowance | Refusal;

export function allow(rule: Rule, ways: readonly Way[], from: Side, to: Side): Allowance {
  return { allowed: true, rule: rule.id, because: sentenceOf(rule), ways, from, to };
}

/** As the trust model has it: "registrar and Mediation: SIP; media by SRTP, by MTLS". */
export function sentenceOf({ between, carries, protocols }: MeshRule): string {
  return `Who talks to whom: ${between}; carries ${carries}, by ${protocols.join(' or ')}.`;
}

/** What a server shows to others inside, and holds to believe this one. */
export function insideOf(server: KnownServer, other: KnownServer): Side {
  return { names: server.names, spiffeIDs: spiffeIDsOf(server), holds: [insideAnchor(other)] };
}

export function spiffeIDsOf({ domain, placement: { server }, names }: KnownServer): readonly string[] {
  return [spiffeID(domain, server), ...names.map((name) => spiffeID(domain, server, name))];
}

/** Where the certificate comes from that a server shows inside. */
export function insideAnchor(server: KnownServer): Anchor {
  const [issuer] = anchorsOf(server, ['Default', 'Internal']);
  return issuer ?? { kind: 'EnterpriseCA', name: server.domain.spec.enterpriseCA };
}

export function anchorsOf(server: KnownServer, uses: readonly Use[]): readonly Anchor[] {
  const names = new Set(needsOf(server, uses).map(({ enterpriseCA }) => enterpriseCA));
  return [...names].map((name): Anchor => ({ kind: 'EnterpriseCA', name }));
}

export function needsOf({ placement, domain }: KnownServer, uses: readonly Use[]) {
  return certificateNeeds(placement.server, domain).filter(({ use }) => uses.includes(use));
}

/** Where a server listens by this protocol: what it declares, of that the rule's ports alone where it has them; else the rule's. */
export function portsOf(
  { placement, domain }: KnownServer,
  protocol: Protocol,
  byDefault: readonly number[],
  face: Face | undefined,
  partners: 'Listed' | 'Discovered' = 'Listed',
): readonly number[] {
  const { role, listeners = [] } = placement.server.spec;
  const declared = listeners
    .filter((listener) => listener.protocol === protocol && judgeListener(listener, role, domain).allowed)
    .filter((listener) => role !== 'Edge' || listener.face === undefined || listener.face === face)
    .filter((listener) => (listener.partners ?? 'Listed') === partners)
    .map(({ port }) => port);
  if (declared.length === 0) return byDefault;
  const usual = declared.filter((port) => byDefault.includes(port));
  return [...new Set(usual.length > 0 ? usual : declared)];
}

export function noBusiness(from: Known, to: Known): Refusal {
  const [caller, called] = [describe(from), describe(to)];
  return refuse(
    'WrongRole',
    `No rule lets ${caller} call ${called}: the trust model names who talks to whom, and nobody else does.`,
  );
}

export function describe(known: Known): string {
  const words = partyInWords(known.party);
  return known.kind === 'Server' ? `${words} (${known.placement.server.spec.role})` : words;
}
