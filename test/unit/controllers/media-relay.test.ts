// What is done for a relay, and what its status says: given an observation, expect these actions and conditions.

import type { MediaRelay } from '../../../operator/api/v1alpha1/index.ts';
import type { Credentials, ObservedRegistrar } from '../../../operator/controllers/media-relay/copies.ts';
import type { Outcome } from '../../../operator/controllers/media-relay/enact.ts';
import type { Observation } from '../../../operator/controllers/media-relay/observe.ts';
import { plan } from '../../../operator/controllers/media-relay/plan.ts';
import {
  claimOf,
  encodeRoll,
  goneSince,
  isClaimed,
  isPredecessors,
  parseRoll,
} from '../../../operator/controllers/media-relay/record.ts';
import { report } from '../../../operator/controllers/media-relay/report.ts';
import { annotation, timestamp } from '../../../operator/outputs/labels.ts';
import type { CredentialRoll } from '../../../operator/trust/credential-roll.ts';
import { day, hour, now } from '../pki/authorities.ts';
import { namespace } from '../topology/objects.ts';
import { current, domain, factsOf, need, secretOf, server } from './observed.ts';

const relay: MediaRelay = {
  apiVersion: 'trustmesh.io/v1alpha1',
  kind: 'MediaRelay',
  metadata: { name: 'turn', namespace: 'voice', uid: 'uid-turn', resourceVersion: '1', generation: 1, creationTimestamp: '' },
  spec: {
    trustDomain: 'contoso',
    fqdn: 'turn.contoso.com',
    ports: { turn: 3478, turns: 5349 },
    credentials: { lifetime: '8h', rollEvery: '720h', propagation: '2m', generation: 1 },
    certificate: {},
  },
};

const [first, second] = ['20260101000000', '20260201000000'] as const;
const stable: CredentialRoll = {
  active: { id: first, since: now - day, lifetime: 8 * hour, holders: [server.metadata.uid] },
  former: [],
  generation: 1,
};
const overlap: CredentialRoll = {
  ...stable,
  active: { ...stable.active, id: second },
  former: [{ id: first, lifetime: 8 * hour }],
};
const secret = secretOf(need, factsOf(need));
const content = { files: {}, hash: 'h' };

const registrar = (changes: Partial<ObservedRegistrar> = {}): ObservedRegistrar => ({
  server,
  name: 'pool01-relay-turn.voice',
  secret,
  foreign: false,
  content,
  current: true,
  presents: first,
  edited: false,
  ...changes,
});

const { presents: _, secret: __, ...withoutCopy } = registrar();

function credentials(changes: Partial<Credentials> & { readonly relayHolds?: readonly string[] } = {}): Credentials {
  const { relayHolds = [first], registrars = [registrar()], leftovers = [], ...others } = changes;
  return {
    record: secret,
    roll: stable,
    claimed: true,
    namespaceUID: 'uid-voice',
    policy: { lifetime: 8 * hour, rollEvery: 30 * day, propagation: 120_000, generation: 1 },
    seen: {
      kept: new Set([first]),
      relay: new Set(relayHolds),
      registrars: new Map(registrars.map((each) => [each.server.metadata.uid, each.presents])),
      edited: new Set(),
    },
    relay: { name: 'turn-credentials', secret, foreign: false, content, current: true },
    registrars,
    crowdedOut: false,
    leftovers,
    ...others,
  };
}

const observation = (changes: Partial<Observation> = {}): Observation => ({
  relay,
  domain,
  namespace: namespace('voice'),
  admission: { admitted: true },
  certificate: current(),
  credentials: credentials(),
  formerSecrets: [],
  findings: [],
  ...changes,
});

const kinds = (changes: Partial<Observation>) => plan(observation(changes), now).credentials.actions.map(({ kind }) => kind);
const seen = (changes: Parameters<typeof credentials>[0]) => ({ credentials: credentials(changes) });
const refused = { admitted: false, reason: 'NamespaceNotAdmitted', message: 'not here' } as const;
const fresh = {
  record: undefined,
  roll: undefined,
  relayHolds: [],
  registrars: [withoutCopy],
};

