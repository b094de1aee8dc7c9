// docs/mesh.md against the code: the tables on the page are the tables that decide.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EncryptionLevel, roles } from '../../../operator/api/v1alpha1/index.ts';
import { partnerMedia, serverEnd } from '../../../operator/topology/link-media.ts';
import type { LinkLevel } from '../../../operator/topology/media-level.ts';
import { meshTable } from '../../../operator/topology/mesh.ts';
import { refusalReasons } from '../../../operator/topology/party.ts';
import { listenerRules, type TrafficRow, trafficTable } from '../../../operator/topology/traffic.ts';
import { trunkMedia } from '../../../operator/topology/trunks.ts';
import { partner } from '../topology/declared.ts';
import { mediaGateway, trustDomain, trustedServer } from '../topology/objects.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/mesh.md'), 'utf8');

/** The rows of the table below a heading, cell by cell. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const from = page.search(new RegExp(`^##+ ${heading}$`, 'm'));
  const to = page.indexOf('\n##', from);
  return page
    .slice(from, to)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

it('has every rule, and no other', () => {
  expect(tableOf('The rules')).toEqual(
    meshTable.map(({ id, between, carries, protocols, ports }) => [
      between,
      carries,
      protocols.join(', '),
      ports.join(', ') || 'as declared',
      `\`${id}\``,
    ]),
  );
});

it('has every row of the traffic table, and no other', () => {
  const rows: readonly TrafficRow[] = trafficTable;
  expect(tableOf('Traffic')).toEqual(
    rows.map(({ traffic, protectedBy, policy }) => [traffic, protectedBy, policy === undefined ? '' : `\`${policy}\``]),
  );
});

it('has every rule for listeners, and no other', () => {
  expect(tableOf('Listeners')).toEqual(
    listenerRules.map((rule) => [
      rule.protocol,
      rule.roles.length === roles.length ? 'every role' : rule.roles.join(', '),
      rule.policy === undefined ? '' : `\`traffic.${rule.policy}\` is \`TCP\``,
    ]),
  );
});

it('has every reason for a refusal, and no other', () => {
  expect(tableOf('Why one is refused').map(([reason]) => reason)).toEqual(refusalReasons.map((reason) => `\`${reason}\``));
});

describe('has media on every link', () => {
  const levels = ['Required', 'Supported', 'NotSupported'] as const;
  const inWords = { Required: 'SRTP', Supported: 'either', NotSupported: 'plain RTP', None: 'no media' } as const;
  const media = (encryptionLevel: EncryptionLevel | undefined) =>
    encryptionLevel === undefined ? {} : { media: { encryptionLevel } };
  const domainOf = (level: EncryptionLevel) => trustDomain('contoso', media(level));

  /** Where one end declares a level, that of the domain makes no difference. */
  const whateverTheDomain = (linksOf: (domain: EncryptionLevel) => readonly LinkLevel[]): readonly LinkLevel[] => {
    const links = linksOf('Required');
    for (const domain of levels) expect(linksOf(domain)).toEqual(links);
    return links;
  };

  /** A row for each level of the domain, where the server declares none, and then for each that it may declare. */
  const rows = (linksOf: (domain: EncryptionLevel, server: EncryptionLevel | undefined) => readonly LinkLevel[]) =>
    [
      ...levels.map((domain) => [`none; domain ${domain}`, ...linksOf(domain, undefined)] as const),
      ...levels.map((server) => [server, ...whateverTheDomain((domain) => linksOf(domain, server))] as const),
    ].map(([first, ...links]) => [first, ...links.map((level) => inWords[level])]);

  it('with a gateway', () => {
    const expected = rows((domain, own) =>
      (['Required', 'Optional', 'NotSupported'] as const).map(
        (srtp) => trunkMedia(mediaGateway('gw', { srtp }), trustedServer('med', 'Mediation', media(own)), domainOf(domain)).level,
      ),
    );
    expect(tableOf('Media with a gateway')).toEqual(expected);
  });

  it('with a partner', () => {
    const expected = rows((domain, own) => {
      const edges = [{ key: 'voice/edge', media: serverEnd(trustedServer('edge', 'Edge', media(own))) }];
      return [undefined, ...levels].map(
        (theirs) => partnerMedia(partner('fabrikam', media(theirs)), edges, domainOf(domain)).level,
      );
    });
    expect(tableOf('Media with a partner')).toEqual(expected);
  });
});
