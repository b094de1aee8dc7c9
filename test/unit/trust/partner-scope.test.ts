// What each partner's CA is believed for, by tables of partners: whose names are whose, what is withheld, and what makes a new
// federation root.
import { describeSubtree } from '../../../operator/pki/subtree.ts';
import { holdingsOf, type OurNames } from '../../../operator/trust/name-holders.ts';
import { type Partner, partnerScopes, type ScopedAuthority } from '../../../operator/trust/partner-scope.ts';
import { day, forge, generalName, keysOf, now, type Wish } from '../pki/forge.ts';

const { certificate: fabrikamCA, keys } = forge({ ca: true, subject: 'Fabrikam CA' });
const litwareCA = forge({ ca: true, subject: 'Litware CA' }).certificate;
const ours = { domains: ['contoso.com'], names: ['edge.hosting.net'] };

const partner = (name: string, sipDomains: readonly string[], changes: Partial<Partner> = {}): Partner => ({
  name,
  sipDomains,
  permittedNames: [],
  permittedIPs: [],
  scope: 'NameConstrained',
  blocked: false,
  anyName: false,
  anchors: [fabrikamCA],
  ...changes,
});
const fabrikam = partner('fabrikam', ['fabrikam.com']);
const litware = partner('litware', ['litware.com'], { anchors: [litwareCA] });

const scopes = (partners: readonly Partner[], own: OurNames = ours) => partnerScopes(partners, holdingsOf(own, partners));

/** The DNS names of a scope: those of the other kinds go along with them. */
function summary({ partners, anyName, scope, permitted, excluded, withheld }: ScopedAuthority) {
  const names = (subtrees: ScopedAuthority['permitted']) =>
    subtrees.filter(({ kind }) => kind === 'dns').map((subtree) => JSON.parse(describeSubtree(subtree)));
  return { partners, anyName, scope, permitted: names(permitted), excluded: names(excluded), withheld };
}

type Expected = Partial<ReturnType<typeof summary>>;

