// Gathers the partners of one domain and everything that decides what is believed of them: what their sources hold, what DNS
// says of their edges, and what every Edge of the domain has in place.
import type { FederatedPartner, TrustDomain, TrustedServer } from '../../api/v1alpha1/index.ts';
import { kebabCase } from '../../api/v1alpha1/index.ts';
import type { Inquiries } from '../../federation/inquiries.ts';
import { annotation, label } from '../../outputs/labels.ts';
import { bundleName, listensForAnybody, rendersPartners, serverTrustName } from '../../outputs/trust-bundle.ts';
import { type End, serverEnd } from '../../topology/link-media.ts';
import { certificateNeeds, spiffeTrustDomain } from '../../topology/names.ts';
import { seniority } from '../../topology/partner-listing.ts';
import type { OurNames } from '../../trust/name-holders.ts';
import type { OurAuthorities } from '../../trust/partner-anchors.ts';
import type { Context } from '../context.ts';
import { ourAuthorities } from '../our-authorities.ts';
import { earliest } from '../requeue.ts';
import { type EdgeAnswer, edgeRecord, edgesIn } from './edge-lookup.ts';
import type { ListAnswer } from './lists.ts';
import type { Data, FederationRecords } from './records.ts';
import type { ListObservation } from './revocation.ts';
import { type Endpoints, readSources, type SourceObservation } from './sources.ts';

export interface ObservedPartner {
  readonly partner: FederatedPartner;
  readonly sources: readonly SourceObservation[];
  /** Of its SIP domains, where its edge is found by SRV: what DNS says, as far as it was heard. */
  readonly lookups: readonly { readonly sipDomain: string; readonly found: EdgeAnswer }[];
  /** Where it publishes revocation lists, and they count. */
  readonly lists: readonly ListObservation[];
}

/** What the external face of a listed Edge holds. */
export interface ObservedEdge {
  readonly key: string;
  readonly bundle: HeldTrust & {
    /** Hash of what it has of each partner. */
    readonly files: string | undefined;
  };
  readonly secrets: readonly HeldTrust[];
  /** `<server>-trust`, which rendered files take partners from. Absent where none are asked for. */
  readonly rendered?: HeldTrust & { readonly listensForAnybody: boolean };
  /** Its end of media with partners. */
  readonly media: End;
}

export interface HeldTrust {
  /** `Kind namespace/name`. */
  readonly object: string;
  /** Hash of the trust in it; undefined where there is none. */
  readonly hash: string | undefined;
}

export interface FederationObservation {
  readonly name: string;
  readonly domain: TrustDomain | undefined;
  readonly domainProblem?: string;
  /** The oldest first: of two that want the same, it has it. */
  readonly partners: readonly ObservedPartner[];
  readonly records: ReadonlyMap<string, Data>;
  /** Records that cannot be read, and why: sentences. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Epoch ms until which nothing is decided without them. */
  readonly waitUntil?: number;
  /** Cross-certificates that cannot be made (failureOf), and why: a sentence. */
  readonly failed: ReadonlyMap<string, string>;
  /** Records that could not be written just now, and why. */
  readonly unwritten: ReadonlyMap<string, string>;
  readonly ours: OurAuthorities;
  readonly ourNames: OurNames;
  readonly edges: readonly ObservedEdge[];
  /** Epoch ms. */
  readonly lookAgainAt?: number;
}

/** Sources in the cluster are not watched, and read again after this, ms. */
const polling = 30_000;

export interface Asking {
  readonly records: FederationRecords;
  readonly endpoints: Endpoints;
  readonly lookups: Inquiries<string, EdgeAnswer>;
  readonly lists: Inquiries<string, ListAnswer>;
}

