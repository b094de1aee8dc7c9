// What single name constraints permit and exclude (RFC 5280, 4.2.1.10), and which are refused as they stand.
import { onlyElement, tags } from '../../../operator/pki/der-reader.ts';
import { sequence, tlv, utf8String } from '../../../operator/pki/der-writer.ts';
import { alternativeNamesOf, describeName } from '../../../operator/pki/general-name.ts';
import { violationOf } from '../../../operator/pki/name-constraints.ts';
import { nameConstraintsOf } from '../../../operator/pki/subtree.ts';
import { generalName, nameConstraints, nameOf } from './forge.ts';

const { dns, mail, uri, ip, directory, principal } = generalName;
const organisation = (name: string, unit?: string) =>
  directory(nameOf(['2.5.4.10', utf8String(name)], ...(unit === undefined ? [] : [['2.5.4.11', utf8String(unit)] as const])));

/** The name's violation where the subtree is permitted, and where it is excluded. */
function decisions(base: Buffer, presented: Buffer): readonly [whenPermitted: string, whenExcluded: string] {
  const [name] = alternativeNamesOf(sequence(presented));
  if (name === undefined) throw new Error('there is no name');
  const decide = (constraints: Parameters<typeof nameConstraints>[0]) =>
    violationOf(nameConstraintsOf(nameConstraints(constraints)), name)?.reason ?? 'allowed';
  return [decide({ permitted: [base] }), decide({ excluded: [base] })];
}

const within = ['allowed', 'NameExcluded'] as const;
const outside = ['NameNotPermitted', 'allowed'] as const;
/** Some of what it stands for lies within. */
const across = ['NameNotPermitted', 'NameExcluded'] as const;
/** Where it lies cannot be told. */
const refused = ['NameNotPermitted', 'NameNotPermitted'] as const;
const anotherKind = ['allowed', 'allowed'] as const;

