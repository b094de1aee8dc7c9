// When time alone brings a key back.
import { requeueAt, retryAfterWaiting } from '../../../operator/controllers/requeue.ts';

const second = 1000;
const hour = 3600 * second;

describe('what should come by itself', () => {
  it.each([
    [0, second],
    [2 * second, second],
    [20 * second, 5 * second],
    [hour, 60 * second],
    [100 * hour, 60 * second],
  ])('after %d ms without it is looked for again in %d ms', (waited, retry) => {
    expect(retryAfterWaiting(waited)).toBe(retry);
  });
});

describe('what is due at a time', () => {
  it.each([
    ['never', undefined, undefined],
    ['at once, but not in a loop', -hour, { requeueAfterMs: second }],
    ['then', hour, { requeueAfterMs: hour }],
    ['on the way, where a timer does not reach so far', 1000 * hour, { requeueAfterMs: 12 * hour }],
  ])('is looked at %s', (_case, ahead, expected) => {
    const now = Date.UTC(2026, 0, 1);
    expect(requeueAt(ahead === undefined ? undefined : now + ahead, now)).toEqual(expected);
  });
});
