// The cases of the topology index that have a name: contention, deletion and return, grace, and what a change costs.
import type { TrustedServer } from '../../../operator/api/v1alpha1/index.ts';
import { roles } from '../../../operator/api/v1alpha1/index.ts';
import { audienceRoles } from '../../../operator/topology/bundle-key.ts';
import { admitting, keyOf, namespace, trustDomain, trustedServer } from './objects.ts';
import { contoso, type Recorder, recorder } from './recorder.ts';

const older = { uid: 'uid-older', creationTimestamp: '2026-01-01T00:00:00Z' };
const younger = { uid: 'uid-younger', creationTimestamp: '2026-01-02T00:00:00Z' };

const frontEnd = (name: string, options = {}, spec = {}) => trustedServer(name, 'FrontEnd', spec, options);

/** `pool: names` of each entry of a role's list. */
function listed({ topology }: Recorder, role: (typeof roles)[number] = 'FrontEnd'): readonly string[] {
  const list = topology.peerList('contoso', role);
  return Array.from({ length: 256 }, (_, bucket) => list?.entries(bucket) ?? [])
    .flat()
    .map((json) => JSON.parse(json))
    .map(({ pool, names }) => `${pool}: ${names.join(' ')}`)
    .sort();
}

describe('two servers that contend for a pool', () => {
  const spec = { poolFQDN: 'pool.contoso.com' };
  const first = frontEnd('first', older, { ...spec, members: [{ fqdn: 'a.contoso.com' }] });
  const second = frontEnd('second', { ...younger, namespace: 'web' }, { ...spec, members: [{ fqdn: 'b.contoso.com' }] });

  it('are listed once, as the one that holds the name', () => {
    const made = contoso();
    made.set(second, first);
    expect(listed(made)).toEqual(['pool.contoso.com: pool.contoso.com a.contoso.com']);
    expect(made.topology.holder('pool.contoso.com')).toMatchObject({ claim: { uid: 'uid-older' } });
  });

  it('change places when the holder goes, and the other is told', () => {
    const made = contoso();
    made.set(first, second);
    made.forget();
    made.topology.setServer(keyOf(first), undefined);
    expect(listed(made)).toEqual(['pool.contoso.com: pool.contoso.com b.contoso.com']);
    expect(made.servers).toContain('web/second');
  });

  it('change places when the holder is replaced by a younger object of the same name', () => {
    const made = contoso();
    made.set(first, second);
    made.forget();
    made.set(frontEnd('first', { uid: 'uid-again', creationTimestamp: '2026-01-03T00:00:00Z' }, first.spec));
    expect(listed(made)).toEqual(['pool.contoso.com: pool.contoso.com b.contoso.com']);
    expect(made.servers).toContain('web/second');
  });

  it('leave no entry behind when the holder comes back with another role', () => {
    const made = contoso();
    made.set(first);
    made.set(trustedServer('first', 'Director', spec, { uid: 'uid-again' }));
    expect(listed(made)).toEqual([]);
    expect(listed(made, 'Director')).toHaveLength(1);
  });
});

it('lists no pool under the name of a member of another', () => {
  const made = contoso();
  made.set(
    frontEnd('owner', older, { members: [{ fqdn: 'pool.contoso.com' }] }),
    frontEnd('claimant', younger, { poolFQDN: 'pool.contoso.com', members: [{ fqdn: 'b.contoso.com' }] }),
  );
  expect(listed(made)).toEqual(['owner.contoso.com: owner.contoso.com pool.contoso.com']);
});

it('leaves a name that another server holds out of the entry of a pool', () => {
  const made = contoso();
  made.set(
    frontEnd('one', older, { members: [{ fqdn: 'shared.contoso.com' }] }),
    frontEnd('two', younger, { members: [{ fqdn: 'shared.contoso.com', name: 'm' }, { fqdn: 'own.contoso.com' }] }),
  );
  expect(listed(made)).toEqual([
    'one.contoso.com: one.contoso.com shared.contoso.com',
    'two.contoso.com: two.contoso.com own.contoso.com',
  ]);
});

