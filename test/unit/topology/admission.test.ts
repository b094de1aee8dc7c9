// Who may declare what: each sentence of "Admission", in both directions.
import type { Role } from '../../../operator/api/v1alpha1/index.ts';
import { admit, isMember, matchesPattern, type NamespaceFacts, selects } from '../../../operator/topology/admission.ts';
import { declaredNames, reservedNames } from '../../../operator/topology/names.ts';
import { Reservations } from '../../../operator/topology/reservations.ts';
import { namespace, trustDomain, trustedServer } from './objects.ts';

const voice = namespace('voice');
const selecting = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
const members = { members: { namespaceSelector: selecting('voice') } };

interface Case {
  readonly domain?: object;
  readonly role?: Role;
  readonly server?: object;
  readonly where?: NamespaceFacts;
  /** SIP domains and simple URLs of other domains. */
  readonly others?: Readonly<Record<string, object>>;
}

function verdict({ domain = {}, role = 'Server', server = {}, where = voice, others = {} }: Case) {
  const own = trustDomain('contoso', domain);
  const reservations = new Reservations();
  reservations.set('contoso', reservedNames(own));
  for (const [name, spec] of Object.entries(others)) reservations.set(name, reservedNames(trustDomain(name, spec)));
  const names = declaredNames(trustedServer('app', role, server));
  return admit({ what: `the role ${role}`, role, derives: role, names }, where, own, (name) => reservations.of(name));
}

const admitted = { admitted: true };
const notTheNamespace = { admitted: false, reason: 'NamespaceNotAdmitted' };
const notTheName = { admitted: false, reason: 'NameNotAdmitted' };

const entry = (changes: object = {}) => ({
  admission: [{ namespaceSelector: selecting('voice'), roles: ['Server'], names: ['*.contoso.com'], ...changes }],
});

describe('with admission', () => {
  const { namespaceSelector: _, ...withoutSelector } = entry().admission[0] ?? {};
  const cases: readonly (readonly [string, Case, object])[] = [
    ['admits the namespace, role and names of an entry', { domain: entry() }, admitted],
    ['refuses another namespace', { domain: entry(), where: namespace('web') }, notTheNamespace],
    ['refuses another role', { domain: entry(), role: 'FrontEnd' }, notTheNamespace],
    ['refuses another name', { domain: entry({ names: ['*.eu.contoso.com'] }) }, notTheName],
    ['lets an absent selector match nothing', { domain: { admission: [withoutSelector] } }, notTheNamespace],
    ['lets an empty selector match everything', { domain: entry({ namespaceSelector: {} }), where: namespace('any') }, admitted],
    ['counts for nothing that the namespace is a member', { domain: { ...members, admission: [] } }, notTheNamespace],
    ['needs no membership', { domain: entry() }, admitted],
    [
      'adds up the entries that match',
      {
        domain: {
          admission: [...entry({ names: ['app.contoso.com'] }).admission, ...entry({ names: ['app-a.contoso.com'] }).admission],
        },
      },
      admitted,
    ],
    [
      'takes no names from an entry for another role',
      { domain: { admission: [...entry({ names: ['app.contoso.com'] }).admission, ...entry({ roles: ['Edge'] }).admission] } },
      notTheName,
    ],
    ['looks at every declared name: members too', { domain: entry({ names: ['app.contoso.com'] }) }, notTheName],
    [
      'looks at every declared name: extra names too',
      { domain: entry(), server: { certificates: { uses: [{ use: 'Default', extraNames: ['app.fabrikam.com'] }] } } },
      notTheName,
    ],
    [
      'looks at every declared name: web services too',
      { domain: entry({ roles: ['FrontEnd'] }), role: 'FrontEnd', server: { webServices: { externalFQDN: 'web.fabrikam.com' } } },
      notTheName,
    ],
    [
      'looks at every declared name: edge names too',
      { domain: entry({ roles: ['Edge'] }), role: 'Edge', server: { edge: { audioVideoFQDN: 'av.fabrikam.com' } } },
      notTheName,
    ],
  ];
  it.each(cases)('%s', (_what, given, expected) => {
    expect(verdict(given)).toMatchObject(expected);
  });

  it('says what is admitted and what was asked for', () => {
    expect(verdict({ domain: entry({ names: ['*.eu.contoso.com'] }) })).toEqual({
      ...notTheName,
      message:
        'TrustDomain contoso admits namespace voice with the role Server for *.eu.contoso.com, not for app.contoso.com, app-a.contoso.com. ' +
        'Use a name that these match, or widen spec.admission.',
    });
    expect(verdict({ domain: entry(), role: 'Edge' })).toEqual({
      ...notTheNamespace,
      message:
        'TrustDomain contoso does not admit namespace voice with the role Edge. ' +
        'Add an entry with this namespace and role to its spec.admission.',
    });
  });
});

