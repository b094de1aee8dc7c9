// Whether the bundle of all partners has a current revocation list of every CA: only then is it delivered, since software that
// checks lists refuses whoever lacks one. Of each CA the newest list counts that it signed itself, also over what was fetched.
import type { Certificate } from '../../pki/certificate.ts';
import { nameOf } from '../../pki/chain.ts';
import { DerError } from '../../pki/der-reader.ts';
import { directoryName, isSameName } from '../../pki/directory-name.ts';
import { decodePem, encodePem, PemError } from '../../pki/pem.ts';
import { doubtAbout, parseRevocationList, type RevocationList } from '../../pki/revocation-list.ts';
import { deliveryWindow, outsideDelivery } from '../../trust/list-delivery.ts';
import { authorityIdentity } from '../../trust/partner-authority.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
import { conditionIn } from '../conditions.ts';
import { earliest } from '../requeue.ts';
import type { Cross } from './cross-records.ts';
import type { BelievedAuthority, PartnerDecision } from './decision.ts';
import type { FederationObservation, ObservedPartner } from './observe.ts';
import type { FederationAction } from './plan.ts';
import { type Data, recordName } from './records.ts';

/** What one URL of a partner holds, as far as it was heard. */
export interface ListObservation {
  readonly url: string;
  /** DER in base64. */
  readonly list?: string;
  /** Why there is none, or none newer: a sentence. */
  readonly problem?: string;
}

/** Of a partner that publishes lists. */
export interface RevocationStanding {
  readonly reason: 'Delivered' | 'ListUnavailable' | 'PartnersWithoutLists' | 'ListsTooLarge';
  readonly message: string;
}

export interface RevocationPlan {
  /** PEM; absent while somebody's list is missing. */
  readonly delivered?: string;
  readonly actions: readonly FederationAction[];
  /** The records that are asked for. */
  readonly records: readonly string[];
  readonly standings: ReadonlyMap<string, RevocationStanding>;
  /** When the first list may be delivered, or may not be any more, epoch ms. */
  readonly turn?: number;
}

/** Octets of PEM, beside everything else in the ConfigMap. */
const mostOctets = 256 * 1024;
const recordKey = 'list.crl';

interface Known {
  readonly pem: string;
  readonly list: RevocationList;
}

/** Of one CA. */
export interface PublishedList {
  readonly record: string;
  readonly best?: Known;
  /** Epoch ms. */
  readonly turns: readonly number[];
  readonly action?: FederationAction;
  /** Why there is none: sentences. */
  readonly problems: readonly string[];
}

export type Publishing = ReadonlyMap<string, readonly ListObservation[]>;

/** By partner that publishes: what is at its URLs. */
export function publishingIn(partners: readonly ObservedPartner[]): Publishing {
  return new Map(
    partners.flatMap(({ partner, lists }): [string, readonly ListObservation[]][] =>
      partner.spec.trust.revocation === 'Published' ? [[partner.metadata.name, lists]] : [],
    ),
  );
}

/** Of each CA that a partner who publishes names, believed or not. `now` is epoch ms. */
export function publishedLists(
  scopes: readonly ScopedAuthority[],
  publishing: Publishing,
  { name, records }: Pick<FederationObservation, 'name' | 'records'>,
  now: number,
): ReadonlyMap<ScopedAuthority, PublishedList> {
  return new Map(
    scopes.flatMap((authority): [ScopedAuthority, PublishedList][] => {
      const lists = authority.partners.flatMap((partner) => publishing.get(partner) ?? []);
      return authority.partners.some((partner) => publishing.has(partner))
        ? [[authority, publishedBy(name, authority.certificate, lists, records, now)]]
        : [];
    }),
  );
}

export interface RevocationInputs {
  readonly publishing: Publishing;
  readonly published: ReadonlyMap<ScopedAuthority, PublishedList>;
  /** CAs that come once their lists are at hand. */
  readonly awaited: ReadonlyMap<ScopedAuthority, unknown>;
  /** Of the partners whose CAs are in the bundle. */
  readonly listed: readonly PartnerDecision[];
  readonly crosses: ReadonlyMap<ScopedAuthority, Cross | undefined>;
}

export function planRevocation({ publishing, published, awaited, listed, crosses }: RevocationInputs): RevocationPlan {
  const believed = [...new Map(listed.flatMap((decision) => decision.believed.map((each) => [each.authority, each]))).values()];
  const problemsOf = (decision: PartnerDecision): readonly string[] =>
    countedOf(decision, awaited).flatMap((authority) => published.get(authority)?.problems ?? []);
  const isWithout = (decision: PartnerDecision): boolean =>
    !publishing.has(decision.partner.metadata.name) || problemsOf(decision).length > 0;
  const without = listed.filter(isWithout).map(({ partner }) => partner.metadata.name);
  const pem = [...new Set(believed.flatMap((each) => pemOf(each, published, crosses)))].sort().join('');
  const isComplete = listed.length > 0 && without.length === 0;
  const standings = new Map(
    listed
      .filter(({ partner }) => publishing.has(partner.metadata.name))
      .map((decision): [string, RevocationStanding] => {
        const { name } = decision.partner.metadata;
        return [name, standingOf(problemsOf(decision), without, pem.length)];
      }),
  );
  const turn = earliest([...published.values()].flatMap(({ turns }) => turns));
  return {
    ...(isComplete && pem.length <= mostOctets ? { delivered: pem } : {}),
    actions: believed.flatMap(({ authority }) => published.get(authority)?.action ?? []),
    records: [...published.values()].map(({ record }) => record),
    standings,
    ...(turn === undefined ? {} : { turn }),
  };
}

