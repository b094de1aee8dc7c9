// Which CAs that gateways bring a mediation pool trusts, each for the name of its gateway, and what to make and keep for that: a
// pure function of what was observed and the time.
import { isDeepStrictEqual } from 'node:util';
import type { MetadataObject } from '../../kube/resource.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { nameOf } from '../../pki/chain.ts';
import { approvedKeys, fipsProblem } from '../../pki/fips-problem.ts';
import { backdating, wholeSecond } from '../../pki/validity.ts';
import { trunkCertificate } from '../../topology/trunks.ts';
import { type AnchorRefusal, checkPartnerAnchors } from '../../trust/partner-anchors.ts';
import { mostOctetsOfNames, octetsOfCross, octetsOfNames } from '../../trust/partner-listener.ts';
import { handover } from '../handover.ts';
import {
  type AnchorOrigin,
  type RecordedAuthority,
  type ScopedRecord,
  scopeInputs,
  type TrunkRecords,
} from '../trunk-records.ts';
import type { OwnAuthority } from '../trunk-state.ts';
import type { Issued, OwnSource, TrunkObservation } from './observe.ts';

/** What has to be made for one gateway. */
interface MissingRecord extends Pick<ScopedRecord, 'anchors' | 'inputs'> {
  readonly gateway: string;
  readonly fqdn: string;
  readonly origin: AnchorOrigin;
}

export type RecordAction =
  /** Makes what is missing for these and keeps it beside what stays. */
  | {
      readonly kind: 'WriteRecords';
      readonly authorities: TrunkRecords['authorities'];
      readonly stays: TrunkRecords['scoped'];
      readonly missing: readonly MissingRecord[];
      readonly replaces?: MetadataObject;
    }
  | { readonly kind: 'DeleteRecords'; readonly configMap: MetadataObject };

interface PlannedOwn {
  readonly actions: readonly RecordAction[];
  readonly own: ReadonlyMap<string, OwnAuthority>;
  /** Epoch ms at which what is trusted ends. */
  readonly ends: readonly number[];
  /** A gateway that brings no CA any more has no other certificate yet. */
  readonly waits: boolean;
}

/** Octets of PEM that the records of one pool may have: a ConfigMap has room for a MiB. */
const mostOctetsOfRecords = 800_000;

const keyOf = ({ gateway: { metadata } }: Pick<OwnSource, 'gateway'>): string => `${metadata.namespace}/${metadata.name}`;

/** A CA to be judged, and where it is said to be from. */
interface Brought extends OwnSource {
  readonly originOf: (accepted: readonly Certificate[]) => AnchorOrigin;
  /** Epoch ms at which it is trusted no more although it might be. */
  readonly until?: number;
}

/**
 * What gateways bring is judged as what partners bring, since it may come from whom it will. `authorities` are kept beside it.
 */
