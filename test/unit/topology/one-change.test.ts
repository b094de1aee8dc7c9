// What one changed object re-plans: the same in a network of 100 servers and in one of 10,000, findings included.
import { findingsOfRelay } from '../../../operator/topology/findings-of-relay.ts';
import { findingsOfServer } from '../../../operator/topology/findings-of-server.ts';
import { findingsOfTrunks } from '../../../operator/topology/findings-of-trunks.ts';
import { trunksOf } from '../../../operator/topology/trunk-standing.ts';
import { gateway, partner, relay } from './declared.ts';
import { type Fleet, fleetOf, poolOf } from './fleet.ts';
import { keyOf } from './objects.ts';

const namespaces = 2;
const fleets = [100, 10_000].map((servers) => fleetOf(servers, namespaces));

/** Every key that the change told of, by kind, and how often the journal was asked, also for the findings about each. */
function cost(fleet: Fleet, change: (fleet: Fleet) => void): object {
  const { topology, told } = fleet;
  fleet.forget();
  change(fleet);
  const findings = [
    ...[...told.servers].flatMap((key) => findingsOfServer(key, topology)),
    ...[...told.servers].flatMap((key) => findingsOfTrunks(key, trunksOf(key, topology), () => false)),
    ...[...told.relays].flatMap((key) => findingsOfRelay(key, topology)),
  ];
  const counts = Object.entries(told).map(([kind, keys]) => [kind, keys.size]);
  return { ...Object.fromEntries(counts), findings: findings.length, asked: fleet.asked() };
}

/** The first pool of each role there is, and what happens to it. */
const set = (index: number, more: object) => {
  return ({ topology }: Fleet) => {
    const pool = poolOf(index, namespaces, more);
    topology.setServer(keyOf(pool), pool);
  };
};

const frontEnd = 0;
const edge = 4;
const application = 8;

const changes: Readonly<Record<string, (fleet: Fleet) => void>> = {
  'a front end gets other members': set(frontEnd, { members: [{ fqdn: 'new.contoso.com' }] }),
  'an Edge gets other members': set(edge, { members: [{ fqdn: 'new-edge.contoso.com' }] }),
  'a listener becomes one that the table does not allow': set(frontEnd, {
    listeners: [{ name: 'l', port: 5060, protocol: 'TCP' }],
  }),
  'a server narrows its peers, also to what does not exist': set(application, { peers: ['p18.contoso.com', 'nobody'] }),
  'a pool goes': ({ topology }) => topology.setServer(keyOf(poolOf(frontEnd, namespaces)), undefined),
  'a pool comes': set(frontEnd, {}),
  'a gateway comes': ({ topology }) => topology.setGateway('voice/gw2', gateway('gw2')),
  'a gateway turns to TCP': ({ topology }) => topology.setGateway('voice/gw', gateway('gw', { transport: 'TCP' })),
  'the server of a trunk changes': ({ topology }) => topology.refresh('voice/med01'),
  'a relay names its registrars': ({ topology }) =>
    topology.setRelay('voice/turn', relay('turn', { registrars: [{ namespace: 'ns0', name: 'p0' }] })),
  'a partner changes': ({ topology }) => topology.setPartner('fabrikam', partner('fabrikam', { sipDomains: ['northwind.com'] })),
};

it.each(Object.entries(changes))('when %s', (_what, change) => {
  const [few, many] = fleets.map((fleet) => cost(fleet, change));
  expect(many).toEqual(few);
});

it('is a handful of keys', () => {
  for (const fleet of fleets) {
    cost(fleet, set(frontEnd, { members: [{ fqdn: 'other.contoso.com' }] }));
    const { told } = fleet;
    expect([...told.servers]).toEqual(['ns0/p0']);
    expect(told.bundles.size).toBeLessThan(20);
    expect([...told.domains, ...told.gateways, ...told.federations]).toEqual([]);
  }
});
