// What a DNS server may answer, and what comes of it: a scripted server sends what no honest one would.
import { createSocket } from 'node:dgram';
import { type Answer, AUTHORITATIVE_ANSWER, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet';
import { parseServer } from '../../../operator/federation/dns-exchange.ts';
import { type Asked, type Script, startScriptedDNS } from '../../support/dns-server.ts';
import { freePort } from '../../support/port.ts';
import { resolverFor, second, service, told } from './lookups.ts';

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
    const silence = new Promise<never>(() => undefined);
    const { found, port } = await ask(
      (asked) => (asked.over === 'TCP' ? silence : [reply(asked, { flags: TRUNCATED_RESPONSE })]),
      100,
    );
    expect(told(found)).toBe(
      `DNSTimeout: ${service} could not be looked up. DNS server 127.0.0.1:${port} did not answer within 0.1 s.`,
    );
  });

  it('not exist', async () => {
    const port = await freePort();
    expect(told(await resolverFor([{ host: 'no-such-server.invalid', port }]).find())).toContain(
      'gave no answer: DNS knows no such name.',
    );
  });
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
