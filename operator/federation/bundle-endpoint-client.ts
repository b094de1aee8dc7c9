// Fetches a partner's bundle from where it is published (SPIFFE Federation, 5; or PEM). It is what a stranger sends: one answer
// from the place that was named, of a kind that bundles come in, of bounded size and in bounded time. What it says, and whether
// it may take the place of what is held, is asked elsewhere.
import { type IncomingMessage, request } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { within } from '../kube/pause.ts';
import { quoted } from '../pki/general-name.ts';
import { bodyOf } from './answer-body.ts';
import {
  connectToEndpoint,
  EndpointFailure,
  type EndpointFailureReason,
  endpointFailure,
  endpointUrl,
} from './endpoint-connection.ts';
import type { EndpointTrust } from './endpoint-trust.ts';

export interface BundleEndpoint extends EndpointTrust {
  readonly url: string;
}

/** `etag`: what to ask with next time, once the bundle has been accepted. */
export type FetchedBundle =
  | { readonly outcome: 'Fetched'; readonly text: string; readonly etag?: string }
  /** Since the answer that had the ETag that was asked with. */
  | { readonly outcome: 'Unchanged' }
  /** The message is a sentence for a person. */
  | { readonly outcome: 'Failed'; readonly reason: EndpointFailureReason; readonly message: string };

export interface FetchOptions {
  /** Epoch ms. */
  readonly now: number;
  /** That came with the bundle that is held. */
  readonly etag?: string | undefined;
  /** For all of it, ms. Absent: 15 s. */
  readonly limitMs?: number;
}

/** Of the body, in octets. */
const MOST_OCTETS = 1024 * 1024;

/** Rejects with the signal's reason once it is aborted, never else. */
export async function fetchBundleText(
  { url: text, ...trust }: BundleEndpoint,
  { now, etag, limitMs = 15_000 }: FetchOptions,
  signal: AbortSignal,
): Promise<FetchedBundle> {
  const late = () => new EndpointFailure('EndpointTimeout', `does not answer in full within ${limitMs / 1000} s`);
  try {
    const url = endpointUrl(text);
    return await within(limitMs, signal, late, async (ended) => {
      try {
        return await get(await connectToEndpoint(url, trust, now, ended), url, etag);
      } catch (error) {
        // Whatever broke because of it, it broke because of this.
        ended.throwIfAborted();
        throw error;
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    const { reason, message } = endpointFailure(error);
    return { outcome: 'Failed', reason, message: `The bundle endpoint ${shown(text)} ${message}.` };
  }
}

/** Without user name and password, which it should not have. */
function shown(text: string): string {
  if (!URL.canParse(text)) return quoted(text);
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
}

async function get(socket: TLSSocket, url: URL, etag: string | undefined): Promise<FetchedBundle> {
  const asking = request({
    createConnection: () => socket,
    path: `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      accept: 'application/json, application/x-pem-file',
      'user-agent': 'trustmesh',
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
    },
  });
  const answered = Promise.withResolvers<IncomingMessage>();
  asking.on('response', answered.resolve).on('error', answered.reject).end();
  try {
    const response = await answered.promise;
    if (response.statusCode === 304 && etag !== undefined) return { outcome: 'Unchanged' };
    judge(response);
    const { etag: given } = response.headers;
    return { outcome: 'Fetched', text: await textOf(response), ...(given === undefined ? {} : { etag: given }) };
  } finally {
    asking.destroy();
    socket.destroy();
  }
}

const types = [
  'application/json',
  'application/jwk-set+json',
  'application/x-pem-file',
  'application/pem-certificate-chain',
  'text/plain',
];

/** Throws for any answer that is not a document of a kind that bundles come in. */
function judge({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 300 && statusCode < 400) {
    const where = headers.location === undefined ? 'elsewhere' : `to ${quoted(headers.location)}`;
    throw new EndpointFailure('EndpointRedirects', `sends us ${where} (${statusCode}): name the URL that has the bundle itself`);
  }
  if (statusCode !== 200) throw new EndpointFailure('EndpointRefuses', `answers ${statusCode}, not 200`);
  const type = headers['content-type'] ?? 'none';
  if (!types.includes(type.split(';', 1)[0]?.trim().toLowerCase() ?? '')) {
    throw new EndpointFailure('EndpointRefuses', `answers with content of type ${quoted(type)}, which is neither JSON nor PEM`);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new EndpointFailure('EndpointRefuses', `answers with content encoded as ${quoted(encoding)}, which was not asked for`);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const octets = await bodyOf(response, MOST_OCTETS);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw new EndpointFailure('EndpointRefuses', 'sends content that is not UTF-8');
  }
}
