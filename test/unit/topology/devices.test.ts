// Gateways, relays and partners in the topology index: who is told of what, and who holds a name.
import { mostRelays } from '../../../operator/topology/relay-users.ts';
import { gateway, partner, relay } from './declared.ts';
import { admitting, trustDomain, trustedServer } from './objects.ts';
import { contoso } from './recorder.ts';

describe('a gateway', () => {
  it('tells the server at the other end of its trunk that it came, moved and went', () => {
    const { topology, servers, gateways, set, forget } = contoso();
    set(trustedServer('med01', 'Mediation'), trustedServer('med02', 'Mediation'));
    forget();
    topology.setGateway('voice/gw', gateway('gw'));
    expect([gateways, servers]).toEqual([['voice/gw'], ['voice/med01']]);
    expect([...topology.trunksOf('voice/med01')]).toEqual(['voice/gw']);
    forget();
    topology.setGateway('voice/gw', gateway('gw', { mediationServer: { name: 'med02' } }));
    expect(servers).toEqual(['voice/med01', 'voice/med02']);
    expect([...topology.trunksOf('voice/med01')]).toEqual([]);
    forget();
    topology.setGateway('voice/gw', undefined);
    expect(servers).toEqual(['voice/med02']);
    expect([...topology.gatewaysOf('contoso')]).toEqual([]);
  });

  it('is told of its mediation server, of its namespace and of its domain', () => {
    const { topology, gateways, set, forget } = contoso();
    topology.setGateway('voice/gw', gateway('gw'));
    forget();
    set(trustedServer('med01', 'Mediation'));
    expect(gateways).toEqual(['voice/gw']);
    forget();
    topology.setNamespace('voice', undefined);
    expect(gateways).toContain('voice/gw');
    forget();
    topology.setDomain('contoso', trustDomain('contoso'));
    expect(gateways).toContain('voice/gw');
  });

  it('needs admission with the role Mediation', () => {
    const { topology } = contoso();
    const admission = {
      admission: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'voice' } },
          roles: ['FrontEnd'],
          names: ['*.contoso.com'],
        },
      ],
    };
    topology.setGateway('voice/gw', gateway('gw'));
    expect(topology.gateway('voice/gw')).toMatchObject({ listed: true, admission: { admitted: true } });
    topology.setDomain('contoso', trustDomain('contoso', admission));
    expect(topology.gateway('voice/gw')).toMatchObject({
      listed: false,
      admission: {
        reason: 'NamespaceNotAdmitted',
        message:
          'TrustDomain contoso does not admit namespace voice with media gateways. ' +
          'Add an entry with this namespace and the role Mediation to its spec.admission.',
      },
    });
  });

  it('does not get a name that a server holds, and the server hears of neither', () => {
    const { topology, set } = contoso();
    set(trustedServer('gw', 'Mediation', {}, { creationTimestamp: '2026-01-01T00:00:00Z' }));
    topology.setGateway('voice/gw', gateway('gw'));
    expect(topology.holder('gw.contoso.com')).toMatchObject({ claim: { kind: 'TrustedServer', name: 'gw' } });
    topology.setServer('voice/gw', undefined);
    expect(topology.holder('gw.contoso.com')).toMatchObject({ claim: { kind: 'MediaGateway', name: 'gw' } });
  });

  it('that holds the name of a pool keeps the pool off the peer lists', () => {
    const { topology, set } = contoso();
    topology.setGateway('voice/app', gateway('app'));
    set(trustedServer('app', 'Server', {}, { creationTimestamp: '2026-03-01T00:00:00Z' }));
    expect(topology.peerList('contoso', 'Server')?.has('app.contoso.com') ?? false).toBe(false);
    topology.setGateway('voice/app', undefined);
    expect(topology.peerList('contoso', 'Server')?.has('app.contoso.com')).toBe(true);
  });
});

describe('a relay', () => {
  it('is told of registrars that come and go, and of no other role', () => {
    const { topology, relays, set, forget } = contoso();
    topology.setRelay('voice/turn', relay('turn'));
    forget();
    set(trustedServer('chat', 'PersistentChat'));
    expect(relays).toEqual([]);
    set(trustedServer('dir', 'Director'));
    expect(relays).toEqual(['voice/turn']);
    forget();
    topology.setServer('voice/dir', undefined);
    expect(relays).toEqual(['voice/turn']);
  });

  it('may not have a name that the domain derives, which an Edge may', () => {
    const { topology } = contoso();
    topology.setRelay('voice/turn', relay('turn', { fqdn: 'sip.contoso.com' }));
    expect(topology.relay('voice/turn')?.admission).toMatchObject({ admitted: false, reason: 'NameNotAdmitted' });
  });
});

