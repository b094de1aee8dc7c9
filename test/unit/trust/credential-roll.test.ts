// The roll of a relay's shared secret: what it waits for, step by step, and that in no order of writes, losses and restarts a
// credential that is good meets a relay that does not know it.
import {
  acceptedSecrets,
  advance,
  type CredentialRoll,
  firstRoll,
  inheritedRoll,
  longestLifetime,
  nextTurn,
  phaseOf,
  type RollPolicy,
  type SecretId,
  type SeenCopies,
} from '../../../operator/trust/credential-roll.ts';
import { day, hour, now } from '../pki/authorities.ts';

const minute = 60_000;
const policy: RollPolicy = { lifetime: 8 * hour, rollEvery: 30 * day, propagation: 2 * minute, generation: 1 };
const [first, second] = ['20260101000000', '20260201000000'] as const;

const stable: CredentialRoll = {
  active: { id: first, since: now - day, lifetime: 8 * hour, holders: ['fe', 'med'] },
  former: [],
  generation: 1,
};
const prepared: CredentialRoll = { ...stable, next: { id: second } };
const held: CredentialRoll = { ...stable, next: { id: second, heldSince: now - 2 * minute } };
const overlap: CredentialRoll = {
  active: { id: second, since: now - hour, lifetime: 8 * hour, holders: ['fe', 'med'] },
  former: [{ id: first, lifetime: 8 * hour }],
  generation: 1,
};
const retiring = (since: number): CredentialRoll => ({
  ...overlap,
  former: [{ id: first, lifetime: 8 * hour, unpresentedSince: since }],
});

const seen = (changes: Partial<SeenCopies> = {}): SeenCopies => ({
  kept: new Set([first, second]),
  relay: new Set([first, second]),
  registrars: new Map([
    ['fe', first],
    ['med', first],
  ]),
  edited: new Set(),
  ...changes,
});
const presenting = (fe: SecretId | undefined, med: SecretId | undefined): Partial<SeenCopies> => ({
  registrars: new Map([
    ['fe', fe],
    ['med', med],
  ]),
});
const switched = presenting(second, second);

const advanced = (roll: CredentialRoll, changes: Partial<SeenCopies> = {}, wish: Partial<RollPolicy> = {}, at = now) =>
  advance(roll, seen(changes), { ...policy, ...wish }, at);
const phase = (...args: Parameters<typeof advanced>) => phaseOf(advanced(...args));

describe('a roll', () => {
  it.each<readonly [string, CredentialRoll, Partial<SeenCopies>, Partial<RollPolicy>, string]>([
    ['is not due before its time', stable, {}, {}, 'Stable'],
    ['is due at its time', stable, {}, { rollEvery: day }, 'Prepared'],
    ['is due on request', stable, {}, { generation: 2 }, 'Prepared'],
    ['is due when a registrar goes, since it knows the secret', stable, { registrars: new Map([['fe', first]]) }, {}, 'Prepared'],
    [
      'is not due when a registrar comes',
      stable,
      { registrars: new Map([...seen().registrars, ['new', undefined]]) },
      {},
      'Stable',
    ],
    ['is due when the value was lost', stable, { kept: new Set() }, {}, 'Prepared'],
    ['waits for the relay to have the new secret', prepared, { relay: new Set([first]) }, { propagation: 0 }, 'Prepared'],
    ['waits for the relay to load it', prepared, {}, {}, 'Prepared'],
    ['goes to the registrars when the relay had its time', held, {}, {}, 'Overlap'],
    ['begins to wait anew where the relay lost its copy', held, { relay: new Set([first]) }, {}, 'Prepared'],
    ['overlaps while a registrar presents the former secret', overlap, presenting(second, first), { lifetime: 0 }, 'Overlap'],
    [
      'overlaps while a copy is what somebody else wrote',
      overlap,
      { ...switched, edited: new Set(['med']) },
      { lifetime: 0, propagation: 0 },
      'Overlap',
    ],
    ['overlaps for the lifetime after the last one switched', retiring(now - 8 * hour), switched, {}, 'Overlap'],
    ['ends when what was made with the former secret has expired', retiring(now - 8 * hour - 2 * minute), switched, {}, 'Stable'],
    ['does not end early because the lifetime became shorter', retiring(now - hour), switched, { lifetime: minute }, 'Overlap'],
    ['is not begun again before the last one has ended', overlap, switched, { generation: 2, rollEvery: minute }, 'Overlap'],
  ])('%s', (_what, roll, changes, wish, expected) => {
    expect(phase(roll, changes, wish)).toBe(expected);
  });

  it('has names for its secrets that sort by age, and never one twice', () => {
    const { next } = advanced(stable, {}, { generation: 2 });
    expect(next?.id).toMatch(/^[0-9]{14}$/);
    const again = advanced({ ...stable, active: { ...stable.active, id: next?.id ?? '' } }, {}, { generation: 2 });
    expect((again.next?.id ?? '') > (next?.id ?? '')).toBe(true);
  });

  it('has the relay accept every secret that anybody may present', () => {
    expect([stable, prepared, overlap].map(acceptedSecrets)).toEqual([[first], [first, second], [second, first]]);
  });

  it('is not held up by a registrar that has no copy, and so presents nothing', () => {
    expect(advanced(overlap, presenting(second, undefined)).former).toEqual([
      { id: first, lifetime: 8 * hour, unpresentedSince: now },
    ]);
  });

  it('holds back the former secret that is presented, and no other', () => {
    const older = { id: '20251201000000', lifetime: 8 * hour };
    const two = { ...overlap, former: [older, ...overlap.former] };
    expect(advanced(two, presenting(second, first)).former).toEqual([{ ...older, unpresentedSince: now }, ...overlap.former]);
  });

  it('waits for a copy that was put back as it was', () => {
    expect(advanced(retiring(now - hour), presenting(second, first)).former).toEqual(overlap.former);
  });

  it('has on record what a registrar is told before it is told: a longer lifetime, and that it knows the secret', () => {
    const joined = advanced(stable, { registrars: new Map([...seen().registrars, ['app', undefined]]) }, { lifetime: 9 * hour });
    expect(joined.active).toEqual({ ...stable.active, lifetime: 9 * hour, holders: ['app', 'fe', 'med'] });
    expect(advanced(stable, {}, { lifetime: hour }).active.lifetime).toBe(8 * hour);
  });

  it('looks again when time alone has something to do', () => {
    expect([stable, prepared, held, overlap, retiring(now)].map((roll) => nextTurn(roll, policy))).toEqual([
      now - day + 30 * day,
      undefined,
      now,
      undefined,
      now + 8 * hour + 2 * minute,
    ]);
  });
});

