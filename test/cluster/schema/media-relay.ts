// What the API server takes for a MediaRelay, and what it says to the rest.
import { accept, accepts, type Case, dnsNameRefusals, refuse, refuses, refusesName, type Spec, type Table } from './table.ts';

const minimal = { trustDomain: 'contoso', fqdn: 'turn.contoso.com' };
const withFields = (fields: Spec) => ({ ...minimal, ...fields });
const credentials = (fields: Spec) => withFields({ credentials: fields });
const ports = (fields: Spec) => withFields({ ports: fields });

const lifetimes: readonly Case[] = [
  accepts('a relay of nothing but its name', minimal),
  ...['1m', '8h', '720h'].map((lifetime) => accepts(`the lifetime ${lifetime}`, credentials({ lifetime }))),
  accepts('the longest lifetime', credentials({ lifetime: '4320h', rollEvery: '4320h' })),
  ...['59s', '4320h1s'].map((lifetime) =>
    refuses(
      `the lifetime ${lifetime}`,
      credentials({ lifetime, rollEvery: '9999h' }),
      `spec.credentials.lifetime: Invalid value: "${lifetime}": Credentials live for 1m to 4320h (180 days), not for ${lifetime}.`,
    ),
  ),
  refuses(
    'secrets that are rolled before what they made has expired',
    credentials({ lifetime: '8h', rollEvery: '7h' }),
    'spec.credentials.lifetime: Invalid value: lifetime (8h) must not exceed rollEvery (7h): old and new are valid together for the lifetime of a credential.',
  ),
  accepts('a time for copies to be loaded, and a roll on request', credentials({ propagation: '30s', generation: 2 })),
  refuses(
    'generation 0',
    credentials({ generation: 0 }),
    'spec.credentials.generation: Invalid value: 0: spec.credentials.generation in body should be greater than or equal to 1',
  ),
];

const listeners: readonly Case[] = [
  accepts('ports of its own', ports({ turn: 443, turns: 443, relay: { from: 50_000, to: 50_999 } })),
  accepts('one port for media', ports({ relay: { from: 50_000, to: 50_000 } })),
  refuses(
    'ports for media that are none',
    ports({ relay: { from: 50_999, to: 50_000 } }),
    'spec.ports.relay.to: Invalid value: The ports 50999 to 50000 are none: from is at most to.',
  ),
];

const registrars: readonly Case[] = [
  accepts('no registrars', withFields({ registrars: [] })),
  accepts(
    'registrars of one name in two namespaces',
    withFields({ registrars: ['a', 'b'].map((namespace) => ({ namespace, name: 'fe' })) }),
  ),
  refuses(
    'a registrar twice',
    withFields({ registrars: [0, 1].map(() => ({ namespace: 'a', name: 'fe' })) }),
    'spec.registrars[1]: Duplicate value: {"name":"fe","namespace":"a"}',
  ),
];

export const mediaRelayTable: Table = {
  kind: 'MediaRelay',
  cases: [
    ...dnsNameRefusals('spec.fqdn', (fqdn) => withFields({ fqdn })),
    ...lifetimes,
    ...listeners,
    ...registrars,
    refusesName('a'.repeat(64), minimal, 'The name has 64 characters: write at most 63, because its Secrets are named after it.'),
  ],
  changes: [
    accept('fqdn', minimal, withFields({ fqdn: 'relay.contoso.com' })),
    accept('credentials', minimal, credentials({ lifetime: '1h' })),
    refuse(
      'trustDomain',
      minimal,
      withFields({ trustDomain: 'fabrikam' }),
      `spec.trustDomain: Forbidden: trustDomain is immutable: it is 'contoso' and cannot become 'fabrikam', because its certificate and its SPIFFE ID hang on it.`,
    ),
  ],
};
