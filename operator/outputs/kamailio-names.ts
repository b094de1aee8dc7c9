// The names that a Kamailio believes, as a table of its module db_text, read into a hash table at start and again by
// `kamcmd htable.reload trustmesh`: the script itself is of one size, whatever the number of peers, and needs no restart.
import { strictest } from '../topology/media-level.ts';
import { linesOf, partnerLabel, partnerPairs, partnerURI, trunkLabel, trunkURI } from './parties.ts';
import type { Face, RenderedPartner, RenderedTrunk, Rendering } from './rendering.ts';
import { cipherSuites } from './tls-policy.ts';

/** No certificate has it and no host is called so: a table with this row alone lets nobody in. */
const nobody: Row = ['uri:trustmesh:nobody', 'nobody'];

type Row = readonly [key: string, value: string];

/** The text of the table; `closed` are domains that nobody may send for or be called in. */
export function namesTable(rendering: Rendering, face: Face, closed: readonly string[] = []): string {
  const lineOf = linesOf(face.partners);
  const rows = new Map<string, string>([
    nobody,
    ...face.peers.flatMap(({ pool, names, spiffeIDs, media }): Row[] => [
      ...spiffeIDs.map((id): Row => [`uri:${id}`, pool]),
      ...names.map((name): Row => [`host:${name}`, pool]),
      ...(media === undefined ? [] : [[`media:${pool}`, media] as const]),
    ]),
    ...face.trunks.flatMap(rowsOfTrunk),
    ...face.partners.flatMap((partner) => rowsOfPartner(partner, lineOf(partner))),
    ...mediaOfLines(face.partners, lineOf),
    ...closed.map((domain): Row => [`closed:${domain.toLowerCase()}`, 'closed']),
    ...(rendering.fips ? allowedCiphers.map((suite): Row => [`cipher:${suite}`, 'approved']) : []),
  ]);
  const lines = [...rows].map(([key, value]) => `${escaped(key)}:0:0:${escaped(value)}\n`);
  return `key_name(str) key_type(int) value_type(int) key_value(str)\n${lines.join('')}`;
}

function rowsOfTrunk(trunk: RenderedTrunk): readonly Row[] {
  const { fqdn, transport, media } = trunk;
  const label = trunkLabel(trunk);
  return [
    [`host:${fqdn}`, label],
    [`next:${label}`, trunkURI(trunk)],
    [`media:${label}`, media],
    // Over TCP it shows no certificate, so none is believed to be its own.
    ...(transport === 'TLS' ? [[`san:${fqdn}`, label] as const] : [[`plain:${label}`, transport] as const]),
  ];
}

/** Who shares an edge with another is called, and answers, as that other: `line`. A certificate for a domain of its is its own. */
function rowsOfPartner(partner: RenderedPartner, line: RenderedPartner): readonly Row[] {
  const { sipDomains, names, accessEdge, media } = partner;
  const [label, lineLabel] = [partnerLabel(partner), partnerLabel(line)];
  const next = partnerURI(line);
  return [
    ...names.map((name): Row => [`san:${name.toLowerCase()}`, name === accessEdge?.fqdn ? lineLabel : label]),
    ...partnerPairs(partner).map((pair): Row => [`domain:${pair}`, label]),
    ...[...names, ...sipDomains].map((name): Row => [`host:${name.toLowerCase()}`, lineLabel]),
    ...(next === undefined ? [] : [[`next:${lineLabel}`, next] as const]),
    [`media:${label}`, media],
  ];
}

/** Those that are one party have the level of the strictest among them: a later row replaces an earlier one. */
function mediaOfLines(
  partners: readonly RenderedPartner[],
  lineOf: (partner: RenderedPartner) => RenderedPartner,
): readonly Row[] {
  const lines = Map.groupBy(partners, (partner) => partnerLabel(lineOf(partner)));
  return [...lines].flatMap(([label, together]): Row[] => {
    const media = strictest(together.map((partner) => partner.media));
    return media === undefined ? [] : [[`media:${label}`, media]];
  });
}

const { tls12, tls13 } = cipherSuites(true);
const allowedCiphers = [...tls12, ...tls13];

/** A colon ends a field of db_text. */
const escaped = (text: string) => text.replaceAll(':', '\\:');
