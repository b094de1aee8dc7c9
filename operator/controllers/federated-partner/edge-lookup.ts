// Where DNS says that the edge of a SIP domain is, over time: what it named stays for a day after it was last named, so that
// neither a restart nor a name server that answers another each time takes an edge off the lists of ours.
import { z } from 'zod';
import type { Reply } from '../../federation/inquiries.ts';
import type { SRVLookup, SRVResolver } from '../../federation/resolver.ts';
import { targetRefusal } from '../../topology/federation-target.ts';
import { type Data, recordName } from './records.ts';

export interface KnownEdge {
  readonly fqdn: string;
  readonly port: number;
  /** When DNS last named it, epoch ms. */
  readonly seenAt: number;
}

export interface EdgeAnswer {
  /** Absent where nobody was asked since the start. */
  readonly lookup?: SRVLookup;
  /** In the order in which to call them. */
  readonly edges: readonly KnownEdge[];
}

const hour = 3_600_000;
const keptFor = 24 * hour;
/** Of one SIP domain: as many as it may name within a day. */
const mostEdges = 8;
/** What DNS did not name for so long is called after what it did, ms. */
const quietFor = hour / 6;
/** How old a record of when an edge was named may become, ms: nothing is written at each look-up. */
const recordedFor = 6 * hour;

export async function askForEdges(
  sipDomain: string,
  before: EdgeAnswer | undefined,
  { resolver, now }: { readonly resolver: Pick<SRVResolver, 'lookup'>; readonly now: () => number },
  signal: AbortSignal,
): Promise<Reply<EdgeAnswer>> {
  const lookup = await resolver.lookup(sipDomain, signal);
  const edges = knownEdges(sipDomain, before?.edges ?? [], lookup, now());
  return { answer: { lookup, edges }, askAgainAt: lookup.expiresAt };
}

/** `now` is epoch ms. What is named for the first time sets the order; where nothing new is named, it stays. */
export function knownEdges(
  sipDomain: string,
  before: readonly KnownEdge[],
  lookup: SRVLookup,
  now: number,
): readonly KnownEdge[] {
  const named =
    lookup.outcome === 'Found' ? lookup.targets.filter(({ fqdn }) => targetRefusal(sipDomain, fqdn) === undefined) : [];
  const kept = new Map(before.filter(({ seenAt }) => seenAt + keptFor > now).map((edge) => [idOf(edge), edge]));
  const isNew = named.some((edge) => !kept.has(idOf(edge)));
  for (const { fqdn, port } of named) {
    const edge = { fqdn, port, seenAt: now };
    if (kept.has(idOf(edge)) || kept.size < mostEdges) kept.set(idOf(edge), edge);
  }
  const inOrder = isNew ? [...named.flatMap((edge) => kept.get(idOf(edge)) ?? []), ...kept.values()] : [...kept.values()];
  const isQuiet = ({ seenAt }: KnownEdge) => seenAt + quietFor <= now;
  return [...new Set(inOrder)].sort((a, b) => Number(isQuiet(a)) - Number(isQuiet(b)));
}

const idOf = ({ fqdn, port }: Pick<KnownEdge, 'fqdn' | 'port'>): string => `${fqdn}:${port}`;

export const edgeRecord = (domain: string, sipDomain: string): string => recordName(domain, 'edge', sipDomain);

const recordKey = 'edges.json';
const content = z.array(z.object({ fqdn: z.string(), port: z.number(), seenAt: z.number() }));

/** None where there is no record, or somebody edited it. */
export function edgesIn(data: Data | undefined): readonly KnownEdge[] {
  try {
    return content.parse(JSON.parse(data?.[recordKey] ?? '[]'));
  } catch {
    return [];
  }
}

/** What to write; undefined where the record says as much. */
export function edgeData(recorded: Data | undefined, edges: readonly KnownEdge[]): Data | undefined {
  const held = edgesIn(recorded);
  const isSame =
    held.length === edges.length &&
    edges.every((edge, index) => {
      const before = held[index];
      return before !== undefined && idOf(before) === idOf(edge) && edge.seenAt - before.seenAt < recordedFor;
    });
  return isSame ? undefined : { [recordKey]: JSON.stringify(edges) };
}
