// What the trust of a mediation pool in its gateways should be, and what to make for it first: a pure function of what was
// observed and the time.
import type { LeafDefaults } from '../../authorities/authority.ts';
import { gatewayAuthority, successionTime } from '../../authorities/gateway-authority.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { trunkCertificate, usesGatewayAuthority } from '../../topology/trunks.ts';
import { shownUntil } from '../handover.ts';
import { earliest } from '../requeue.ts';
import type { RecordedAuthority } from '../trunk-records.ts';
import type { ShownAuthorities, TrunkTrust } from '../trunk-state.ts';
import type { TrunkObservation } from './observe.ts';
import { planOwn, type RecordAction } from './plan-own.ts';

export type TrunkAction =
  | { readonly kind: 'CreateAuthority'; readonly generation: number; readonly leaf: LeafDefaults; readonly why: string }
  | RecordAction;

export interface TrunkPlan {
  /** To be carried out first; then what was observed has changed. */
  readonly actions: readonly TrunkAction[];
  /** Absent where the server has no trunk that needs any. */
  readonly trust?: TrunkTrust;
  /** Epoch ms. */
  readonly lookAgainAt?: number;
}

/** ConfigMaps of users are not ours and so not among what we watch, and nor is the journal: they are read again after this, ms. */
const readAgain = 30_000;

