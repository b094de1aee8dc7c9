// Keeps answers that must be asked of somebody else, over a network that may be slow or gone: each question is asked when it
// is due, and few at once, while everybody goes on with the answer of before.

import { type Log, messageOf } from '../kube/log.ts';

export interface Reply<A> {
  readonly answer: A;
  /** Epoch ms. */
  readonly askAgainAt: number;
}

/** What is known: the last answer, and when it is worth looking for another, epoch ms. While one is being asked for, whoever wants it is told. */
export interface Known<A> {
  readonly answer?: A;
  readonly askAgainAt?: number;
}

export interface InquiriesOptions<Q, A> {
  /** Asks. That somebody does not answer is an answer too: what it throws is a defect. `before` is the last answer. */
  readonly ask: (question: Q, before: A | undefined, signal: AbortSignal) => Promise<Reply<A>>;
  /** Told after each answer, with the ids of those that wanted it. */
  readonly onAnswer: (reader: string) => void;
  readonly now: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** How many are asked at once. Absent: 16. */
  readonly most?: number;
}

/** How soon to ask again after a defect, ms. */
const defectRetry = 60_000;

interface Inquiry<A> {
  readonly readers: Set<string>;
  reply?: Reply<A>;
  state: 'Idle' | 'Waiting' | 'Asking';
  /** Epoch ms; after a defect. */
  notBefore?: number;
}

interface Waiting<Q, A> {
  readonly question: Q;
  readonly inquiry: Inquiry<A>;
  readonly before: A | undefined;
}

export class Inquiries<Q, A> {
  readonly #options: InquiriesOptions<Q, A>;
  readonly #inquiries = new Map<string, Inquiry<A>>();
  readonly #asking = new Set<Promise<void>>();
  /** By question, the first to be asked next. */
  readonly #waiting = new Map<string, Waiting<Q, A>>();

  constructor(options: InquiriesOptions<Q, A>) {
    this.#options = options;
  }

  /**
   * The answer as far as it is known, for a reader that is told when there is another. Asks where that is due. `before` is an
   * answer from another time, where this process has none of its own.
   */
  read(question: Q, reader: string, before?: A): Known<A> {
    const id = JSON.stringify(question);
    const inquiry = this.#inquiries.get(id) ?? { readers: new Set<string>(), state: 'Idle' };
    this.#inquiries.set(id, inquiry);
    inquiry.readers.add(reader);
    const { reply, notBefore = 0 } = inquiry;
    const dueAt = Math.max(reply?.askAgainAt ?? 0, notBefore);
    if (inquiry.state === 'Idle' && dueAt <= this.#options.now()) {
      inquiry.state = 'Waiting';
      this.#waiting.set(id, { question, inquiry, before });
      this.#askNext();
    }
    return {
      ...(reply === undefined ? {} : { answer: reply.answer }),
      ...(inquiry.state === 'Idle' ? { askAgainAt: dueAt } : {}),
    };
  }

  /** Forgets the questions that this reader does not ask any more. */
  keep(reader: string, questions: readonly Q[]): void {
    const asked = new Set(questions.map((question) => JSON.stringify(question)));
    for (const [id, { readers }] of this.#inquiries) {
      if (asked.has(id)) continue;
      readers.delete(reader);
      if (readers.size > 0) continue;
      this.#inquiries.delete(id);
      this.#waiting.delete(id);
    }
  }

  /** Resolves once nothing is being asked any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#asking);
  }

  #askNext(): void {
    const { most = 16, signal } = this.#options;
    for (const [id, waiting] of this.#waiting) {
      if (this.#asking.size >= most || signal.aborted) return;
      this.#waiting.delete(id);
      this.#ask(waiting);
    }
  }

  #ask({ question, inquiry, before }: Waiting<Q, A>): void {
    const { ask, onAnswer, now, log, signal } = this.#options;
    inquiry.state = 'Asking';
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
        inquiry.state = 'Idle';
        this.#asking.delete(asking);
        this.#askNext();
        if (!signal.aborted) for (const reader of inquiry.readers) onAnswer(reader);
      });
    this.#asking.add(asking);
  }
}
