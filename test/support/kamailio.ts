// A real Kamailio on rendered files: checked by its own checker, then running on 127.0.0.1, with names that resolve to whom a
// test says. What is in the script beyond the rendered include is what the documentation tells a user to write.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askingAt } from './name-server.ts';
import { freePort } from './port.ts';
import { type Program, runProgram, startProgram } from './process.ts';
import { waitFor } from './wait.ts';

/** Files with a configuration around them that is made here. */
export interface RenderedFiles {
  /** Where the ConfigMap with the rendered files is mounted. */
  readonly trust: string;
  /** Which of the rendered listeners it serves. */
  readonly listener: string;
  /** Where its TLS listener is, on 127.0.0.1. */
  readonly port: number;
  /** Its name, as others have it in their table: what it writes into Record-Route. */
  readonly name: string;
  /** What stands before the include: modules, definitions. */
  readonly before?: string;
  /** Address of the name server that it asks, on port 53, in place of the machine's: see `startNameServer`. */
  readonly nameServer?: string;
  /** What it does with a request that was let in; by default it answers OPTIONS and passes on the rest. */
  readonly route?: string;
  /** More of the script: modules, other routes. */
  readonly more?: string;
}

/** A whole configuration: it loads ctl. */
export interface WholeConfiguration {
  readonly trust: string;
  readonly port: number;
  readonly text: string;
}

export type KamailioOptions = RenderedFiles | WholeConfiguration;

export interface Kamailio extends AsyncDisposable {
  readonly port: number;
  /** UDP, on 127.0.0.1: a request that comes here is sent to where its URI says, as a server behind would. */
  readonly inside: number;
  readonly program: Program;
  /** A command of `kamcmd`; returns its answer. */
  command(...args: readonly string[]): Promise<string>;
  /** Makes a name resolve to an address of this machine. */
  resolve(name: string, address?: string): Promise<void>;
}

const answering = 'if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }';

/** The configuration of a user of the files, as text. */
function configurationAround({ trust, listener, port, name, before = '', route = answering, more = '' }: RenderedFiles): string {
  return `#!KAMAILIO
enable_tls=yes
listen=tls:127.0.0.1:${port}
alias=${name}:${port}
log_stderror=yes
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "sdpops.so"
loadmodule "db_text.so"
loadmodule "htable.so"
${before}
include_file "${join(trust, `kamailio-${listener}.cfg`)}"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "ctl.so"
${more}
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if ($proto != "udp" || src_ip != 127.0.0.1) {
    route(TRUSTMESH_ADMIT);
    ${route}
  }
  if (has_totag() && loose_route()) {
    if ($nh(d) != "127.0.0.1" || $nh(P) == "tls") route(TRUSTMESH_TO);
    t_relay();
    exit;
  }
  if (is_method("INVITE")) record_route_advertised_address("${name}:${port}");
  if ($proto == "udp") route(TRUSTMESH_TO);
  if (!t_relay()) sl_reply_error();
}
`;
}

/** What no user would write: a door from behind, few processes, and little patience with who does not answer. */
const ofTest = (directory: string, inside: number) => `listen=udp:127.0.0.1:${inside}
children=2
tcp_children=2
modparam("ctl", "binrpc", "unix:${directory}/ctl")
modparam("tm", "fr_timer", 4000)
`;

/** Major and minor. */
export async function kamailioVersion(): Promise<string> {
  const { stdout } = await runProgram('kamailio', ['-v']);
  return /\b(\d+\.\d+)\.\d+/.exec(stdout)?.[1] ?? stdout;
}

/** Throws what its checker says. */
export async function startKamailio(options: KamailioOptions): Promise<Kamailio> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-kamailio-'));
  const inside = await freePort();
  const file = join(directory, 'kamailio.cfg');
  const text = 'text' in options ? options.text : configurationAround(options);
  await writeFile(file, `${text}\n${ofTest(directory, inside)}`);
  const env = { OPENSSL_CONF: join(options.trust, 'kamailio-openssl.cnf') };
  const args = ['--atexit=no', '-f', file];
  await runProgram('kamailio', [...args, '-c'], { env });
  const running = ['kamailio', ...args, '-DD', '-E', '-m', '128', '-M', '16', '-Y', directory];
  const [command = '', ...words] =
    'nameServer' in options && options.nameServer !== undefined
      ? await askingAt(options.nameServer, running, directory)
      : running;
  const program = await startProgram(command, words, { name: 'kamailio', env });
  const order = async (...words: readonly string[]) =>
    (await runProgram('kamcmd', ['-s', `unix:${join(directory, 'ctl')}`, ...words])).stdout;
  try {
    await waitFor(
      `Kamailio to listen on ${options.port}`,
      async () => {
        if (!program.running) throw new Error('it ended');
        await listening(options.port);
        return await order('core.uptime');
      },
      { limitMs: 20_000, seen: () => program.output() },
    );
  } catch (error) {
    await program.stop();
    throw error;
  }
  return {
    port: options.port,
    inside,
    program,
    command: order,
    resolve: async (name, address = '127.0.0.1') => void (await order('dns.add_a', name, '86400', address, '0')),
    [Symbol.asyncDispose]: async () => {
      await program.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function listening(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
