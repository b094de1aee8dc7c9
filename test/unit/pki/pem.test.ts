// PEM as tools write it, and as people paste it.
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { decodePem, encodePem, PemError } from '../../../operator/pki/pem.ts';

const block = encodePem(
  'CERTIFICATE',
  Buffer.from('some octets that are longer than one line of base64 can hold, so that it breaks'),
);

describe('PEM', () => {
  it('comes back as it went, whatever the octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (der) => {
        const [read] = decodePem(encodePem('PRIVATE KEY', der));
        expect(read?.label).toBe('PRIVATE KEY');
        expect(Buffer.from(der).equals(read?.der ?? Buffer.alloc(0))).toBe(true);
      }),
    );
  });

  it('has lines of 64 characters and a final newline', () => {
    expect(block.split('\n').map((line) => line.length)).toEqual([27, 64, 44, 25, 0]);
  });

  it.each([
    ['CRLF', block.replaceAll('\n', '\r\n')],
    ['no final newline', block.trimEnd()],
    ['indentation, as in YAML', block.replace(/^/gm, '    ')],
    ['text around it, as openssl x509 -text writes', `Certificate:\n    Data: -----\n${block}subject=CN=x\n`],
    ['a byte order mark', `\ufeff\n${block}`],
    ['blank lines inside', block.replaceAll('\n', '\n\n')],
  ])('is read with %s', (_, text) => {
    expect(decodePem(text)).toEqual(decodePem(block));
  });

  it('has no blocks in text without any', () => {
    for (const text of ['', 'nothing', '-----END CERTIFICATE-----']) expect(decodePem(text)).toEqual([]);
  });

  it.each([
    ['a block that does not end', block.slice(0, -10), 'has a CERTIFICATE block that does not end'],
    ['a block that ends as another', block.replace('END CERTIFICATE', 'END PRIVATE KEY'), 'does not end'],
    ['characters that are not base64', block.replace('c', '!'), 'not base64'],
    ['base64 that was cut', block.replace(/.\n-----END/, '\n-----END'), 'not base64'],
    ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', 'not base64'],
    ['a block in a block', block.replace(/\n/, `\n${block}`), 'not base64'],
    [
      'headers of an encrypted key',
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----',
      'not base64',
    ],
  ])('is refused with %s', (_, text, sentence) => {
    expect(() => decodePem(text)).toThrow(PemError);
    expect(() => decodePem(text)).toThrow(sentence);
  });

  it('is read in time linear to its length, however many blocks begin and never end', () => {
    const begins = '-----BEGIN A-----\n';
    const started = performance.now();
    expect(() => decodePem(begins.repeat(60_000))).toThrow('does not end');
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
