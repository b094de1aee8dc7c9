// Who is asked, when, and how many at once: nobody is asked twice at a time, and whoever wants an answer is told of it instead
// of looking for it.
import { Inquiries, type Known, type Reply } from '../../../operator/federation/inquiries.ts';
import { silent } from '../../../operator/kube/log.ts';

/** A stranger who answers when the test says so. */
function strangers(most?: number) {
  const end = new AbortController();
  const open = new Map<string, PromiseWithResolvers<Reply<string>>>();
  const told: string[] = [];
  const clock = { now: 1000 };
  const inquiries = new Inquiries<string, string>({
    ask: (question) => {
      const asked = Promise.withResolvers<Reply<string>>();
      open.set(question, asked);
      return asked.promise.finally(() => open.delete(question));
    },
    onAnswer: (reader) => told.push(reader),
    now: () => clock.now,
    log: silent,
    signal: end.signal,
    ...(most === undefined ? {} : { most }),
  });
  return {
    inquiries,
    told,
    clock,
    asked: () => [...open.keys()],
    async answer(question: string, answer: string, askAgainAt: number): Promise<void> {
      open.get(question)?.resolve({ answer, askAgainAt });
      await new Promise(setImmediate);
    },
    async fail(question: string): Promise<void> {
      open.get(question)?.reject(new Error('a defect'));
      await new Promise(setImmediate);
    },
  };
}

it('asks once, answers from then on, and asks again when that is due', async () => {
  const { inquiries, told, clock, asked, answer } = strangers();
  expect(inquiries.read('a', 'contoso')).toEqual({});
  expect(inquiries.read('a', 'fabrikam')).toEqual({});
  expect(asked()).toEqual(['a']);
  await answer('a', 'first', 5000);
  expect(told).toEqual(['contoso', 'fabrikam']);
  expect(inquiries.read('a', 'contoso')).toEqual<Known<string>>({ answer: 'first', askAgainAt: 5000 });
  expect(asked()).toEqual([]);
  clock.now = 5000;
  // Whoever looks meanwhile has no reason to look again by itself, however slow the answer.
  expect(inquiries.read('a', 'contoso')).toEqual({ answer: 'first' });
  expect(inquiries.read('a', 'contoso')).toEqual({ answer: 'first' });
  expect(asked()).toEqual(['a']);
});

it('asks few at once, and the others as those answer', async () => {
  const { inquiries, asked, answer } = strangers(2);
  for (const question of ['a', 'b', 'c', 'd', 'e']) inquiries.read(question, 'contoso');
  expect(asked()).toEqual(['a', 'b']);
  inquiries.keep('contoso', ['a', 'b', 'd', 'e']);
  await answer('b', 'one', 5000);
  expect(asked()).toEqual(['a', 'd']);
  await answer('a', 'one', 5000);
  await answer('d', 'one', 5000);
  expect(asked()).toEqual(['e']);
});

it('asks again after a defect, and not at once', async () => {
  const { inquiries, clock, asked, fail, told } = strangers();
  inquiries.read('a', 'contoso');
  await fail('a');
  expect(told).toEqual(['contoso']);
  const { askAgainAt = 0 } = inquiries.read('a', 'contoso');
  expect(askAgainAt).toBe(clock.now + 60_000);
  expect(asked()).toEqual([]);
  clock.now = askAgainAt;
  inquiries.read('a', 'contoso');
  expect(asked()).toEqual(['a']);
});
