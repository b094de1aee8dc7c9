// One question to one DNS server (RFC 1035): over UDP, and over TCP where the answer does not fit. An answer counts only if it
// carries the id and the question that were sent, and comes from where they were sent to; anything else is as if it had
// not come. No EDNS: like the resolvers of C libraries, and nothing then lies between us and servers that do not know it.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { type DecodedPacket, decode, encode, RECURSION_DESIRED } from 'dns-packet';
import { within } from '../kube/pause.ts';
import { isHostName } from '../pki/general-name.ts';
import { inWords } from './network-error.ts';

export interface DNSServer {
  /** An IP address, or a name that the system resolves. */
  readonly host: string;
  readonly port: number;
}

export type Exchange =
  | { readonly answered: true; readonly answer: DecodedPacket }
  | { readonly answered: false; readonly reason: 'DNSServerFailed' | 'DNSTimeout'; readonly message: string };

/** `10.96.0.10`, `dns.contoso.com:5353`, `fd00::10`, `[fd00::10]:53`; undefined for anything else. */
export function parseServer(text: string): DNSServer | undefined {
  if (isIP(text) !== 0) return { host: text, port: 53 };
  const [, address = '', name = '', digits = '53'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const port = Number(digits);
  const isHost = isIP(address) === 6 || isIP(name) === 4 || isHostName(name);
  return isHost && port > 0 && port <= 65_535 ? { host: address || name, port } : undefined;
}

/** The server as messages call it. */
export const serverName = ({ host, port }: DNSServer): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

interface Query {
  readonly id: number;
  /** In lower case. */
  readonly name: string;
  readonly message: Buffer;
}

/** Asks for the SRV records of `name` (ASCII, no final dot). Rejects with the signal's reason once it is aborted, never else. */
export async function askServer(server: DNSServer, name: string, limitMs: number, signal: AbortSignal): Promise<Exchange> {
  const id = randomInt(0x1_0000);
  const questions = [{ name, type: 'SRV', class: 'IN' } as const];
  const query = { id, name: name.toLowerCase(), message: encode({ type: 'query', id, flags: RECURSION_DESIRED, questions }) };
  const late = new Error('too late');
  try {
    const answer = await within(
      limitMs,
      signal,
      () => late,
      async (ended) => {
        const host = await endingWith(ended, lookup(server.host));
        const first = await overUDP({ ...host, port: server.port }, query, ended);
        return first.flag_tc ? await overTCP({ ...host, port: server.port }, query, ended) : first;
      },
    );
    return { answered: true, answer };
  } catch (error) {
    signal.throwIfAborted();
    const who = `DNS server ${serverName(server)}`;
    return error === late
      ? { answered: false, reason: 'DNSTimeout', message: `${who} did not answer within ${limitMs / 1000} s` }
      : { answered: false, reason: 'DNSServerFailed', message: `${who} gave no answer: ${inWords(error)}` };
  }
}

interface Target {
  readonly address: string;
  readonly family: number;
  readonly port: number;
}

/** From a port of its own, which the kernel picks at random: beside the id, what a forger has to guess (RFC 5452). */
async function overUDP({ address, family, port }: Target, query: Query, ended: AbortSignal): Promise<DecodedPacket> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<DecodedPacket>();
  socket.on('error', reject);
  socket.on('message', (message) => {
    try {
      const answer = answerTo(query, message);
      if (answer !== undefined) resolve(answer);
    } catch (error) {
      reject(error);
    }
  });
  // Connected, the kernel drops what others send, and says if nobody listens there.
  socket.connect(port, address, () => socket.send(query.message));
  try {
    return await endingWith(ended, promise);
  } finally {
    socket.close();
  }
}

async function overTCP({ address, port }: Target, query: Query, ended: AbortSignal): Promise<DecodedPacket> {
  const socket = addAbortSignal(ended, connect({ host: address, port }));
  try {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.message.length);
    socket.write(Buffer.concat([length, query.message]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) continue;
      const answer = answerTo(query, received.subarray(2, 2 + received.readUInt16BE()));
      if (answer === undefined || answer.flag_tc) throw new Error('over TCP it answers something else');
      return answer;
    }
    throw new Error('it closed the TCP connection before its answer was complete');
  } catch (error) {
    ended.throwIfAborted();
    throw error;
  } finally {
    socket.destroy();
  }
}

/** Undefined: no answer to this query. Of a truncated one only header and question. Throws for one that cannot be read. */
function answerTo({ id, name }: Query, message: Buffer): DecodedPacket | undefined {
  if (message.length < 12 || message.readUInt16BE(0) !== id) return undefined;
  // Without the counts of records: what was truncated need not be whole.
  const head = readable(Buffer.concat([message.subarray(0, 6), Buffer.alloc(6), message.subarray(12)]));
  const [question, ...others] = head?.questions ?? [];
  const matches =
    head?.flag_qr === true &&
    ((head.flags ?? 0) >> 11) % 16 === 0 &&
    others.length === 0 &&
    question?.type === 'SRV' &&
    question.class === 'IN' &&
    question.name.toLowerCase() === name;
  if (!matches) return undefined;
  if (head.flag_tc) return head;
  const whole = readable(message);
  if (whole === undefined) throw new Error('its answer cannot be read');
  return whole;
}

function readable(message: Buffer): DecodedPacket | undefined {
  try {
    return decode(message);
  } catch {
    // The library throws for whatever octets it makes no sense of.
    return undefined;
  }
}

/** As `promise`, unless the signal is aborted first: then it rejects with its reason. */
async function endingWith<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    signal.throwIfAborted();
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
