// The access edges of a domain by SRV: dnsmasq for what DNS is like, a scripted server for what it should not be.
import { createSocket } from 'node:dgram';
import { type Answer, AUTHORITATIVE_ANSWER, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet';
import { type DNSServer, parseServer } from '../../../operator/federation/dns-exchange.ts';
import { type SRVLookup, SRVResolver } from '../../../operator/federation/resolver.ts';
import { type Asked, type Script, startDnsmasq, startScriptedDNS } from '../../support/dns-server.ts';
import { needing } from '../../support/needing.ts';
import { freePort } from '../../support/port.ts';

const service = '_sipfederationtls._tcp.fabrikam.com';
const { signal } = new AbortController();
const second = 1_000;

/** A resolver whose clock a test sets. */
function resolverFor(servers: readonly DNSServer[], serverLimitMs = 5 * second) {
  const clock = { now: Date.UTC(2026, 5, 15) };
  const resolver = new SRVResolver({ servers, now: () => clock.now, serverLimitMs });
  return { clock, find: (domain = 'fabrikam.com') => resolver.lookup(domain, signal), resolver };
}

/** What was found, or why nothing was. */
const told = (found: SRVLookup): string =>
  'targets' in found ? found.targets.map(({ fqdn, port }) => `${fqdn}:${port}`).join(' ') : `${found.reason}: ${found.message}`;

needing('dnsmasq').describe('from dnsmasq', () => {
  const zone = { domain: 'fabrikam.com', ttl: 300, services: [`${service},sip.fabrikam.com,5061,10,5`] };

  it('finds the edges in the order in which to call them', async () => {
    await using dns = await startDnsmasq({
      ...zone,
      services: [
        `${service},far.fabrikam.com,5061,20,0`,
        `${service},light.fabrikam.com,5062,10,1`,
        `${service},heavy.fabrikam.com,5061,10,9`,
      ],
    });
    const { clock, find } = resolverFor([dns]);
    expect(await find('Fabrikam.com')).toEqual({
      outcome: 'Found',
      targets: [
        { fqdn: 'heavy.fabrikam.com', port: 5061, priority: 10, weight: 9 },
        { fqdn: 'light.fabrikam.com', port: 5062, priority: 10, weight: 1 },
        { fqdn: 'far.fabrikam.com', port: 5061, priority: 20, weight: 0 },
      ],
      expiresAt: clock.now + 300 * second,
    });
  });

  it('asks again when the TTL has run out, and not before', async () => {
    await using dns = await startDnsmasq(zone);
    const { clock, find } = resolverFor([dns]);
    await find();
    clock.now += 299 * second;
    await find();
    expect(await dns.asked(service)).toBe(1);
    clock.now += second;
    await find();
    expect(await dns.asked(service)).toBe(2);
  });

  it.each([
    [5, 30],
    [86_400 * 30, 86_400],
  ])('keeps a TTL of %d s for %d s', async (ttl, kept) => {
    await using dns = await startDnsmasq({ ...zone, ttl });
    const { clock, find } = resolverFor([dns]);
    expect(await find()).toMatchObject({ outcome: 'Found', expiresAt: clock.now + kept * second });
  });

  it.each([
    [120, 120],
    [86_400, 3_600],
  ])('keeps that there is no such service, by the SOA: %d s for %d s', async (ttl, kept) => {
    await using dns = await startDnsmasq({ ...zone, ttl, services: [] });
    const { clock, find } = resolverFor([dns]);
    expect(await find()).toEqual({
      outcome: 'Failed',
      reason: 'DNSNameNotFound',
      message: `DNS knows no name ${service}.`,
      expiresAt: clock.now + kept * second,
    });
    await find();
    expect(await dns.asked(service)).toBe(1);
  });

  it('takes over TCP what UDP truncates', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `edge${index + 10}.a-rather-long-name-of-a-site.fabrikam.com`);
    await using dns = await startDnsmasq({ ...zone, services: names.map((name) => `${service},${name},5061`) });
    const { find } = resolverFor([dns]);
    expect(told(await find())).toBe(names.map((name) => `${name}:5061`).join(' '));
    expect(await dns.asked(service)).toBe(2);
  });

  it('asks the next server where one does not know the zone', async () => {
    await using other = await startDnsmasq({ domain: 'contoso.com', ttl: 60, services: [] });
    await using dns = await startDnsmasq(zone);
    expect(told(await resolverFor([other, dns]).find())).toBe('sip.fabrikam.com:5061');
  });

  it('goes on for a day with what it found last while no server answers, and says so', async () => {
    const dns = await startDnsmasq(zone);
    const { clock, find } = resolverFor([dns]);
    await find();
    await dns[Symbol.asyncDispose]();
    clock.now += 300 * second;
    const sentence = `${service} could not be looked up. DNS server 127.0.0.1:${dns.port} gave no answer: the connection is refused.`;
    expect(await find()).toEqual({
      outcome: 'Stale',
      targets: [{ fqdn: 'sip.fabrikam.com', port: 5061, priority: 10, weight: 5 }],
      expiresAt: clock.now + 30 * second,
      reason: 'DNSServerFailed',
      message: `${sentence} What was found before is used until 2026-06-16T00:05:00Z.`,
    });
    clock.now += 86_400 * second - 1;
    expect(await find()).toMatchObject({ outcome: 'Stale' });
    clock.now += 30 * second;
    expect(told(await find())).toBe(`DNSServerFailed: ${sentence}`);
    await using _back = await startDnsmasq(zone, dns.port);
    clock.now += 30 * second;
    expect(await find()).toMatchObject({ outcome: 'Found' });
  });

  it('does not go on with an edge that DNS says is gone', async () => {
    const dns = await startDnsmasq(zone);
    const { clock, find } = resolverFor([dns]);
    await find();
    await dns[Symbol.asyncDispose]();
    await using _emptied = await startDnsmasq({ ...zone, services: [] }, dns.port);
    clock.now += 300 * second;
    expect(told(await find())).toBe(`DNSNameNotFound: DNS knows no name ${service}.`);
  });

  it('keeps no more domains than it is told to', async () => {
    await using dns = await startDnsmasq(zone);
    const resolver = new SRVResolver({ servers: [dns], now: () => 0, mostDomains: 2 });
    for (const domain of ['fabrikam.com', 'a.fabrikam.com', 'b.fabrikam.com', 'b.fabrikam.com', 'fabrikam.com']) {
      await resolver.lookup(domain, signal);
    }
    expect(await dns.asked(service)).toBe(2);
    expect(await dns.asked('_sipfederationtls._tcp.b.fabrikam.com')).toBe(1);
  });
});