describe('a subtree', () => {
  it.each<[string, Buffer, Buffer, readonly [string, string]]>([
    // DNS: the name and all below it
    ['holds the name itself', dns('contoso.com'), dns('contoso.com'), within],
    ['holds what is below the name', dns('contoso.com'), dns('fe01.pool01.contoso.com'), within],
    ['is in any letters', dns('Contoso.COM'), dns('FE01.contoso.com'), within],
    ['goes by whole labels', dns('contoso.com'), dns('notcontoso.com'), outside],
    ['does not hold what is above it', dns('fe01.contoso.com'), dns('contoso.com'), outside],
    ['that is empty holds every DNS name', dns(''), dns('fe01.contoso.com'), within],
    ['with a leading dot holds what is below', dns('.contoso.com'), dns('fe01.contoso.com'), within],
    ['with a leading dot does not hold the name itself', dns('.contoso.com'), dns('contoso.com'), outside],
    ['of an A-label holds that label', dns('xn--mnchen-3ya.de'), dns('sip.XN--MNCHEN-3YA.de'), within],
    ['of another A-label does not', dns('xn--mnchen-3ya.de'), dns('sip.munchen.de'), outside],
    ['holds a wildcard below it', dns('contoso.com'), dns('*.contoso.com'), within],
    ['holds a wildcard further below it', dns('contoso.com'), dns('*.voice.contoso.com'), within],
    ['is reached by a wildcard above it', dns('fe01.contoso.com'), dns('*.contoso.com'), across],
    ['is not reached by a wildcard, which stands for one label', dns('a.b.contoso.com'), dns('*.contoso.com'), outside],
    ['cannot tell of a NUL', dns('fabrikam.com'), dns('fe01.contoso.com\0.fabrikam.com'), refused],
    ['cannot tell of an empty label', dns('fabrikam.com'), dns('fe01..fabrikam.com'), refused],
    ['cannot tell of a leading dot', dns('fabrikam.com'), dns('.fabrikam.com'), refused],
    ['cannot tell of a final dot', dns('fabrikam.com'), dns('fe01.fabrikam.com.'), refused],
    ['cannot tell of an address', dns('fabrikam.com'), dns('192.0.2.1'), refused],
    ['says nothing of other kinds', dns('fabrikam.com'), ip('c0000201'), anotherKind],
    // URI: one host, or those below it
    ['of a host holds URIs there', uri('contoso.com'), uri('spiffe://contoso.com/front-end/pool01'), within],
    ['of a host holds URIs at any port', uri('contoso.com'), uri('https://contoso.com:8443/'), within],
    ['of a host does not hold hosts below', uri('contoso.com'), uri('https://pki.contoso.com/'), outside],
    ['of hosts below holds those', uri('.contoso.com'), uri('https://pki.contoso.com/'), within],
    ['of hosts below does not hold the host itself', uri('.contoso.com'), uri('https://contoso.com/'), outside],
    ['cannot tell of userinfo', uri('fabrikam.com'), uri('spiffe://contoso.com:x@fabrikam.com'), refused],
    ['cannot tell of a SIP URI, which has no authority', uri('fabrikam.com'), uri('sip:alice@fabrikam.com'), refused],
    ['cannot tell of a URN', uri('fabrikam.com'), uri('urn:uuid:0'), refused],
    ['cannot tell of a URI at an address', uri('fabrikam.com'), uri('https://192.0.2.1/'), refused],
    ['cannot tell of a NUL in a host', uri('fabrikam.com'), uri('https://contoso.com\0.fabrikam.com/'), refused],
    [
      'cannot tell of a backslash, which browsers take for a slash',
      uri('fabrikam.com'),
      uri('https://contoso.com\\.fabrikam.com/'),
      refused,
    ],
    // Mail: one mailbox, one host, or the hosts below it
    ['of a mailbox holds it', mail('alice@contoso.com'), mail('alice@Contoso.com'), within],
    ['of a mailbox is in its letters', mail('alice@contoso.com'), mail('Alice@contoso.com'), outside],
    ['of a mailbox takes an asterisk for one', mail('*@contoso.com'), mail('alice@contoso.com'), outside],
    ['of a mailbox takes quotes for what they hold', mail('alice@contoso.com'), mail('"alice"@contoso.com'), within],
    ['of a mail host holds every mailbox there', mail('contoso.com'), mail('alice@contoso.com'), within],
    ['of a mail host does not hold hosts below', mail('contoso.com'), mail('alice@hr.contoso.com'), outside],
    ['of mail hosts below holds those', mail('.contoso.com'), mail('alice@hr.contoso.com'), within],
    ['of mail that is empty holds every mailbox', mail(''), mail('alice@contoso.com'), within],
    ['cannot tell of two hosts', mail('fabrikam.com'), mail('alice@contoso.com@fabrikam.com'), refused],
    ['cannot tell of no host', mail('fabrikam.com'), mail('alice'), refused],
    ['tells of an at sign in quotes', mail('fabrikam.com'), mail('"alice@contoso.com"@fabrikam.com'), within],
    // IP: an address and a mask
    ['of addresses holds those', ip('c0000200ffffff00'), ip('c00002ff'), within],
    ['of addresses does not hold the next', ip('c0000200ffffff00'), ip('c0000300'), outside],
    ['of addresses looks at those of its own length', ip(`${'0'.repeat(32)}${'0'.repeat(32)}`), ip('c0000201'), outside],
    ['of all addresses holds all', ip('0000000000000000'), ip('c0000201'), within],
    ['of addresses is not of mapped ones', ip('c0000200ffffff00'), ip('00000000000000000000ffffc0000201'), outside],
    // Directory names: what begins with the same parts
    ['of a directory holds what is below', organisation('Contoso'), organisation('Contoso', 'Voice'), within],
    ['of a directory is in any letters and spacing', organisation('contoso  ltd'), organisation('Contoso Ltd', 'Voice'), within],
    ['of a directory does not hold what is above', organisation('Contoso', 'Voice'), organisation('Contoso'), outside],
    ['of a directory does not hold another', organisation('Contoso'), organisation('Fabrikam'), outside],
  ])('%s', (_, base, presented, expected) => {
    expect(decisions(base, presented)).toEqual(expected);
  });

  it('of principals is not understood, and so allows none', () => {
    expect(decisions(principal('contoso.com'), principal('alice@contoso.com'))).toEqual([
      'UnsupportedNameConstraint',
      'UnsupportedNameConstraint',
    ]);
  });
});