/**
 * The CAs whose lists a partner needs. Where its lists count already, one that it names anew changes nothing. Before, it may be
 * below one that is believed, and what it issued is let in for as long as nobody checks lists.
 */
function countedOf(
  { partner: { metadata, status }, believed }: PartnerDecision,
  awaited: RevocationInputs['awaited'],
): readonly ScopedAuthority[] {
  const own = believed.map(({ authority }) => authority);
  if (conditionIn(status, 'RevocationCurrent')?.status === 'True') return own;
  return [...own, ...[...awaited.keys()].filter(({ partners }) => partners.includes(metadata.name))];
}

function pemOf(
  { authority }: BelievedAuthority,
  published: RevocationInputs['published'],
  crosses: RevocationInputs['crosses'],
): readonly string[] {
  const own = published.get(authority)?.best?.pem;
  const above = crosses.get(authority)?.material?.revocationList;
  return [own, above].filter((pem) => pem !== undefined);
}

function standingOf(problems: readonly string[], without: readonly string[], octets: number): RevocationStanding {
  const consequence =
    'crl.pem is not delivered, and no file names it, since whoever checks lists would refuse everybody without one.';
  if (problems.length > 0) return { reason: 'ListUnavailable', message: `${problems.join(' ')} Until then ${consequence}` };
  if (without.length > 0) {
    const message =
      `Its lists are current, and no current list is at hand of the CAs of ${without.join(', ')} at the same listener: ${consequence} ` +
      'Set trust.revocation Published there too, or federate such partners by a TrustDomain with Edges of its own.';
    return { reason: 'PartnersWithoutLists', message };
  }
  if (octets > mostOctets) {
    const message = `The lists of all partners take ${Math.ceil(octets / 1024)} KiB, and a ConfigMap has room for ${mostOctets / 1024}: ${consequence}`;
    return { reason: 'ListsTooLarge', message: `${message} Let software fetch them from where they are published.` };
  }
  const message =
    'crl.pem holds a current list of every CA that is believed of partners. Who checks lists refuses what a CA below those has issued, unless the partner ' +
    'names it in trust.anchors and its list in trust.crlURLs as well. What checks none, each Edge says in TrustDistributed.';
  return { reason: 'Delivered', message };
}

function publishedBy(
  domain: string,
  certificate: Certificate,
  fetched: readonly ListObservation[],
  records: ReadonlyMap<string, Data>,
  now: number,
): PublishedList {
  const record = recordName(domain, 'list', authorityIdentity(certificate));
  const recorded = knownIn(records.get(record)?.[recordKey]);
  const parsed = fetched.map((each) => ({ ...each, known: each.list === undefined ? undefined : knownOf(each.list) }));
  const own = parsed.flatMap(({ url, known }) =>
    known !== undefined && isOf(known.list, certificate) ? [{ url, known, doubt: doubt(known.list, certificate, now) }] : [],
  );
  const good = own.flatMap(({ known, doubt: why }) => (why === undefined ? [known] : []));
  const held = recorded !== undefined && isOf(recorded.list, certificate) && doubt(recorded.list, certificate, now) === undefined;
  const best = [...(held ? [recorded] : []), ...good].reduce<Known | undefined>(
    (newest, one) => (newest === undefined || one.list.thisUpdate > newest.list.thisUpdate ? one : newest),
    undefined,
  );
  // One that is not delivered yet may be when its time comes.
  const upcoming = own.map(({ known }) => deliveryWindow(known.list).from).filter((from) => from > now);
  if (best !== undefined) {
    const turns = [...upcoming, deliveryWindow(best.list).until];
    const data = { [recordKey]: best.pem };
    const isRecorded = best.pem === recorded?.pem;
    return { record, best, turns, problems: [], ...(isRecorded ? {} : { action: { kind: 'WriteList', record, data } }) };
  }
  const problems = [
    ...own.flatMap(({ url, doubt: why }) => (why === undefined ? [] : [`The list from ${url} cannot be relied on: ${why}.`])),
    ...fetched.flatMap(({ problem }) => problem ?? []),
  ];
  const none = `There is no list of ${nameOf(certificate)} at ${fetched.map(({ url }) => url).join(', ')}.`;
  return { record, turns: upcoming, problems: problems.length > 0 ? problems : [none] };
}

function isOf({ issuer }: RevocationList, certificate: Certificate): boolean {
  return isSameName(issuer, directoryName(certificate.subjectDer));
}

/** A federation root may bear the name of the partner's CA: software must be able to tell their lists apart (5.2.1). */
function doubt(list: RevocationList, certificate: Certificate, now: number): string | undefined {
  if (list.authorityKeyId !== certificate.subjectKeyId) return `it does not say that the key of ${nameOf(certificate)} signed it`;
  return doubtAbout(list, certificate, now) ?? outsideDelivery(list, now);
}

function knownOf(base64: string): Known | undefined {
  const der = Buffer.from(base64, 'base64');
  try {
    return { pem: encodePem('X509 CRL', der), list: parseRevocationList(der) };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Undefined where there is none, or somebody edited it. */
function knownIn(pem = ''): Known | undefined {
  try {
    const [block] = decodePem(pem);
    return block && knownOf(block.der.toString('base64'));
  } catch (error) {
    if (error instanceof PemError) return undefined;
    throw error;
  }
}