export function planOwn(
  observation: TrunkObservation,
  { roots, authorities }: { readonly roots: readonly Certificate[]; readonly authorities: readonly RecordedAuthority[] },
  now: number,
): PlannedOwn {
  const { trunks, kept, ours, enterprise, uncrossed } = observation;
  const brought = broughtBy(observation, now);
  const check = checkPartnerAnchors({
    ours: { ...ours, certificates: [...ours.certificates, ...roots] },
    partners: brought.map((each) => ({
      name: keyOf(each),
      sources: each.sources,
      inPlace: new Set(recordOf(each, kept)?.anchors.map(({ fingerprint }) => fingerprint)),
    })),
    now,
  });
  const stays = new Map<string, ScopedRecord>();
  const missing: MissingRecord[] = [];
  const answers = new Map<string, OwnAuthority>();
  let names = octetsOfNames([...enterprise, ...roots]);
  let pem = 0;
  const fips = trunks.some(({ domain }) => domain.spec.security.fips === 'Required');
  for (const each of brought) {
    const key = keyOf(each);
    const { name } = each.gateway.metadata;
    const { fqdn } = each.gateway.spec;
    const faultOf = (anchor: Certificate) => (fips ? notApproved(anchor) : undefined) ?? notCrossed(fqdn, anchor, uncrossed);
    const candidates = check.accepted.get(key) ?? [];
    const anchors = candidates.filter((anchor) => faultOf(anchor) === undefined);
    const unfit = candidates.flatMap((anchor) => faultOf(anchor) ?? []);
    const refusals = [...each.missing.map(({ message }) => message), ...refusalsOf(key, check.refused), ...unfit];
    const tooMuch = tooManyNames(names + namesOf(anchors)) ?? tooMuchToKeep(pem + pemOf(anchors));
    if (tooMuch !== undefined) {
      answers.set(key, { anchors: [], scoped: [], refusals: [...refusals, tooMuch] });
      continue;
    }
    names += namesOf(anchors);
    pem += pemOf(anchors);
    const inputs = scopeInputs(fqdn, anchors);
    const record = kept.scoped.get(name);
    const origin = each.originOf(anchors);
    if (record?.inputs === inputs) stays.set(name, { ...record, origin });
    else if (anchors.length > 0) missing.push({ gateway: name, fqdn, anchors, inputs, origin });
    answers.set(key, { anchors, scoped: stays.get(name)?.scoped ?? [], refusals });
  }
  return {
    actions: actionsFor(kept, { stays, missing, authorities }),
    own: answers,
    ends: [
      ...[...answers.values()].flatMap(({ anchors }) => anchors.map(({ notAfter }) => notAfter)),
      ...brought.flatMap(({ until }) => until ?? []),
    ],
    waits: brought.some(({ until }) => until === Infinity),
  };
}

function actionsFor(
  { object, scoped, authorities: before }: TrunkObservation['kept'],
  wanted: Pick<Extract<RecordAction, { kind: 'WriteRecords' }>, 'stays' | 'missing' | 'authorities'>,
): readonly RecordAction[] {
  const { stays, missing, authorities } = wanted;
  if (stays.size === 0 && missing.length === 0 && authorities.length === 0)
    return object === undefined ? [] : [{ kind: 'DeleteRecords', configMap: object }];
  const isSame = [...scoped].every(([name, { origin }]) => isDeepStrictEqual(stays.get(name)?.origin, origin));
  const isComplete = missing.length === 0 && [...scoped.keys()].every((name) => stays.has(name));
  if (isComplete && isSame && isDeepStrictEqual(identityOf(before), identityOf(authorities))) return [];
  return [{ kind: 'WriteRecords', ...wanted, ...(object === undefined ? {} : { replaces: object }) }];
}

const identityOf = (authorities: readonly RecordedAuthority[]): readonly string[] =>
  authorities.map(({ generation, certificate }) => `${generation} ${certificate.fingerprint}`).sort();

/** The CAs of gateways that bring one, and of gateways that did and have nothing else to show yet; by age of the gateway. */
function broughtBy({ trunks, own, kept, issued }: TrunkObservation, now: number): readonly Brought[] {
  const sources = new Map(own.map((each) => [keyOf(each), each]));
  return trunks.flatMap(({ gateway }): readonly Brought[] => {
    const source = sources.get(keyOf({ gateway }));
    if (source !== undefined) return [bringing(source, recordOf(source, kept), now)];
    const left = leaving(gateway, recordOf({ gateway }, kept), issued.get(gateway.metadata.uid) ?? []);
    return left === undefined || left.until <= now ? [] : [left];
  });
}

/** What is kept of this gateway, and not of another that had its name. */
function recordOf({ gateway }: Pick<OwnSource, 'gateway'>, { scoped }: TrunkObservation['kept']) {
  const { name, uid } = gateway.metadata;
  const record = scoped.get(name);
  return record?.origin?.uid === uid ? { ...record, origin: record.origin } : undefined;
}

type KnownRecord = NonNullable<ReturnType<typeof recordOf>>;

