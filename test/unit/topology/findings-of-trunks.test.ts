// What is found about trunks, as the server at their other end shows it: each reason once, by the first names, and told to it alone.
import { findingsOfTrunks } from '../../../operator/topology/findings-of-trunks.ts';
import { trunksOf } from '../../../operator/topology/trunk-standing.ts';
import { gateway } from './declared.ts';
import { admitting, mediaGateway, trustDomain, trustedServer } from './objects.ts';
import { contoso, type Recorder } from './recorder.ts';

const med01 = trustedServer('med01', 'Mediation');
const tcp = { transport: 'TCP', srtp: 'NotSupported' };
const found = ({ topology }: Recorder, refused: readonly string[] = []) =>
  findingsOfTrunks('voice/med01', trunksOf('voice/med01', topology), (key) => refused.includes(key));
const messages = (made: Recorder, refused?: readonly string[]) =>
  found(made, refused).map(({ reason, message }) => `${reason}: ${message}`);

function poolWith(gateways: Readonly<Record<string, object>>, server = med01): Recorder {
  const made = contoso();
  made.set(server);
  for (const [name, spec] of Object.entries(gateways)) made.topology.setGateway(`voice/${name}`, gateway(name, spec));
  return made;
}

it('is nothing while all are encrypted and believed', () => {
  expect(found(poolWith({ a: {}, b: { srtp: 'Required' } }))).toEqual([]);
});

it('is each reason once, with how many and the first of them', () => {
  const made = poolWith({ a: tcp, b: tcp, c: tcp, d: tcp, e: tcp, f: {}, g: { srtp: 'NotSupported' } });
  expect(messages(made, ['voice/f'])).toEqual([
    'UnencryptedLink: Trunks over TCP, in the clear: voice/a, voice/b, voice/c and 2 more (5 of 7). ' +
      'The condition LinkEncrypted of the MediaGateway says what to do.',
    'SRTPNotPossible: Trunks without SRTP, where it is required: voice/a, voice/b, voice/c and 3 more (6 of 7). ' +
      'The condition MediaEncrypted of the MediaGateway says what to do.',
    'UntrustedGateway: Trunks to a gateway whose CA is not trusted here: voice/f (1 of 7). ' +
      'The condition CertificateTrusted of the MediaGateway says what to do.',
  ]);
});

it('is of one size, however many there are, and names the objects that it has to do with', () => {
  const made = poolWith(
    Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`gw${String(index).padStart(3, '0')}`, tcp])),
  );
  for (const { message, concerns } of found(made)) {
    expect(message.length).toBeLessThan(250);
    expect(concerns.map(({ kind, name }) => [kind, name])).toEqual([
      ['TrustedServer', 'med01'],
      ['MediaGateway', 'gw000'],
      ['MediaGateway', 'gw001'],
      ['MediaGateway', 'gw002'],
    ]);
  }
});

it.each([
  ['Required', 'Supported', ['SRTPNotPossible']],
  ['Supported', 'Required', ['SRTPNotPossible']],
  ['Supported', 'Supported', []],
  ['NotSupported', 'Supported', []],
] as const)('is media in the clear in a domain that requires SRTP, or none: domain %s, server %s', (domain, server, expected) => {
  const level = (encryptionLevel: string) => ({ media: { encryptionLevel } });
  const made = poolWith({ a: { srtp: 'NotSupported' } }, trustedServer('med01', 'Mediation', level(server)));
  made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), ...level(domain) }));
  expect(found(made).map(({ reason }) => reason)).toEqual(expected);
});

describe('the server is told', () => {
  it('and no other, of a gateway that comes, changes, and goes', () => {
    const made = poolWith({ other: { mediationServer: { name: 'med02' } } });
    made.set(trustedServer('med02', 'Mediation'));
    for (const spec of [{}, tcp, undefined]) {
      made.forget();
      made.topology.setGateway('voice/a', spec && gateway('a', spec));
      expect([...new Set(made.servers)]).toEqual(['voice/med01']);
    }
  });

  it('of a gateway that has its name, and with that its trunk, once another lets go of it', () => {
    const made = poolWith({});
    made.topology.setGateway(
      'voice/first',
      mediaGateway('first', { fqdn: 'gw.contoso.com', mediationServer: { name: 'med02' } }),
    );
    made.topology.setGateway('voice/a', gateway('a', { fqdn: 'gw.contoso.com', ...tcp }));
    expect(found(made)).toEqual([]);
    made.forget();
    made.topology.setGateway('voice/first', undefined);
    expect(made.servers).toContain('voice/med01');
    expect(found(made).map(({ reason }) => reason)).toEqual(['UnencryptedLink', 'SRTPNotPossible']);
  });
});