it('has in the entry of a pool its level of media, where that is its own, and tells who lists it', () => {
  const made = contoso();
  const level = () => JSON.parse(made.topology.peerList('contoso', 'FrontEnd')?.get('fe.contoso.com') ?? '{}').encryptionLevel;
  made.set(frontEnd('fe'));
  expect(level()).toBeUndefined();
  made.forget();
  made.set(frontEnd('fe', {}, { media: { encryptionLevel: 'Required' } }));
  expect(level()).toBe('Required');
  expect(made.bundles).toContain('contoso/front-end/voice');
});

describe('a claim', () => {
  const name = 'pool.contoso.com';
  const squatter = frontEnd('squatter', { ...older, namespace: 'tenant' }, { poolFQDN: name });
  const rightful = frontEnd('rightful', younger, { poolFQDN: name });

  it('counts for nothing without admission, however old the object is', () => {
    const made = contoso();
    made.topology.setNamespace('tenant', namespace('tenant'));
    made.set(squatter, rightful);
    expect(made.topology.holder(name)).toMatchObject({ kind: 'Claim', claim: { uid: 'uid-younger' } });
  });

  it('counts once its namespace is admitted, and the other is told', () => {
    const made = contoso();
    made.topology.setNamespace('tenant', namespace('tenant'));
    made.set(squatter, rightful);
    made.forget();
    made.topology.setDomain('contoso', trustDomain('contoso', admitting('voice', 'web', 'tenant')));
    expect(made.topology.holder(name)).toMatchObject({ claim: { uid: 'uid-older' } });
    expect(made.servers).toContain('voice/rightful');
  });

  it('keeps a name that the journal knows as its own, admitted or not', () => {
    const made = contoso({ issued: () => [{ uid: 'uid-older', namespace: 'tenant', notAfter: 1 }] });
    made.topology.setNamespace('tenant', namespace('tenant'));
    made.set(squatter, rightful);
    expect(made.topology.holder(name)).toMatchObject({ claim: { uid: 'uid-older' } });
  });

  it('waits for the end of a reservation, and is listed by it once somebody looks again', () => {
    let issued = [{ uid: 'uid-gone', namespace: 'elsewhere', notAfter: 5000 }];
    const made = contoso({ issued: (asked) => (asked === name ? issued : []) });
    made.set(rightful);
    expect(made.topology.holder(name)).toEqual({ kind: 'Reserved', namespace: 'elsewhere', until: 5000 });
    expect(listed(made)).toEqual([]);
    issued = [];
    made.topology.relist(keyOf(rightful));
    expect(listed(made)).toEqual([`${name}: ${name} rightful-a.contoso.com`]);
  });
});

