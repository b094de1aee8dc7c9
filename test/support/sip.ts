// SIP as far as the tests need it (RFC 3261): one request and its final response, by UDP or as a TLS client that shows whatever
// certificate it is given; and a gateway that answers over TLS. Calls with media are sipp's.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { freePort } from './port.ts';
import { waitFor } from './wait.ts';

/** Key and chain that somebody shows. */
export interface Identity {
  readonly 'tls.crt': Buffer;
  readonly 'tls.key': Buffer;
}

export interface SIPRequest {
  readonly method?: 'OPTIONS' | 'INVITE';
  /** `sip:` URI: where it goes. */
  readonly to: string;
  /** `sip:` URI: who says to send it. */
  readonly from: string;
  /** A session description. */
  readonly sdp?: string;
}

/** `refused`: no connection, or one that the other side ended without an answer. */
export type SIPAnswer = { readonly status: number; readonly reason: string } | { readonly refused: string };

/** A request by UDP to 127.0.0.1, sent again until it is answered. */
export async function askByUDP(port: number, request: SIPRequest, limitMs = 8_000): Promise<SIPAnswer> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const message = textOf(request, 'UDP', socket.address().port);
    let answer: SIPAnswer | undefined;
    socket.on('message', (data) => {
      answer ??= finalAnswer(data.toString('latin1'));
    });
    const deadline = performance.now() + limitMs;
    let sentAt = Number.NEGATIVE_INFINITY;
    const answered = () => {
      if (performance.now() > deadline) return { refused: `no answer within ${limitMs / 1000} s` };
      if (performance.now() - sentAt > 1_000) {
        sentAt = performance.now();
        socket.send(message, port, '127.0.0.1');
      }
      return answer;
    };
    return await waitFor(`an answer to ${request.to}`, answered, { limitMs: limitMs + 5_000 });
  } finally {
    socket.close();
  }
}

export interface TLSCaller {
  readonly port: number;
  /** Absent: no certificate is shown. */
  readonly identity?: Identity | undefined;
  readonly tls?: ConnectionOptions;
}

export interface SIPConnection extends Disposable {
  /** Whether a session of another connection was taken up. */
  readonly resumed: boolean;
  /** What a later connection could take up: the last that the server gave. */
  session(): Buffer | undefined;
  ask(request: SIPRequest): Promise<SIPAnswer>;
}

/** A TLS connection to 127.0.0.1. It believes whoever answers: it is the caller that is tried. */
export async function connectByTLS({
  port,
  identity,
  tls = {},
}: TLSCaller): Promise<SIPConnection | { readonly refused: string }> {
  const shown = identity === undefined ? {} : { cert: identity['tls.crt'], key: identity['tls.key'] };
  const socket = connect({ ...tls, host: '127.0.0.1', port, rejectUnauthorized: false, ...shown });
  let session: Buffer | undefined;
  socket.on('session', (given: Buffer) => {
    session = given;
  });
  let why = 'the connection was closed';
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.setEncoding('latin1');
  const established = await new Promise<boolean>((resolve) => {
    socket.once('secureConnect', () => resolve(true)).once('close', () => resolve(false));
  });
  if (!established) return { refused: why };
  const ask = (request: SIPRequest) =>
    new Promise<SIPAnswer>((resolve) => {
      let received = '';
      const settle = (answer: SIPAnswer) => {
        clearTimeout(limit);
        socket.off('data', read).off('close', closed);
        resolve(answer);
      };
      const read = (data: string) => {
        received += data;
        const answer = finalAnswer(received);
        if (answer !== undefined) settle(answer);
      };
      const closed = () => settle({ refused: why });
      const limit = setTimeout(() => settle({ refused: 'no answer within 8 s' }), 8_000);
      if (socket.destroyed) return closed();
      socket.on('data', read).once('close', closed);
      socket.write(textOf(request, 'TLS', socket.localPort ?? 0));
    });
  return { resumed: socket.isSessionReused(), session: () => session, ask, [Symbol.dispose]: () => void socket.destroy() };
}

