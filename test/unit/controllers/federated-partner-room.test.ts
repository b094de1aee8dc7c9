// What one listener and one ConfigMap have room for: everything that is written for a partner counts, and who is in place stays.
import { fitting } from '../../../operator/controllers/federated-partner/listener-room.ts';
import { federationFiles } from '../../../operator/controllers/federation-state.ts';
import { holdingsOf } from '../../../operator/trust/name-holders.ts';
import { type Partner, partnerScopes, type ScopedAuthority } from '../../../operator/trust/partner-scope.ts';
import { forge, keysOf } from '../pki/forge.ts';
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
  const wide = (prefix: string) => many(8, (index) => partner(`${prefix}${index}`, { permittedNames: ['hosting.example'] }));
  const ourNames = Array.from({ length: 400 }, (_, index) => `server${index}.hosting.example`);

  it('is taken by what is excluded', () => {
    expect(roomFor(wide('p')).messages).toEqual([]);
    expect(roomFor(wide('p'), { names: ourNames }).messages[0]).toContain('The anchors and names of all partners would take');
  });

  it('is taken by the entries of partners, each once', () => {
    const partners = many(10, (index) => partner(`p${index}`));
    expect(roomFor(partners, { entry: 60_000 }).messages).toEqual([]);
    expect(roomFor(partners, { entry: 90_000 }).kept).toHaveLength(7);
    const twoEach = partners.map((each) => ({ ...each, anchors: [...each.anchors, rootOf(`${each.name} 2`).certificate] }));
    expect(roomFor(twoEach, { entry: 60_000 }).messages).toEqual([]);
  });

  it('is taken by the file of each that shares a CA', () => {
    const { anchors } = partner('shared');
    const sharing = many(250, (index) => partner(`p${index}`, { anchors }));
    expect(roomFor(sharing.slice(0, 20)).messages).toEqual([]);
    expect(roomFor(sharing).messages).toHaveLength(1);
  });

  it('is first for who is in place, however young', () => {
    const partners = many(10, (index) => partner(`p${index}`));
    expect(roomFor(partners, { entry: 90_000, inPlace: ['p8', 'p9'] }).kept).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p8', 'p9']);
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