describe('a namespace', () => {
  it('whose label flaps moves all of its servers, each told once', () => {
    const made = recorder();
    const admission = [{ namespaceSelector: { matchLabels: { voice: 'yes' } }, roles: ['FrontEnd'], names: ['*.contoso.com'] }];
    made.topology.setNamespace('voice', namespace('voice', { voice: 'yes' }));
    made.topology.setDomain('contoso', trustDomain('contoso', { admission }));
    made.set(frontEnd('one'), frontEnd('two'), frontEnd('three'));
    made.forget();
    made.topology.setNamespace('voice', namespace('voice'));
    expect(made.servers.sort()).toEqual(['voice/one', 'voice/three', 'voice/two']);
    expect(listed(made)).toEqual([]);
    made.topology.setNamespace('voice', namespace('voice', { voice: 'yes' }));
    expect(listed(made)).toHaveLength(3);
  });

  it('keeps its servers listed while they are in grace, and delists them once they are looked at after it', () => {
    let grace = true;
    const made = contoso({ inGrace: () => grace });
    made.set(frontEnd('one'), trustedServer('chat', 'PersistentChat', {}, { namespace: 'web' }));
    made.topology.setDomain('contoso', trustDomain('contoso', admitting('web')));
    expect(listed(made)).toHaveLength(1);
    expect(made.topology.wants({ domain: 'contoso', audience: 'front-end', namespace: 'voice' })).toBe(true);
    grace = false;
    made.forget();
    made.topology.refresh('voice/one');
    expect(listed(made)).toEqual([]);
    expect(made.topology.wants({ domain: 'contoso', audience: 'front-end', namespace: 'voice' })).toBe(false);
    expect(made.bundles).toContain('contoso/front-end/voice');
    expect(made.changes).toContainEqual({ removed: 'one.contoso.com' });
  });

  it('that terminates takes its servers out of the lists at once, grace or not', () => {
    const made = contoso({ inGrace: () => true });
    made.set(frontEnd('one'), frontEnd('two', { namespace: 'web' }));
    made.topology.setNamespace('voice', namespace('voice', {}, true));
    expect(listed(made)).toEqual(['two.contoso.com: two.contoso.com two-a.contoso.com']);
  });

  it('is a member by its labels, and its clients are told when it joins and leaves', () => {
    const made = recorder();
    const clients = { domain: 'contoso', audience: 'clients', namespace: 'desk' } as const;
    made.topology.setDomain(
      'contoso',
      trustDomain('contoso', { members: { namespaceSelector: { matchLabels: { member: 'yes' } } } }),
    );
    made.topology.setNamespace('desk', namespace('desk', { member: 'yes' }));
    expect([made.topology.wants(clients), made.bundles]).toEqual([true, ['contoso/clients/desk']]);
    made.forget();
    made.topology.setNamespace('desk', namespace('desk'));
    expect([made.topology.wants(clients), made.bundles]).toEqual([false, ['contoso/clients/desk']]);
  });
});

describe('a server that is being deleted', () => {
  it('is out of the lists before it is gone', () => {
    const made = contoso({ inGrace: () => true });
    made.set(frontEnd('one'));
    made.set(frontEnd('one', { deletionTimestamp: '2026-01-02T00:00:00Z' }));
    expect(listed(made)).toEqual([]);
  });
});