it('may have credentials that are good for as long as the longest lifetime, also of a former secret', () => {
  const [{ lifetime }] = [stable.active];
  expect(longestLifetime(stable)).toBe(lifetime);
  expect(longestLifetime({ ...overlap, former: overlap.former.map((each) => ({ ...each, lifetime: 3 * lifetime })) })).toBe(
    3 * lifetime,
  );
});

describe('a first record', () => {
  it('is one secret, where there was none', () => {
    const roll = firstRoll(new Set(), policy, now);
    expect([phaseOf(roll), acceptedSecrets(roll)]).toEqual(['Stable', [roll.active.id]]);
  });

  it('takes over what an object of that name accepted before, and asks for a roll', () => {
    expect(advanced(inheritedRoll(stable, policy))).toMatchObject({ active: { id: first }, next: {}, generation: 1 });
    expect(acceptedSecrets(advanced(inheritedRoll(overlap, policy), switched))).toEqual([second, first]);
  });

  it('keeps what the relay accepts, where a record was lost, and has another secret take its place', () => {
    const roll = firstRoll(new Set([first, second]), policy, now);
    expect([roll.active.id, phaseOf(roll), roll.former.map(({ id }) => id)]).toEqual([second, 'Prepared', [first]]);
  });
});

interface Registrar {
  readonly uid: string;
  copy: SecretId | undefined;
  loaded: SecretId | undefined;
  changedAt: number;
}

describe('in whatever order things happen', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))('every good credential is known to the relay (%i)', (seed) => {
    const chance = randomness(seed);
    const policyAt = (at: number): RollPolicy => ({
      lifetime: 60_000,
      rollEvery: 300_000,
      propagation: 10_000,
      generation: 1 + Math.floor(at / 700_000),
    });
    let roll = firstRoll(new Set(), policyAt(0), 0);
    // What lies in the API server, and what was loaded from there.
    let relay = { copy: new Set<SecretId>(), loaded: new Set<SecretId>(), changedAt: 0 };
    const registrars = ['a', 'b'].map((uid): Registrar => ({ uid, copy: undefined, loaded: undefined, changedAt: 0 }));
    let good: readonly { readonly id: SecretId; readonly until: number }[] = [];
    const unknown: unknown[] = [];
    let mostAccepted = 0;
    let rolls = 0;

    for (let at = 0; at < 3_000_000; at += 1000) {
      const before = phaseOf(roll);
      // The operator is down at times, and is killed between any two of its writes at others.
      if (chance() < 0.75) {
        roll = advance(roll, seenNow(), policyAt(at), at);
        if (before === 'Stable' && phaseOf(roll) === 'Prepared') rolls += 1;
        const mayPresent = relay.copy.has(roll.active.id);
        const wanted = acceptedSecrets(roll);
        const isCurrent = wanted.length === relay.copy.size && wanted.every((id) => relay.copy.has(id));
        if (!isCurrent && chance() < 0.7) relay = { ...relay, copy: new Set(wanted), changedAt: at };
        for (const each of registrars) {
          if (!mayPresent || each.copy === roll.active.id || chance() < 0.5) continue;
          Object.assign(each, { copy: roll.active.id, changedAt: at });
        }
      }
      // A copy that changed is loaded when its time is over, or at any moment before; the first one when the relay starts.
      if (relay.loaded.size === 0 || at - relay.changedAt >= 10_000 || chance() < 0.2) relay = { ...relay, loaded: relay.copy };
      for (const each of registrars) if (at - each.changedAt >= 10_000 || chance() < 0.2) each.loaded = each.copy;
      good = [
        ...good.filter(({ until }) => until > at),
        ...registrars.flatMap(({ loaded }) => (loaded === undefined ? [] : [{ id: loaded, until: at + 60_000 }])),
      ];
      unknown.push(...good.filter(({ id }) => !relay.loaded.has(id)));
      mostAccepted = Math.max(mostAccepted, acceptedSecrets(roll).length);
    }
    expect(unknown).toEqual([]);
    expect(mostAccepted).toBe(2);
    expect(rolls).toBeGreaterThan(2);

    function seenNow(): SeenCopies {
      return {
        kept: new Set(acceptedSecrets(roll)),
        relay: relay.copy,
        registrars: new Map(registrars.map(({ uid, copy }) => [uid, copy])),
        edited: new Set(),
      };
    }
  });
});

/** Numbers from 0 to 1 that follow from the seed alone (mulberry32). */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