describe('for the credentials of a relay', () => {
  it.each<readonly [string, Partial<Observation>, readonly string[]]>([
    ['where all is in place, nothing is done', {}, []],
    [
      'a new one has a record and a copy first, and registrars when the copy is seen',
      seen(fresh as never),
      ['Record', 'WriteRelay'],
    ],
    ['a registrar without a copy gets one', seen({ registrars: [withoutCopy] }), ['WriteRegistrar']],
    [
      'a registrar whose copy is out of date gets it anew',
      seen({ registrars: [registrar({ current: false })] }),
      ['WriteRegistrar'],
    ],
    [
      'no registrar gets what the relay has lost, before it has it back',
      seen({ relayHolds: [], registrars: [registrar({ current: false })] }),
      ['WriteRelay'],
    ],
    ['a copy of one who is no registrar goes', seen({ leftovers: [secret] }), ['DeleteCopy']],
    ['what is retired leaves the relay', seen({ relayHolds: [first, second] }), ['WriteRelay']],
    [
      'without admission nothing is written, and what nobody should have goes',
      { admission: refused, ...seen({ leftovers: [secret], relayHolds: [] }) },
      ['DeleteCopy'],
    ],
    [
      'with a name that is another’s nothing is written',
      { certificate: current({ conflict: { message: 'held' } }), ...seen({ relayHolds: [] }) },
      [],
    ],
    [
      'without its domain nothing is done',
      { domain: undefined, certificate: undefined as never, credentials: undefined as never },
      [],
    ],
  ])('%s', (_what, changes, expected) => {
    expect(kinds(changes)).toEqual(expected);
  });

  it('nothing is made where its namespace has too many relays', () => {
    expect(kinds(seen({ ...(fresh as object), crowdedOut: true, registrars: [] }))).toEqual([]);
  });

  it('a roll begins on record, with one new value, and gives the relay both', () => {
    const { actions } = plan(observation(seen({ policy: { ...credentials().policy, generation: 2 } })), now).credentials;
    const [record, copy] = actions;
    expect(record).toMatchObject({ kind: 'Record', made: [expect.stringMatching(/^\d{14}$/)], dropped: [] });
    expect(copy).toMatchObject({ kind: 'WriteRelay', added: record?.kind === 'Record' ? record.made : [], dropped: [] });
  });

  it('a record that is another object’s is made its own before anything follows from it', () => {
    const [action] = plan(observation(seen({ claimed: false })), now).credentials.actions;
    expect(action).toMatchObject({ kind: 'Record', roll: stable, made: [], dropped: [], namespaceUID: 'uid-voice' });
  });

  it('a value that was lost is given to nobody, and stays where it is accepted', () => {
    const lost = credentials({ roll: undefined as never, record: undefined as never });
    const { roll, actions } = plan(
      observation({ credentials: { ...lost, seen: { ...lost.seen, kept: new Set() } } }),
      now,
    ).credentials;
    expect(roll).toMatchObject({ active: { id: first }, next: { id: expect.any(String) } });
    expect(actions.map(({ kind }) => kind)).toEqual(['Record', 'WriteRelay']);
  });
});

describe('the record of a roll', () => {
  it('is read as it was written', () => {
    for (const roll of [stable, overlap, { ...stable, next: { id: second, heldSince: now } }])
      expect(parseRoll(encodeRoll(roll))).toEqual(roll);
  });

  it.each([undefined, '', '{}', '{"active":1}', 'null'])('is none where it cannot be read: %s', (text) => {
    expect(parseRoll(text)).toBeUndefined();
  });
});