describe('a domain', () => {
  it('that is deleted and returns has the same lists, members and bundles again', () => {
    const made = contoso();
    const domain = trustDomain('contoso', { ...admitting('voice', 'web'), members: { namespaceSelector: {} } });
    made.topology.setDomain('contoso', domain);
    made.set(frontEnd('one'), trustedServer('edge', 'Edge', {}, { namespace: 'web' }));
    const before = [listed(made), made.topology.bundles('contoso')];
    made.topology.setDomain('contoso', undefined);
    expect([listed(made), made.topology.bundles('contoso')]).toEqual([[], []]);
    made.forget();
    made.topology.setDomain('contoso', domain);
    expect([listed(made), made.topology.bundles('contoso')]).toEqual(before);
    expect(made.servers.sort()).toEqual(['voice/one', 'web/edge']);
    expect(new Set(made.bundles)).toEqual(
      new Set(made.topology.bundles('contoso').map((key) => `contoso/${key.audience}/${key.namespace}`)),
    );
  });

  const clash = { sipDomains: ['eu.contoso.com'], ...admitting('voice') };

  it.each([
    ['equals', ['contoso.com'], 'SIP domain contoso.com equals, contains or lies in contoso.com'],
    ['lies in', ['eu.contoso.com'], 'SIP domain eu.contoso.com equals, contains or lies in contoso.com'],
    ['only resembles', ['notcontoso.com'], undefined],
  ])('whose SIP domain %s that of an older one', (_how, sipDomains, problem) => {
    const made = recorder();
    made.topology.setDomain('older', trustDomain('older', {}, older));
    made.topology.setDomain('younger', trustDomain('younger', { sipDomains }, younger));
    expect(made.topology.domainProblem('older')).toBeUndefined();
    if (problem === undefined) expect(made.topology.domainProblem('younger')).toBeUndefined();
    else
      expect(made.topology.domainProblem('younger')).toBe(
        `${problem} of the older TrustDomain older. Remove it from one of the two.`,
      );
  });

  it('that lies above an older one is the one to give way, and names what it contains', () => {
    const made = recorder();
    made.topology.setDomain('younger', trustDomain('younger', {}, younger));
    made.topology.setDomain('older', trustDomain('older', { sipDomains: ['eu.contoso.com'] }, older));
    expect(made.topology.domainProblem('older')).toBeUndefined();
    expect(made.topology.domainProblem('younger')).toContain('SIP domain contoso.com equals, contains or lies in eu.contoso.com');
  });

  it.each([
    ['its first SIP domain, which the younger names', {}, { spiffeTrustDomain: 'contoso.com' }],
    ['what both name', { spiffeTrustDomain: 'voice.example' }, { spiffeTrustDomain: 'voice.example' }],
  ])('that begins the SPIFFE IDs of its servers as an older one does is not valid: by %s', (_, older, late) => {
    const made = recorder();
    made.topology.setDomain('late', trustDomain('late', { sipDomains: ['adatum.com'], ...late }, younger));
    expect(made.topology.domainProblem('late')).toBeUndefined();
    made.topology.setDomain('contoso', trustDomain('contoso', older));
    expect(made.topology.domainProblem('contoso')).toBeUndefined();
    expect(made.topology.domainProblem('late')).toContain('The SPIFFE IDs of the older TrustDomain contoso begin with');
  });

  it('goes on holding the names of its SIP domains, which are its own, while its SPIFFE IDs are not', () => {
    const made = recorder();
    const admission = [{ namespaceSelector: {}, roles: ['Server'] as const, names: ['*.adatum.com'] }];
    made.topology.setNamespace('voice', namespace('voice'));
    made.topology.setDomain('contoso', trustDomain('contoso', older));
    made.topology.setDomain(
      'late',
      trustDomain('late', { sipDomains: ['adatum.com'], spiffeTrustDomain: 'contoso.com' }, younger),
    );
    made.topology.setDomain('third', trustDomain('third', { sipDomains: ['litware.com'], admission }, { uid: '9' }));
    made.set(trustedServer('taker', 'Server', { trustDomain: 'third', poolFQDN: 'sip.adatum.com' }));
    expect(made.topology.sharesIds('late')).toBe(true);
    expect(made.topology.placement('voice/taker')?.admission).toMatchObject({ admitted: false, reason: 'NameNotAdmitted' });
    made.topology.setDomain(
      'another',
      trustDomain('another', { sipDomains: ['adatum.com'], spiffeTrustDomain: 'a.example' }, { ...younger, uid: 'uid-z' }),
    );
    expect(made.topology.domainProblem('another')).toContain('of the older TrustDomain late');
    expect(made.topology.sharesIds('another')).toBe(false);
  });

  it('may have the SIP domain of another for no SPIFFE IDs of that one', () => {
    const made = recorder();
    made.topology.setDomain('contoso', trustDomain('contoso', { spiffeTrustDomain: 'voice.example' }));
    made.topology.setDomain('late', trustDomain('late', { sipDomains: ['adatum.com'] }, younger));
    expect(made.topology.domainProblem('late')).toBeUndefined();
  });

  it('may nest its own SIP domains', () => {
    const made = recorder();
    made.topology.setDomain('contoso', trustDomain('contoso', { sipDomains: ['contoso.com', 'eu.contoso.com'] }));
    expect(made.topology.domainProblem('contoso')).toBeUndefined();
  });

  it('that gives way no longer stands in the way of a third', () => {
    const made = recorder();
    made.topology.setDomain('a', trustDomain('a', { sipDomains: ['a.com'] }, { uid: '1' }));
    made.topology.setDomain('b', trustDomain('b', { sipDomains: ['a.com', 'b.com'] }, { uid: '2' }));
    made.topology.setDomain('c', trustDomain('c', { sipDomains: ['b.com'] }, { uid: '3' }));
    expect(['a', 'b', 'c'].map((name) => made.topology.domainProblem(name) !== undefined)).toEqual([false, true, false]);
  });

  it('becomes valid when the older one goes, and its servers are told', () => {
    const made = contoso();
    made.topology.setDomain('late', trustDomain('late', clash, younger));
    made.set(frontEnd('one', {}, { trustDomain: 'late' }));
    made.forget();
    made.topology.setDomain('contoso', undefined);
    expect(made.topology.domainProblem('late')).toBeUndefined();
    expect([made.domains, made.servers]).toEqual([expect.arrayContaining(['late']), ['voice/one']]);
  });

  it('that overlaps an older one takes no name from its servers', () => {
    const made = contoso();
    const edge = trustedServer('edge', 'Edge', { edge: { accessFQDN: 'sip.contoso.com' } });
    made.set(edge);
    made.topology.setDomain('late', trustDomain('late', { sipDomains: ['contoso.com'] }, younger));
    expect(made.topology.placement(keyOf(edge))?.admission).toEqual({ admitted: true });
  });

  it('reserves the names that it derives in every other, and says so to servers that declared them already', () => {
    const made = contoso();
    made.set(trustedServer('app', 'Server', { poolFQDN: 'lyncdiscover.eu.contoso.com' }));
    made.topology.setDomain(
      'contoso',
      trustDomain('contoso', { ...admitting('voice'), sipDomains: ['contoso.com', 'eu.contoso.com'] }),
    );
    expect(made.topology.placement('voice/app')?.admission).toMatchObject({ admitted: false, reason: 'NameNotAdmitted' });
  });
});

