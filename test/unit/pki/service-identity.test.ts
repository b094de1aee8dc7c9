// Whose certificate it is (RFC 9525): by alternative names alone, whole, of the kind that was asked for.
import { sequence } from '../../../operator/pki/der-writer.ts';
import { alternativeNamesOf } from '../../../operator/pki/general-name.ts';
import { identityMismatch, isPublicSuffix, type ServiceName } from '../../../operator/pki/service-identity.ts';
import { generalName } from './forge.ts';

const { dns, mail, uri, ip } = generalName;
const spiffe = 'spiffe://contoso.com/front-end/pool01.contoso.com/fe01.contoso.com';

const answer = (presented: readonly Buffer[], service: ServiceName, wildcards = false): string =>
  identityMismatch(presented.length === 0 ? [] : alternativeNamesOf(sequence(...presented)), service, wildcards) ?? 'the same';

describe('a service is', () => {
  it.each<[string, readonly Buffer[], ServiceName, string]>([
    ['any of the names', [dns('pool01.contoso.com'), dns('FE01.contoso.com')], { dns: 'fe01.Contoso.com' }, 'the same'],
    [
      'not a name above or below',
      [dns('contoso.com')],
      { dns: 'fe01.contoso.com' },
      'is not for "fe01.contoso.com": it is for the DNS name "contoso.com"',
    ],
    [
      'not a name that goes on behind a NUL',
      [dns('fe01.contoso.com\0.fabrikam.com')],
      { dns: 'fe01.contoso.com' },
      'is not for "fe01.contoso.com": it is for the DNS name "fe01.contoso.com\\u0000.fabrikam.com"',
    ],
    [
      'not its common name',
      [],
      { dns: 'fe01.contoso.com' },
      'is not for "fe01.contoso.com": it has no subject alternative name, and a common name does not count',
    ],
    ['an A-label', [dns('xn--mnchen-3ya.de')], { dns: 'xn--mnchen-3ya.de' }, 'the same'],
    [
      'not an A-label in letters that it stands for',
      [dns('xn--mnchen-3ya.de')],
      { dns: 'münchen.de' },
      'cannot be checked for "münchen.de", which is no dns name',
    ],
    [
      'not asked for with a final dot',
      [dns('contoso.com')],
      { dns: 'contoso.com.' },
      'cannot be checked for "contoso.com.", which is no dns name',
    ],
    ['not asked for with nothing', [dns('contoso.com')], { dns: '' }, 'cannot be checked for "", which is no dns name'],
    ['an address', [ip('c0000201')], { ip: '192.0.2.1' }, 'the same'],
    ['an address, however it is written', [ip('20010db8000000000000000000000001')], { ip: '2001:DB8:0::0:1' }, 'the same'],
    [
      'not an address among the DNS names',
      [dns('192.0.2.1')],
      { ip: '192.0.2.1' },
      'is not for "192.0.2.1": it is for the DNS name "192.0.2.1"',
    ],
    [
      'not a host name that is an address',
      [dns('192.0.2.1')],
      { dns: '192.0.2.1' },
      'cannot be checked for "192.0.2.1", which is no dns name',
    ],
    [
      'not an address with leading zeros',
      [ip('c0000201')],
      { ip: '192.0.02.1' },
      'cannot be checked for "192.0.02.1", which is no ip name',
    ],
    ['a URI to the letter', [uri(spiffe)], { uri: spiffe }, 'the same'],
    [
      'not a URI that begins so',
      [uri(`${spiffe}/other`)],
      { uri: spiffe },
      `is not for "${spiffe}": it is for the URI "${spiffe}/other"`,
    ],
    ['not the host of a URI', [uri(spiffe)], { dns: 'contoso.com' }, `is not for "contoso.com": it is for the URI "${spiffe}"`],
    ['a mailbox, its host in any letters', [mail('alice@CONTOSO.com')], { mail: 'alice@contoso.com' }, 'the same'],
    [
      'not a mailbox in other letters',
      [mail('Alice@contoso.com')],
      { mail: 'alice@contoso.com' },
      'is not for "alice@contoso.com": it is for the mail address "Alice@contoso.com"',
    ],
    [
      'not told apart by more than five names',
      Array.from({ length: 7 }, (_, index) => dns(`a${index}`)),
      { dns: 'b' },
      'is not for "b": it is for the DNS name "a0", the DNS name "a1", the DNS name "a2", the DNS name "a3", the DNS name "a4" and 2 more',
    ],
  ])('%s', (_, presented, service, expected) => {
    expect(answer(presented, service)).toBe(expected);
  });
});

describe('a wildcard', () => {
  it.each([
    ['stands for one label', '*.contoso.com', 'fe01.contoso.com', true],
    ['stands for an A-label', '*.contoso.com', 'xn--mnchen-3ya.contoso.com', true],
    ['does not stand for two labels', '*.contoso.com', 'fe01.voice.contoso.com', false],
    ['does not stand for none', '*.contoso.com', 'contoso.com', false],
    ['is a whole label', 'fe*.contoso.com', 'fe01.contoso.com', false],
    ['is the first label', 'fe01.*.com', 'fe01.contoso.com', false],
    ['is below a domain that somebody holds', '*.com', 'contoso.com', false],
    ['is below a domain that somebody holds, as a registry has it', '*.co.uk', 'contoso.co.uk', false],
    ['is below a domain that somebody holds, as a provider has it', '*.s3.amazonaws.com', 'contoso.s3.amazonaws.com', false],
    ['is not alone', '*', 'com', false],
  ])('%s', (_, pattern, name, matches) => {
    expect(answer([dns(pattern)], { dns: name }, true) === 'the same').toBe(matches);
  });

  it('does not count unless asked for', () => {
    expect(answer([dns('*.contoso.com')], { dns: 'fe01.contoso.com' })).toBe(
      'is not for "fe01.contoso.com": it is for the DNS name "*.contoso.com", and wildcards do not count here',
    );
  });
});

it.each([
  ['com', true],
  ['CO.UK', true],
  ['s3.amazonaws.com', true],
  ['contoso.com', false],
  ['sip.contoso.co.uk', false],
  ['local', true],
  ['contoso.local', false],
])('%s is a public suffix: %s', (name, expected) => {
  expect(isPublicSuffix(name)).toBe(expected);
});
