// The CRLs of partners: delivered while a current one of every CA at the listener is at hand, and never with one missing; who
// stands in the way is named.

import type { ObservedPartner } from '../../../operator/controllers/federated-partner/observe.ts';
import type { ListObservation } from '../../../operator/controllers/federated-partner/revocation.ts';
import { sequence } from '../../../operator/pki/der-writer.ts';
import { authorityKeyIdentifier } from '../../../operator/pki/extensions.ts';
import { decodePem } from '../../../operator/pki/pem.ts';
import { doubtAbout, parseRevocationList } from '../../../operator/pki/revocation-list.ts';
import { backdating } from '../../../operator/pki/validity.ts';
import { crlNumber, day, extension, type Forged, forgeList, keysOf, type ListWish } from '../pki/forge.ts';
import {
  conditionsOf,
  federationOf,
  messageOf,
  now,
  observed,
  partnerOf,
  rootOf,
  type Settled,
  settle,
  statusOf,
} from './federation.ts';

const hour = 3_600_000;
const fabrikam = rootOf('Fabrikam Root');
const litware = rootOf('Litware Root');
const url = 'http://pki.fabrikam.com/root.crl';

const keyOf = ({ certificate }: Forged) => authorityKeyIdentifier(Buffer.from(certificate.subjectKeyId, 'hex'));
/** In order, unless the wish says otherwise. */
const listOf = (by: Forged, wish: Partial<ListWish> = {}): ListObservation => ({
  url,
  list: forgeList({ by, extensions: [keyOf(by), crlNumber], ...wish }).toString('base64'),
});

const publishing = (name: string, by: readonly Forged[], lists: readonly ListObservation[], spec: object = {}): ObservedPartner =>
  observed(partnerOf(name, { trust: { revocation: 'Published', crlURLs: [url] }, ...spec }), by, { lists });
const at = (partners: readonly ObservedPartner[], records?: Settled['observation']['records'], time = now): Settled =>
  settle(federationOf(partners, records === undefined ? {} : { records }), time);
const delivered = ({ planned }: Settled) => {
  const { revocationLists } = planned.federation;
  return revocationLists === undefined ? undefined : decodePem(revocationLists).map(({ der }) => parseRevocationList(der));
};
const told = (settled: Settled, name = 'fabrikam') => {
  const status = statusOf(name, settled);
  const [condition = 'none'] = conditionsOf(status).filter((each) => each.startsWith('RevocationCurrent'));
  return `${condition}: ${messageOf(status, 'RevocationCurrent')}`;
};

it('are delivered with that of the federation root, which no partner can have', () => {
  const settled = at([publishing('fabrikam', [fabrikam], [listOf(fabrikam)])]);
  expect(settled.done.map(({ kind }) => kind)).toEqual(['CrossCertify', 'WriteList']);
  const [root] = settled.planned.federation.bundle.anchors;
  const lists = delivered(settled) ?? [];
  expect(lists.map(({ authorityKeyId }) => authorityKeyId).sort()).toEqual(
    [root?.subjectKeyId, fabrikam.certificate.subjectKeyId].sort(),
  );
  const ofRoot = lists.find(({ authorityKeyId }) => authorityKeyId === root?.subjectKeyId);
  expect(ofRoot && root && doubtAbout(ofRoot, root, root.notAfter)).toBeUndefined();
  expect(told(settled)).toContain('RevocationCurrent True Delivered: crl.pem holds a current list of every CA');
  expect(settled.planned.listsTurn).toBe(now + day - hour);
});

it('are not asked for where nobody wants them', () => {
  const settled = at([observed(partnerOf('fabrikam'), [fabrikam])]);
  expect(delivered(settled)).toBeUndefined();
  expect(told(settled)).toBe('none: no condition RevocationCurrent');
});