type Reply = {
  readonly id?: number;
  readonly name?: string;
  readonly flags?: number;
  readonly answers?: Answer[];
  readonly authorities?: Answer[];
};

/** An answer to what was asked, but for what a test wants otherwise. */
const reply = (
  { query }: Asked,
  { id = query.id ?? 0, name, flags = RECURSION_AVAILABLE, answers, authorities }: Reply,
): Buffer => {
  const questions = name === undefined ? (query.questions ?? []) : [{ name, type: 'SRV', class: 'IN' } as const];
  return encode({ type: 'response', id, flags, questions, answers: answers ?? [], authorities: authorities ?? [] });
};
const srv = (target: string, name = service, ttl = 60, port = 5061): Answer => ({
  type: 'SRV',
  name,
  ttl,
  data: { target, port },
});
const alias = (name: string, data: string, ttl = 60): Answer => ({ type: 'CNAME', name, ttl, data });
const soa = (name: string, ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name,
  ttl,
  data: { mname: 'ns', rname: 'root', minimum },
});
const good = [srv('sip.fabrikam.com')];
const forged = [srv('sip.forger.example')];
const framed = (message: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
};

async function ask(script: Script, serverLimitMs = 5 * second) {
  await using dns = await startScriptedDNS(script);
  const { clock, find } = resolverFor([dns], serverLimitMs);
  const found = await find();
  return { found, keptMs: found.expiresAt - clock.now, asked: dns.asked, port: dns.port };
}

