// What one listener and one ConfigMap have room for: everything that is written for a partner counts, and who is in place stays.
import { fitting } from '../../../operator/controllers/federated-partner/listener-room.ts';
import { federationFiles } from '../../../operator/controllers/federation-state.ts';
import { utf8String } from '../../../operator/pki/der-writer.ts';
import { holdingsOf } from '../../../operator/trust/name-holders.ts';
import { type Partner, partnerScopes, type ScopedAuthority } from '../../../operator/trust/partner-scope.ts';
import { forge, keysOf, nameOf } from '../pki/forge.ts';
import { federationOf, observed, partnerOf, rootOf, settle } from './federation.ts';

const keys = keysOf('room');
const partner = (name: string, changes: Partial<Partner> = {}): Partner => ({
  name,
  sipDomains: [`${name}.com`],
  permittedNames: [],
  permittedIPs: [],
  scope: 'NameConstrained',
  blocked: false,
  anyName: false,
  anchors: [forge({ ca: true, subject: name, keys }).certificate],
  ...changes,
});
const many = (count: number, make: (index: number) => Partner) => Array.from({ length: count }, (_, index) => make(index));

function roomFor(
  partners: readonly Partner[],
  { inPlace = [], entry = 200, names = [] }: { inPlace?: readonly string[]; entry?: number; names?: readonly string[] } = {},
) {
  const scopes = partnerScopes(partners, holdingsOf({ domains: ['contoso.com'], names }, partners));
  const isInPlace = (authority: ScopedAuthority) => authority.partners.some((name) => inPlace.includes(name));
  const { kept, dropped } = fitting({ scopes, isInPlace, failureFor: () => undefined, entryOctets: () => entry });
  return { kept: kept.flatMap(({ partners: of }) => of), messages: [...dropped.values()].map(({ message }) => message) };
}

describe('the room of a listener', () => {
  const wide = many(24, (index) => partner(`p${index}`, { permittedNames: ['hosting.example'] }));
  const ourNames = Array.from({ length: 80 }, (_, index) => `server${index}.hosting.example`);

  it('is taken by what is excluded', () => {
    expect(roomFor(wide).messages).toEqual([]);
    expect(roomFor(wide, { names: ourNames }).messages[0]).toContain('The anchors and names of all partners would take');
  });

  it('is taken by the entries of partners, each once', () => {
    const partners = many(20, (index) => partner(`p${index}`));
    expect(roomFor(partners, { entry: 30_000 }).messages).toEqual([]);
    expect(roomFor(partners, { entry: 40_000 }).kept).toHaveLength(16);
    const twoEach = partners.map((each) => ({ ...each, anchors: [...each.anchors, rootOf(`${each.name} 2`).certificate] }));
    expect(roomFor(twoEach, { entry: 25_000 }).messages).toEqual([]);
  });

  it('is taken by the file of each that shares a CA', () => {
    const { anchors } = partner('shared');
    const sharing = many(250, (index) => partner(`p${index}`, { anchors }));
    expect(roomFor(sharing.slice(0, 20)).messages).toEqual([]);
    expect(roomFor(sharing).messages).toHaveLength(1);
  });

  it('is first for who is in place, however young', () => {
    const partners = many(20, (index) => partner(`p${index}`));
    const { kept } = roomFor(partners, { entry: 40_000, inPlace: ['p18', 'p19'] });
    expect(kept).toEqual([...partners.slice(0, 14).map(({ name }) => name), 'p18', 'p19']);
  });

  describe('is left to whoever takes little', () => {
    const longest = (index: number) => nameOf(['2.5.4.10', utf8String(`${'O'.repeat(900)}${index}`)]);
    const greedy = many(8, (one) =>
      partner(`greedy${one}`, {
        anchors: Array.from(
          { length: 8 },
          (_, index) => forge({ ca: true, subject: longest(8 * one + index), keys }).certificate,
        ),
      }),
    );
    const modest = many(40, (index) => partner(`modest${index}`));

    it('however much others bring, and the message says who takes the most', () => {
      const { kept, messages } = roomFor([...greedy, ...modest]);
      expect(kept).toEqual(expect.arrayContaining([...modest, ...greedy].map(({ name }) => name)));
      expect(messages.length).toBeGreaterThan(40);
      expect(messages[0]).toMatch(
        /^With it, its partner would take more than 3000 of the 48000 octets that one listener has for names of CAs, and \d+ are taken/,
      );
      expect(messages[0]).toMatch(/The partner greedy[01] takes the most, \d+ octets\.$/);
    });

    it('but what is in place is not taken from whoever has it', () => {
      const names = greedy.slice(0, 3).map(({ name }) => name);
      const { kept } = roomFor([...modest, ...greedy], { inPlace: names });
      expect(kept.filter((name) => names.includes(name)).length).toBeGreaterThanOrEqual(24);
    });

    it('whoever else names its CA', () => {
      const [first, ...others] = modest;
      const [glutton] = greedy;
      if (first === undefined || glutton === undefined) throw new Error('nobody is there');
      const both = { ...glutton, anchors: [...glutton.anchors, ...first.anchors] };
      expect(roomFor([both, ...greedy.slice(1), first, ...others]).kept).toContain(first.name);
    });
  });

  it('is another for what any domain is found by', () => {
    const subject = (index: number) => `${'n'.repeat(500)}${index}`;
    const crowd = many(60, (index) =>
      partner(`d${index}`, {
        sipDomains: [],
        anyName: true,
        scope: 'Unconstrained',
        anchors: [forge({ ca: true, subject: subject(index), keys }).certificate],
      }),
    );
    const { kept, messages } = roomFor([...crowd, partner('listed')]);
    expect(messages.length).toBeGreaterThan(0);
    expect(kept).toContain('listed');
  });
});

it('is no less than what is written', () => {
  const partners = Array.from({ length: 90 }, (_, index) =>
    observed(partnerOf(`p${index}`, { trust: { permittedNames: ['hosting.example'] } }), [rootOf(`P${index}`, { keys })]),
  );
  const names = Array.from({ length: 40 }, (_, index) => `server${index}.hosting.example`);
  const { federation } = settle(federationOf(partners, { ourNames: { domains: ['contoso.com'], names } })).planned;
  expect(federation.partners.length).toBeLessThan(90);
  const { data } = federationFiles(federation);
  const octets = federation.bundle.pem.length + Object.values(data).reduce((sum, text) => sum + text.length, 0);
  expect(octets).toBeLessThanOrEqual(720 * 1024);
  expect(octets).toBeGreaterThan(400 * 1024);
});