/** Where a ConfigMap cannot be read now, what was read from it before stays: one that is being replaced breaks no trunk. */
function bringing(source: OwnSource, record: KnownRecord | undefined, now: number): Brought {
  const { gateway, sources, missing } = source;
  const before = record?.origin;
  const outOfReach = missing.flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
  const formerly = new Set(outOfReach.flatMap((identity) => before?.sources[identity] ?? []));
  const certificates = record?.anchors.filter(({ fingerprint }) => formerly.has(fingerprint)) ?? [];
  const isBackAgain = before?.succeededAt !== undefined;
  return {
    ...source,
    sources: certificates.length === 0 ? sources : [...sources, { from: 'what was in place', certificates }],
    originOf: (accepted) => {
      const taken = new Set(accepted.map(({ fingerprint }) => fingerprint));
      const read = sources.flatMap(({ identity, certificates: from }) =>
        identity === undefined ? [] : [[identity, from.map(({ fingerprint }) => fingerprint)] as const],
      );
      const stay = outOfReach.map((identity) => [identity, before?.sources[identity] ?? []] as const);
      return {
        uid: gateway.metadata.uid,
        since: before === undefined || isBackAgain ? now : before.since,
        sources: Object.fromEntries(
          [...stay, ...read].map(([identity, from]) => [identity, from.filter((each) => taken.has(each))]),
        ),
      };
    },
  };
}

/** A gateway whose certificate comes from elsewhere now shows the one from its own CA until it has the other. */
function leaving(
  gateway: OwnSource['gateway'],
  record: KnownRecord | undefined,
  issued: readonly Issued[],
): (Brought & { readonly until: number }) | undefined {
  const way = trunkCertificate(gateway.spec);
  if (record === undefined || (way !== 'Secret' && way !== 'Request')) return undefined;
  const { anchors, origin } = record;
  const issuedAt = issued.map(({ notBefore }) => notBefore + backdating).filter((at) => at >= wholeSecond(origin.since));
  const succeededAt = origin.succeededAt ?? (issuedAt.length === 0 ? undefined : Math.min(...issuedAt));
  return {
    gateway,
    sources: [{ from: 'what was in place', certificates: anchors }],
    missing: [],
    originOf: () => ({ ...origin, ...(succeededAt === undefined ? {} : { succeededAt }) }),
    until: succeededAt === undefined ? Infinity : succeededAt + handover[way],
  };
}

/** What is said of partners there holds of gateways here. */
function refusalsOf(gateway: string, refused: readonly AnchorRefusal[]): OwnAuthority['refusals'] {
  return refused.filter(({ partner }) => partner === gateway).map(({ message }) => message.replaceAll('partner', 'gateway'));
}

function notApproved(anchor: Certificate): string | undefined {
  const problem = fipsProblem(anchor);
  return problem && `${nameOf(anchor)} ${problem}, and the domain requires that: the gateway needs a CA with ${approvedKeys}.`;
}

function notCrossed(fqdn: string, anchor: Certificate, uncrossed: ReadonlyMap<string, string>): string | undefined {
  const failure = uncrossed.get(scopeInputs(fqdn, [anchor]));
  return failure && `${nameOf(anchor)} cannot be held to ${fqdn}: ${failure}. The gateway must name another CA certificate.`;
}

function namesOf(anchors: readonly Certificate[]): number {
  return anchors.reduce((sum, anchor) => sum + octetsOfCross(anchor), 0);
}

function tooManyNames(octets: number): string | undefined {
  return octets <= mostOctetsOfNames
    ? undefined
    : `The CAs of the gateways of one pool have names of ${octets} octets together, and handshakes are safe up to ${mostOctetsOfNames}: ${remedy}`;
}

/** At most: the anchor, its cross-certificate, and a root with its issuer's name twice. */
function pemOf(anchors: readonly Certificate[]): number {
  return anchors.reduce((sum, { pem }) => sum + 4 * pem.length + 1500, 0);
}

function tooMuchToKeep(octets: number): string | undefined {
  return octets <= mostOctetsOfRecords
    ? undefined
    : `The CAs of the gateways of one pool take ${octets} octets to keep, and there is room for ${mostOctetsOfRecords}: ${remedy}`;
}

const remedy = 'spread the gateways over several pools, or let the operator issue to some.';
