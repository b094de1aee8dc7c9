// Names that no partner is believed for, each with the sentence that says so.
import { checkPartnerNames, type PartnerNames } from '../../../operator/trust/partner-names.ts';

const partner = (name: string, sipDomains: readonly string[], changes: Partial<PartnerNames> = {}): PartnerNames => ({
  name,
  sipDomains,
  permittedNames: [],
  ...changes,
});
const check = (...partners: readonly PartnerNames[]) =>
  checkPartnerNames({ ourDomains: ['contoso.com', 'voice.contoso.net'], partners });

describe('the names of partners', () => {
  it.each<[string, readonly PartnerNames[]]>([
    [
      'of their own',
      [partner('fabrikam', ['fabrikam.com'], { accessEdge: 'sip.fabrikam.net', permittedNames: ['av.fabrikam.org'] })],
    ],
    ['nested in one another', [partner('fabrikam', ['fabrikam.com']), partner('voice', ['voice.fabrikam.com'])]],
    ['that look like ours', [partner('other', ['notcontoso.com', 'contoso.com.example.org'])]],
    ['that contain ours, where they are not SIP domains', [partner('host', ['host.org'], { permittedNames: ['contoso.net'] })]],
    ['twice on one list', [partner('fabrikam', ['fabrikam.com', 'fabrikam.com'])]],
    ['none', [partner('anybody', [])]],
  ])('are in order: %s', (_, partners) => {
    expect(check(...partners)).toEqual([]);
  });

  const remove = 'which is ours: no partner is believed for our names. Remove it, or the whole partner.';
  const suffix = 'is a public suffix, below which everybody can have a name: name the domain of the partner alone.';
  it.each<[string, Partial<PartnerNames>, string, string, string]>([
    [
      'a SIP domain equal to ours',
      { sipDomains: ['contoso.com'] },
      'DomainOfOurs',
      'contoso.com',
      `The SIP domain contoso.com equals contoso.com, ${remove}`,
    ],
    [
      'one in ours',
      { sipDomains: ['a.contoso.com'] },
      'DomainOfOurs',
      'a.contoso.com',
      `The SIP domain a.contoso.com lies in contoso.com, ${remove}`,
    ],
    [
      'one that contains ours',
      { sipDomains: ['contoso.net'] },
      'DomainOfOurs',
      'contoso.net',
      `The SIP domain contoso.net contains voice.contoso.net, ${remove}`,
    ],
    [
      'an access edge in ours',
      { accessEdge: 'sip.contoso.com' },
      'DomainOfOurs',
      'sip.contoso.com',
      `The access edge sip.contoso.com lies in contoso.com, ${remove}`,
    ],
    [
      'a permitted name in ours',
      { permittedNames: ['x.contoso.com'] },
      'DomainOfOurs',
      'x.contoso.com',
      `The permitted name x.contoso.com lies in contoso.com, ${remove}`,
    ],
    ['a public suffix', { sipDomains: ['co.uk'] }, 'PublicSuffix', 'co.uk', `The SIP domain co.uk ${suffix}`],
    [
      'one of a hosting company',
      { sipDomains: ['github.io'] },
      'PublicSuffix',
      'github.io',
      `The SIP domain github.io ${suffix}`,
    ],
    [
      'a top-level domain that is permitted',
      { permittedNames: ['org'] },
      'PublicSuffix',
      'org',
      `The permitted name org ${suffix}`,
    ],
  ])('are refused: %s', (_, changes, reason, name, message) => {
    expect(check(partner('p', [], changes))).toEqual([{ partner: 'p', reason, name, message }]);
  });

  it('are refused on both lists where a domain is on two, and on no third', () => {
    const message = (other: string) =>
      `The SIP domain fabrikam.com is also a domain of the partner ${other}: leave it with one of them.`;
    const domain = ['fabrikam.com'];
    expect(check(partner('a', domain), partner('b', domain), partner('c', ['c.com']))).toEqual([
      { partner: 'a', reason: 'DomainOnTwoLists', name: 'fabrikam.com', message: message('b') },
      { partner: 'b', reason: 'DomainOnTwoLists', name: 'fabrikam.com', message: message('a') },
    ]);
  });
});
