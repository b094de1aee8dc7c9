// Fetches a partner's revocation list from where it is published (RFC 5280, 4.2.1.13; RFC 2585). By http too, as most of them
// are: a list is signed. It is what a stranger sends: one answer, of bounded size, in bounded time. Whether it is a list, and
// whose, is asked elsewhere.
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecured } from 'node:https';
import { within } from '../kube/pause.ts';
import { bodyOf } from './answer-body.ts';
import { EndpointFailure, endpointFailure } from './endpoint-connection.ts';

/** The message is a sentence for a person. */
export type FetchedList =
  | { readonly outcome: 'Fetched'; readonly octets: Buffer }
  | { readonly outcome: 'Failed'; readonly message: string };

/** Of the body, in octets. */
const MOST_OCTETS = 256 * 1024;

/** `url` is http or https; `limitMs` is for all of it, absent 15 s. Rejects with the signal's reason once it is aborted, never else. */
export async function fetchRevocationList(url: string, signal: AbortSignal, limitMs = 15_000): Promise<FetchedList> {
  const late = () => new EndpointFailure('EndpointTimeout', `does not answer in full within ${limitMs / 1000} s`);
  try {
    return await within(limitMs, signal, late, async (ended) => {
      try {
        return { outcome: 'Fetched', octets: await get(url, ended) };
      } catch (error) {
        // Whatever broke because of it, it broke because of this.
        ended.throwIfAborted();
        throw error;
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'Failed', message: `${url} ${endpointFailure(error).message}.` };
  }
}

async function get(url: string, signal: AbortSignal): Promise<Buffer> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const ask = url.startsWith('https:') ? getSecured : getPlain;
  // A connection of its own: nothing that a stranger's server holds open outlives the answer.
  const options = { agent: false, signal, headers: { accept: 'application/pkix-crl', 'user-agent': 'trustmesh' } } as const;
  const asking = ask(url, options).on('response', answered.resolve).on('error', answered.reject);
  try {
    const response = await answered.promise;
    const { statusCode = 0 } = response;
    if (statusCode !== 200) throw new EndpointFailure('EndpointRefuses', `answers ${statusCode}, not 200`);
    return await bodyOf(response, MOST_OCTETS);
  } finally {
    asking.destroy();
  }
}
