// What is fetched of a partner's revocation lists. Whose a list is, and whether it can be relied on, is for the plan: who
// answers by http proves nothing.
import { createSecureContext } from 'node:tls';
import type { Reply } from '../../federation/inquiries.ts';
import { fetchRevocationList } from '../../federation/revocation-list-client.ts';
import { DerError } from '../../pki/der-reader.ts';
import { decodePem, encodePem, PemError } from '../../pki/pem.ts';
import { parseRevocationList } from '../../pki/revocation-list.ts';
import { deliveryWindow } from '../../trust/list-delivery.ts';

export interface ListAnswer {
  /** The last that was a revocation list at all, DER in base64. */
  readonly list?: string;
  /** Why there is none newer: a sentence. */
  readonly failure?: string;
  /** Failures in a row. */
  readonly failures?: number;
}

const minute = 60_000;
/** Half of the time for which it may still be delivered, so that one or two failures do no harm; and often enough that a revocation is seen the same day. */
const refresh = { least: minute, most: 6 * 60 * minute } as const;
const retryAfter = (failures: number) => Math.min(5000 * 2 ** (failures - 1), 10 * minute);

/** Rejects with the signal's reason once it is aborted, never else. `now` and the time to ask again are epoch ms. */
export async function askForList(
  url: string,
  before: ListAnswer | undefined,
  now: number,
  signal: AbortSignal,
): Promise<Reply<ListAnswer>> {
  const failures = (before?.failures ?? 0) + 1;
  const keep = (failure: string): Reply<ListAnswer> => ({
    answer: { ...(before?.list === undefined ? {} : { list: before.list }), failure, failures },
    askAgainAt: now + retryAfter(failures),
  });
  const fetched = await fetchRevocationList(url, signal);
  if (fetched.outcome === 'Failed') return keep(fetched.message);
  try {
    const der = listIn(fetched.octets);
    if (!isReadByOpenSSL(der)) return keep(`${url} answers with a revocation list that OpenSSL cannot read.`);
    const { until } = deliveryWindow(parseRevocationList(der));
    const wait = Math.min(Math.max((until - now) / 2, refresh.least), refresh.most);
    return { answer: { list: der.toString('base64') }, askAgainAt: now + wait };
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError) return keep(`${url} answers with what is no revocation list.`);
    throw error;
  }
}

/** DER, or the first block of PEM. @throws PemError */
function listIn(octets: Buffer): Buffer {
  if (octets[0] === 0x30) return octets;
  const block = decodePem(octets.toString('latin1')).find(({ label }) => label === 'X509 CRL');
  if (block === undefined) throw new PemError('has no revocation list');
  return block.der;
}

/** What an Edge cannot read would keep it from starting, and every other partner out. */
function isReadByOpenSSL(der: Buffer): boolean {
  try {
    createSecureContext({ crl: encodePem('X509 CRL', der) });
    return true;
  } catch {
    return false;
  }
}
