// Revocation by CRL (RFC 5280, 5 and 6.3): who is revoked, and when it is not known.

import { sequence, smallInteger } from '../../../operator/pki/der-writer.ts';
import { type PathVerdict, validatePath } from '../../../operator/pki/path.ts';
import { parseRevocationList, type RevocationList } from '../../../operator/pki/revocation-list.ts';
import { crlNumber, day, extension, forge, forgeList, keysOf, type ListWish, now } from './forge.ts';

const root = forge({ subject: 'Root', ca: true });
const issuing = forge({ subject: 'Issuing', ca: true, by: root });
const leaf = forge({ subject: 'fe01', by: issuing });
const sibling = forge({ subject: 'fe02', by: issuing });

const list = (wish: Partial<ListWish> = {}): RevocationList => parseRevocationList(forgeList({ by: issuing, ...wish }));
const ofRoot = (wish: Partial<ListWish> = {}): RevocationList => list({ by: root, ...wish });

function told(revocationLists: readonly RevocationList[]): string {
  const verdict: PathVerdict = validatePath({
    leaf: leaf.certificate,
    intermediates: [issuing.certificate],
    anchors: [root.certificate],
    now,
    purpose: 'server',
    options: { revocationLists },
  });
  return verdict.ok ? 'good' : `${verdict.reason}: ${verdict.message}`;
}

const instant = (epochMs: number) => new Date(epochMs).toISOString().replace('.000Z', 'Z');
const unknown = (detail: string) => `RevocationUnknown: "CN=fe01" may have been revoked: ${detail}`;

it.each<[string, readonly RevocationList[], string]>([
  ['with a good list of every CA', [list(), ofRoot()], 'good'],
  ['with others on the list', [list({ revoked: [sibling.certificate] }), ofRoot()], 'good'],
  [
    'revoked',
    [ofRoot(), list({ revoked: [sibling.certificate, leaf.certificate] })],
    `Revoked: "CN=fe01" was revoked by "CN=Issuing" at ${instant(now - 60_000)}: its serial number is ${leaf.certificate.serial}`,
  ],
  [
    'below a CA that is revoked',
    [list(), ofRoot({ revoked: [issuing.certificate] })],
    `Revoked: "CN=Issuing" was revoked by "CN=Root" at ${instant(now - 60_000)}: its serial number is ${issuing.certificate.serial}`,
  ],
  ["on another CA's list", [list(), ofRoot({ revoked: [leaf.certificate] })], 'good'],
  ['without a list of its issuer', [ofRoot()], unknown('there is no list of "CN=Issuing"')],
  ['with an old list', [list({ nextUpdate: now - day }), ofRoot()], unknown(`it expired at ${instant(now - day)}`)],
  ['with an old list and a good one', [list({ nextUpdate: now - day }), list(), ofRoot()], 'good'],
  [
    'with a list of tomorrow',
    [list({ thisUpdate: now + day, nextUpdate: now + 2 * day }), ofRoot()],
    unknown(`it is not valid before ${instant(now + day)}`),
  ],
  [
    'with a list that another signed',
    [list({ signedBy: keysOf('forger') }), ofRoot()],
    unknown('its signature is not that of "CN=Issuing"'),
  ],
  ['with a list without number', [list({ extensions: [] }), ofRoot()], unknown('it has no CRL number')],
  [
    'with a list of some certificates only',
    [list({ extensions: [crlNumber, extension('2.5.29.28', sequence(), true)] }), ofRoot()],
    unknown('it has the critical extension 2.5.29.28, which is not known here'),
  ],
  [
    'with a list of certificates of others',
    [list({ revoked: [sibling.certificate], entryExtensions: [extension('2.5.29.29', sequence(), true)] }), ofRoot()],
    unknown('it has the critical extension 2.5.29.29, which is not known here'),
  ],
])('a leaf %s', (_, lists, answer) => {
  expect(told(lists)).toBe(answer);
});

it('is not asked of who has no lists', () => {
  expect(told([])).toBe(unknown('there is no list of "CN=Issuing"'));
});

it('a CA that may not sign lists has none', () => {
  const careful = forge({ subject: 'Careful', ca: true, by: root, keyUsage: ['keyCertSign'] });
  const verdict = validatePath({
    leaf: forge({ subject: 'fe03', by: careful }).certificate,
    intermediates: [],
    anchors: [careful.certificate],
    now,
    purpose: 'server',
    options: { revocationLists: [list({ by: careful })] },
  });
  expect(verdict).toMatchObject({
    reason: 'RevocationUnknown',
    message: '"CN=fe03" may have been revoked: "CN=Careful" may not sign it: its key usage is without cRLSign',
  });
});

it.each<[string, Buffer, string]>([
  ['junk', Buffer.from('junk'), 'it is shorter than it says'],
  ['a certificate', leaf.certificate.der, 'it has tag'],
  ['a number', smallInteger(1), 'it has tag 2 where tag 48 belongs'],
])('%s is no list', (_, der, message) => {
  expect(() => parseRevocationList(der)).toThrow(message);
});