describe('constraints are refused', () => {
  const minimum = (...limits: readonly Buffer[]) => sequence(tlv(0xa0, sequence(dns('contoso.com'), ...limits)));

  it.each<[string, Buffer, string]>([
    ['with nothing in them', sequence(), 'it has neither permitted nor excluded subtrees'],
    ['with empty lists', sequence(tlv(0xa0), tlv(0xa1)), 'it has an empty list of subtrees'],
    ['with NULL for lists', sequence(tlv(0x80), tlv(0x81)), 'it has neither permitted nor excluded subtrees'],
    [
      'with a list twice',
      sequence(tlv(0xa0, sequence(dns('a'))), tlv(0xa0, sequence(dns('b')))),
      'it has neither permitted nor excluded subtrees',
    ],
    ['with a maximum', minimum(tlv(0x81, Buffer.of(1))), 'it has a subtree with a minimum or maximum'],
    ['with a minimum', minimum(tlv(0x80, Buffer.of(1))), 'it has a subtree with a minimum or maximum'],
    [
      'of a wildcard',
      nameConstraints({ permitted: [dns('*.contoso.com')] }),
      'it has the dns constraint "*.contoso.com", which is no host name',
    ],
    ['of a NUL', nameConstraints({ excluded: [dns('a\0b')] }), 'it has the dns constraint "a\\u0000b", which is no host name'],
    [
      'of an address as a DNS name',
      nameConstraints({ excluded: [dns('192.0.2.1')] }),
      'it has the dns constraint "192.0.2.1", which is no host name',
    ],
    [
      'of a whole URI',
      nameConstraints({ permitted: [uri('https://contoso.com')] }),
      'it has the uri constraint "https://contoso.com", which is no host name',
    ],
    ['of mail at a dot', nameConstraints({ excluded: [mail('.')] }), 'it has the mail constraint ".", which is no host name'],
    [
      'of mail at two hosts',
      nameConstraints({ excluded: [mail('a@b@c')] }),
      'it has the mail constraint "a@b@c", which is no mailbox',
    ],
    [
      'of an address without mask',
      nameConstraints({ excluded: [ip('c0000201')] }),
      'it has an IP constraint of 4 octets that is no address with its mask',
    ],
    [
      'of a mask with gaps',
      nameConstraints({ excluded: [ip('c0000200ff00ff00')] }),
      'it has an IP constraint of 8 octets that is no address with its mask',
    ],
  ])('%s', (_, value, message) => {
    expect(() => nameConstraintsOf(value)).toThrow(message);
  });

  it('but not for a minimum of zero that is written out', () => {
    expect(nameConstraintsOf(minimum(tlv(0x80, Buffer.of(0)))).permitted).toHaveLength(1);
  });
});

describe('a name is told to people', () => {
  it.each([
    [dns('fe01.contoso.com\0\n\x7f'), 'the DNS name "fe01.contoso.com\\u0000\\n\\u007f"'],
    [dns('a'.repeat(500)), `the DNS name "${'a'.repeat(120)}..."`],
    [ip('20010db8000000000000000000000001'), 'the IP address 2001:db8::1'],
    [organisation('Contoso', 'Voice'), 'the directory name "OU=Voice,O=Contoso"'],
    [principal('alice@contoso.com'), 'a name of the form otherName'],
  ])('%#', (presented, text) => {
    expect(onlyElement(sequence(presented), tags.sequence).content).toHaveLength(presented.length);
    expect(alternativeNamesOf(sequence(presented)).map(describeName)).toEqual([text]);
  });
});
