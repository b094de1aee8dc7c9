// DNS servers for tests: dnsmasq with the zones of a test, and one that answers whatever the test hands it, for what no honest
// server would send.
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { type DecodedPacket, decode } from 'dns-packet';
import { freePort } from './port.ts';
import { startProgram } from './process.ts';
import { waitFor } from './wait.ts';

export interface Zone {
  readonly domain: string;
  /** Of every record and of what the zone says about names that it does not have, seconds. */
  readonly ttl: number;
  /** As dnsmasq takes them: `_service._tcp.<domain>,<target>,<port>,<priority>,<weight>`. */
  readonly services: readonly string[];
}

export interface DNSProgram extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How often it was asked for SRV records of this name so far. */
  asked(name: string): Promise<number>;
}

/** dnsmasq, authoritative for one zone, and for nothing else. Without `port` on a free one of 127.0.0.1. */
export async function startDnsmasq({ domain, ttl, services }: Zone, port?: number): Promise<DNSProgram> {
  const own = port ?? (await freePort());
  const program = await startProgram('dnsmasq', [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--pid-file=',
    `--user=${userInfo().username}`,
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    '--listen-address=127.0.0.1',
    `--port=${own}`,
    '--auth-server=ns.example,lo',
    `--auth-zone=${domain}`,
    `--auth-ttl=${ttl}`,
    '--log-queries',
    '--log-facility=-',
    ...services.map((service) => `--srv-host=${service}`),
  ]);
  await waitFor('dnsmasq listens', () => {
    if (!program.running) throw new Error(program.output());
    return program.output().includes('started, version');
  });
  const told = (name: string): number => program.output().split(`auth[SRV] ${name} from`).length - 1;
  let marks = 0;
  return {
    host: '127.0.0.1',
    port: own,
    async asked(name) {
      // Its log lags behind its answers: what it was asked before this is told before this.
      marks += 1;
      const mark = `mark${marks}.${domain}`;
      const resolver = new Resolver();
      resolver.setServers([`127.0.0.1:${own}`]);
      await resolver.resolveSrv(mark).catch(() => undefined);
      await waitFor(`dnsmasq tells of ${mark}`, () => told(mark) > 0, { everyMs: 5, seen: program.output });
      return told(name);
    },
    [Symbol.asyncDispose]: async () => void (await program.stop()),
  };
}

export interface Asked {
  readonly query: DecodedPacket;
  readonly over: 'UDP' | 'TCP';
  /** The asker's port. */
  readonly from: number;
}

/** What is sent, in this order. */
export type Script = (asked: Asked) => readonly Buffer[] | Promise<readonly Buffer[]>;

export interface ScriptedDNS extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly asked: readonly Asked[];
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Answers each question by the script; over TCP as it is, with no length before it. Without a place on a free port of 127.0.0.1. */
export async function startScriptedDNS(script: Script, place?: Place): Promise<ScriptedDNS> {
  const { host, port } = place ?? { host: '127.0.0.1', port: await freePort() };
  const asked: Asked[] = [];
  const answersTo = async (message: Buffer, over: Asked['over'], from = 0) => {
    const each = { query: decode(message), over, from };
    asked.push(each);
    return script(each);
  };
  const udp = createSocket('udp4');
  udp.on('message', async (message, { address, port: from }) => {
    for (const reply of await answersTo(message, 'UDP', from)) udp.send(reply, from, address);
  });
  udp.bind(port, host);
  const connections = new Set<Socket>();
  const tcp = createServer((connection) => {
    connections.add(connection);
    connection.on('error', () => undefined);
    connection.once('data', async (data) => {
      connection.end(Buffer.concat(await answersTo(data.subarray(2), 'TCP', connection.remotePort)));
    });
  });
  tcp.listen(port, host);
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
  return {
    host,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close();
      for (const connection of connections) connection.destroy();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}
