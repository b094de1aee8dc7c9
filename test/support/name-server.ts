// A name server for programs that ask whom /etc/resolv.conf names, and on port 53: each is given a file of its own in that place, and
// the machine's stays as it is.
import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, AUTHORITATIVE_ANSWER, encode, RECURSION_AVAILABLE } from 'dns-packet';
import { type Script, type ScriptedDNS, startScriptedDNS } from './dns-server.ts';
import { runProgram } from './process.ts';

/** What names stand for, in lower case. What is changed here is answered from then on. */
export interface Names {
  /** `_service._tcp.<domain>` to each `<target>:<port>`, the preferred one first. */
  readonly services: Map<string, readonly string[]>;
  /** Host to IPv4 address. */
  readonly hosts: Map<string, string>;
}

const NAME_ERROR = 3;

/** At an address of this machine that nobody else listens at. */
export async function startNameServer(names: Names): Promise<ScriptedDNS> {
  const script: Script = ({ query: { id = 0, questions = [] } }) => {
    const answers = questions.flatMap(({ type, name }) => answersOf(names, type, name));
    const code = answers.length === 0 ? NAME_ERROR : 0;
    return [encode({ type: 'response', id, flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | code, questions, answers })];
  };
  const octet = () => randomInt(1, 255);
  return await startScriptedDNS(script, { host: `127.${octet()}.${octet()}.${octet()}`, port: 53 });
}

function answersOf({ services, hosts }: Names, type: string, name: string): readonly Answer[] {
  const asked = name.toLowerCase();
  if (type === 'SRV') {
    return (services.get(asked) ?? []).map((service, priority) => {
      const [target = '', port] = service.split(':');
      return { type: 'SRV', name, ttl: 1, data: { target, port: Number(port), priority, weight: 0 } };
    });
  }
  const address = hosts.get(asked);
  return type !== 'A' || address === undefined ? [] : [{ type: 'A', name, ttl: 1, data: address }];
}

/** The command line that runs a program so that it asks the server at this address; `directory` is where its file may lie. */
export async function askingAt(host: string, program: readonly string[], directory: string): Promise<readonly string[]> {
  const file = join(directory, 'resolv.conf');
  await writeFile(file, `nameserver ${host}\n`);
  const mounted = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  return ['unshare', ...asRoot, '--mount', 'sh', '-c', mounted, file, ...program];
}

/** Throws where this machine does not let a program have a name server of its own. */
export async function tryNameServer(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-names-'));
  try {
    await using server = await startNameServer({ services: new Map(), hosts: new Map([['probe.example', '192.0.2.1']]) });
    const [command = '', ...args] = await askingAt(server.host, ['getent', 'ahostsv4', 'probe.example'], directory);
    await runProgram(command, args);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