describe('an answer is as if it had not come', () => {
  it.each<[string, (asked: Asked) => Buffer]>([
    ['with another id', (asked) => reply(asked, { id: ((asked.query.id ?? 0) + 1) & 0xffff, answers: forged })],
    ['to another question', (asked) => reply(asked, { name: '_sipfederationtls._tcp.forger.example', answers: forged })],
    [
      'to two questions',
      (asked) => {
        const [question] = asked.query.questions ?? [];
        const questions = question === undefined ? [] : [question, question];
        return encode({ type: 'response', id: asked.query.id ?? 0, questions, answers: forged });
      },
    ],
    ['that is a question', ({ query }) => encode({ ...query, type: 'query', answers: forged })],
    ['that is shorter than a header', () => Buffer.from([1, 2, 3])],
    ['that is noise', () => Buffer.alloc(512, 0xff)],
  ])('%s', async (_what, forgery) => {
    const { found } = await ask((asked) => [forgery(asked), reply(asked, { answers: good })]);
    expect(told(found)).toBe('sip.fabrikam.com:5061');
  });

  it('that comes from elsewhere', async () => {
    const elsewhere = createSocket('udp4');
    const { found } = await ask(async (asked) => {
      const sent = Promise.withResolvers<unknown>();
      elsewhere.send(reply(asked, { answers: forged }), asked.from, '127.0.0.1', sent.resolve);
      await sent.promise;
      return [reply(asked, { answers: good })];
    });
    elsewhere.close();
    expect(told(found)).toBe('sip.fabrikam.com:5061');
  });
});

describe('an answer means', () => {
  const elsewhere = '_sip._tls.hosting.example';
  it.each<[string, Reply, string, number]>([
    [
      'the edge behind an alias, for the shortest TTL',
      { answers: [alias(service, elsewhere, 45), srv('sip.fabrikam.com', elsewhere)] },
      'sip.fabrikam.com:5061',
      45,
    ],
    [
      'no edge, where only another name has one',
      { answers: [srv('sip.forger.example', elsewhere)] },
      `DNSNameNotFound: ${service} has no SRV record.`,
      30,
    ],
    [
      'no edge, where an alias leads nowhere',
      { answers: [alias(service, elsewhere)] },
      `DNSNameNotFound: ${service} has no SRV record.`,
      30,
    ],
    [
      'nothing, where aliases go round',
      { answers: [alias(service, elsewhere), alias(elsewhere, service)] },
      `DNSAnswerUnusable: ${service} leads through more than 8 aliases.`,
      60,
    ],
    [
      'that there is no such service',
      { answers: [srv('.')] },
      `DNSNameNotFound: ${service} says that there is no such service.`,
      60,
    ],
    [
      'nothing, where the target is an address',
      { answers: [srv('192.0.2.1')] },
      `DNSAnswerUnusable: ${service} has an SRV record that leads to "192.0.2.1", which is no host name.`,
      60,
    ],
    [
      'nothing, where the target is no name',
      { answers: [srv('sip fabrikam')] },
      `DNSAnswerUnusable: ${service} has an SRV record that leads to "sip fabrikam", which is no host name.`,
      60,
    ],
    [
      'nothing, where the port is 0',
      { answers: [srv('sip.fabrikam.com', service, 60, 0)] },
      `DNSAnswerUnusable: ${service} has an SRV record that leads to port 0.`,
      60,
    ],
    [
      'nothing, where it has no end',
      { answers: Array.from({ length: 33 }, () => srv('a.b')) },
      `DNSAnswerUnusable: ${service} has 33 SRV records; at most 32 are taken.`,
      60,
    ],
    [
      'no edge, for the least that the SOA says',
      { authorities: [soa('fabrikam.com', 900, 600)] },
      `DNSNameNotFound: ${service} has no SRV record.`,
      600,
    ],
    [
      'no edge, for the least that the SOA’s own TTL says',
      { authorities: [soa('fabrikam.com', 300, 600)] },
      `DNSNameNotFound: ${service} has no SRV record.`,
      300,
    ],
    [
      'no edge, not by the SOA of another zone',
      { authorities: [soa('forger.example', 900, 900)] },
      `DNSNameNotFound: ${service} has no SRV record.`,
      30,
    ],
    [
      'no name',
      { flags: AUTHORITATIVE_ANSWER | 3, authorities: [soa('com', 900, 900)] },
      `DNSNameNotFound: DNS knows no name ${service}.`,
      900,
    ],
    [
      'an edge, where the TTL has its first bit set: not kept',
      { answers: [srv('sip.fabrikam.com', service, 0xffff_ffff)] },
      'sip.fabrikam.com:5061',
      30,
    ],
  ])('%s', async (_what, content, expected, kept) => {
    const { found, keptMs } = await ask((asked) => {
      const message = reply(asked, content);
      if (asked.over === 'TCP') return [framed(message)];
      return [message.length > 512 ? reply(asked, { flags: TRUNCATED_RESPONSE }) : message];
    });
    expect(told(found)).toBe(expected);
    expect(keptMs).toBe(kept * second);
  });
});

