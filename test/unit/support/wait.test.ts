// Waiting for a condition: what ends a wait, and what a failed one says.
import { waitFor } from '../../support/wait.ts';

const soon = { limitMs: 40, everyMs: 5 };

describe('waitFor', () => {
  it('returns the first value that is one', async () => {
    const answers = [undefined, null, false, 0, 'late'];
    expect(await waitFor('a value', () => answers.shift())).toBe(0);
  });

  it('takes a probe that throws for not yet', async () => {
    let calls = 0;
    const probe = () => {
      calls += 1;
      if (calls < 3) throw new Error('refused');
      return calls;
    };
    expect(await waitFor('the third call', probe, { everyMs: 5 })).toBe(3);
  });

  it('says what was awaited, how long, and what was seen instead', async () => {
    await expect(waitFor('the lease is taken', () => false, soon)).rejects.toThrow(
      'the lease is taken: not within 0.04 s; last seen: false',
    );
    const refuse = () => Promise.reject(new Error('connection refused'));
    await expect(waitFor('an answer', refuse, soon)).rejects.toThrow('last seen: connection refused');
    await expect(waitFor('ready', () => undefined, { ...soon, seen: () => ({ ready: 2, of: 3 }) })).rejects.toThrow(
      '{ ready: 2, of: 3 }',
    );
  });

  it('ends at once with the reason of its signal', async () => {
    const cause = new Error('the program is gone');
    const signal = AbortSignal.abort(cause);
    await expect(waitFor('ready', () => false, { limitMs: 60_000, signal })).rejects.toBe(cause);
  });
});
