// How long a certificate is shown after its successor was issued: nobody tells when a server or gateway has taken that up.
import type { JournalRecord } from '../journal/record.ts';
import { backdating } from '../pki/validity.ts';

const day = 86_400_000;

/**
 * For how long after its successor was issued a certificate may still be shown, ms: a Secret is loaded by itself, and what lies
 * in a status somebody has to carry over.
 */
export const handover = { Secret: day, Request: 7 * day } as const;

type Issued = Pick<JournalRecord, 'notBefore' | 'notAfter'>;

/** Epoch ms until which a certificate may be shown. `all`: what was issued for the same need. */
export function shownUntil({ notBefore, notAfter }: Issued, all: readonly Issued[], way: keyof typeof handover): number {
  const next = Math.min(...all.map((each) => each.notBefore).filter((at) => at > notBefore));
  return Math.min(notAfter, next + backdating + handover[way]);
}