describe('a list that cannot be relied on is none', () => {
  const { records } = at([observed(partnerOf('fabrikam'), [fabrikam])]).observation;
  const cases: readonly (readonly [string, readonly ListObservation[], string])[] = [
    ['nobody answered', [{ url, problem: `${url} answers 404, not 200.` }], `${url} answers 404, not 200.`],
    ['another CA’s', [listOf(litware)], 'There is no list of "CN=Fabrikam Root" at http://pki.fabrikam.com/root.crl.'],
    ['expired', [listOf(fabrikam, { nextUpdate: now - 1000 })], 'cannot be relied on: it expired at'],
    ['of this hour alone', [listOf(fabrikam, { nextUpdate: now + hour })], 'and files take up to an hour to be read anew'],
    [
      'of this minute',
      [listOf(fabrikam, { thisUpdate: now - 60_000 })],
      'and clocks that are behind would take it for one of the future',
    ],
    ['of tomorrow', [listOf(fabrikam, { thisUpdate: now + day, nextUpdate: now + 2 * day })], 'it is not valid before'],
    ['signed by another', [listOf(fabrikam, { signedBy: keysOf('forger') })], 'its signature is not that of "CN=Fabrikam Root"'],
    [
      'without the key that signed it',
      [listOf(fabrikam, { extensions: [crlNumber] })],
      'it does not say that the key of "CN=Fabrikam Root" signed it',
    ],
    [
      'by another key of that name',
      [listOf(fabrikam, { extensions: [keyOf(litware), crlNumber] })],
      'it does not say that the key of',
    ],
    ['without a number', [listOf(fabrikam, { extensions: [keyOf(fabrikam)] })], 'it has no CRL number'],
    [
      'a delta',
      [listOf(fabrikam, { extensions: [keyOf(fabrikam), crlNumber, extension('2.5.29.27', sequence(), true)] })],
      'critical extension 2.5.29.27',
    ],
    [
      'of some certificates only',
      [listOf(fabrikam, { extensions: [keyOf(fabrikam), crlNumber, extension('2.5.29.28', sequence(), true)] })],
      'critical extension 2.5.29.28',
    ],
  ];
  it.each(cases)('%s', (_, lists, sentence) => {
    const settled = at([publishing('fabrikam', [fabrikam], lists)], records);
    expect(delivered(settled)).toBeUndefined();
    expect(told(settled)).toContain('RevocationCurrent False ListUnavailable');
    expect(told(settled)).toContain(sentence);
    expect(statusOf('fabrikam', settled).state).toBe('Trusted');
  });
});