describe('a CA that a certificate use names', () => {
  const naming = (name: string) =>
    trustedServer(name, 'Server', { certificates: { uses: [{ use: 'Default', enterpriseCA: 'public' }] } });

  it('is trusted from its first server to its last, and everybody in the domain is told of both', () => {
    const made = contoso();
    made.set(frontEnd('bystander'));
    made.forget();
    made.set(naming('one'));
    expect(made.topology.namesAuthority('contoso', 'public', 'Internal')).toBe(true);
    expect(made.servers).toContain('voice/bystander');
    expect(made.bundles).toContain('contoso/front-end/voice');
    made.forget();
    made.set(naming('two'));
    expect(made.servers).not.toContain('voice/bystander');
    made.topology.setServer('voice/one', undefined);
    expect(made.servers).not.toContain('voice/bystander');
    made.topology.setServer('voice/two', undefined);
    expect(made.topology.namesAuthority('contoso', 'public', 'Internal')).toBe(false);
    expect(made.servers).toContain('voice/bystander');
  });

  it('tells nobody when its only server is looked at again', () => {
    const made = contoso();
    made.set(frontEnd('bystander'), naming('one'));
    made.forget();
    made.topology.refresh('voice/one');
    expect(made.servers).toEqual(['voice/one']);
    expect(made.bundles).toEqual([]);
  });
});

describe('a server that narrows its peers', () => {
  const reader = (peers: readonly string[]) => trustedServer('reader', 'Server', { peers }, { namespace: 'web' });

  it.each([
    ['a pool', 'peer.contoso.com', 'voice'],
    ['a server beside it', 'peer', 'web'],
  ])('is told when %s that it names comes, changes and goes', (_what, peer, where) => {
    const made = contoso();
    made.set(reader([peer]));
    for (const change of [
      trustedServer('peer', 'Server', {}, { namespace: where }),
      trustedServer('peer', 'Server', { members: [{ fqdn: 'other.contoso.com' }] }, { namespace: where }),
      undefined,
    ]) {
      made.forget();
      made.topology.setServer(`${where}/peer`, change);
      expect(made.servers).toContain('web/reader');
    }
  });

  it.each([
    ['a pool', 'peer.contoso.com', 'voice'],
    ['a server beside it', 'peer', 'web'],
  ])('may be written with other additions when %s comes, and may not wait when it changes or goes', (_what, peer, where) => {
    const made = contoso();
    made.set(reader([peer]));
    const whatItIsTold = (change: TrustedServer | undefined) => {
      made.forget();
      made.topology.setServer(`${where}/peer`, change);
      const told = made.servers.filter((key) => key === 'web/reader').length;
      return made.additions.filter((key) => key === 'web/reader').length === told ? 'came' : 'changed';
    };
    const member = { members: [{ fqdn: 'other.contoso.com' }] };
    expect(whatItIsTold(trustedServer('peer', 'Server', {}, { namespace: where }))).toBe('came');
    expect(whatItIsTold(trustedServer('peer', 'Server', member, { namespace: where }))).toBe('changed');
    expect(whatItIsTold(undefined)).toBe('changed');
  });

  it('is not told of others', () => {
    const made = contoso();
    made.set(reader(['peer']));
    made.forget();
    made.set(trustedServer('stranger', 'Server'));
    expect(made.servers).toEqual(['voice/stranger']);
  });
});

