// How aspects become kstatus conditions, and when time alone brings a key back.
import { type Aspect, summarise } from '../../../operator/controllers/conditions.ts';
import { earliest, requeueAt } from '../../../operator/controllers/requeue.ts';
import { day, hour, now } from '../pki/authorities.ts';
import { trustDomain } from '../topology/objects.ts';
import { kstatus } from './kstatus.ts';

const fine: Aspect = { type: 'A', status: 'True', reason: 'Fine', message: 'A is fine.' };
const coming: Aspect = { type: 'B', status: 'False', reason: 'Coming', message: 'B comes.', while: 'Reconciling' };
const stuck: Aspect = { type: 'C', status: 'False', reason: 'Stuck', message: 'C is stuck.', while: 'Stalled' };
const beside: Aspect = { type: 'D', status: 'Unknown', reason: 'NotAsked', message: 'Nobody asks for D.' };
const domain = trustDomain();

function conditions(aspects: readonly Aspect[], object = domain, at = now) {
  return summarise(object, aspects, at);
}

describe('the summary', () => {
  it.each<readonly [string, readonly Aspect[], readonly string[], string]>([
    ['is Ready where all is fine, in its words', [fine], ['Ready=True Ready: A is fine.', 'A=True Fine: A is fine.'], 'Current'],
    [
      'is Ready beside what does not matter, and silent about it',
      [fine, beside],
      ['Ready=True Ready: A is fine.', 'A=True Fine: A is fine.', 'D=Unknown NotAsked: Nobody asks for D.'],
      'Current',
    ],
    [
      'reconciles what passes by itself',
      [fine, coming],
      [
        'Ready=False Coming: B comes.',
        'Reconciling=True Coming: B comes.',
        'A=True Fine: A is fine.',
        'B=False Coming: B comes.',
      ],
      'InProgress',
    ],
    [
      'is stalled by what waits for somebody, whatever else comes',
      [coming, stuck],
      [
        'Ready=False Stuck: C is stuck.',
        'Stalled=True Stuck: C is stuck.',
        'B=False Coming: B comes.',
        'C=False Stuck: C is stuck.',
      ],
      'Failed',
    ],
  ])('%s', (_what, aspects, expected, computed) => {
    const made = conditions(aspects);
    expect(made.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)).toEqual(expected);
    expect(made.every(({ observedGeneration }) => observedGeneration === 1)).toBe(true);
    expect(kstatus({ ...domain, status: { observedGeneration: 1, conditions: made } })).toBe(computed);
  });

  it('keeps the time of the last transition while the status is the same, whatever its reason', () => {
    const before = { ...domain, status: { observedGeneration: 1, conditions: [...conditions([stuck])] } };
    const after = conditions([{ ...stuck, reason: 'StillStuck' }], before, now + hour);
    expect(after.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(Array(3).fill('2026-06-15T12:00:00Z'));
    const better = conditions([{ ...stuck, status: 'True' }], before, now + hour);
    expect(better.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
      ['Ready', '2026-06-15T13:00:00Z'],
      ['C', '2026-06-15T13:00:00Z'],
    ]);
  });
});

describe('a key comes back', () => {
  it.each([
    ['never, where nothing is to come', undefined, undefined],
    ['at the time', now + 5000, { requeueAfterMs: 5000 }],
    ['no sooner than in a second', now - hour, { requeueAfterMs: 1000 }],
    ['on the way to what no timer reaches', now + 60 * day, { requeueAfterMs: 12 * hour }],
  ])('%s', (_what, at, expected) => {
    expect(requeueAt(at, now)).toEqual(expected);
  });

  it('at the earliest of several times', () => {
    expect([earliest([]), earliest([undefined]), earliest([undefined, 3, 1, 2])]).toEqual([undefined, undefined, 1]);
  });
});