describe('who comes anew', () => {
  const first = publishing('fabrikam', [fabrikam], [listOf(fabrikam)]);
  const before = at([first]);
  const unheard: ListObservation = { url, problem: `${url} was not heard yet.` };
  /** As the API server has it afterwards. */
  const standing = { ...first, partner: { ...first.partner, status: statusOf('fabrikam', before) } };
  const withNewcomer = (lists: readonly ListObservation[], by: readonly Forged[] = [litware]) =>
    at([standing, publishing('litware', by, lists)], before.observation.records);

  it('is believed once its list is at hand, and costs nobody what is checked', () => {
    const waiting = withNewcomer([unheard]);
    expect(waiting.done).toEqual([]);
    expect(waiting.planned.federation).toMatchObject({
      bundle: before.planned.federation.bundle,
      partners: before.planned.federation.partners,
      revocationLists: before.planned.federation.revocationLists,
    });
    expect(told(waiting)).toContain('RevocationCurrent True Delivered');
    const status = statusOf('litware', waiting);
    expect(conditionsOf(status)).toContain('TrustEstablished False ListUnavailable');
    expect(messageOf(status, 'TrustEstablished')).toBe(
      `${url} was not heard yet. The CAs that it names anew are believed once a current list of each is at hand: nobody’s lists could be checked before.`,
    );
    expect(status).toMatchObject({ state: 'Pending' });
    expect(delivered(withNewcomer([listOf(litware)]))).toHaveLength(4);
  });

  it('comes with all of its CAs, since none of them is much use without the others', () => {
    const issuing = rootOf('Litware Issuing');
    const waiting = withNewcomer([listOf(litware)], [litware, issuing]);
    expect(waiting.done).toEqual([]);
    expect(messageOf(statusOf('litware', waiting), 'TrustEstablished')).toContain('There is no list of "CN=Litware Issuing"');
    expect(delivered(withNewcomer([listOf(litware), listOf(issuing)], [litware, issuing]))).toHaveLength(6);
  });

  it('is looked at again when its list begins', () => {
    const upcoming = listOf(litware, { thisUpdate: now, nextUpdate: now + 7 * day });
    expect(withNewcomer([upcoming]).planned.listsTurn).toBe(now + backdating);
  });

  it('may be one more CA of a partner, and what is in place goes on', () => {
    const two = publishing('fabrikam', [fabrikam, litware], [listOf(fabrikam)]);
    const rolling = { ...two, partner: { ...two.partner, status: statusOf('fabrikam', before) } };
    const waiting = at([rolling], before.observation.records);
    expect(waiting.done).toEqual([]);
    expect(waiting.planned.federation.revocationLists).toBe(before.planned.federation.revocationLists);
    const status = statusOf('fabrikam', waiting);
    expect(conditionsOf(status)).toContain('AnchorsAccepted False SourceUnavailable');
    expect(messageOf(status, 'AnchorsAccepted')).toContain('There is no list of "CN=Litware Root"');
    expect(delivered(at([{ ...rolling, lists: [listOf(fabrikam), listOf(litware)] }], before.observation.records))).toHaveLength(
      4,
    );
  });

  it('has nothing checked of a partner in place that nobody checked before: it may be below a CA that is believed', () => {
    const { records } = at([observed(partnerOf('fabrikam'), [fabrikam])]).observation;
    const settled = at([publishing('fabrikam', [fabrikam, litware], [listOf(fabrikam)])], records);
    expect(delivered(settled)).toBeUndefined();
    expect(told(settled)).toContain('There is no list of "CN=Litware Root"');
    expect(statusOf('fabrikam', settled).state).toBe('Trusted');
  });

  it('waits for no list of a CA that is believed already, or by another partner without lists', () => {
    const { records } = at([observed(partnerOf('northwind'), [litware])]).observation;
    expect(conditionsOf(statusOf('litware', at([publishing('litware', [litware], [unheard])], records)))).toContain(
      'TrustEstablished True Established',
    );
    const both = at([observed(partnerOf('northwind'), [litware]), publishing('litware', [litware], [unheard])]);
    expect(statusOf('litware', both).state).toBe('Trusted');
  });
});

describe('what was taken once', () => {
  const first = publishing('fabrikam', [fabrikam], [listOf(fabrikam)]);
  const { records } = at([first]).observation;
  const unheard = publishing('fabrikam', [fabrikam], [{ url, problem: `${url} was not heard yet.` }]);

  it('costs no write at rest', () => {
    expect(at([first], records).done).toEqual([]);
  });

  it('goes on while nobody answers, until an hour before it ends', () => {
    expect(delivered(at([unheard], records))).toHaveLength(2);
    const end = now + day - hour;
    expect(delivered(at([unheard], records, end - 1))).toHaveLength(2);
    const later = at([unheard], records, end);
    expect(delivered(later)).toBeUndefined();
    expect(told(later)).toContain('was not heard yet');
  });

  it('is not replaced by an older one, as somebody on the way may send', () => {
    const older = publishing('fabrikam', [fabrikam], [listOf(fabrikam, { thisUpdate: now - 10 * day })]);
    expect(at([older], records).done).toEqual([]);
  });

  it('is replaced by a newer one, in one write, once every clock takes that for begun', () => {
    const newer = publishing('fabrikam', [fabrikam], [listOf(fabrikam, { thisUpdate: now, nextUpdate: now + 7 * day })]);
    expect(at([newer], records).done).toEqual([]);
    expect(at([newer], records).planned.listsTurn).toBe(now + backdating);
    const settled = at([newer], records, now + backdating);
    expect(settled.done.map(({ kind }) => kind)).toEqual(['WriteList']);
    expect(settled.planned.federation.revocationLists).not.toBe(at([first], records).planned.federation.revocationLists);
    expect(settled.planned.federation.bundle.hash).toBe(at([first], records).planned.federation.bundle.hash);
  });

  it('is read again where somebody edited it', () => {
    const [record = ''] = [...records.keys()].filter((name) => name.includes('.list.'));
    const edited = new Map([...records, [record, { 'list.crl': 'nonsense' }]]);
    expect(at([first], edited).done.map(({ kind }) => kind)).toEqual(['WriteList']);
    expect(told(at([unheard], edited))).toContain('ListUnavailable');
  });

  it('goes when it is not wanted any more', () => {
    const settled = at([observed(partnerOf('fabrikam'), [fabrikam])], records);
    expect(settled.done.map(({ kind }) => kind)).toEqual(['Remove']);
  });
});

