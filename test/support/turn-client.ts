// A TURN client over UDP or TLS (RFC 8489, RFC 8656), small enough to hold one allocation for as long as a test wants and to tell
// what the relay answers to each request. turnutils_uclient makes whole calls; it cannot be asked in between.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type ConnectionOptions, connect } from 'node:tls';
import { waitFor } from './wait.ts';

const cookie = 0x2112a442;
const methods = { Allocate: 0x003, Refresh: 0x004, CreatePermission: 0x008, Send: 0x006, Data: 0x007 } as const;
const attribute = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  requestedTransport: 0x0019,
} as const;
const indication = 0x010;
const udp = 17;

export interface TurnCredential {
  readonly username: string;
  readonly password: string;
}

/** `Success`, or the error code of the relay (RFC 8656, 19): 401 for a credential that it does not know, 437 without allocation. */
export type TurnAnswer = 'Success' | number;

export interface TurnClient extends AsyncDisposable {
  allocate(): Promise<TurnAnswer>;
  /** @param lifetime seconds that the allocation is to live from now on; 0 ends it */
  refresh(lifetime?: number): Promise<TurnAnswer>;
  /** Sends a datagram through the relay to an echo on this port of 127.0.0.1 and waits for it to come back the same way. */
  echo(port: number, text: string): Promise<string>;
}

type Attributes = ReadonlyMap<number, Buffer>;

interface Transport extends AsyncDisposable {
  send(message: Buffer): void;
}

/**
 * @param port of the relay on 127.0.0.1
 * @param tls for TURN over TLS; UDP where absent
 */
export async function turnClient(
  port: number,
  { username, password }: TurnCredential,
  tls?: ConnectionOptions,
): Promise<TurnClient> {
  const answers = new Map<string, Buffer>();
  const received: string[] = [];
  let realm = '';
  let nonce: Buffer = Buffer.alloc(0);
  const onMessage = (message: Buffer) => {
    if (message.readUInt16BE(0) === (methods.Data | indication))
      received.push(attributesOf(message).get(attribute.data)?.toString() ?? '');
    else answers.set(message.toString('hex', 8, 20), message);
  };
  const transport = tls === undefined ? await overUDP(port, onMessage) : await overTLS(port, tls, onMessage);

  const send = (method: number, body: readonly Buffer[], key?: Buffer): string => {
    const transaction = randomBytes(12);
    const message = encode(method, transaction, Buffer.concat(body), key);
    transport.send(message);
    return transaction.toString('hex');
  };
  const ask = async (method: keyof typeof methods, body: readonly Buffer[]): Promise<TurnAnswer> => {
    // Once to learn realm and nonce, once with them, and once more where the nonce is stale by then.
    for (let attempt = 0; ; attempt += 1) {
      const signed = realm !== '';
      const key = createHash('md5').update(`${username}:${realm}:${password}`).digest();
      const authentication = [
        encodeAttribute(attribute.username, Buffer.from(username)),
        encodeAttribute(attribute.realm, Buffer.from(realm)),
        encodeAttribute(attribute.nonce, nonce),
      ];
      const id = send(methods[method], signed ? [...body, ...authentication] : body, signed ? key : undefined);
      const answer = await waitFor(`an answer to ${method} from port ${port}`, () => answers.get(id));
      const attributes = attributesOf(answer);
      const code = errorCode(attributes);
      nonce = attributes.get(attribute.nonce) ?? nonce;
      if (code === undefined) return 'Success';
      const again = code === 438 || (code === 401 && !signed);
      realm = attributes.get(attribute.realm)?.toString() ?? realm;
      if (!again || attempt === 2) return code;
    }
  };

  return {
    allocate: () => ask('Allocate', [encodeAttribute(attribute.requestedTransport, Buffer.from([udp, 0, 0, 0]))]),
    refresh: (lifetime = 600) => ask('Refresh', [encodeAttribute(attribute.lifetime, uint32(lifetime))]),
    echo: async (peer, text) => {
      const address = encodeAttribute(attribute.xorPeerAddress, xorAddress(peer));
      const permitted = await ask('CreatePermission', [address]);
      if (permitted !== 'Success') throw new Error(`the relay refused the permission: ${permitted}`);
      return await waitFor(`"${text}" back through the relay`, () => {
        send(methods.Send | indication, [address, encodeAttribute(attribute.data, Buffer.from(text))]);
        return received.find((each) => each === text);
      });
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

async function overUDP(port: number, onMessage: (message: Buffer) => void): Promise<Transport> {
  const socket = createSocket('udp4');
  socket.on('message', onMessage);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    send: (message) => socket.send(message, port, '127.0.0.1'),
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

async function overTLS(port: number, tls: ConnectionOptions, onMessage: (message: Buffer) => void): Promise<Transport> {
  const socket = connect({ ...tls, port, host: '127.0.0.1' });
  await once(socket, 'secureConnect');
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    // A message says how long it is after its header (RFC 8489, 5).
    while (pending.length >= 20 && pending.length >= 20 + pending.readUInt16BE(2)) {
      const length = 20 + pending.readUInt16BE(2);
      onMessage(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  });
  return {
    send: (message) => socket.write(message),
    [Symbol.asyncDispose]: async () => {
      if (socket.destroyed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
}

/** An echo on a UDP port of 127.0.0.1: what the relay is to reach. */
export async function udpEcho(): Promise<AsyncDisposable & { readonly port: number }> {
  const socket = createSocket('udp4');
  socket.on('message', (message: Buffer, from: RemoteInfo) => socket.send(message, from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const close = async () => {
    socket.close();
    await once(socket, 'close');
  };
  return { port: socket.address().port, [Symbol.asyncDispose]: close };
}

function encode(method: number, transaction: Buffer, body: Buffer, key: Buffer | undefined): Buffer {
  const header = (length: number) => {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(method, 0);
    head.writeUInt16BE(length, 2);
    head.writeUInt32BE(cookie, 4);
    return Buffer.concat([head, transaction]);
  };
  if (key === undefined) return Buffer.concat([header(body.length), body]);
  // The length that is signed counts the attribute that will hold the signature (RFC 8489, 14.5).
  const signed = Buffer.concat([header(body.length + 24), body]);
  const integrity = createHmac('sha1', key).update(signed).digest();
  return Buffer.concat([signed, encodeAttribute(attribute.messageIntegrity, integrity)]);
}

function encodeAttribute(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
}

function attributesOf(message: Buffer): Attributes {
  const found = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2);
    found.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + length + (-length & 3);
  }
  return found;
}

function errorCode(attributes: Attributes): number | undefined {
  const value = attributes.get(attribute.errorCode);
  return value === undefined ? undefined : value.readUInt8(2) * 100 + value.readUInt8(3);
}

function uint32(value: number): Buffer {
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32BE(value);
  return encoded;
}

/** XOR-PEER-ADDRESS of a port of 127.0.0.1 (RFC 8489, 14.2). */
function xorAddress(port: number): Buffer {
  const encoded = Buffer.alloc(8);
  encoded.writeUInt8(1, 1);
  encoded.writeUInt16BE(port ^ (cookie >>> 16), 2);
  encoded.writeUInt32BE((0x7f000001 ^ cookie) >>> 0, 4);
  return encoded;
}
