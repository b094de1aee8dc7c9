// Gateways, relays and partners in the topology index: who is told of what, and who holds a name.
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
