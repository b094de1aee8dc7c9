// Peers that are one long-lived process each, because a JVM or a compiler a handshake would take minutes. They are told
// what to do on standard input and answer on standard output, a line a message, form-encoded (every language can read that
// without a library), binary fields in base64:
//
//   id command=listen   material, requireClientCertificate, checkNames, allowedNames*, revocationLists*, protocol?
//                                                                                                  -> listening: port
//                                                                     then, for each connection    -> handshake
//   id command=connect  material?, trust, port, serverName, protocol?, timeoutMs                   -> handshake
//   id command=takeUp   listener (the id of its listen), trust                                     -> takenUp
//   id command=close    listener                                                                   -> closed
//
// A handshake is `accepted=true` with peerNames* and protocol, or `accepted=false` with `detail`, the program's own words.
// `failed` with `detail` answers what could not even be tried. Client and server exchange the lines hello and welcome before
// either calls it accepted; the server answers as many as a client sends. The process ends when its input does.
import { type Program, startProgram } from '../process.ts';
import { handshakes } from './handshakes.ts';
import type { ConnectOptions, Handshake, Listener, ListenOptions, Material, Peer, PeerName, Protocol, Trust } from './peer.ts';
import { refusal, type Vocabulary } from './reason.ts';

export interface AgentOptions {
  readonly name: PeerName;
  readonly command: string;
  readonly args: readonly string[];
  readonly vocabulary: Vocabulary;
  /** Data keys that the program reads; nothing else of a Secret is sent to it. */
  readonly reads: readonly (keyof Material)[];
  readonly checksRevocation: boolean;
}

const ANSWER_LIMIT_MS = 30_000;

export async function startAgent({ name, command, args, vocabulary, reads, checksRevocation }: AgentOptions): Promise<Peer> {
  const handlers = new Map<string, (answer: URLSearchParams) => void>();
  const program = await startProgram(command, args, {
    name: `${name} peer`,
    onLine: (line) => {
      const answer = new URLSearchParams(line);
      handlers.get(answer.get('id') ?? '')?.(answer);
    },
  });
  // A program that has ended is noticed by whoever waits for its answer.
  program.stdin?.on('error', () => undefined);
  let requests = 0;

  /** Sends a request; `take` gets every answer to it. */
  function send(fields: readonly (readonly [string, string])[], take: (answer: URLSearchParams) => void): string {
    const id = String(++requests);
    handlers.set(id, take);
    program.stdin?.write(
      `${new URLSearchParams([['id', id], ...fields.map(([key, value]): [string, string] => [key, value])])}\n`,
    );
    return id;
  }

  /** Sends a request that has one answer. */
  async function ask(fields: readonly (readonly [string, string])[]): Promise<URLSearchParams> {
    const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
    const id = send(fields, resolve);
    try {
      return await answered(program, promise);
    } finally {
      handlers.delete(id);
    }
  }

  const account = (answer: URLSearchParams): Handshake =>
    answer.get('accepted') === 'true'
      ? { accepted: true, peerNames: answer.getAll('peerNames'), protocol: protocolOf(answer.get('protocol')) }
      : refusal(name, vocabulary, answer.get('detail') ?? '');

  const data = (source: Partial<Material>): readonly (readonly [string, string])[] =>
    Object.entries(source).flatMap(([key, value]: [string, Buffer]) =>
      reads.some((read) => read === key) ? [[key, value.toString('base64')] as const] : [],
    );

  return {
    name,
    checksNames: true,
    checksRevocation,
    async listen(options: ListenOptions): Promise<Listener> {
      const { material, requireClientCertificate, allowedNames, revocationLists = [], protocol } = options;
      if (revocationLists.length > 0 && !checksRevocation) throw new Error(`${name} checks no CRLs`);
      const accounts = handshakes(name);
      const first = Promise.withResolvers<URLSearchParams>();
      const id = send(
        [
          ['command', 'listen'],
          ['requireClientCertificate', String(requireClientCertificate)],
          ['checkNames', String(allowedNames !== undefined)],
          ...(allowedNames ?? []).map((allowed) => ['allowedNames', allowed] as const),
          ...revocationLists.map((list) => ['revocationLists', list] as const),
          ...(protocol === undefined ? [] : [['protocol', protocol] as const]),
          ...data(material),
        ],
        (answer) => (answer.get('event') === 'handshake' ? accounts.add(() => account(answer)) : first.resolve(answer)),
      );
      const port = Number((await answered(program, first.promise)).get('port'));
      return {
        port,
        next: accounts.next,
        takeUp: async (trust) => void (await ask([['command', 'takeUp'], ['listener', id], ...data(anchorsOf(trust))])),
        async [Symbol.asyncDispose]() {
          await ask([
            ['command', 'close'],
            ['listener', id],
          ]);
          handlers.delete(id);
        },
      };
    },
    async connect({ material, trust, port, serverName, protocol, timeoutMs = 10_000 }: ConnectOptions): Promise<Handshake> {
      const answer = await ask([
        ['command', 'connect'],
        ['port', String(port)],
        ['serverName', serverName],
        ['timeoutMs', String(timeoutMs)],
        ...(protocol === undefined ? [] : [['protocol', protocol] as const]),
        ...(material === undefined ? [] : data(identityOf(material))),
        ...data(anchorsOf(trust)),
      ]);
      return account(answer);
    },
    [Symbol.asyncDispose]: async () => void (await program.stop()),
  };
}

/** A client's trust is its own choice: a Secret's anchors do not come along with its key, nor its key with its anchors. */
function identityOf({ 'ca.crt': _anchors, 'truststore.p12': _store, ...identity }: Material): Omit<Material, keyof Trust> {
  return identity;
}

function anchorsOf(trust: Trust): Trust {
  const store = trust['truststore.p12'];
  return { 'ca.crt': trust['ca.crt'], ...(store === undefined ? {} : { 'truststore.p12': store }) };
}

/** The answer to a request. Throws when the program ends instead, does not answer, or says that it could not try. */
async function answered(program: Program, answer: Promise<URLSearchParams>): Promise<URLSearchParams> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new Error(`${program.name} did not answer:\n${program.output()}`)),
    ANSWER_LIMIT_MS,
  );
  try {
    const ended = program.exited.then((exit) =>
      Promise.reject(new Error(`${program.name} ended: ${JSON.stringify(exit)}\n${program.output()}`)),
    );
    const given = await Promise.race([answer, limit.promise, ended]);
    if (given.get('event') === 'failed') throw new Error(`${program.name} could not try: ${given.get('detail')}`);
    return given;
  } finally {
    clearTimeout(timer);
  }
}

function protocolOf(text: string | null): Protocol {
  if (text === 'TLSv1.2' || text === 'TLSv1.3') return text;
  throw new Error(`not a protocol of ours: ${text}`);
}
