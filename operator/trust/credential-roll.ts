// When the shared secret of a media relay is rolled, and when each copy of it may change: a state machine over what was
// recorded and what is seen. A registrar makes credentials with one secret; each is good for a lifetime. So a new secret goes
// to the relay first, then to the registrars, and the former one leaves the relay when its last credential has expired: at
// no moment does a registrar present what its relay does not know.
//
//   Stable    the relay accepts `active`, the registrars present it
//   Prepared  the relay accepts `next` as well, and gets time to load it
//   Overlap   the registrars present what was `next`; the relay accepts the `former` one too

/** A secret, by the name under which its value is kept. */
export type SecretId = string;

export interface ActiveSecret {
  readonly id: SecretId;
  /** Epoch ms from which on registrars present it. */
  readonly since: number;
  /** The longest lifetime, ms, that a credential made with it may have. */
  readonly lifetime: number;
  /** UIDs of all registrars that were ever given it. */
  readonly holders: readonly string[];
}

export interface NextSecret {
  readonly id: SecretId;
  /** Epoch ms at which the relay's copy was seen to hold it; absent until then. */
  readonly heldSince?: number | undefined;
}

export interface FormerSecret {
  readonly id: SecretId;
  readonly lifetime: number;
  /** Epoch ms at which no registrar's copy was seen to hold it any more; absent until then. */
  readonly unpresentedSince?: number | undefined;
}

/** What is recorded, in one write with the values of the secrets, before anything is done on account of it. */
export interface CredentialRoll {
  readonly active: ActiveSecret;
  readonly next?: NextSecret | undefined;
  readonly former: readonly FormerSecret[];
  /** The `generation` that was last asked for: a higher one starts a roll. */
  readonly generation: number;
}

export interface RollPolicy {
  /** How long a credential is good, ms. */
  readonly lifetime: number;
  /** How long a secret is presented, ms. */
  readonly rollEvery: number;
  /** How long whoever reads a changed copy may take to load it, ms. */
  readonly propagation: number;
  readonly generation: number;
}

/** The copies as they are. */
export interface SeenCopies {
  /** Secrets whose value is at hand. */
  readonly kept: ReadonlySet<SecretId>;
  /** What the relay's copy holds. */
  readonly relay: ReadonlySet<SecretId>;
  /** What each registrar's copy holds, by UID of the registrar; undefined where none of ours is there to stay: it presents nothing. */
  readonly registrars: ReadonlyMap<string, SecretId | undefined>;
  /** Registrars, by UID, whose copy somebody else wrote: they may present any. */
  readonly edited: ReadonlySet<string>;
}

export type RollPhase = 'Stable' | 'Prepared' | 'Overlap';

export function phaseOf({ next, former }: CredentialRoll): RollPhase {
  return next !== undefined ? 'Prepared' : former.length > 0 ? 'Overlap' : 'Stable';
}

/** What the relay must accept. */
export function acceptedSecrets({ active, next, former }: CredentialRoll): readonly SecretId[] {
  return [active.id, ...(next === undefined ? [] : [next.id]), ...former.map(({ id }) => id)];
}

/**
 * The first record for a relay. Where its copy already holds secrets, whose record was lost, registrars may present any of
 * them: they stay accepted while a new one takes their place.
 */
export function firstRoll(held: ReadonlySet<SecretId>, policy: RollPolicy, now: number): CredentialRoll {
  const { lifetime, generation } = policy;
  const [newest, ...others] = [...held].sort().reverse();
  const made = newSecret(now, [...held]);
  if (newest === undefined) return { active: { id: made, since: now, lifetime, holders: [] }, former: [], generation };
  return {
    active: { id: newest, since: now, lifetime, holders: [] },
    next: { id: made },
    former: others.map((id) => ({ id, lifetime })),
    generation,
  };
}

/**
 * The record for a relay that takes the place of another object with its name: what that one accepted is in use still, and its
 * owner knows it, so that a roll is asked for.
 */
export function inheritedRoll(roll: CredentialRoll, { generation }: RollPolicy): CredentialRoll {
  return { ...roll, generation: generation - 1 };
}

/** The name of a secret made at this time, to the second, or the first after it that is free: names sort by age. */
function newSecret(now: number, taken: readonly SecretId[]): SecretId {
  const id = new Date(now).toISOString().replace(/\D/g, '').slice(0, 14);
  return taken.includes(id) ? newSecret(now + 1000, taken) : id;
}

type Rule = (roll: CredentialRoll, seen: SeenCopies, policy: RollPolicy, now: number) => CredentialRoll | undefined;

/** A longer lifetime is on record before a registrar hears of it, else what it makes would outlive the overlap. */
const lifetimeRaised: Rule = (roll, _seen, { lifetime }) =>
  lifetime > roll.active.lifetime ? { ...roll, active: { ...roll.active, lifetime } } : undefined;