describe('the scope of a partner', () => {
  it.each<[string, readonly Partner[], readonly Expected[]]>([
    [
      'is its SIP domains, its edge and what it is permitted beside',
      [partner('fabrikam', ['fabrikam.com'], { accessEdge: 'sip.fabrikam.net', permittedNames: ['av.fabrikam.org'] })],
      [
        {
          partners: ['fabrikam'],
          permitted: ['av.fabrikam.org', 'fabrikam.com', 'sip.fabrikam.net'],
          excluded: [],
          withheld: [],
        },
      ],
    ],
    [
      'says nothing of another partner of another CA',
      [fabrikam, litware],
      [
        { partners: ['fabrikam'], permitted: ['fabrikam.com'], excluded: [] },
        { partners: ['litware'], permitted: ['litware.com'], excluded: [] },
      ],
    ],
    [
      'is shared by partners that share the CA',
      [fabrikam, partner('litware', ['litware.com'])],
      [{ partners: ['fabrikam', 'litware'], permitted: ['fabrikam.com', 'litware.com'], excluded: [] }],
    ],
    [
      'excludes the domain of another partner inside of its own',
      [fabrikam, partner('voice', ['voice.fabrikam.com'], { anchors: [litwareCA] })],
      [
        { partners: ['fabrikam'], permitted: ['fabrikam.com'], excluded: ['voice.fabrikam.com'] },
        { partners: ['voice'], permitted: ['voice.fabrikam.com'], excluded: [] },
      ],
    ],
    [
      'excludes nothing of a nested partner that shares the CA',
      [fabrikam, partner('voice', ['voice.fabrikam.com'])],
      [{ permitted: ['fabrikam.com', 'voice.fabrikam.com'], excluded: [] }],
    ],
    [
      'leaves a domain on two lists with the first',
      [fabrikam, partner('late', ['fabrikam.com', 'late.com'], { anchors: [litwareCA] })],
      [
        { partners: ['fabrikam'], permitted: ['fabrikam.com'], withheld: [] },
        { partners: ['late'], permitted: ['late.com'], excluded: ['fabrikam.com'], withheld: ['fabrikam.com'] },
      ],
    ],
    [
      'withholds what is ours, whatever the partner is permitted',
      [partner('fabrikam', ['fabrikam.com'], { accessEdge: 'sip.contoso.com', permittedNames: ['edge.hosting.net'] })],
      [{ permitted: ['fabrikam.com'], excluded: ['edge.hosting.net'], withheld: ['edge.hosting.net', 'sip.contoso.com'] }],
    ],
    [
      'excludes our names inside of what it is permitted',
      [partner('hosting', ['hosting.net'])],
      [{ permitted: ['hosting.net'], excluded: ['edge.hosting.net'], withheld: [] }],
    ],
    [
      'has nothing of a blocked partner',
      [litware, partner('fabrikam', ['fabrikam.com'], { blocked: true })],
      [{ partners: ['litware'], permitted: ['litware.com'] }],
    ],
    [
      'does not reach into the domain of a blocked partner',
      [
        partner('hosting', ['hosting.net'], { permittedNames: ['sip.fabrikam.com'] }),
        partner('blocked', ['fabrikam.com', 'bad.hosting.net'], { blocked: true }),
      ],
      [
        {
          partners: ['hosting'],
          permitted: ['hosting.net'],
          excluded: ['bad.hosting.net', 'edge.hosting.net'],
          withheld: ['sip.fabrikam.com'],
        },
      ],
    ],
    [
      'is nothing where all its domains are blocked by another entry, whichever comes first',
      [fabrikam, partner('blocked', ['fabrikam.com'], { blocked: true })],
      [{ partners: ['fabrikam'], scope: 'Nothing', permitted: [], withheld: ['fabrikam.com'] }],
    ],
    [
      'stays where a domain around it is blocked, since the partner names its own',
      [partner('voice', ['voice.fabrikam.com']), partner('blocked', ['fabrikam.com'], { blocked: true })],
      [{ permitted: ['voice.fabrikam.com'], excluded: [], withheld: [] }],
    ],
    [
      'is every name but ours and those of other partners, for any domain',
      [partner('anybody', [], { anyName: true }), litware],
      [
        { permitted: [''], excluded: ['contoso.com', 'edge.hosting.net', 'litware.com'] },
        { permitted: ['litware.com'], excluded: [] },
      ],
    ],
    [
      'stands apart where any domain is believed of the same CA',
      [fabrikam, partner('anybody', [], { anyName: true })],
      [
        { partners: ['fabrikam'], anyName: false, permitted: ['fabrikam.com'], excluded: [] },
        { partners: ['anybody'], anyName: true, permitted: [''], excluded: ['contoso.com', 'edge.hosting.net', 'fabrikam.com'] },
      ],
    ],
    [
      'has no edge within the domain of a partner of another CA',
      [fabrikam, partner('tenant', ['tenant.com'], { accessEdge: 'sip.fabrikam.com', anchors: [litwareCA] })],
      [{ partners: ['fabrikam'] }, { partners: ['tenant'], permitted: ['tenant.com'], withheld: ['sip.fabrikam.com'] }],
    ],
    [
      'has the edge of a provider that the first names, and who shares the CA',
      [
        partner('first', ['first.com'], { accessEdge: 'sip.provider.net' }),
        partner('second', ['second.com'], { accessEdge: 'sip.provider.net' }),
        partner('third', ['third.com'], {
          accessEdge: 'sip.provider.net',
          permittedNames: ['provider.net'],
          anchors: [litwareCA],
        }),
      ],
      [
        { partners: ['first', 'second'], permitted: ['first.com', 'second.com', 'sip.provider.net'], withheld: [] },
        { permitted: ['provider.net', 'third.com'], excluded: ['sip.provider.net'], withheld: ['sip.provider.net'] },
      ],
    ],
    [
      'leaves an edge to the next where of the first nothing can be believed',
      [
        partner('first', ['first.com'], { accessEdge: 'sip.provider.net', anchors: [] }),
        partner('second', ['second.com'], { accessEdge: 'sip.provider.net', anchors: [litwareCA] }),
      ],
      [{ partners: ['second'], permitted: ['second.com', 'sip.provider.net'], withheld: [] }],
    ],
    [
      'is not held to names where it is unconstrained, nor that of who shares its CA',
      [fabrikam, partner('litware', ['litware.com'], { scope: 'Unconstrained' })],
      [{ partners: ['fabrikam', 'litware'], scope: 'Unconstrained', permitted: [], excluded: [] }],
    ],
  ])('%s', (_, partners, expected) => {
    expect(scopes(partners).map(summary)).toMatchObject(expected);
  });

  it('is of DNS names, URIs and mail addresses alike, and of the addresses permitted', () => {
    const [scope] = scopes([
      partner('fabrikam', ['fabrikam.com'], { permittedIPs: ['192.0.2.0/24', '2001:db8::1', 'nonsense'] }),
    ]);
    expect(scope?.permitted.map((subtree) => `${subtree.kind} ${describeSubtree(subtree)}`)).toEqual([
      'dns "fabrikam.com"',
      'uri "fabrikam.com"',
      'mail "fabrikam.com"',
      'uri ".fabrikam.com"',
      'mail ".fabrikam.com"',
      'ip 192.0.2.0/255.255.255.0',
      'ip 2001:db8::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    ]);
  });
});

describe('one authority', () => {
  const chosen = (partners: readonly Partner[]) => scopes(partners).map(({ certificate }) => certificate.fingerprint);
  const renewed = forge({ ca: true, subject: 'Fabrikam CA', keys, notAfter: now + 90 * day }).certificate;
  const forged = forge({
    ca: true,
    subject: 'Fabrikam CA',
    keys,
    by: forge({ ca: true, subject: 'Mallory' }),
    notAfter: now + 900 * day,
  });

  it('is a subject and a key, whichever certificates say so', () => {
    const other = forge({ ca: true, subject: 'Fabrikam CA', keys: keysOf('Fabrikam CA, second key') }).certificate;
    const fabrikamWithAll = partner('fabrikam', ['fabrikam.com'], { anchors: [fabrikamCA, renewed, other] });
    expect(chosen([fabrikamWithAll])).toEqual([renewed.fingerprint, other.fingerprint]);
  });

  it('is the certificate that the CA made itself, and not one that another partner made up of its name and key', () => {
    const mallory = partner('mallory', ['mallory.com'], { anchors: [forged.certificate] });
    for (const partners of [
      [fabrikam, mallory],
      [mallory, fabrikam],
    ]) {
      expect(chosen(partners)).toEqual([fabrikamCA.fingerprint]);
    }
  });

  it('of which there is no such certificate is the one that came first', () => {
    const issuing = forge({ ca: true, subject: 'Issuing', by: forge({ ca: true, subject: 'Fabrikam Root' }) });
    const made = forge({ ca: true, subject: 'Issuing', keys: issuing.keys, by: forge({ ca: true, subject: 'Mallory' }) });
    const [first, second] = [
      partner('a', ['a.com'], { anchors: [issuing.certificate] }),
      partner('b', ['b.com'], { anchors: [made.certificate] }),
    ];
    expect(chosen([first, second])).toEqual([issuing.certificate.fingerprint]);
  });
});

describe('a CA that one of another partner issued', () => {
  const root = forge({ ca: true, subject: 'Tailspin Root' });
  const tailspin = partner('tailspin', ['tailspin.com'], { anchors: [root.certificate] });
  const branchOf = (by: typeof root) => forge({ ca: true, subject: 'Tailspin Branch', by }).certificate;
  const mallory = (anchors: Partner['anchors'], changes: Partial<Partner> = {}) =>
    partner('mallory', ['mallory.com'], { anchors, ...changes });
  const permittedOf = (...partners: readonly Partner[]) =>
    scopes(partners)
      .filter(({ partners: [name] }) => name === 'mallory')
      .map((authority) => summary(authority).permitted);

  it('is believed for what that one is, since software tries no other: its partner loses nothing by it', () => {
    expect(permittedOf(tailspin, mallory([branchOf(root)]))).toEqual([['mallory.com', 'tailspin.com']]);
    expect(permittedOf(mallory([branchOf(root)]), tailspin)).toEqual([['mallory.com', 'tailspin.com']]);
  });

  it('is so however far below it lies', () => {
    const branch = forge({ ca: true, subject: 'Tailspin Branch', by: root });
    const leafs = forge({ ca: true, subject: 'Tailspin Leafs', by: branch }).certificate;
    expect(permittedOf(tailspin, mallory([leafs, branch.certificate]))).toEqual([
      ['mallory.com', 'tailspin.com'],
      ['mallory.com', 'tailspin.com'],
    ]);
  });

  it('is for any name where that one is', () => {
    const unconstrained = { ...tailspin, scope: 'Unconstrained' as const };
    expect(scopes([unconstrained, mallory([branchOf(root)])]).map(({ scope }) => scope)).toEqual([
      'Unconstrained',
      'Unconstrained',
    ]);
  });

  it.each<[string, readonly Partner[]]>([
    ['it only says so', [tailspin, mallory([branchOf(forge({ ca: true, subject: 'Tailspin Root', keys: keysOf('mallory') }))])]],
    ['that one may issue no CA', limited({ pathLength: 0 })],
    ['that one is for servers alone', limited({ extendedKeyUsage: ['serverAuth'] })],
    ['that one is held to names', limited({ constraints: { permitted: [generalName.dns('tailspin.com')] } })],
    ['the other is blocked', [{ ...tailspin, blocked: true }, mallory([branchOf(root)])]],
    ['the other is believed for any domain', [{ ...tailspin, anyName: true }, mallory([branchOf(root)])]],
  ])('is believed for its own alone where %s', (_, partners) => {
    expect(permittedOf(...partners)).toEqual([['mallory.com']]);
  });

  it('names who is behind what it is believed for', () => {
    const behind = (...partners: readonly Partner[]) =>
      scopes(partners).map(({ vouching, unlimitedBy }) => ({ vouching, unlimitedBy }));
    const branch = mallory([branchOf(root)]);
    const nobody = { vouching: [], unlimitedBy: [] };
    expect(behind(tailspin, branch)).toEqual([nobody, { vouching: ['tailspin'], unlimitedBy: [] }]);
    const unlimitedBy = ['tailspin'];
    expect(behind({ ...tailspin, scope: 'Unconstrained' }, branch)).toEqual([
      { vouching: [], unlimitedBy },
      { vouching: ['tailspin'], unlimitedBy },
    ]);
    expect(behind(fabrikam, litware)).toEqual([nobody, nobody]);
  });

  it('is believed for nothing where its own partner is', () => {
    const [, authority] = scopes([tailspin, mallory([branchOf(root)], { sipDomains: ['contoso.com'] })]);
    expect(authority).toMatchObject({ partners: ['mallory'], scope: 'Nothing', withheld: ['contoso.com'] });
  });

  function limited(wish: Wish): readonly Partner[] {
    const limitedRoot = forge({ ca: true, subject: 'Tailspin Root', ...wish });
    return [{ ...tailspin, anchors: [limitedRoot.certificate] }, mallory([branchOf(limitedRoot)])];
  }
});

describe('the hash of a scope', () => {
  const hashOf = (partners: readonly Partner[]) => scopes(partners)[0]?.hash;
  const hash = hashOf([fabrikam]);

  it('stays while nothing changes that concerns the CA', () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf([{ ...fabrikam }, litware])).toBe(hash);
    expect(scopes([fabrikam], { domains: ['contoso.com', 'contoso.net'], names: [] })[0]?.hash).toBe(hash);
  });

  it.each<[string, readonly Partner[]]>([
    ['a SIP domain', [partner('fabrikam', ['fabrikam.com', 'fabrikam.net'])]],
    ['an edge', [{ ...fabrikam, accessEdge: 'sip.fabrikam.net' }]],
    ['an address', [{ ...fabrikam, permittedIPs: ['192.0.2.1'] }]],
    ['the scope', [{ ...fabrikam, scope: 'Unconstrained' }]],
    ['a partner inside of its domain', [fabrikam, partner('voice', ['voice.fabrikam.com'], { anchors: [litwareCA] })]],
    ['a blocked domain inside of its own', [fabrikam, partner('b', ['b.fabrikam.com'], { blocked: true })]],
    ['a partner that shares the CA', [fabrikam, partner('litware', ['litware.com'])]],
    ['its name', [{ ...fabrikam, name: 'other' }]],
    ['its certificate', [{ ...fabrikam, anchors: [litwareCA] }]],
  ])('changes with %s', (_, partners) => {
    expect(hashOf(partners)).not.toBe(hash);
  });
});