export async function observe(
  name: string,
  asking: Asking,
  { failed, unwritten }: Pick<FederationObservation, 'failed' | 'unwritten'>,
  context: Context,
): Promise<FederationObservation> {
  const { topology, now } = context;
  const domain = topology.domain(name);
  const domainProblem = topology.domainProblem(name);
  const { records, unreadable, waitUntil } = await asking.records.read(name, context);
  const read = await Promise.all(
    [...partnersIn(name, topology)]
      .sort((a, b) => (seniority(a) < seniority(b) ? -1 : 1))
      .map(async (partner) => {
        const { mode, sipDomains, trust } = partner.spec;
        const reading = mode === 'Blocked' ? undefined : await readSources(partner, records, asking.endpoints, context);
        const searched = mode === 'AllowedDomain' ? sipDomains : [];
        const replies = searched.map((sipDomain) => {
          const recorded = { edges: edgesIn(records.get(edgeRecord(name, sipDomain))) };
          return { sipDomain, recorded, reply: asking.lookups.read(sipDomain, name, recorded) };
        });
        const urls = mode === 'Blocked' || trust.revocation === 'None' ? [] : (trust.crlURLs ?? []);
        const heard = urls.map((url) => ({ url, reply: asking.lists.read(url, name) }));
        return { partner, reading, replies, heard };
      }),
  );
  asking.endpoints.keep(
    name,
    read.flatMap(({ reading }) => reading?.endpoints ?? []),
  );
  asking.lookups.keep(
    name,
    read.flatMap(({ replies }) => replies.map(({ sipDomain }) => sipDomain)),
  );
  asking.lists.keep(
    name,
    read.flatMap(({ heard }) => heard.map(({ url }) => url)),
  );
  const polled = read.some(({ reading }) => reading?.sources.some((source) => source.polled) === true);
  const ours = ourAuthorities(domain, context);
  const isUnknown = (ours.unknown ?? []).length > 0;
  const lookAgainAt = earliest([
    ...(polled || isUnknown ? [now() + polling] : []),
    ...read.flatMap(({ reading, replies, heard }) => [
      reading?.lookAgainAt,
      ...[...replies, ...heard].map(({ reply }) => reply.askAgainAt),
    ]),
  ]);
  return {
    name,
    domain,
    ...(domainProblem === undefined ? {} : { domainProblem }),
    partners: read.map(({ partner, reading, replies, heard }) => ({
      partner,
      sources: reading?.sources ?? [],
      lookups: replies.map(({ sipDomain, recorded, reply }) => ({ sipDomain, found: reply.answer ?? recorded })),
      lists: heard.map(({ url, reply }) => listObserved(url, reply.answer)),
    })),
    records,
    unreadable,
    ...(waitUntil === undefined ? {} : { waitUntil }),
    failed,
    unwritten,
    ours,
    ourNames: {
      domains: domain === undefined ? [] : [...new Set([...domain.spec.sipDomains, spiffeTrustDomain(domain)])],
      names: domain === undefined ? [] : topology.namesOutside(name),
    },
    edges: domain === undefined ? [] : edgesOf(domain, context),
    ...(lookAgainAt === undefined ? {} : { lookAgainAt }),
  };
}

/** Without those that are being deleted. */
export function partnersIn(domain: string, topology: Context['topology']): readonly FederatedPartner[] {
  return topology.partnersOf(domain).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

function listObserved(url: string, answer: ListAnswer | undefined): ListObservation {
  if (answer === undefined) return { url, problem: `${url} was not heard yet.` };
  const { list, failure } = answer;
  return { url, ...(list === undefined ? {} : { list }), ...(failure === undefined ? {} : { problem: failure }) };
}

function edgesOf(domain: TrustDomain, { topology, stores }: Context): FederationObservation['edges'] {
  const { name } = domain.metadata;
  return [...topology.serversOfRole(name, 'Edge')].flatMap((key) => {
    const placement = topology.placement(key);
    if (placement?.listed !== true) return [];
    const { namespace = '', uid } = placement.server.metadata;
    const faces = new Set(
      certificateNeeds(placement.server, domain)
        .filter(({ audience }) => audience === 'edge-external')
        .map(({ use }) => kebabCase(use)),
    );
    const shown = stores.secrets.byIndex('owner', uid).filter(({ metadata }) => faces.has(metadata.labels?.[label.use] ?? ''));
    if (faces.size === 0) return [];
    const bundle = bundleName(name, 'edge-external');
    const { annotations = {} } = stores.configMaps.get({ namespace, name: bundle })?.metadata ?? {};
    return [
      {
        key,
        bundle: {
          object: `ConfigMap ${namespace}/${bundle}`,
          hash: annotations[annotation.trustHash],
          files: annotations[annotation.peersHash],
        },
        secrets: shown.map(({ metadata }) => ({
          object: `Secret ${namespace}/${metadata.name}`,
          hash: metadata.annotations?.[annotation.trustHash],
        })),
        ...(rendersPartners(placement.server) ? { rendered: renderedAt(placement.server, stores) } : {}),
        media: serverEnd(placement.server),
      },
    ];
  });
}

function renderedAt(edge: TrustedServer, { configMaps }: Context['stores']): NonNullable<ObservedEdge['rendered']> {
  const { namespace = '' } = edge.metadata;
  const name = serverTrustName(edge.metadata.name);
  const { annotations = {} } = configMaps.get({ namespace, name })?.metadata ?? {};
  return {
    object: `ConfigMap ${namespace}/${name}`,
    hash: annotations[annotation.peersHash],
    listensForAnybody: listensForAnybody(edge),
  };
}
