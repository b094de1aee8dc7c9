// OpenSSL's s_server and s_client. One s_server a listener, which serves its connections one after the other; one s_client
// a connection. s_server can hold clients to no list of names.
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, startProgram } from '../process.ts';
import { certificateNames } from './certificate-names.ts';
import { handshakes } from './handshakes.ts';
import type { ConnectOptions, Handshake, Listener, ListenOptions, Material, Peer, Protocol, Trust } from './peer.ts';
import { refusal, type Vocabulary } from './reason.ts';

const vocabulary: Vocabulary = {
  own: {
    'untrusted-issuer': /unable to get local issuer certificate|self-signed certificate/,
    'name-mismatch': /hostname mismatch/,
    'name-not-permitted': /permitted subtree violation|excluded subtree violation|unsupported or invalid name/,
    expired: /certificate has expired/,
    'not-yet-valid': /certificate is not yet valid/,
    revoked: /certificate revoked/,
    'revocation-unknown': /unable to get certificate CRL/,
    'no-certificate-presented': /peer did not return a certificate/,
    'wrong-key-usage': /unsuitable certificate purpose/,
    'peer-not-in-topology': null,
    'protocol-mismatch': /unsupported protocol/,
    'connection-refused': /Connection refused/,
    timeout: /no handshake within/,
  },
  peer: [
    [/alert number 48\b/, 'untrusted-issuer'],
    [/alert number 45\b/, 'expired'],
    [/alert number 44\b/, 'revoked'],
    [/alert number 116\b/, 'no-certificate-presented'],
    [/alert number 43\b/, 'wrong-key-usage'],
    [/alert number 70\b/, 'protocol-mismatch'],
    // bad_certificate, certificate_unknown and handshake_failure stand for whatever else there is (RFC 8446, 6.2).
    [/alert number (40|42|46)\b/],
    [/unexpected eof|errno=(32|104)|^(ERROR|DONE|closed)$/],
  ],
};