describe('a server that fails is said to', () => {
  const refusing: readonly (readonly [what: string, script: Script, sentence: string, asked: number])[] = [
    ['refuse', (asked) => [reply(asked, { flags: 5 })], 'answered REFUSED', 2],
    ['fail', (asked) => [reply(asked, { flags: 2 })], 'answered SERVFAIL', 2],
    ['answer with an unknown code', (asked) => [reply(asked, { flags: 9 })], 'answered with code 9', 2],
    [
      'look up nothing for others',
      (asked) => [reply(asked, { flags: 0 })],
      'does not look up names for others (no recursion)',
      2,
    ],
    [
      'be unreadable',
      (asked) => [reply(asked, { answers: good }).subarray(0, -3)],
      'gave no answer: its answer cannot be read',
      2,
    ],
    [
      'break off over TCP',
      (asked) => [asked.over === 'TCP' ? Buffer.from([0, 200, 1]) : reply(asked, { flags: TRUNCATED_RESPONSE })],
      'gave no answer: it closed the TCP connection before its answer was complete',
      4,
    ],
    [
      'truncate over TCP as well',
      (asked) => [
        asked.over === 'TCP' ? framed(reply(asked, { flags: TRUNCATED_RESPONSE })) : reply(asked, { flags: TRUNCATED_RESPONSE }),
      ],
      'gave no answer: over TCP it answers something else',
      4,
    ],
  ];
  it.each(refusing)('%s', async (_what, script, sentence, times) => {
    const { found, asked, port, keptMs } = await ask(script);
    expect(told(found)).toBe(`DNSServerFailed: ${service} could not be looked up. DNS server 127.0.0.1:${port} ${sentence}.`);
    expect(asked).toHaveLength(times);
    expect(keptMs).toBe(30 * second);
  });

  it('be silent', async () => {
    const { found, asked, port } = await ask(() => [], 100);
    expect(told(found)).toBe(
      `DNSTimeout: ${service} could not be looked up. DNS server 127.0.0.1:${port} did not answer within 0.1 s.`,
    );
    expect(asked).toHaveLength(2);
    expect(new Set(asked.map(({ query }) => query.id)).size).toBe(2);
  });

  it('be silent over TCP', async () => {
    const { found } = await ask((asked) =>
      asked.over === 'TCP' ? [Buffer.alloc(0)] : [reply(asked, { flags: TRUNCATED_RESPONSE })],
    );
    expect(told(found)).toContain('closed the TCP connection');
  });

  it('not exist', async () => {
    const port = await freePort();
    expect(told(await resolverFor([{ host: 'no-such-server.invalid', port }]).find())).toContain(
      'gave no answer: DNS knows no such name.',
    );
  });
});

it('asks nobody for what is no name', async () => {
  const { find } = resolverFor([]);
  expect(told(await find('fabri kam.com'))).toContain('is not a name that DNS can hold');
  expect(told(await find(`${'a.'.repeat(120)}com`))).toContain('is not a name that DNS can hold');
});

it('stops when it is told to', async () => {
  await using dns = await startScriptedDNS(() => []);
  const { resolver } = resolverFor([dns], 60 * second);
  const stop = new AbortController();
  const found = resolver.lookup('fabrikam.com', stop.signal);
  stop.abort(new Error('the term has ended'));
  await expect(found).rejects.toThrow('the term has ended');
});

it.each([
  ['10.96.0.10', { host: '10.96.0.10', port: 53 }],
  ['10.96.0.10:5353', { host: '10.96.0.10', port: 5353 }],
  ['dns.contoso.com', { host: 'dns.contoso.com', port: 53 }],
  ['dns.contoso.com:54', { host: 'dns.contoso.com', port: 54 }],
  ['fd00::10', { host: 'fd00::10', port: 53 }],
  ['[fd00::10]', { host: 'fd00::10', port: 53 }],
  ['[fd00::10]:5353', { host: 'fd00::10', port: 5353 }],
  ['', undefined],
  ['10.96.0.10:0', undefined],
  ['10.96.0.10:65536', undefined],
  ['10.96.0.10:dns', undefined],
  ['300.1.1.1', undefined],
  ['[dns.contoso.com]:53', undefined],
  ['udp://10.96.0.10', undefined],
])('reads the server %j', (text, expected) => {
  expect(parseServer(text)).toEqual(expected);
});