describe('whose a record is', () => {
  const { [annotation.goneSince]: _, ...said } = claimOf(relay, 'uid-voice');
  const claim = Object.fromEntries(Object.entries(said).map(([name, value]) => [name, `${value}`]));
  const recordOf = (changes: Readonly<Record<string, string>> = {}) => ({
    ...secret,
    metadata: { ...secret.metadata, annotations: { ...claim, ...changes } },
  });
  const replaced = { ...relay, metadata: { ...relay.metadata, uid: 'uid-turn2' } };

  it('is said by it: the relay, and its namespace', () => {
    expect(isClaimed(recordOf(), relay, 'uid-voice')).toBe(true);
    expect(isClaimed(undefined, relay, 'uid-voice')).toBe(false);
    expect(isClaimed(recordOf(), replaced, 'uid-voice')).toBe(false);
    expect(isClaimed(recordOf(), relay, 'uid-voice2')).toBe(false);
    expect(isClaimed(recordOf({ [annotation.goneSince]: timestamp(now) }), relay, 'uid-voice')).toBe(false);
  });

  it('is inherited by a relay of the same FQDN in the same namespace, and in none that has its name only', () => {
    expect(isPredecessors(recordOf(), replaced, 'uid-voice')).toBe(true);
    expect(isPredecessors(recordOf(), relay, 'uid-voice')).toBe(false);
    expect(isPredecessors(recordOf(), replaced, 'uid-voice2')).toBe(false);
    const { [annotation.namespaceUID]: _, ...former } = recordOf().metadata.annotations;
    const unsaid = { ...secret, metadata: { ...secret.metadata, annotations: former } };
    expect(isPredecessors(unsaid, replaced, 'uid-voice')).toBe(false);
    expect(isPredecessors(recordOf({ [annotation.fqdn]: 'other.contoso.com' }), replaced, 'uid-voice')).toBe(false);
    expect(isPredecessors(undefined, replaced, 'uid-voice')).toBe(false);
  });

  it('says since when it is nobody’s, and never a time to come', () => {
    expect(goneSince(recordOf(), now)).toBeUndefined();
    expect(goneSince(recordOf({ [annotation.goneSince]: 'yesterday' }), now)).toBeUndefined();
    expect(goneSince(recordOf({ [annotation.goneSince]: timestamp(now - day) }), now)).toBe(now - day);
    expect(goneSince(recordOf({ [annotation.goneSince]: timestamp(now + day) }), now)).toBe(now);
  });
});

describe('the status of a relay', () => {
  const nothingDone: Outcome = {
    certificates: new Map(),
    obstacles: new Map(),
    written: [],
    notOwned: [],
    unwritten: new Map(),
    recorded: true,
  };
  const statusOf = (changes: Partial<Observation> = {}, outcome: Partial<Outcome> = {}) => {
    const seenSo = observation(changes);
    return report(seenSo, plan(seenSo, now), { ...nothingDone, ...outcome }, now);
  };
  const conditionOf = (...args: Parameters<typeof statusOf>) =>
    statusOf(...args).conditions?.find(({ type }) => type === 'CredentialsDistributed');

  it('tells the phase, the next roll, and the certificate', () => {
    expect(statusOf()).toMatchObject({
      phase: 'Stable',
      rollAt: new Date(now + 29 * day).toISOString().replace('.000', ''),
      registrars: 1,
      certificate: { secretName: need.secretName },
    });
    expect(statusOf().conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' });
  });

  it.each<readonly [string, Partial<Observation>, Partial<Outcome>, object]>([
    [
      'all copies are in place',
      {},
      {},
      { status: 'True', reason: 'Distributed', message: '1 server makes credentials that the relay accepts.' },
    ],
    [
      'nobody makes credentials',
      seen({ roll: { ...stable, active: { ...stable.active, holders: [] } }, registrars: [] }),
      {},
      { status: 'True', reason: 'Distributed' },
    ],
    ['a copy is somebody else’s', {}, { notOwned: ['voice/x'] }, { status: 'False', reason: 'SecretNotOwned' }],
    [
      'a registrar still presents the former secret',
      seen({ roll: overlap, relayHolds: [first, second] }),
      {},
      { status: 'False', reason: 'Pending', message: expect.stringContaining('the relay accepts the former secret') },
    ],
    [
      'the relay’s own Secret, which its owner pinned, does not hold the new secret',
      seen({ policy: { ...credentials().policy, generation: 2 } }),
      { unwritten: new Map([['voice/turn-credentials', 'its data are immutable']]) },
      {
        status: 'False',
        reason: 'Pending',
        message: 'Secret voice/turn-credentials is not written yet: its data are immutable.',
      },
    ],
    [
      'its namespace has too many relays',
      seen({ crowdedOut: true, registrars: [] }),
      {},
      { status: 'False', reason: 'TooManyRelays', message: expect.stringContaining('Namespace voice has 16 other relays') },
    ],
    ['the relay has no place', { admission: refused }, {}, { status: 'Unknown', reason: 'NothingPlanned' }],
  ])('says that %s', (_what, changes, outcome, expected) => {
    expect(conditionOf(changes, outcome)).toMatchObject(expected);
  });

  it('tells what is on record, not what could not be written', () => {
    const due = seen({ policy: { ...credentials().policy, generation: 2 } });
    expect(statusOf(due).phase).toBe('Prepared');
    expect(statusOf(due, { recorded: false }).phase).toBe('Stable');
  });
});
