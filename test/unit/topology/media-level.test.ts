// What media on a link is, by the levels of domain, server, and gateway or partner: the whole table, and what is said of it.
import type { EncryptionLevel } from '../../../operator/api/v1alpha1/index.ts';
import { belowDomain, partnerMedia, serverEnd } from '../../../operator/topology/link-media.ts';
import { heldTo, type LinkLevel, linkLevel } from '../../../operator/topology/media-level.ts';
import { trunkMedia } from '../../../operator/topology/trunks.ts';
import { partner } from './declared.ts';
import { mediaGateway, trustDomain, trustedServer } from './objects.ts';

type Declared = EncryptionLevel | undefined;
const levels: readonly EncryptionLevel[] = ['Required', 'Supported', 'NotSupported'];
const media = (encryptionLevel: Declared) => (encryptionLevel === undefined ? {} : { media: { encryptionLevel } });
const domainOf = (level: EncryptionLevel) => trustDomain('contoso', media(level));
const edge = (level: Declared, name = 'edge') => trustedServer(name, 'Edge', media(level));

it('is the same from either end, and never less than either asks for', () => {
  for (const one of levels)
    for (const other of levels) {
      expect(linkLevel(one, other)).toBe(linkLevel(other, one));
      const clear = ['Supported', 'NotSupported'].includes(linkLevel(one, other));
      expect([one, other, clear]).toEqual([one, other, one !== 'Required' && other !== 'Required']);
    }
});

it('is held to SRTP where the ends do not meet: software has no word for no media', () => {
  expect(heldTo('None')).toBe('Required');
  for (const level of levels) expect(heldTo(level)).toBe(level);
});

const none = undefined;

describe('with a gateway', () => {
  const pool = (level: Declared) => trustedServer('med01', 'Mediation', media(level));
  it.each<[EncryptionLevel, Declared, LinkLevel, LinkLevel, LinkLevel]>([
    ['Required', none, 'Required', 'Required', 'None'],
    ['Required', 'Required', 'Required', 'Required', 'None'],
    ['Required', 'Supported', 'Required', 'Required', 'NotSupported'],
    ['Required', 'NotSupported', 'None', 'None', 'NotSupported'],
    ['Supported', none, 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'Required', 'Required', 'Required', 'None'],
    ['Supported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['NotSupported', none, 'None', 'NotSupported', 'NotSupported'],
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
    expect(because({ srtp: 'NotSupported' }, none)).toBe(
      'media.encryptionLevel of TrustDomain contoso is Required, and srtp of MediaGateway voice/gw01 is NotSupported',
    );
    expect(because({}, 'NotSupported')).toBe(
      'media.encryptionLevel of TrustedServer voice/med01 is NotSupported, and media.encryptionLevel of TrustDomain contoso is Required',
    );
    expect(because({ transport: 'TCP' }, 'Supported')).toBe(
      'transport of MediaGateway voice/gw01 is TCP, over which the keys of SRTP would travel in the clear',
    );
    expect(because({}, none)).toBe('media.encryptionLevel of TrustDomain contoso is Required');
  });
});

describe('with a partner', () => {
  it.each<[EncryptionLevel, Declared, LinkLevel, LinkLevel, LinkLevel, LinkLevel]>([
    ['Required', none, 'Required', 'Required', 'Required', 'None'],
    ['Required', 'Required', 'Required', 'Required', 'Required', 'None'],
    ['Required', 'Supported', 'Required', 'Required', 'Supported', 'NotSupported'],
    ['Required', 'NotSupported', 'None', 'None', 'NotSupported', 'NotSupported'],
    ['Supported', none, 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'Required', 'Required', 'Required', 'Required', 'None'],
    ['Supported', 'Supported', 'Supported', 'Required', 'Supported', 'NotSupported'],
    ['Supported', 'NotSupported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['NotSupported', none, 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
    ['NotSupported', 'Required', 'None', 'Required', 'Required', 'None'],
    ['NotSupported', 'Supported', 'NotSupported', 'Required', 'Supported', 'NotSupported'],
    ['NotSupported', 'NotSupported', 'NotSupported', 'None', 'NotSupported', 'NotSupported'],
  ])('domain %s, Edge %s: none of its own %s, Required %s, Supported %s, NotSupported %s', (level, own, ...expected) => {
    const domain = domainOf(level);
    const edges = [{ key: 'voice/edge', media: serverEnd(edge(own), domain) }];
    const of = (theirs: Declared) => partnerMedia(partner('fabrikam', media(theirs)), edges, domain).level;
    expect([none, ...levels].map(of)).toEqual(expected);
    // An Edge that is not there yet is one that declares none.
    if (own === none) expect(partnerMedia(partner('fabrikam'), [], domain).level).toBe(expected[0]);
  });

  it('is the worst of its links, and names the first Edges of those alone', () => {
    const domain = domainOf('Required');
    const ends = (level: Declared, ...names: readonly string[]) =>
      names.map((name) => ({ key: `voice/${name}`, media: serverEnd(edge(level, name), domain) }));
    const lax = partner('northwind', media('NotSupported'));
    const mixed = partnerMedia(lax, [...ends('Supported', 'lax'), ...ends(none, 'a', 'b', 'c', 'd')], domain);
    expect(mixed).toEqual({
      level: 'None',
      message:
        'No call with media is set up with northwind at voice/a, voice/b, voice/c and 1 more: media.encryptionLevel of TrustDomain contoso is ' +
        'Required, and media.encryptionLevel of FederatedPartner northwind is NotSupported. If the partner cannot encrypt, and media in the ' +
        'clear is meant, set media.encryptionLevel of the Edge to Supported: partners that declare no level keep to that of the domain.',
    });
    expect(partnerMedia(lax, ends('Supported', 'a', 'b'), domain).message).toBe(
      'Media with northwind is not encrypted: media.encryptionLevel of FederatedPartner northwind is NotSupported.',
    );
  });
});

it.each<[EncryptionLevel, Declared, LinkLevel | undefined]>([
  ['Required', none, undefined],
  ['Required', 'Required', undefined],
  ['Required', 'Supported', 'Supported'],
  // They do not meet: that is a finding.
  ['Required', 'NotSupported', undefined],
  ['Supported', 'NotSupported', 'NotSupported'],
  ['Supported', 'Required', undefined],
  ['NotSupported', 'Supported', undefined],
])('domain %s, server %s: less than the domain asks for: %s', (domain, server, expected) => {
  expect(belowDomain(edge(server), domainOf(domain))?.level).toBe(expected);
});