describe('what one change costs', () => {
  const sizes = [50, 1000];

  /** What is told, and how often the journal is asked, when something happens among so many servers. */
  function cost(size: number, change: (made: Recorder) => void): object {
    const made = contoso();
    made.set(...Array.from({ length: size }, (_, index) => frontEnd(`pool${index}`, { uid: `uid-${index}` })));
    made.set(trustedServer('chat', 'PersistentChat', {}, { namespace: 'web' }));
    made.forget();
    change(made);
    return { servers: made.servers.length, domains: made.domains.length, bundles: made.bundles.length, asked: made.asked() };
  }

  const changes: Readonly<Record<string, (made: Recorder) => void>> = {
    'a server comes': (made) => made.set(frontEnd('another')),
    'a server changes': (made) => made.set(frontEnd('pool7', { uid: 'uid-7' }, { members: [{ fqdn: 'new.contoso.com' }] })),
    'a server goes': (made) => made.topology.setServer('voice/pool7', undefined),
    'a server is looked at again': (made) => made.topology.refresh('voice/pool7'),
    'a namespace without servers comes': (made) => made.topology.setNamespace('lab', namespace('lab')),
    'another domain comes': (made) =>
      made.topology.setDomain('fabrikam', trustDomain('fabrikam', { sipDomains: ['fabrikam.com'] })),
    'another domain reserves a name that is declared': (made) => {
      made.topology.setDomain(
        'fabrikam',
        trustDomain('fabrikam', { sipDomains: ['fabrikam.com'], simpleURLs: { meet: 'pool7.contoso.com' } }),
      );
    },
  };

  it.each(Object.entries(changes))('is the same among 50 servers and 1,000 when %s', (_what, change) => {
    const [few, many] = sizes.map((size) => cost(size, change));
    expect(many).toEqual(few);
  });

  it('is the server, the journal asked for its names, and one telling of each bundle, when a server comes', () => {
    expect(cost(50, (made) => made.set(frontEnd('another')))).toEqual({ servers: 1, domains: 0, bundles: 2, asked: 3 });
  });
});

describe('audiences', () => {
  it('are read by one role each, clients by none', () => {
    expect(audienceRoles('clients')).toEqual([]);
    expect(audienceRoles('edge-external')).toEqual(['Edge']);
    expect(roles.flatMap((role) => audienceRoles(role.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()))).toEqual([...roles]);
  });

  it('gives an Edge two bundles in its namespace', () => {
    const made = contoso();
    made.set(trustedServer('edge', 'Edge'));
    expect(made.topology.bundles('contoso').map(({ audience }) => audience)).toEqual(['edge', 'edge-external']);
  });
});

it('takes a newer status of a server for what is asked of it later, and tells nobody', () => {
  const seen: (string | undefined)[] = [];
  const made = contoso({
    inGrace: ({ status }) => {
      seen.push(status !== undefined && 'certificates' in status ? status.certificates?.[0]?.serial : undefined);
      return true;
    },
  });
  const server = frontEnd('one');
  made.set(server);
  made.forget();
  const certificate = {
    use: 'Default',
    secretName: 's',
    serial: '01',
    fingerprint: '',
    notBefore: '',
    notAfter: '',
    renewAt: '',
  } as const;
  made.topology.replaceServer(keyOf(server), { ...server, status: { observedGeneration: 1, certificates: [certificate] } });
  expect([made.servers, made.bundles]).toEqual([[], []]);
  made.topology.setDomain('contoso', trustDomain('contoso', admitting('web')));
  expect(seen).toEqual(['01']);
});