describe('of several partners', () => {
  const fabrikamPublishes = publishing('fabrikam', [fabrikam], [listOf(fabrikam)]);

  it('all must publish, and whoever does not is named', () => {
    const settled = at([fabrikamPublishes, observed(partnerOf('litware'), [litware])]);
    expect(delivered(settled)).toBeUndefined();
    expect(told(settled)).toContain('RevocationCurrent False PartnersWithoutLists');
    expect(told(settled)).toContain('of the CAs of litware at the same listener');
    expect(told(settled, 'litware')).toBe('none: no condition RevocationCurrent');
  });

  it('one whose list has expired stands in the way of the others', () => {
    const { records } = at([fabrikamPublishes, publishing('litware', [litware], [listOf(litware)])]).observation;
    const ended = publishing('litware', [litware], [listOf(litware, { nextUpdate: now - 1000 })]);
    const withoutList = new Map([...records].filter(([name]) => !name.includes('.list.')));
    const settled = at([fabrikamPublishes, ended], withoutList);
    expect(told(settled)).toContain('PartnersWithoutLists');
    expect(told(settled, 'litware')).toContain('ListUnavailable');
  });

  it('those that are blocked, refused, or for any domain do not count', () => {
    const others = [
      observed(partnerOf('blocked', { mode: 'Blocked' })),
      observed(partnerOf('refused'), 'nonsense'),
      observed(partnerOf('anybody', { mode: 'Discovered' }), [litware]),
    ];
    expect(delivered(at([fabrikamPublishes, ...others]))).toHaveLength(2);
  });

  it('that share a CA, the list of one does for both, if both publish', () => {
    const shares = publishing('northwind', [fabrikam], []);
    expect(delivered(at([fabrikamPublishes, shares]))).toHaveLength(2);
    expect(told(at([fabrikamPublishes, observed(partnerOf('northwind'), [fabrikam])]))).toContain('of the CAs of northwind');
  });

  it('with two CAs, each needs a list', () => {
    const both = publishing('fabrikam', [fabrikam, litware], [listOf(fabrikam)]);
    const status = statusOf('fabrikam', at([both]));
    expect(messageOf(status, 'TrustEstablished')).toContain('There is no list of "CN=Litware Root"');
    expect(delivered(at([publishing('fabrikam', [fabrikam, litware], [listOf(fabrikam), listOf(litware)])]))).toHaveLength(4);
  });

  it('that are too large together are not delivered', () => {
    const revoked = Array.from({ length: 12_000 }, () => litware.certificate);
    const settled = at([publishing('fabrikam', [fabrikam], [listOf(fabrikam, { revoked })])]);
    expect(delivered(settled)).toBeUndefined();
    expect(told(settled)).toContain('RevocationCurrent False ListsTooLarge');
  });
});
