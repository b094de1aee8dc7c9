// Which CA the certificates at the external face of an Edge are from. Partners learn of another CA of ours when they fetch our
// bundle again: until they can know it, the one that they know goes on, so that none of them loses us because our CA rolls.
import type { TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import type { Authority, AuthorityState } from '../authorities/authority.ts';
import { complianceProblem } from '../authorities/compliance.ts';
import { publishedName } from '../federation/published-bundles.ts';
import { annotation, timestamp } from '../outputs/labels.ts';
import { type CertificateNeed, spiffeTrustDomain } from '../topology/names.ts';
import {
  decodePublishedSince,
  knownToPartnersAt,
  type PublishedSince,
  spreadTime,
  withoutFuture,
} from '../trust/published-since.ts';
import type { Context } from './context.ts';

/** Another CA is to issue than partners can know yet. */
export interface Succession {
  /** Epoch ms from when on they know it; absent while the bundle for them lacks it. */
  readonly knownAt?: number;
  /** No CA that they know can issue: what is in place has to last. */
  readonly hasToLast: boolean;
  readonly message: string;
}

export interface ExternalAuthority {
  /** Whoever issues now. */
  readonly state: AuthorityState;
  readonly succession?: Succession;
}

interface Candidates {
  /** Whoever issues in the end. */
  readonly newest: Authority;
  /** Others that could, the newest first. */
  readonly others: readonly Authority[];
  /** Key id of the CA whose certificate partners are shown now; absent where there is none. */
  readonly shown?: string;
  readonly since: PublishedSince;
}

export function chooseAuthority({ newest, others, shown, since }: Candidates, now: number): ExternalAuthority {
  const knownAt = knownToPartnersAt(newest, since);
  if (shown === newest.keyId || (knownAt !== undefined && knownAt <= now)) return stateOf(newest);
  const until = knownAt ?? now + spreadTime;
  const usable = others.filter(({ certificate }) => certificate.notAfter > until);
  const place = usable.findIndex(({ keyId }) => keyId === shown);
  // What is shown is not exchanged for anything older.
  const preferred = place < 0 ? usable : usable.slice(0, place);
  const known = preferred.find((each) => (knownToPartnersAt(each, since) ?? Infinity) <= now);
  const chosen = known ?? usable[place] ?? firstPublished([newest, ...usable], since) ?? newest;
  const when =
    knownAt === undefined
      ? 'once the bundle for them is published with it'
      : `at ${timestamp(knownAt)}, when they have fetched it`;
  return {
    ...stateOf(chosen),
    succession: {
      ...(knownAt === undefined ? {} : { knownAt }),
      hasToLast: chosen === newest,
      message: `Partners do not know "${newest.certificate.subject}" yet: certificates that they are shown come from it ${when}.`,
    },
  };
}

const stateOf = (authority: Authority): ExternalAuthority => ({ state: { available: true, authority } });

function firstPublished(authorities: readonly Authority[], since: PublishedSince): Authority | undefined {
  const published = authorities.flatMap((authority) => {
    const at = knownToPartnersAt(authority, since);
    return at === undefined ? [] : [{ authority, at }];
  });
  return published.sort((a, b) => a.at - b.at).at(0)?.authority;
}

/** Of an Edge without partners it is whoever it should be, at once. */
export function externalAuthority(
  { metadata }: TrustedServer,
  { enterpriseCA, secretName }: CertificateNeed,
  domain: TrustDomain,
  context: Context,
): ExternalAuthority {
  const { authorities, topology, journal, now } = context;
  const state = authorities.get(enterpriseCA);
  const hasPartners = topology.partnersOf(domain.metadata.name).some(({ spec }) => spec.mode !== 'Blocked');
  if (!state.available || !hasPartners) return { state };
  const recorded = journal.latestOf(`${metadata.namespace}/${secretName}`);
  const shown = recorded?.uid === metadata.uid ? recorded.authority : undefined;
  const older = authorities.olderOf(enterpriseCA);
  const former = shown === undefined ? undefined : authorities.issuing(shown);
  const others = [...older, ...(former === undefined || older.includes(former) ? [] : [former])].filter(
    (each) => isAllowed(each, domain) && (domain.spec.security.fips !== 'Required' || complianceProblem(each) === undefined),
  );
  const since = publishedSince(domain, context);
  return chooseAuthority({ newest: state.authority, others, since, ...(shown === undefined ? {} : { shown }) }, now());
}

function isAllowed(authority: Authority, { spec }: TrustDomain): boolean {
  return [spec.enterpriseCA, ...(spec.additionalEnterpriseCAs ?? [])].includes(authority.enterpriseCA);
}

/** Whichever TrustDomain wrote it: of one that is made anew, partners know what the former published at the same place. */
function publishedSince(domain: TrustDomain, { stores, namespace, now }: Context): PublishedSince {
  const published = stores.configMaps.get({ namespace, name: publishedName(spiffeTrustDomain(domain)) });
  return withoutFuture(decodePublishedSince(published?.metadata.annotations?.[annotation.publishedSince]), now());
}