export function plan(observation: TrunkObservation, now: number): TrunkPlan {
  const { pool, trunks, own } = observation;
  if (pool === undefined || trunks.length === 0) return withoutTrunks(observation, now);
  const authority = planAuthority(observation, now);
  const shown = stillShown(observation, authority, now);
  const gateways = planOwn(observation, authority, now);
  const isRead = own.some(({ gateway }) =>
    gateway.spec.certificate?.trustAnchors?.some((each) => each.configMapRef !== undefined),
  );
  const lookAgainAt = earliest([
    authority.lookAgainAt,
    ...[...authority.roots.map(({ notAfter }) => notAfter), ...authority.ends, ...gateways.ends, ...shown.ends].filter(
      (time) => time > now,
    ),
    isRead || gateways.waits ? now + readAgain : undefined,
  ]);
  return {
    actions: [...authority.actions, ...gateways.actions],
    trust: { authority: authority.state, roots: authority.roots, own: gateways.own, shown: shown.authorities },
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
}

/** A pool that is gone for a moment comes back as another, to which the keys are none: then its record alone knows the roots. */
function withoutTrunks({ kept: { object, authorities }, issued }: TrunkObservation, now: number): TrunkPlan {
  if (object === undefined) return { actions: [] };
  const keyIds = new Set(authorities.map(({ certificate }) => certificate.subjectKeyId));
  const inUse = [...issued.values()].flat().filter(({ authority, notAfter }) => keyIds.has(authority) && notAfter > now);
  if (inUse.length === 0) return { actions: [{ kind: 'DeleteRecords', configMap: object }] };
  return { actions: [], lookAgainAt: Math.max(...inUse.map(({ notAfter }) => notAfter)) };
}

interface PlannedAuthority {
  readonly actions: readonly TrunkAction[];
  readonly state: TrunkTrust['authority'];
  readonly roots: readonly Certificate[];
  /** To be kept apart from their keys. */
  readonly authorities: readonly RecordedAuthority[];
  /** Their keys are not at hand any more, and what they signed may be in use. */
  readonly lost: readonly RecordedAuthority[];
  /** Epoch ms at which certificates end on whose account roots are trusted. */
  readonly ends: readonly number[];
  readonly lookAgainAt?: number;
}

/**
 * Roots are trusted to their end: what a former one signed is in use until it is renewed. Where no gateway asks any more, or
 * their keys are lost, they are trusted for as long as one may still show what they signed.
 */
function planAuthority({ trunks, generations, leaf, issued, kept }: TrunkObservation, now: number): PlannedAuthority {
  const [asking] = trunks.filter(({ gateway }) => usesGatewayAuthority(gateway.spec));
  const held = generations.flatMap(({ number, found }) =>
    found.kind === 'Held' && found.certificate.notAfter > now ? [{ number, stored: found }] : [],
  );
  const atHand = held.map(({ number, stored }) => ({ generation: number, certificate: stored.certificate }));
  const inUse = [...issued.values()].flat().filter(({ notAfter }) => notAfter > now);
  const isInUse = ({ certificate }: RecordedAuthority) =>
    certificate.notAfter > now && inUse.some(({ authority }) => authority === certificate.subjectKeyId);
  const lost = kept.authorities.filter((each) => isInUse(each) && !isAmong(each, atHand));
  const authorities = [...(asking === undefined ? atHand.filter(isInUse) : atHand), ...lost];
  const roots = authorities.map(({ certificate }) => certificate);
  const ends = asking === undefined || lost.length > 0 ? inUse.map(({ notAfter }) => notAfter) : [];
  const nothing = { actions: [], roots, authorities, lost, ends };
  if (asking === undefined) {
    const message = 'No gateway of the pool needs a certificate from its gateway authority.';
    return { ...nothing, state: { available: false, reason: 'NothingPlanned', message } };
  }
  const { enterpriseCA } = asking.domain.spec;
  if (leaf === undefined) {
    const message = `EnterpriseCA ${enterpriseCA} does not exist, or was not read yet: it says how long certificates live. Create it, or name another.`;
    return { ...nothing, state: { available: false, reason: 'EnterpriseCANotFound', message } };
  }
  // Another root beside one that cannot be read would be trusted alone, and what that one signed no more.
  const damaged = generations.flatMap(({ found }) => (found.kind === 'Damaged' ? [found.message] : []));
  const current = held.at(-1);
  if (current === undefined && damaged[0] !== undefined) {
    return { ...nothing, state: { available: false, reason: 'AuthorityNotUsable', message: damaged[0] } };
  }
  // Who restores a lost one finds its name free.
  const next = Math.max(0, ...generations.map(({ number }) => number), ...lost.map(({ generation }) => generation)) + 1;
  if (current === undefined) {
    return {
      ...nothing,
      actions: [
        { kind: 'CreateAuthority', generation: next, leaf, why: lost.length === 0 ? 'there is none' : 'the last one is lost' },
      ],
      state: { available: false, reason: 'Creating', message: 'The gateway authority of the pool is being made.' },
    };
  }
  const succession = successionTime(current.stored.certificate, leaf);
  return {
    ...nothing,
    actions:
      succession <= now
        ? [{ kind: 'CreateAuthority', generation: next, leaf, why: `"${current.stored.certificate.subject}" is near its end` }]
        : [],
    state: { available: true, authority: gatewayAuthority(current.stored, { enterpriseCA, generation: current.number, leaf }) },
    lookAgainAt: succession,
  };
}

/**
 * A gateway shows a certificate until it has the next one, and as long as it lives where that is from a CA of its own: when it
 * has that one is not known. What the gateway authority signed is believed to its end, since it says nothing of anybody else.
 */
function stillShown(
  { trunks, generations, issued }: TrunkObservation,
  { roots, lost, state }: Pick<PlannedAuthority, 'roots' | 'lost' | 'state'>,
  now: number,
) {
  const ours = new Set([
    ...generations.flatMap(({ found }) => (found.kind === 'Held' ? [found.certificate.subjectKeyId] : [])),
    ...lost.map(({ certificate }) => certificate.subjectKeyId),
  ]);
  const ends: number[] = [];
  const authorities = trunks.map(({ gateway: { metadata, spec } }): readonly [string, ShownAuthorities] => {
    const way = trunkCertificate(spec);
    const records = issued.get(metadata.uid) ?? [];
    const until = records.map((record) => {
      const isReplaced = !ours.has(record.authority) && (way === 'Secret' || way === 'Request');
      return { record, end: isReplaced ? shownUntil(record, records, way) : record.notAfter };
    });
    const current = until.filter(({ end }) => end > now);
    ends.push(...current.map(({ end }) => end));
    const keyIds = new Set(current.map(({ record }) => record.authority));
    const succeeded = state.available ? lost.filter(({ certificate }) => keyIds.has(certificate.subjectKeyId)) : [];
    return [
      `${metadata.namespace}/${metadata.name}`,
      {
        roots: roots.filter(({ subjectKeyId }) => keyIds.has(subjectKeyId)),
        enterprise: [...keyIds].some((keyId) => !ours.has(keyId)),
        lost: succeeded.map(({ generation, certificate }) => ({
          generation,
          until: Math.max(...current.flatMap(({ record, end }) => (record.authority === certificate.subjectKeyId ? [end] : []))),
        })),
      },
    ];
  });
  return { authorities: new Map(authorities), ends };
}

function isAmong({ certificate }: RecordedAuthority, authorities: readonly RecordedAuthority[]): boolean {
  return authorities.some((each) => each.certificate.fingerprint === certificate.fingerprint);
}