describe('without admission', () => {
  const below = { poolFQDN: 'app.voice.contoso.com', members: [{ fqdn: 'a.app.voice.contoso.com' }] };
  const cases: readonly (readonly [string, Case, object])[] = [
    ['lets a member declare a Server below <namespace>.<SIP domain>', { domain: members, server: below }, admitted],
    [
      'lets it do so below any of the SIP domains',
      {
        domain: { ...members, sipDomains: ['contoso.com', 'contoso.net'] },
        server: { ...below, members: [{ fqdn: 'a.voice.contoso.net' }] },
      },
      admitted,
    ],
    ['refuses who is no member', { domain: {}, server: below }, notTheNamespace],
    ['refuses any other role', { domain: members, role: 'TrustedApplication', server: below }, notTheNamespace],
    ['refuses a name that lies elsewhere in the SIP domain', { domain: members }, notTheName],
    [
      'refuses the name of the namespace itself',
      { domain: members, server: { ...below, poolFQDN: 'voice.contoso.com' } },
      notTheName,
    ],
    [
      "refuses a name below another namespace's",
      { domain: members, server: { ...below, poolFQDN: 'app.web.contoso.com' } },
      notTheName,
    ],
    [
      'refuses a name that only ends alike',
      { domain: members, server: { ...below, poolFQDN: 'app.notvoice.contoso.com' } },
      notTheName,
    ],
  ];
  it.each(cases)('%s', (_what, given, expected) => {
    expect(verdict(given)).toMatchObject(expected);
  });

  it('says that membership would do, where it would', () => {
    expect(verdict({ server: below })).toMatchObject({ message: expect.stringContaining('Make the namespace a member') });
    expect(verdict({ role: 'Edge' })).toMatchObject({ message: expect.not.stringContaining('member') });
  });
});

