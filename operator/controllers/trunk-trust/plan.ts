// What the trust of a mediation pool in its gateways should be, and what to make for it first: a pure function of what was
// observed and the time.
import type { LeafDefaults } from '../../authorities/authority.ts';
import { gatewayAuthority, successionTime } from '../../authorities/gateway-authority.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { nameOf } from '../../pki/chain.ts';
import { approvedKeys, fipsProblem } from '../../pki/fips-problem.ts';
import { usesGatewayAuthority } from '../../topology/trunks.ts';
import { type AnchorRefusal, checkPartnerAnchors } from '../../trust/partner-anchors.ts';
import { mostOctetsOfNames, octetsOfNames } from '../../trust/partner-listener.ts';
import { earliest } from '../requeue.ts';
import { type ScopedRecord, scopeInputs } from '../trunk-records.ts';
import type { OwnAuthority, TrunkTrust } from '../trunk-state.ts';
import type { OwnSource, TrunkObservation } from './observe.ts';

export type TrunkAction =
  | { readonly kind: 'CreateAuthority'; readonly generation: number; readonly leaf: LeafDefaults; readonly why: string }
  /** Makes what is missing for these and keeps it beside what stays. */
  | {
      readonly kind: 'WriteScoped';
      readonly stays: ReadonlyMap<string, ScopedRecord>;
      readonly missing: readonly {
        readonly gateway: string;
        readonly fqdn: string;
        readonly anchors: readonly Certificate[];
        readonly inputs: string;
      }[];
      readonly replaces?: MetadataObject;
    }
  | { readonly kind: 'DeleteScoped'; readonly configMap: MetadataObject };

export interface TrunkPlan {
  /** To be carried out first; then what was observed has changed. */
  readonly actions: readonly TrunkAction[];
  /** Absent where the server has no trunk that needs any. */
  readonly trust?: TrunkTrust;
  /** Epoch ms. */
  readonly lookAgainAt?: number;
}

/** ConfigMaps of users are not ours and so not among what we watch: they are read again after this, ms. */
const readAgain = 30_000;

export function plan(observation: TrunkObservation, now: number): TrunkPlan {
  const { pool, trunks, kept, own } = observation;
  if (pool === undefined || trunks.length === 0) {
    return { actions: kept.object === undefined ? [] : [{ kind: 'DeleteScoped', configMap: kept.object }] };
  }
  const authority = planAuthority(observation, now);
  const gateways = planOwn(observation, authority.roots, now);
  const isRead = own.some(({ gateway }) =>
    gateway.spec.certificate?.trustAnchors?.some((each) => each.configMapRef !== undefined),
  );
  const lookAgainAt = earliest([
    authority.lookAgainAt,
    ...[...authority.roots.map(({ notAfter }) => notAfter), ...gateways.ends].filter((time) => time > now),
    isRead ? now + readAgain : undefined,
  ]);
  return {
    actions: [...authority.actions, ...gateways.actions],
    trust: { authority: authority.state, roots: authority.roots, own: gateways.own },
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
}

interface PlannedAuthority {
  readonly actions: readonly TrunkAction[];
  readonly state: TrunkTrust['authority'];
  readonly roots: readonly Certificate[];
  readonly lookAgainAt?: number;
}

/** Roots are trusted to their end: what a former one signed is in use until it is renewed. */
function planAuthority({ trunks, generations, leaf }: TrunkObservation, now: number): PlannedAuthority {
  const [asking] = trunks.filter(({ gateway }) => usesGatewayAuthority(gateway.spec));
  const nothing = { actions: [], roots: [] };
  if (asking === undefined) {
    const message = 'No gateway of the pool needs a certificate from its gateway authority.';
    return { ...nothing, state: { available: false, reason: 'NothingPlanned', message } };
  }
  const held = generations.flatMap(({ number, found }) =>
    found.kind === 'Held' && found.certificate.notAfter > now ? [{ number, stored: found }] : [],
  );
  const roots = held.map(({ stored }) => stored.certificate);
  const { enterpriseCA } = asking.domain.spec;
  if (leaf === undefined) {
    const message = `EnterpriseCA ${enterpriseCA} does not exist, or was not read yet: it says how long certificates live. Create it, or name another.`;
    return { actions: [], roots, state: { available: false, reason: 'EnterpriseCANotFound', message } };
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
      actions: [{ kind: 'CreateAuthority', generation: next, leaf, why: 'there is none' }],
      roots,
      state: { available: false, reason: 'Creating', message: 'The gateway authority of the pool is being made.' },
    };
  }
  const succession = successionTime(current.stored.certificate, leaf);
  return {
    actions:
      succession <= now
        ? [{ kind: 'CreateAuthority', generation: next, leaf, why: `"${current.stored.certificate.subject}" is near its end` }]
        : [],
    roots,
    state: { available: true, authority: gatewayAuthority(current.stored, { enterpriseCA, generation: current.number, leaf }) },
    lookAgainAt: succession,
  };
}

