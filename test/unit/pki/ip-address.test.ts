// IP addresses in text and octets.
import { isIP } from 'node:net';
import fc from 'fast-check';
import { ipAddressOctets, ipAddressText } from '../../../operator/pki/ip-address.ts';

const hex = (text: string) => ipAddressOctets(text)?.toString('hex');

it.each([
  ['192.0.2.1', 'c0000201'],
  ['::', '0'.repeat(32)],
  ['::1', `${'0'.repeat(31)}1`],
  ['2001:DB8::8a2e:370:7334', '20010db80000000000008a2e03707334'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
])('%s has octets', (text, octets) => {
  expect(hex(text)).toBe(octets);
});

it.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.0.0.1',
  '192.168.001.1',
  '0xc0.0.2.1',
  ' 192.0.2.1',
  '192.0.2.1/24',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1::2::3',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8',
  '12345::',
  'fe80::1%eth0',
  '[::1]',
  '192.0.2.1::',
  '::192.0.2.1:1',
  'fe01.contoso.com',
])('"%s" is no address', (text) => {
  expect(ipAddressOctets(text)).toBeUndefined();
});

it.each([
  ['c0000201', '192.0.2.1'],
  ['0'.repeat(32), '::'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['00010000000000000002000000000000', '1::2:0:0:0'],
])('%s is written as RFC 5952 has it', (octets, text) => {
  expect(ipAddressText(Buffer.from(octets, 'hex'))).toBe(text);
});

it('every address is read back from its text', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
      (octets) => {
        const text = ipAddressText(Buffer.from(octets));
        expect([isIP(text) !== 0, ipAddressOctets(text)]).toEqual([true, Buffer.from(octets)]);
      },
    ),
  );
});

it('no text is taken for an address that Node does not take for one', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abf:.') }), (text) => {
      if (ipAddressOctets(text) !== undefined) expect(isIP(text)).not.toBe(0);
    }),
  );
});
