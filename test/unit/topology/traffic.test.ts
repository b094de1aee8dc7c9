// Which listeners the traffic table allows: every role with every protocol, at both choices that a domain has.
import { type Role, roles } from '../../../operator/api/v1alpha1/index.ts';
import { judgeListener, type Listener, listenerRules, trafficTable } from '../../../operator/topology/traffic.ts';
import { trustDomain } from './objects.ts';

const protocols = ['MTLS', 'TLS', 'HTTPS', 'TCP'] as const;

/** A column for each protocol: + allowed, . not; i and g where instantMessaging or mediationToGateway is TCP. */
// biome-ignore format: a table
const table: Readonly<Record<Role, string>> = {
  //                   MTLS TLS HTTPS TCP
  FrontEnd:           '+ + + i',
  StandardEdition:    '+ + + i',
  Director:           '+ + + i',
  SurvivableBranch:   '+ + + ig',
  Mediation:          '+ . . g',
  Edge:               '+ + + .',
  PersistentChat:     '+ . . .',
  TrustedApplication: '+ . . .',
  Server:             '+ + + .',
};

const listener = (protocol: Listener['protocol'], more: Partial<Listener> = {}): Listener => ({
  name: 'l',
  port: 5061,
  protocol,
  ...more,
});
const domainWith = (traffic: object) => trustDomain('contoso', { traffic });
const strict = domainWith({});
const policies = [
  [strict, ''],
  [domainWith({ instantMessaging: 'TCP' }), 'i'],
  [domainWith({ mediationToGateway: 'TCP' }), 'g'],
  [domainWith({ instantMessaging: 'TCP', mediationToGateway: 'TCP' }), 'ig'],
] as const;

const cases = roles.flatMap((role) =>
  protocols.map((protocol, index) => [role, protocol, table[role].split(' ')[index] ?? ''] as const),
);

it.each(cases)('a %s with %s: %s', (role, protocol, mark) => {
  for (const [domain, allowed] of policies) {
    const expected = mark === '+' || [...mark].some((each) => allowed.includes(each));
    expect(judgeListener(listener(protocol), role, domain).allowed).toBe(expected);
  }
});

it('calls TCP unencrypted, and nothing else', () => {
  const [, [chatting]] = policies;
  expect(judgeListener(listener('TCP'), 'FrontEnd', chatting)).toEqual({
    allowed: true,
    row: 'instant-messaging',
    encrypted: false,
  });
  for (const protocol of ['MTLS', 'TLS', 'HTTPS'] as const) {
    expect(judgeListener(listener(protocol), 'FrontEnd', chatting)).toMatchObject({ encrypted: true });
  }
});

it('lets clients come to the external face of an Edge alone', () => {
  expect(judgeListener(listener('TLS', { face: 'External' }), 'Edge', strict).allowed).toBe(true);
  expect(judgeListener(listener('MTLS', { face: 'Internal' }), 'Edge', strict).allowed).toBe(true);
  expect(judgeListener(listener('TLS', { face: 'Internal' }), 'Edge', strict)).toEqual({
    allowed: false,
    message: 'Listener l (port 5061) is TLS, and what calls the internal face of an Edge does so by MTLS. Use that.',
  });
});

it.each<readonly [Role, Listener['protocol'], string]>([
  ['Mediation', 'TLS', 'Listener l (port 5061) is TLS, and what calls the role Mediation does so by MTLS. Use that.'],
  ['Server', 'TCP', 'Listener l (port 5061) is TCP, and what calls the role Server does so by MTLS or TLS or HTTPS. Use that.'],
  [
    'FrontEnd',
    'TCP',
    'Listener l (port 5061) is TCP, unencrypted, and spec.traffic.instantMessaging of TrustDomain contoso is TLS. Give it another protocol, or set that to TCP.',
  ],
])('says what a %s with %s could be instead', (role, protocol, message) => {
  expect(judgeListener(listener(protocol), role, strict)).toEqual({ allowed: false, message });
});

it('follows rows of the table alone', () => {
  const ids = trafficTable.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(listenerRules.filter(({ row }) => !ids.includes(row))).toEqual([]);
});