describe('the relays of one namespace', () => {
  const names = Array.from({ length: mostRelays + 2 }, (_, index) => `turn${String(index).padStart(2, '0')}`);
  const crowd = () => {
    const made = contoso();
    for (const [index, name] of names.entries()) made.topology.setRelay(`voice/${name}`, aged(name, index));
    return made;
  };
  const aged = (name: string, age: number, spec: object = {}) => {
    const made = relay(name, spec);
    const creationTimestamp = new Date(Date.UTC(2026, 0, 1) + age * 1000).toISOString();
    return { ...made, metadata: { ...made.metadata, uid: name, creationTimestamp } };
  };
  const withUsers = ({ topology }: ReturnType<typeof crowd>, ...delivered: readonly string[]) =>
    names.filter((name) => topology.hasUsers(`voice/${name}`, ({ metadata }) => delivered.includes(metadata.name)));

  it('may not all hand their secrets out: the oldest may', () => {
    expect(withUsers(crowd())).toEqual(names.slice(0, mostRelays));
  });

  it('do so in place of one that goes, or is admitted no more, and are told', () => {
    const made = crowd();
    made.forget();
    made.topology.setRelay('voice/turn00', undefined);
    expect(withUsers(made)).toEqual(names.slice(1, mostRelays + 1));
    expect(made.relays).toContain(`voice/${names[mostRelays]}`);
    made.topology.setRelay('voice/turn01', aged('turn01', 1, { fqdn: 'turn.elsewhere.org' }));
    expect(withUsers(made)).toEqual(names.slice(2));
  });

  it('keep what they have handed out, though there are older ones or more than may begin to', () => {
    const made = crowd();
    expect(withUsers(made, ...names)).toEqual(names);
    expect(withUsers(made, ...names.slice(2))).toEqual(names.slice(2));
    expect(withUsers(made, 'turn17')).toEqual([...names.slice(0, mostRelays - 1), 'turn17']);
  });

  it('are told when one comes that is older than another of them', () => {
    const made = crowd();
    for (const name of names.slice(mostRelays)) made.topology.setRelay(`voice/${name}`, undefined);
    made.forget();
    made.topology.setRelay('voice/former', aged('former', -1));
    expect([...made.relays].sort()).toEqual(['voice/former', ...names.slice(0, mostRelays).map((name) => `voice/${name}`)]);
    expect(withUsers(made)).toEqual(names.slice(0, mostRelays - 1));
  });

  it('of two domains do not count together', () => {
    const made = crowd();
    made.topology.setRelay('voice/turn00', aged('turn00', 0, { trustDomain: 'northwind' }));
    expect(withUsers(made)).toEqual(names.slice(1, mostRelays + 1));
  });
});

describe('a partner', () => {
  it('concerns its domain, and both when it is made again for another', () => {
    const { topology, federations, forget } = contoso();
    topology.setPartner('fabrikam', partner('fabrikam'));
    expect(federations).toEqual(['contoso']);
    expect(topology.partnersOf('contoso').map(({ metadata }) => metadata.name)).toEqual(['fabrikam']);
    forget();
    topology.setPartner('fabrikam', partner('fabrikam', { trustDomain: 'northwind' }));
    expect(federations).toEqual(['contoso', 'northwind']);
    expect(topology.partnersOf('contoso')).toEqual([]);
  });
});

describe('names outside the SIP domains', () => {
  const elsewhere = { admission: [{ ...admitting('voice').admission[0], names: ['*.contoso.com', '*.hosting.example'] }] };

  it('are those of whoever is listed, and no stranger’s', () => {
    const { topology, set, federations, forget } = contoso();
    topology.setDomain('contoso', trustDomain('contoso', elsewhere));
    forget();
    set(trustedServer('pbx', 'Server', { poolFQDN: 'pbx.hosting.example', members: [{ fqdn: 'pbx.contoso.com' }] }));
    expect(federations).toEqual(['contoso']);
    set(trustedServer('forger', 'Server', { poolFQDN: 'fabrikam.com' }));
    topology.setGateway('voice/gw', gateway('gw', { fqdn: 'sip.fabrikam.com' }));
    expect(topology.namesOutside('contoso')).toEqual(['pbx.hosting.example']);
    expect(federations).toEqual(['contoso']);
    forget();
    topology.setServer('voice/pbx', undefined);
    expect(federations).toEqual(['contoso']);
    expect(topology.namesOutside('contoso')).toEqual([]);
  });

  it('concern nobody where a server has none of them', () => {
    const { set, federations } = contoso();
    set(trustedServer('pbx', 'Server'));
    expect(federations).toEqual([]);
  });
});
