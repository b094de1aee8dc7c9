// Which directory names are the same name (RFC 5280, 7.1), and which lie below another.
import { bmpString, printableString, sequence, setOf, tlv, utf8String } from '../../../operator/pki/der-writer.ts';
import { directoryName, isSameName, isWithin } from '../../../operator/pki/directory-name.ts';
import { nameOf } from './forge.ts';

const [organisation, unit] = ['2.5.4.10', '2.5.4.11'];
const named = (value: Buffer) => directoryName(nameOf([organisation, value]));

describe('the same name', () => {
  it.each<[string, Buffer, boolean]>([
    ['in other letters', utf8String('CONTOSO ltd'), true],
    ['in another string type', printableString('Contoso Ltd'), true],
    ['in UTF-16', bmpString('Contoso Ltd'), true],
    ['with other spacing', utf8String('  Contoso   Ltd '), true],
    ['in full-width letters', utf8String('Ｃontoso Ltd'), true],
    ['without its spaces', utf8String('ContosoLtd'), false],
    ['in another alphabet', utf8String('Соntoso Ltd'), false],
    ['in octets that are no UTF-8', tlv(0x0c, Buffer.from('Contoso Ltd\xff', 'latin1')), false],
    ['as no text at all', tlv(0x04, Buffer.from('Contoso Ltd')), false],
  ])('%s', (_, value, expected) => {
    expect(isSameName(named(utf8String('Contoso Ltd')), named(value))).toBe(expected);
  });

  it('is of the same attributes', () => {
    expect(isSameName(directoryName(nameOf([unit, utf8String('Contoso')])), named(utf8String('Contoso')))).toBe(false);
  });

  it('has parts whose attributes are in any order', () => {
    const attribute = (type: string, text: string) => {
      const [part] = [nameOf([type, utf8String(text)])];
      return part.subarray(4);
    };
    const [one, other] = [attribute(organisation, 'Contoso'), attribute(unit, 'Voice')];
    const inOrder = (first: Buffer, second: Buffer) => directoryName(sequence(tlv(0x31, first, second)));
    expect(isSameName(inOrder(one, other), inOrder(other, one))).toBe(true);
    expect(setOf(one, other)).toHaveLength(2 + one.length + other.length);
  });
});

it('a name lies within what it begins with', () => {
  const contoso = directoryName(nameOf([organisation, utf8String('Contoso')]));
  const voice = directoryName(nameOf([organisation, utf8String('Contoso')], [unit, utf8String('Voice')]));
  expect([isWithin(voice, contoso), isWithin(contoso, contoso), isWithin(contoso, voice), isWithin(voice, [])]).toEqual([
    true,
    true,
    false,
    true,
  ]);
});

it('octets of two names that no reader tells apart are not one name', () => {
  const broken = (octet: number) => named(tlv(0x0c, Buffer.of(octet)));
  expect(isSameName(broken(0xfe), broken(0xff))).toBe(false);
});
