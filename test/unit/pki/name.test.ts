// Names as one line of text, where nothing in a value can pass for another part of the name.

import { DerError } from '../../../operator/pki/der-reader.ts';
import { objectIdentifier, sequence, setOf, tlv, utf8String } from '../../../operator/pki/der-writer.ts';
import { distinguishedName, fitsCommonName, formatName } from '../../../operator/pki/name.ts';

const part = (type: string, value: Buffer) => sequence(objectIdentifier(type), value);
const of = (type: string, text: string) => part(type, utf8String(text));

describe('a name as text', () => {
  it('has the most specific part first (RFC 4514, 2.1)', () => {
    const name = sequence(setOf(of('2.5.4.6', 'DE')), setOf(of('2.5.4.10', 'Contoso')), setOf(of('2.5.4.3', 'Root')));
    expect(formatName(name)).toBe('CN=Root,O=Contoso,C=DE');
  });

  it('is empty for the empty name, and joins parts of several values', () => {
    expect(formatName(distinguishedName())).toBe('');
    expect(formatName(sequence(setOf(of('2.5.4.3', 'a'), of('2.5.4.11', 'b'))))).toBe('CN=a+OU=b');
  });

  it.each([
    ['plain text', 'plain text'],
    ['a,O=Contoso', 'a\\,O\\=Contoso'],
    ['a+b;c<d>e"f\\g', 'a\\+b\\;c\\<d\\>e\\"f\\\\g'],
    ['#1', '\\#1'],
    [' both ', '\\ both\\ '],
    [' ', '\\ '],
    ['a\nb\0c', 'a\\0ab\\00c'],
    ['Société', 'Société'],
  ])('escapes %j as %s', (text, line) => {
    expect(formatName(sequence(setOf(of('2.5.4.3', text))))).toBe(`CN=${line}`);
  });

  it.each([
    ['UTF8String', 0x0c, 'c3a9', 'é'],
    ['PrintableString', 0x13, '61', 'a'],
    ['TeletexString', 0x14, 'e9', 'é'],
    ['IA5String', 0x16, '61', 'a'],
    ['BMPString', 0x1e, '00e9', 'é'],
    ['a type without characters', 0x03, '0061', '#03020061'],
    ['half a BMPString', 0x1e, '00', '#1e0100'],
  ])('reads %s', (_, tag, content, text) => {
    expect(formatName(sequence(setOf(part('2.5.4.3', tlv(tag, Buffer.from(content, 'hex'))))))).toBe(`CN=${text}`);
  });

  it('gives unknown types by their numbers, and refuses what is no name', () => {
    expect(formatName(sequence(setOf(of('1.2.3.4', 'a'))))).toBe('1.2.3.4=a');
    for (const der of ['0500', '30020500', '310030', '300431020500', '3007310530030601']) {
      expect(() => formatName(Buffer.from(der, 'hex'))).toThrow(DerError);
    }
  });
});

describe('a common name', () => {
  it('has 1 to 64 characters, however many octets they take, and no control character', () => {
    expect(fitsCommonName('a'.repeat(64))).toBe(true);
    expect(fitsCommonName('é'.repeat(64))).toBe(true);
    expect(fitsCommonName('𝒞'.repeat(64))).toBe(true);
    for (const text of ['', 'a'.repeat(65), 'a\nb', 'a\0', 'a\u0085', 'half a pair \ud800'])
      expect(fitsCommonName(text)).toBe(false);
  });

  it('is a PrintableString where it can be, else a UTF8String', () => {
    expect(distinguishedName('pool01.contoso.com').includes(Buffer.from('1312', 'hex'))).toBe(true);
    expect(distinguishedName('*.contoso.com').includes(Buffer.from('0c0d', 'hex'))).toBe(true);
    expect(formatName(distinguishedName('O=Fabrikam, CN=Root'))).toBe('CN=O\\=Fabrikam\\, CN\\=Root');
  });
});