interface PlannedOwn {
  readonly actions: readonly TrunkAction[];
  readonly own: ReadonlyMap<string, OwnAuthority>;
  /** Epoch ms at which what is trusted ends. */
  readonly ends: readonly number[];
}

const keyOf = ({ gateway: { metadata } }: Pick<OwnSource, 'gateway'>): string => `${metadata.namespace}/${metadata.name}`;

/** What gateways bring is judged as what partners bring, since it may come from whom it will. */
function planOwn(
  { trunks, own, kept, ours, enterprise }: TrunkObservation,
  roots: readonly Certificate[],
  now: number,
): PlannedOwn {
  const check = checkPartnerAnchors({
    ours: { ...ours, certificates: [...ours.certificates, ...roots] },
    partners: own.map((each) => ({
      name: keyOf(each),
      sources: [...each.sources, ...formerly(each, kept.records)],
      inPlace: new Set(kept.records.get(each.gateway.metadata.name)?.anchors.map(({ fingerprint }) => fingerprint)),
    })),
    now,
  });
  const stays = new Map<string, ScopedRecord>();
  const missing: Extract<TrunkAction, { kind: 'WriteScoped' }>['missing'][number][] = [];
  const answers = new Map<string, OwnAuthority>();
  let octets = octetsOfNames([...enterprise, ...roots]);
  const fips = trunks.some(({ domain }) => domain.spec.security.fips === 'Required');
  for (const each of own) {
    const key = keyOf(each);
    const { name } = each.gateway.metadata;
    const { fqdn } = each.gateway.spec;
    const candidates = check.accepted.get(key) ?? [];
    const anchors = candidates.filter((anchor) => !fips || fipsProblem(anchor) === undefined);
    const unapproved = candidates.filter((anchor) => !anchors.includes(anchor)).map(notApproved);
    const refusals = [...each.missing, ...refusalsOf(key, check.refused), ...unapproved];
    // Each is met twice: the federation root bears the issuer's name, the cross-certificate the subject's.
    const more = octetsOfNames(anchors) + anchors.reduce((sum, { issuerDer }) => sum + 2 + issuerDer.length, 0);
    if (octets + more > mostOctetsOfNames) {
      const message = `The CAs of the gateways of one pool have names of ${octets + more} octets together, and handshakes are safe up to ${mostOctetsOfNames}: spread the gateways over several pools, or let the operator issue to some.`;
      answers.set(key, { anchors: [], scoped: [], refusals: [...refusals, message] });
      continue;
    }
    octets += more;
    const inputs = scopeInputs(fqdn, anchors);
    const record = kept.records.get(name);
    if (record?.inputs === inputs) stays.set(name, record);
    else if (anchors.length > 0) missing.push({ gateway: name, fqdn, anchors, inputs });
    answers.set(key, { anchors, scoped: stays.get(name)?.scoped ?? [], refusals });
  }
  const isSame = missing.length === 0 && [...kept.records.keys()].every((name) => stays.has(name));
  const replaces = kept.object === undefined ? {} : { replaces: kept.object };
  const actions: readonly TrunkAction[] =
    kept.object !== undefined && stays.size === 0 && missing.length === 0
      ? [{ kind: 'DeleteScoped', configMap: kept.object }]
      : isSame
        ? []
        : [{ kind: 'WriteScoped', stays, missing, ...replaces }];
  return { actions, own: answers, ends: [...answers.values()].flatMap(({ anchors }) => anchors.map(({ notAfter }) => notAfter)) };
}

/** Where a source cannot be read now, what was read from it before stays: a ConfigMap that is being replaced breaks no trunk. */
function formerly({ gateway, missing }: OwnSource, records: ReadonlyMap<string, ScopedRecord>) {
  const record = records.get(gateway.metadata.name);
  return missing.length === 0 || record === undefined ? [] : [{ from: 'what was in place', certificates: record.anchors }];
}

/** What is said of partners there holds of gateways here. */
function refusalsOf(gateway: string, refused: readonly AnchorRefusal[]): OwnAuthority['refusals'] {
  return refused.filter(({ partner }) => partner === gateway).map(({ message }) => message.replaceAll('partner', 'gateway'));
}

function notApproved(anchor: Certificate): string {
  return `${nameOf(anchor)} ${fipsProblem(anchor)}, and the domain requires that: the gateway needs a CA with ${approvedKeys}.`;
}
