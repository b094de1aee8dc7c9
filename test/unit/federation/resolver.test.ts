// The access edges of a domain by SRV, as DNS has them (dnsmasq), and how long they are kept.
import { SRVResolver } from '../../../operator/federation/resolver.ts';
import { startDnsmasq } from '../../support/dns-server.ts';
import { needing } from '../../support/needing.ts';
import { resolverFor, second, service, told } from './lookups.ts';

const { signal } = new AbortController();

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

it('asks nobody for what is no name', async () => {
  const { find } = resolverFor([]);
  expect(told(await find('fabri kam.com'))).toContain('is not a name that DNS can hold');
  expect(told(await find(`${'a.'.repeat(120)}com`))).toContain('is not a name that DNS can hold');
});
