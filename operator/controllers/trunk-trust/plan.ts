// What the trust of a mediation pool in its gateways should be, and what to make for it first: a pure function of what was
// observed and the time.
import type { LeafDefaults } from '../../authorities/authority.ts';
import { gatewayAuthority, successionTime } from '../../authorities/gateway-authority.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { backdating } from '../../pki/validity.ts';
import { trunkCertificate, usesGatewayAuthority } from '../../topology/trunks.ts';
import { earliest } from '../requeue.ts';
import type { ShownAuthorities, TrunkTrust } from '../trunk-state.ts';
import type { TrunkObservation } from './observe.ts';
import { handover, type OwnAction, planOwn } from './plan-own.ts';

export type TrunkAction =
  | { readonly kind: 'CreateAuthority'; readonly generation: number; readonly leaf: LeafDefaults; readonly why: string }
  | OwnAction;

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
  const { pool, trunks, kept, own } = observation;
  if (pool === undefined || trunks.length === 0) {
    return { actions: kept.object === undefined ? [] : [{ kind: 'DeleteScoped', configMap: kept.object }] };
  }
  const authority = planAuthority(observation, now);
  const shown = stillShown(observation, authority.roots, now);
  const gateways = planOwn(observation, authority.roots, now);
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

interface PlannedAuthority {
  readonly actions: readonly TrunkAction[];
  readonly state: TrunkTrust['authority'];
  readonly roots: readonly Certificate[];
  /** Epoch ms at which certificates end on whose account roots are trusted. */
  readonly ends: readonly number[];
  readonly lookAgainAt?: number;
}

/**
 * Roots are trusted to their end: what a former one signed is in use until it is renewed. Where no gateway asks any more, they
 * are trusted for as long as one may still show what they signed.
 */
function planAuthority({ trunks, generations, leaf, issued }: TrunkObservation, now: number): PlannedAuthority {
  const [asking] = trunks.filter(({ gateway }) => usesGatewayAuthority(gateway.spec));
  const nothing = { actions: [], roots: [], ends: [] };
  const held = generations.flatMap(({ number, found }) =>
    found.kind === 'Held' && found.certificate.notAfter > now ? [{ number, stored: found }] : [],
  );
  const roots = held.map(({ stored }) => stored.certificate);
  if (asking === undefined) {
    const inUse = [...issued.values()].flat().filter(({ notAfter }) => notAfter > now);
    const shown = roots.filter(({ subjectKeyId }) => inUse.some(({ authority }) => authority === subjectKeyId));
    const message = 'No gateway of the pool needs a certificate from its gateway authority.';
    const state = { available: false, reason: 'NothingPlanned', message } as const;
    return { ...nothing, roots: shown, state, ends: inUse.map(({ notAfter }) => notAfter) };
  }
  const { enterpriseCA } = asking.domain.spec;
  if (leaf === undefined) {
    const message = `EnterpriseCA ${enterpriseCA} does not exist, or was not read yet: it says how long certificates live. Create it, or name another.`;
    return { ...nothing, roots, state: { available: false, reason: 'EnterpriseCANotFound', message } };
  }
  // Another root beside one that cannot be read would be trusted alone, and what that one signed no more.
  const damaged = generations.flatMap(({ found }) => (found.kind === 'Damaged' ? [found.message] : []));
  const current = held.at(-1);
  if (current === undefined && damaged[0] !== undefined) {
    return { ...nothing, state: { available: false, reason: 'AuthorityNotUsable', message: damaged[0] } };
  }
  const next = (generations.at(-1)?.number ?? 0) + 1;
  if (current === undefined) {
    return {
      ...nothing,
      actions: [{ kind: 'CreateAuthority', generation: next, leaf, why: 'there is none' }],
      roots,
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
    roots,
    state: { available: true, authority: gatewayAuthority(current.stored, { enterpriseCA, generation: current.number, leaf }) },
    lookAgainAt: succession,
  };
}

/**
 * A gateway shows a certificate until it has the next one, and as long as it lives where that is from a CA of its own: when it
 * has that one is not known. What the gateway authority signed is believed to its end, since it says nothing of anybody else.
 */
function stillShown({ trunks, generations, issued }: TrunkObservation, roots: readonly Certificate[], now: number) {
  const ours = new Set(generations.flatMap(({ found }) => (found.kind === 'Held' ? [found.certificate.subjectKeyId] : [])));
  const ends: number[] = [];
  const authorities = trunks.map(({ gateway: { metadata, spec } }): readonly [string, ShownAuthorities] => {
    const way = trunkCertificate(spec);
    const records = issued.get(metadata.uid) ?? [];
    const until = records.map((record) => {
      const next = Math.min(...records.filter(({ notBefore }) => notBefore > record.notBefore).map(({ notBefore }) => notBefore));
      const isReplaced = !ours.has(record.authority) && (way === 'Secret' || way === 'Request');
      return { record, end: Math.min(record.notAfter, isReplaced ? next + backdating + handover[way] : Infinity) };
    });
    const current = until.filter(({ end }) => end > now);
    ends.push(...current.map(({ end }) => end));
    const keyIds = new Set(current.map(({ record }) => record.authority));
    return [
      `${metadata.namespace}/${metadata.name}`,
      {
        roots: roots.filter(({ subjectKeyId }) => keyIds.has(subjectKeyId)),
        enterprise: [...keyIds].some((keyId) => !ours.has(keyId)),
      },
    ];
  });
  return { authorities: new Map(authorities), ends };
}
