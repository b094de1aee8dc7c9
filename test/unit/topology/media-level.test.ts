// What media on a link is, by the levels of domain, server, and gateway or partner: the whole table, and what is said of it.
import type { EncryptionLevel } from '../../../operator/api/v1alpha1/index.ts';
import { belowDomain, partnerMedia, serverEnd } from '../../../operator/topology/link-media.ts';
import { heldTo, type LinkLevel, linkLevel, mediaCondition } from '../../../operator/topology/media-level.ts';
import { trunkMedia } from '../../../operator/topology/trunks.ts';
import { partner } from './declared.ts';
import { mediaGateway, trustDomain, trustedServer } from './objects.ts';

type Declared = EncryptionLevel | undefined;
const none = undefined;
const levels: readonly EncryptionLevel[] = ['Required', 'Supported', 'NotSupported'];
const media = (encryptionLevel: Declared) => (encryptionLevel === undefined ? {} : { media: { encryptionLevel } });
const domainOf = (level: EncryptionLevel) => trustDomain('contoso', media(level));
const edge = (level: Declared, name = 'edge') => trustedServer(name, 'Edge', media(level));

describe('a link', () => {
  const all: readonly Declared[] = [none, ...levels];

  it('is the same from either end', () => {
    for (const domain of levels)
      for (const one of all) for (const other of all) expect(linkLevel(one, other, domain)).toBe(linkLevel(other, one, domain));
  });

  it('is what the domain has, where neither end declares any, and what one declares, whatever the domain has', () => {
    for (const domain of levels) {
      expect(linkLevel(none, none, domain)).toBe(domain);
      for (const level of levels) expect(linkLevel(level, none, domain)).toBe(level);
    }
  });

  it('is in the clear only where no end declares Required, and none where the two contradict each other', () => {
    for (const domain of levels)
      for (const one of levels)
        for (const other of levels) {
          const level = linkLevel(one, other, domain);
          const ends: readonly LinkLevel[] = [one, other];
          expect(level === 'Required' || level === 'None').toBe(ends.includes('Required'));
          expect(level === 'None').toBe(ends.includes('Required') && ends.includes('NotSupported'));
        }
  });

  it.each<[LinkLevel, string, string, string]>([
    ['Required', 'True Encrypted', 'True Encrypted', 'True Encrypted'],
    ['Supported', 'False EncryptedWherePossible', 'Unknown EncryptedWherePossible', 'Unknown EncryptedWherePossible'],
    ['NotSupported', 'False SRTPNotPossible', 'False MediaUnencrypted', 'False MediaUnencrypted'],
    ['None', 'False SRTPNotPossible', 'False SRTPNotPossible', 'False SRTPNotPossible'],
  ])('that is %s is shown, in a domain Required, Supported, NotSupported: %s, %s, %s', (level, ...expected) => {
    const shown = levels.map((domain) => mediaCondition(level, domain)).map(({ status, reason }) => `${status} ${reason}`);
    expect(shown).toEqual(expected);
  });
});

it('is held to SRTP where the ends contradict each other: software has no word for no media', () => {
  expect(heldTo('None')).toBe('Required');
  for (const level of levels) expect(heldTo(level)).toBe(level);
});