/** One request over a connection of its own. */
export async function askByTLS({ port, identity, tls, ...request }: TLSCaller & SIPRequest): Promise<SIPAnswer> {
  const connection = await connectByTLS({ port, identity, ...(tls === undefined ? {} : { tls }) });
  if ('refused' in connection) return connection;
  using open = connection;
  return await open.ask(request);
}

export interface Gateway extends AsyncDisposable {
  readonly port: number;
  /** First lines of the requests that came, in order. */
  readonly requests: readonly string[];
  /** Session descriptions that came with them. */
  readonly descriptions: readonly string[];
}

/** Listens for SIP over mutual TLS on 127.0.0.1, and answers every request with 200; with a description where `media` is given. */
export async function startGateway(
  identity: Identity & { readonly 'ca.crt': Buffer },
  wanted?: number,
  media?: Parameters<typeof sessionDescription>[0],
): Promise<Gateway> {
  const requests: string[] = [];
  const descriptions: string[] = [];
  const sockets = new Set<TLSSocket>();
  const options = {
    cert: identity['tls.crt'],
    key: identity['tls.key'],
    ca: identity['ca.crt'],
    requestCert: true,
    rejectUnauthorized: true,
  };
  const port = wanted ?? (await freePort());
  const server = createServer(options, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    let received = '';
    socket.setEncoding('latin1').on('data', (data: string) => {
      received += data;
      for (let request = takeMessage(received); request !== undefined; request = takeMessage(received)) {
        received = received.slice(request.length);
        const [first = ''] = request.trimStart().split('\r\n');
        if (!first.endsWith('SIP/2.0')) continue;
        requests.push(first);
        const [, description = ''] = request.split('\r\n\r\n');
        if (description !== '') descriptions.push(description);
        const own = description === '' || media === undefined ? '' : sessionDescription(media, 41_000);
        if (!first.startsWith('ACK')) socket.write(answerTo(request, port, own));
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    requests,
    descriptions,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function textOf({ method = 'OPTIONS', to, from, sdp = '' }: SIPRequest, transport: 'UDP' | 'TLS', port: number): string {
  const id = () => randomBytes(8).toString('hex');
  const lines = [
    `${method} ${to} SIP/2.0`,
    `Via: SIP/2.0/${transport} 127.0.0.1:${port};branch=z9hG4bK${id()};rport`,
    'Max-Forwards: 70',
    `From: <${from}>;tag=${id()}`,
    `To: <${to}>`,
    `Call-ID: ${id()}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:test@127.0.0.1:${port}>`,
    ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(sdp)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${sdp}`;
}

/** The first message of a stream, as soon as all of it is there (RFC 3261, 18.3). */
function takeMessage(stream: string): string | undefined {
  const end = stream.search(/\r\n\r\n/) + 4;
  if (end === 3) return undefined;
  const length = Number(/^Content-Length: *(\d+)/im.exec(stream.slice(0, end))?.[1] ?? 0);
  return stream.length < end + length ? undefined : stream.slice(0, end + length);
}

function answerTo(request: string, port: number, description: string): string {
  const headers = request.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(line));
  const to = /^To:[^\r\n]*/im.exec(request)?.[0] ?? '';
  // By address, as gateways do.
  const contact = `Contact: <sip:gateway@127.0.0.1:${port};transport=tls>`;
  const lines = [
    'SIP/2.0 200 OK',
    ...headers,
    `${to.replace(/;tag=.*/, '')};tag=gateway`,
    contact,
    ...(description === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(description)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${description}`;
}

function finalAnswer(text: string): SIPAnswer | undefined {
  for (const [, status, reason = ''] of text.matchAll(/^SIP\/2\.0 ([2-6][0-9]{2}) ([^\r\n]*)\r\n/gm)) {
    return { status: Number(status), reason };
  }
  return undefined;
}

/** A session description with one audio stream, and a key where it is encrypted. */
export function sessionDescription(transport: 'RTP/AVP' | 'RTP/SAVP', port = 40_000): string {
  const key = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${randomBytes(30).toString('base64')}\r\n`;
  return `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} ${transport} 0\r\n${transport === 'RTP/SAVP' ? key : ''}`;
}