describe('reserved names', () => {
  const everything = (role: Role) =>
    entry({ roles: [role], names: ['*.contoso.com', 'contoso.com', '*.fabrikam.com', 'fabrikam.com'] });
  const declaring = (role: Role, name: string, others: Case['others'] = {}): Case => ({
    domain: { ...everything(role), simpleURLs: { meet: 'meet.contoso.com', dialin: '*.contoso.com' } },
    role,
    server: role === 'Edge' ? { edge: { accessFQDN: name } } : { poolFQDN: name },
    others,
  });
  const fabrikam = { fabrikam: { sipDomains: ['fabrikam.com'], simpleURLs: { meet: 'meet.fabrikam.com' } } };

  it.each<readonly [Role, string, object]>([
    ['Server', 'sip.contoso.com', notTheName],
    ['Mediation', 'sip.contoso.com', notTheName],
    ['FrontEnd', 'sip.contoso.com', admitted],
    ['StandardEdition', 'sip.contoso.com', admitted],
    ['Director', 'sip.contoso.com', admitted],
    ['SurvivableBranch', 'sip.contoso.com', admitted],
    ['Edge', 'sip.contoso.com', admitted],
    ['Director', 'lyncdiscover.contoso.com', notTheName],
    ['FrontEnd', 'lyncdiscover.contoso.com', admitted],
    ['Edge', 'lyncdiscoverinternal.contoso.com', notTheName],
    ['FrontEnd', 'lyncdiscoverinternal.contoso.com', admitted],
    ['Server', 'meet.contoso.com', notTheName],
    ['FrontEnd', 'meet.contoso.com', admitted],
    ['Server', 'other.contoso.com', admitted],
    ['FrontEnd', 'contoso.com', notTheName],
    ['Edge', 'contoso.com', notTheName],
  ])('%s declares %s', (role, name, expected) => {
    expect(verdict(declaring(role, name))).toMatchObject(expected);
  });

  it.each<readonly [Role, string]>([
    ['Edge', 'sip.fabrikam.com'],
    ['FrontEnd', 'lyncdiscover.fabrikam.com'],
    ['FrontEnd', 'meet.fabrikam.com'],
    ['Server', 'fabrikam.com'],
  ])('are reserved in every other domain, for any role: %s declares %s', (role, name) => {
    expect(verdict(declaring(role, name))).toEqual(admitted);
    expect(verdict(declaring(role, name, fabrikam))).toMatchObject(notTheName);
  });

  it('are refused by a sentence that says whose they are', () => {
    expect(verdict(declaring('Server', 'sip.contoso.com'))).toMatchObject({
      message:
        'sip.contoso.com is reserved by TrustDomain contoso for FrontEnd, StandardEdition, Director, SurvivableBranch, Edge, ' +
        'and cannot be declared by the role Server of TrustDomain contoso. Choose another name.',
    });
    expect(verdict(declaring('Server', 'fabrikam.com', fabrikam))).toMatchObject({
      message: expect.stringContaining('reserved by TrustDomain fabrikam for itself, as a SIP domain'),
    });
  });

  it('are no longer reserved once their domain is gone, and only what changed is told', () => {
    const reservations = new Reservations();
    const names = reservedNames(trustDomain('contoso', { sipDomains: ['contoso.com'] }));
    expect(reservations.set('contoso', names)).toEqual([...names.keys()]);
    expect(reservations.set('contoso', names)).toEqual([]);
    expect(reservations.set('contoso', new Map([...names, ['meet.contoso.com', ['FrontEnd']]]))).toEqual(['meet.contoso.com']);
    expect(reservations.set('contoso', new Map())).toHaveLength(names.size + 1);
    expect(reservations.of('sip.contoso.com')).toEqual([]);
  });
});

describe('a pattern', () => {
  it.each([
    ['*.contoso.com', 'a.contoso.com', true],
    ['*.contoso.com', 'a.b.contoso.com', true],
    ['*.contoso.com', 'contoso.com', false],
    ['*.contoso.com', 'notcontoso.com', false],
    ['*.contoso.com', 'a.contoso.com.example', false],
    ['a.contoso.com', 'a.contoso.com', true],
    ['a.contoso.com', 'b.a.contoso.com', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matchesPattern(name, pattern)).toBe(expected);
  });
});

describe('a label selector', () => {
  const labels = { tier: 'voice', site: 'redmond' };
  const requirement = (key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', ...values: string[]) => ({
    matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }],
  });

  it.each([
    ['absent', undefined, false],
    ['empty', {}, true],
    ['of a label and its value', { matchLabels: { tier: 'voice' } }, true],
    ['of another value', { matchLabels: { tier: 'web' } }, false],
    ['of two labels, one of them another', { matchLabels: { tier: 'voice', site: 'here' } }, false],
    ['In, holding it', requirement('tier', 'In', 'web', 'voice'), true],
    ['In, not holding it', requirement('tier', 'In', 'web'), false],
    ['In, of a label that is missing', requirement('none', 'In', 'web'), false],
    ['NotIn, holding it', requirement('tier', 'NotIn', 'voice'), false],
    ['NotIn, not holding it', requirement('tier', 'NotIn', 'web'), true],
    ['NotIn, of a label that is missing', requirement('none', 'NotIn', 'web'), true],
    ['Exists', requirement('tier', 'Exists'), true],
    ['Exists, of a label that is missing', requirement('none', 'Exists'), false],
    ['DoesNotExist', requirement('tier', 'DoesNotExist'), false],
    ['DoesNotExist, of a label that is missing', requirement('none', 'DoesNotExist'), true],
    ['both kinds, one failing', { matchLabels: { tier: 'voice' }, ...requirement('site', 'DoesNotExist') }, false],
  ])('%s', (_what, selector, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });

  it('makes members, and none where the domain has none', () => {
    expect(isMember(trustDomain('contoso', members), voice)).toBe(true);
    expect(isMember(trustDomain('contoso', members), namespace('web'))).toBe(false);
    expect(isMember(trustDomain('contoso'), voice)).toBe(false);
  });
});