describe('with a gateway', () => {
  const pool = (level: Declared) => trustedServer('med01', 'Mediation', media(level));
  it.each<[EncryptionLevel, Declared, LinkLevel, LinkLevel, LinkLevel]>([
    ['Required', none, 'Required', 'Required', 'NotSupported'],
    ['Required', 'Required', 'Required', 'Required', 'None'],
    ['Required', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Required', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['Supported', none, 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'Required', 'Required', 'Required', 'None'],
    ['Supported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['NotSupported', none, 'Required', 'NotSupported', 'NotSupported'],
    ['NotSupported', 'Required', 'Required', 'Required', 'None'],
    ['NotSupported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['NotSupported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
  ])('domain %s, server %s: srtp Required %s, Optional %s, NotSupported %s', (domain, server, ...expected) => {
    const of = (spec: object) => trunkMedia(mediaGateway('gw01', spec), pool(server), domainOf(domain)).level;
    expect(['Required', 'Optional', 'NotSupported'].map((srtp) => of({ srtp }))).toEqual(expected);
    // Over TCP, whatever the gateway could do.
    for (const srtp of ['Optional', 'NotSupported']) expect(of({ transport: 'TCP', srtp })).toBe(expected[2]);
  });

  it('says which end makes it so', () => {
    const because = (spec: object, server: Declared, domain: EncryptionLevel = 'Required') =>
      trunkMedia(mediaGateway('gw01', spec), pool(server), domainOf(domain)).because;
    expect(because({ srtp: 'NotSupported' }, none)).toBe('srtp of MediaGateway voice/gw01 is NotSupported');
    expect(because({}, 'NotSupported')).toBe('media.encryptionLevel of TrustedServer voice/med01 is NotSupported');
    expect(because({ srtp: 'NotSupported' }, 'Required')).toBe(
      'media.encryptionLevel of TrustedServer voice/med01 is Required, and srtp of MediaGateway voice/gw01 is NotSupported',
    );
    expect(because({ transport: 'TCP' }, 'Supported')).toBe(
      'transport of MediaGateway voice/gw01 is TCP, over which the keys of SRTP would travel in the clear',
    );
    expect(because({}, none)).toBe('media.encryptionLevel of TrustDomain contoso is Required');
    expect(because({}, none, 'Supported')).toBe('media.encryptionLevel of TrustDomain contoso is Supported');
  });
});

describe('with a partner', () => {
  it.each<[EncryptionLevel, Declared, LinkLevel, LinkLevel, LinkLevel, LinkLevel]>([
    ['Required', none, 'Required', 'Required', 'Supported', 'NotSupported'],
    ['Required', 'Required', 'Required', 'Required', 'Required', 'None'],
    ['Required', 'Supported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Required', 'NotSupported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['Supported', none, 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'Required', 'Required', 'Required', 'Required', 'None'],
    ['Supported', 'Supported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'NotSupported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['NotSupported', none, 'NotSupported', 'Required', 'Supported', 'NotSupported'],
    ['NotSupported', 'Required', 'Required', 'Required', 'Required', 'None'],
    ['NotSupported', 'Supported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['NotSupported', 'NotSupported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
  ])('domain %s, Edge %s: none of its own %s, Required %s, Supported %s, NotSupported %s', (level, own, ...expected) => {
    const domain = domainOf(level);
    const edges = [{ key: 'voice/edge', media: serverEnd(edge(own)) }];
    const of = (theirs: Declared) => partnerMedia(partner('fabrikam', media(theirs)), edges, domain).level;
    expect([none, ...levels].map(of)).toEqual(expected);
    // An Edge that is not there yet is one that declares none.
    if (own === none)
      expect([none, ...levels].map((theirs) => partnerMedia(partner('fabrikam', media(theirs)), [], domain).level)).toEqual(
        expected,
      );
  });

  it('is the worst of its links, and names the first Edges of those alone', () => {
    const domain = domainOf('Required');
    const ends = (level: Declared, ...names: readonly string[]) =>
      names.map((name) => ({ key: `voice/${name}`, media: serverEnd(edge(level, name)) }));
    const lax = partner('northwind', media('NotSupported'));
    const mixed = partnerMedia(lax, [...ends(none, 'lax'), ...ends('Required', 'a', 'b', 'c', 'd')], domain);
    expect(mixed).toEqual({
      level: 'None',
      condition: { status: 'False', reason: 'SRTPNotPossible' },
      message:
        'No call with media is set up with northwind at voice/a, voice/b, voice/c and 1 more: media.encryptionLevel of TrustedServer voice/a is ' +
        'Required, and media.encryptionLevel of FederatedPartner northwind is NotSupported. If the partner cannot encrypt, and media in the ' +
        'clear is meant, set media.encryptionLevel of the Edge to Supported, or leave it out there.',
    });
  });

  it('says which end has none, where the domain requires SRTP, and what to do', () => {
    const messageOf = (theirs: Declared, own: Declared, level: EncryptionLevel = 'Required') =>
      partnerMedia(partner('northwind', media(theirs)), [{ key: 'voice/edge', media: serverEnd(edge(own)) }], domainOf(level))
        .message;
    expect(messageOf('NotSupported', none)).toBe(
      'Media with northwind is not encrypted, though TrustDomain contoso requires that: media.encryptionLevel of FederatedPartner northwind ' +
        'is NotSupported. Leave it out once the partner can encrypt. To have no such calls until then, set media.encryptionLevel of the Edge ' +
        'to Required.',
    );
    expect(messageOf(none, 'NotSupported')).toBe(
      'Media with northwind is not encrypted, though TrustDomain contoso requires that: media.encryptionLevel of TrustedServer voice/edge ' +
        'is NotSupported. Leave it out there, unless that is meant.',
    );
    expect(messageOf('NotSupported', none, 'Supported')).toBe(
      'Media with northwind is not encrypted: media.encryptionLevel of FederatedPartner northwind is NotSupported.',
    );
    expect(messageOf(none, 'Supported')).toBe(
      'Media with northwind is SRTP where it is offered, and a call without it is set up too: media.encryptionLevel of TrustedServer ' +
        'voice/edge is Supported.',
    );
  });
});

it.each<[EncryptionLevel, Declared, LinkLevel | undefined]>([
  ['Required', none, undefined],
  ['Required', 'Required', undefined],
  ['Required', 'Supported', 'Supported'],
  // That is a finding.
  ['Required', 'NotSupported', undefined],
  ['Supported', 'NotSupported', 'NotSupported'],
  ['Supported', 'Required', undefined],
  ['NotSupported', 'Supported', undefined],
])('domain %s, server %s: less than the domain has: %s', (domain, server, expected) => {
  expect(belowDomain(edge(server), domainOf(domain))?.level).toBe(expected);
});