export async function startOpenSSLPeer(): Promise<Peer> {
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-openssl-'));
  const listeners = new Set<Program>();
  let directories = 0;

  async function newDirectory(): Promise<string> {
    const directory = join(root, String(++directories));
    await mkdir(directory, { mode: 0o700 });
    return directory;
  }

  /** The arguments that make OpenSSL use exactly this, and nothing of the machine's own trust. */
  async function identity(
    material: Material | undefined,
    trust: Trust,
    directory: string,
    revocationLists: readonly string[] = [],
  ): Promise<readonly string[]> {
    const file = async (name: string, content: Buffer | string): Promise<string> => {
      await writeFile(join(directory, name), content, { mode: 0o600 });
      return join(directory, name);
    };
    // -CRL takes one list: all of them lie behind the anchors.
    const anchors = Buffer.concat([trust['ca.crt'], ...revocationLists.map((list) => Buffer.from(list))]);
    const args = ['-CAfile', await file('ca.crt', anchors), '-no-CApath', '-no-CAstore'];
    if (revocationLists.length > 0) args.push('-crl_check_all');
    if (material === undefined) return args;
    args.push('-cert', await file('tls.crt', material['tls.crt']), '-key', await file('tls.key', material['tls.key']));
    // -cert takes the first certificate of its file only; what follows it has an option of its own.
    const [, ...intermediates] = certificatesIn(material['tls.crt'].toString());
    if (intermediates.length > 0) args.push('-cert_chain', await file('chain.crt', intermediates.join('\n')));
    return args;
  }

  return {
    name: 'openssl',
    checksNames: false,
    checksRevocation: true,
    async listen(options: ListenOptions): Promise<Listener> {
      const { material, requireClientCertificate, allowedNames, revocationLists, protocol } = options;
      if (allowedNames !== undefined) throw new Error('s_server can hold clients to no list of names');
      const accounts = handshakes('openssl');
      const listening = Promise.withResolvers<number>();
      let transcript: string[] = [];
      const directory = await newDirectory();
      const program = await openssl(
        [
          's_server',
          ...['-accept', '127.0.0.1:0'],
          ...(await identity(material, material, directory, revocationLists)),
          ...(requireClientCertificate ? ['-Verify', '8', '-verify_return_error'] : []),
          ...only(protocol),
        ],
        (line) => {
          transcript.push(line);
          const port = /^ACCEPT 127\.0\.0\.1:(\d+)$/.exec(line)?.[1];
          if (port !== undefined) listening.resolve(Number(port));
          if (line.startsWith(ended)) listening.reject(new Error(`s_server: ${transcript.join('\n')}`));
          if (line === 'hello') program.stdin?.write('welcome\n');
          if (line !== 'CONNECTION CLOSED') return;
          const said = transcript.join('\n');
          transcript = [];
          accounts.add(() => account(said, /^hello$/m));
        },
      );
      listeners.add(program);
      const port = await listening.promise;
      transcript = [];
      return {
        port,
        next: accounts.next,
        takeUp: (trust) => writeFile(join(directory, 'ca.crt'), trust['ca.crt']),
        async [Symbol.asyncDispose]() {
          listeners.delete(program);
          await program.stop();
        },
      };
    },
    async connect({ material, trust, port, serverName, protocol, timeoutMs = 10_000 }: ConnectOptions): Promise<Handshake> {
      const args = [
        's_client',
        ...['-connect', `127.0.0.1:${port}`, '-servername', serverName, '-verify_hostname', serverName, '-verify_return_error'],
        ...(await identity(material, trust, await newDirectory())),
        ...only(protocol),
      ];
      const over = Promise.withResolvers<string>();
      await using program = await openssl(args, (line) => {
        // s_client prints its account of a session ticket and what the server sent into each other.
        if (line.endsWith('welcome')) program.stdin?.end();
        if (line.startsWith(ended)) over.resolve('');
      });
      program.stdin?.write('hello\n');
      const timer = setTimeout(() => over.resolve(`\nno handshake within ${timeoutMs} ms`), timeoutMs);
      const how = await over.promise;
      clearTimeout(timer);
      return account(program.output() + how, /welcome$/m);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...listeners].map((program) => program.stop()));
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The line that tells that a program has ended and that all it said has been read. */
const ended = 'openssl ended with ';

/** Both outputs come through one pipe, line by line, so that what it says of a connection stands between the others. */
async function openssl(args: readonly string[], onLine: (line: string) => void): Promise<Program> {
  const script = 'stdbuf -oL openssl "$@" 2>&1; printf "\\n%s%s\\n" "$ENDED" $?';
  const program = await startProgram('sh', ['-c', script, 'openssl', ...args], {
    name: `openssl ${args[0]}`,
    env: { ENDED: ended },
    onLine,
  });
  // It may end before it has read what it is sent.
  program.stdin?.on('error', () => undefined);
  return program;
}

function only(protocol: Protocol | undefined): readonly string[] {
  if (protocol === undefined) return [];
  return [protocol === 'TLSv1.2' ? '-tls1_2' : '-tls1_3'];
}

function account(said: string, greeted: RegExp): Handshake {
  if (!greeted.test(said)) return refusal('openssl', vocabulary, wordsOfRefusal(said));
  const [presented] = certificatesIn(said);
  return {
    accepted: true,
    peerNames: presented === undefined ? [] : certificateNames(new X509Certificate(presented)),
    // OpenSSL names the suites of 1.3 and only those with TLS_.
    protocol: /^(?:CIPHER is|New, TLSv1\.3, Cipher is) TLS_/m.test(said) ? 'TLSv1.3' : 'TLSv1.2',
  };
}

function wordsOfRefusal(said: string): string {
  return said
    .split('\n')
    .filter((line) => /error|errno|^no handshake|^DONE$|^closed$/i.test(line))
    .join('; ');
}

function certificatesIn(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
