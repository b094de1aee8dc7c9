// A connection to a bundle endpoint, judged before anything is sent over it, and what can go wrong on the way to an answer.
//
// Whoever may write the URL can have the operator open a TLS connection to any host and port that it can reach, and learn
// whether one is there; nothing is sent, nor shown of an answer, unless the host proves to be the one that was meant.
import { isIP } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { type EndpointTrust, endpointMistrust } from './endpoint-trust.ts';
import { codeOf, inWords } from './network-error.ts';

export type EndpointFailureReason =
  | 'EndpointURLInvalid'
  | 'DNSNameNotFound'
  | 'EndpointUnreachable'
  | 'EndpointTimeout'
  /** No version or cipher in common, or it does not speak TLS. */
  | 'TLSMismatch'
  | 'EndpointNotTrusted'
  | 'EndpointRedirects'
  /** Another answer than a bundle. */
  | 'EndpointRefuses';

/** The message completes a sentence that begins with the endpoint. */
export class EndpointFailure extends Error {
  override readonly name = 'EndpointFailure';
  readonly reason: EndpointFailureReason;

  constructor(reason: EndpointFailureReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** @throws EndpointFailure */
export function endpointUrl(text: string): URL {
  const invalid = (what: string) => new EndpointFailure('EndpointURLInvalid', what);
  if (!URL.canParse(text)) throw invalid('has no URL that can be read');
  const url = new URL(text);
  if (url.protocol !== 'https:') throw invalid('is not reached by https, which alone tells whose bundle it is');
  if (url.username !== '' || url.password !== '') throw invalid('has a user name or password in its URL: leave them out');
  if (url.hash !== '') throw invalid('has a fragment (#) in its URL: leave it out');
  return url;
}

/**
 * Over which nothing has been sent yet, to a host that is believed to be the one that was meant; it closes when `ended` is
 * aborted. `now` in epoch ms.
 * @throws EndpointFailure, or what the system says: endpointFailure has the words for it
 */
export async function connectToEndpoint(url: URL, trust: EndpointTrust, now: number, ended: AbortSignal): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    // Judged below, by the same rules for pins, named CAs and public ones, and with a reason in words.
    rejectUnauthorized: false,
  });
  addAbortSignal(ended, socket);
  const secured = Promise.withResolvers<void>();
  socket.once('secureConnect', secured.resolve);
  socket.on('error', secured.reject);
  await secured.promise;
  const mistrust = endpointMistrust({ chain: chainOf(socket.getPeerCertificate(true)), host }, trust, now);
  if (mistrust === undefined) return socket;
  socket.destroy();
  throw new EndpointFailure('EndpointNotTrusted', `is not believed: ${mistrust}`);
}

/** From the leaf up; a certificate that names itself as its issuer ends it. */
function chainOf(leaf: DetailedPeerCertificate): readonly Buffer[] {
  const chain = new Map<string, Buffer>();
  // The types do not say that the last one has no issuer, and that where nothing was presented there is nothing at all.
  let next: Partial<DetailedPeerCertificate> | undefined = leaf;
  while (next?.raw !== undefined && !chain.has(next.raw.toString('base64'))) {
    chain.set(next.raw.toString('base64'), next.raw);
    next = next.issuerCertificate;
  }
  return [...chain.values()];
}

/** Whatever was thrown on the way to an answer, with a reason. */
export function endpointFailure(error: unknown): EndpointFailure {
  if (error instanceof EndpointFailure) return error;
  const code = codeOf(error) ?? '';
  if (code === 'ENOTFOUND') return new EndpointFailure('DNSNameNotFound', `cannot be reached: ${inWords(error)}`);
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return new EndpointFailure('TLSMismatch', `does not agree on TLS: ${tlsReason(error) ?? code}`);
  }
  if (code.startsWith('HPE_')) return new EndpointFailure('EndpointRefuses', 'answers with something that is not HTTP');
  return new EndpointFailure('EndpointUnreachable', `cannot be reached: ${inWords(error)}`);
}

/** OpenSSL's own words, such as `tlsv1 alert protocol version`. */
function tlsReason(error: unknown): string | undefined {
  return error instanceof Error && 'reason' in error && typeof error.reason === 'string' ? error.reason : undefined;
}