/** A registrar is on record before it gets the secret: when it leaves, it still knows it. */
const registrarJoined: Rule = (roll, { registrars }) => {
  const { active } = roll;
  const joined = [...registrars.keys()].filter((uid) => !active.holders.includes(uid));
  return joined.length === 0 ? undefined : { ...roll, active: { ...active, holders: [...active.holders, ...joined].sort() } };
};

/** By age, on request, because somebody knows the secret who is no registrar any more, or because its value was lost. */
const due: Rule = (roll, { registrars, kept }, { rollEvery, generation }, now) => {
  if (phaseOf(roll) !== 'Stable') return undefined;
  const aged = now >= roll.active.since + rollEvery;
  const left = roll.active.holders.some((uid) => !registrars.has(uid));
  const isLost = roll.active.since < now && !kept.has(roll.active.id);
  if (!aged && !left && !isLost && generation <= roll.generation) return undefined;
  return { ...roll, next: { id: newSecret(now, acceptedSecrets(roll)) }, generation: Math.max(generation, roll.generation) };
};

const relayHoldsNext: Rule = (roll, { relay }, _policy, now) =>
  roll.next !== undefined && roll.next.heldSince === undefined && relay.has(roll.next.id)
    ? { ...roll, next: { ...roll.next, heldSince: now } }
    : undefined;

/** Its copy was deleted or edited meanwhile: it has to load it once more. */
const relayLostNext: Rule = (roll, { relay }) =>
  roll.next?.heldSince !== undefined && !relay.has(roll.next.id) ? { ...roll, next: { id: roll.next.id } } : undefined;

const switchOver: Rule = ({ active, next, former, generation }, { registrars }, { propagation, lifetime }, now) =>
  next?.heldSince !== undefined && now >= next.heldSince + propagation
    ? {
        active: { id: next.id, since: now, lifetime, holders: [...registrars.keys()].sort() },
        former: [...former, { id: active.id, lifetime: active.lifetime }],
        generation,
      }
    : undefined;

/**
 * Whoever could not be given the new secret may still present a former one: that one is not retired before it is. One who has
 * no copy holds nobody up, and nor does a copy of one who is a registrar no more: those it is taken from are not waited for.
 */
const nobodyPresentsFormer: Rule = (roll, { registrars, edited }, _policy, now) => {
  if (phaseOf(roll) !== 'Overlap' || edited.size > 0) return undefined;
  const presented = new Set(registrars.values());
  const open = roll.former.filter(({ id, unpresentedSince }) => unpresentedSince === undefined && !presented.has(id));
  if (open.length === 0) return undefined;
  return { ...roll, former: roll.former.map((each) => (open.includes(each) ? { ...each, unpresentedSince: now } : each)) };
};

/** A copy was put back as it was: its readers have to load the new secret once more. */
const formerPresentedAgain: Rule = (roll, { registrars }) => {
  const presented = new Set(registrars.values());
  const again = roll.former.filter(({ id, unpresentedSince }) => unpresentedSince !== undefined && presented.has(id));
  if (again.length === 0) return undefined;
  return {
    ...roll,
    former: roll.former.map((each) => (again.includes(each) ? { id: each.id, lifetime: each.lifetime } : each)),
  };
};

const retire: Rule = (roll, _seen, { propagation }, now) => {
  const kept = roll.former.filter((each) => now < retirement(each, propagation));
  return kept.length === roll.former.length ? undefined : { ...roll, former: kept };
};

const rules: readonly Rule[] = [
  lifetimeRaised,
  registrarJoined,
  due,
  relayLostNext,
  relayHoldsNext,
  switchOver,
  formerPresentedAgain,
  nobodyPresentsFormer,
  retire,
];

/** The record as it must be now: each rule is applied, from the top, for as long as one of them changes something. */
export function advance(roll: CredentialRoll, seen: SeenCopies, policy: RollPolicy, now: number): CredentialRoll {
  for (const rule of rules) {
    const changed = rule(roll, seen, policy, now);
    if (changed !== undefined) return advance(changed, seen, policy, now);
  }
  return roll;
}

/** Epoch ms at which time alone makes the next change; undefined while it waits for a copy. */
export function nextTurn(roll: CredentialRoll, policy: RollPolicy): number | undefined {
  const { active, next, former } = roll;
  const times =
    next !== undefined
      ? [next.heldSince === undefined ? Infinity : next.heldSince + policy.propagation]
      : former.length > 0
        ? former.map((each) => retirement(each, policy.propagation))
        : [active.since + policy.rollEvery];
  const first = Math.min(...times);
  return Number.isFinite(first) ? first : undefined;
}

/** For how long after its secrets were presented last (ms) a credential made with one of them may be good. */
export function longestLifetime({ active, former }: CredentialRoll): number {
  return Math.max(...[active, ...former].map(({ lifetime }) => lifetime));
}

/** Epoch ms at which no credential made with it can be good any more. */
function retirement({ lifetime, unpresentedSince }: FormerSecret, propagation: number): number {
  return unpresentedSince === undefined ? Infinity : unpresentedSince + propagation + lifetime;
}
