// Keeps answers that must be asked of somebody else, over a network that may be slow or gone: each question is asked when it
// is due, one at a time, while everybody goes on with the answer of before.

import { type Log, messageOf } from '../kube/log.ts';

export interface Reply<A> {
  readonly answer: A;
  /** Epoch ms. */
  readonly askAgainAt: number;
}

export interface InquiriesOptions<Q, A> {
  /** Asks. That somebody does not answer is an answer too: what it throws is a defect. `before` is the last answer. */
  readonly ask: (question: Q, before: A | undefined, signal: AbortSignal) => Promise<Reply<A>>;
  /** Told after each answer, with the ids of those that wanted it. */
  readonly onAnswer: (reader: string) => void;
  readonly now: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** How soon to ask again after a defect, ms. */
const defectRetry = 60_000;

interface Inquiry<A> {
  readonly readers: Set<string>;
  reply?: Reply<A>;
  asking: boolean;
  /** Epoch ms; after a defect. */
  notBefore?: number;
}

export class Inquiries<Q, A> {
  readonly #options: InquiriesOptions<Q, A>;
  readonly #inquiries = new Map<string, Inquiry<A>>();
  readonly #asking = new Set<Promise<void>>();

  constructor(options: InquiriesOptions<Q, A>) {
    this.#options = options;
  }

  /**
   * The answer as far as it is known, for a reader that is told when there is another. Asks where that is due. `before` is an
   * answer from another time, where this process has none of its own.
   */
  read(question: Q, reader: string, before?: A): Reply<A> | undefined {
    const id = JSON.stringify(question);
    const inquiry = this.#inquiries.get(id) ?? { readers: new Set<string>(), asking: false };
    this.#inquiries.set(id, inquiry);
    inquiry.readers.add(reader);
    const { reply, asking, notBefore = 0 } = inquiry;
    const dueAt = Math.max(reply?.askAgainAt ?? 0, notBefore);
    if (!asking && dueAt <= this.#options.now()) this.#ask(question, inquiry, before);
    return reply;
  }

  /** Forgets the questions that this reader does not ask any more. */
  keep(reader: string, questions: readonly Q[]): void {
    const asked = new Set(questions.map((question) => JSON.stringify(question)));
    for (const [id, { readers }] of this.#inquiries) {
      if (asked.has(id)) continue;
      readers.delete(reader);
      if (readers.size === 0) this.#inquiries.delete(id);
    }
  }

  /** Resolves once nothing is being asked any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#asking);
  }

  #ask(question: Q, inquiry: Inquiry<A>, before: A | undefined): void {
    const { ask, onAnswer, now, log, signal } = this.#options;
    inquiry.asking = true;
    const asking = ask(question, inquiry.reply?.answer ?? before, signal)
      .then((reply) => {
        inquiry.reply = reply;
      })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        log.error('inquiry failed', { error: messageOf(error) });
        inquiry.notBefore = now() + defectRetry;
      })
      .finally(() => {
        inquiry.asking = false;
        this.#asking.delete(asking);
        if (!signal.aborted) for (const reader of inquiry.readers) onAnswer(reader);
      });
    this.#asking.add(asking);
  }
}
