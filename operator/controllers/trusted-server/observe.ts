// Gathers everything that the plan for one server needs, from caches alone, into one value.
import { kebabCase, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import { complianceProblem } from '../../authorities/compliance.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { type CertificateFacts, expectedKeys, readFacts } from '../../outputs/certificate-secret.ts';
import { annotation, label, timestamp } from '../../outputs/labels.ts';
import type { NamespaceFacts } from '../../topology/admission.ts';
import { type CertificateNeed, certificateNeeds } from '../../topology/names.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import { graceEnd } from '../../trust/grace.ts';
import { renewalTime } from '../../trust/renewal.ts';
import { issuesOf, renewalSeed } from '../certify.ts';
import type { Context } from '../context.ts';
import type { Circumstances, ObservedNeed } from '../observed-need.ts';
import { profileHash } from '../profile-hash.ts';
import { sharedSecretName } from '../shared-secret.ts';
import { type OwnTrust, observeOwnTrust } from './own-trust.ts';

export interface Observation extends Circumstances {
  readonly server: TrustedServer;
  readonly namespace: NamespaceFacts | undefined;
  /** Epoch ms until which a server that lost its admission stays listed. */
  readonly graceEnd?: number;
  readonly needs: readonly ObservedNeed[];
  /** Secrets of this server that no need asks for. */
  readonly leftovers: readonly MetadataObject[];
  /** Names of those whose certificate serves until its successor, under another name of Secret, is there. */
  readonly awaited: ReadonlySet<string>;
  readonly ownTrust: OwnTrust;
}

export function observe(key: string, context: Context): Observation | undefined {
  const { topology, stores, now, grace } = context;
  const placement = topology.placement(key);
  const server = stores.trustedServers.get(key);
  if (placement === undefined || server === undefined) return undefined;
  const domain = topology.domain(server.spec.trustDomain);
  const domainProblem = topology.domainProblem(server.spec.trustDomain);
  const namespace = topology.namespace(server.metadata.namespace ?? '');
  const needs =
    domain === undefined ? [] : certificateNeeds(server, domain).map((need) => observeNeed(server, domain, need, context));
  const held = new Set(needs.map(({ need }) => need.secretName));
  const leftovers = stores.secrets.byIndex('owner', server.metadata.uid).filter((secret) => !held.has(secret.metadata.name));
  const end = placement.admission?.admitted === false ? graceEnd(server, now(), grace) : undefined;
  return {
    server,
    domain,
    ...(domainProblem === undefined ? {} : { domainProblem }),
    namespace,
    admission: placement.admission,
    ...(end === undefined ? {} : { graceEnd: end }),
    needs,
    leftovers,
    awaited: new Set(
      leftovers.filter((secret) => hasToWait(secret, server, needs, context)).map(({ metadata }) => metadata.name),
    ),
    ownTrust: observeOwnTrust(server, placement, domain, context),
  };
}

/** A need of the same use and member, or for a member by another name, that has no certificate yet. */
function hasToWait(
  { metadata }: MetadataObject,
  server: TrustedServer,
  needs: readonly ObservedNeed[],
  { journal }: Context,
): boolean {
  const names = journal.latestOf(`${metadata.namespace}/${metadata.name}`)?.names ?? [];
  const members = server.spec.members.map(({ fqdn }) => fqdn).filter((fqdn) => names.includes(fqdn));
  return needs.some(
    ({ need, facts }) =>
      facts === undefined &&
      metadata.labels?.[label.use] === kebabCase(need.use) &&
      (metadata.annotations?.[annotation.member] === need.member || members.some((fqdn) => need.dnsNames.includes(fqdn))),
  );
}

function observeNeed(server: TrustedServer, domain: TrustDomain, need: CertificateNeed, context: Context): ObservedNeed {
  const { stores, authorities, journal, trust } = context;
  const namespace = server.metadata.namespace ?? '';
  const state = authorities.get(need.enterpriseCA);
  const named = stores.secrets.get({ namespace, name: need.secretName });
  const secret = named !== undefined && belongsTo(named, server, need) ? named : undefined;
  const facts = readFacts(secret?.metadata.annotations);
  const path = `${namespace}/${need.secretName}`;
  const latest = need.shared === undefined ? journal.latestOf(path) : undefined;
  const recorded = latest?.uid === server.metadata.uid ? latest : undefined;
  const wanted = trust.of(domain.metadata.name, need.audience);
  const bundle = wanted !== undefined && (wanted.unknown.length === 0 || secret === undefined) ? wanted.bundle : undefined;
  const pending = trust.pending(domain.metadata.name, need.audience, namespace);
  const renewAt =
    facts === undefined || !state.available
      ? facts?.renewAt
      : need.shared === undefined
        ? renewalTime(facts, state.authority.leaf.renewAfterPercent, renewalSeed(server.metadata.uid, path))
        : facts.renewAt;
  const conflict = conflictOver(server, need, context);
  const problem = state.available && domain.spec.security.fips === 'Required' ? complianceProblem(state.authority) : undefined;
  const source = need.shared === undefined ? undefined : observeSource(server, domain, need, context);
  return {
    need,
    state,
    profileHash: profileHash(need, state),
    ...(secret === undefined ? {} : { secret }),
    foreign: named !== undefined && secret === undefined,
    ...(facts === undefined ? {} : { facts }),
    ...(recorded === undefined ? {} : { recorded }),
    issues: issuesOf(server.metadata.uid, path, state, context),
    ...(renewAt === undefined ? {} : { renewAt }),
    ...(bundle === undefined ? {} : { bundle }),
    ...(pending === undefined ? {} : { trustPending: pending }),
    stale: isStale(secret, facts, need, bundle, renewAt),
    ...(conflict === undefined ? {} : { conflict }),
    ...(problem === undefined ? {} : { complianceProblem: problem }),
    ...(source === undefined ? {} : { source }),
  };
}

/** A Secret belongs to one (object, use, member). */
function belongsTo({ metadata }: MetadataObject, server: TrustedServer, need: CertificateNeed): boolean {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  return (
    owner?.uid === server.metadata.uid &&
    metadata.labels?.[label.use] === kebabCase(need.use) &&
    metadata.annotations?.[annotation.member] === need.member
  );
}

function isStale(
  secret: MetadataObject | undefined,
  facts: CertificateFacts | undefined,
  need: CertificateNeed,
  bundle: TrustBundle | undefined,
  renewAt: number | undefined,
): boolean {
  if (secret === undefined || facts === undefined || bundle === undefined) return false;
  const lost = expectedKeys(need.formats).trust.some((key) => secret.metadata.ownedDataKeys?.includes(key) !== true);
  return lost || facts.trustHash !== bundle.hash || (renewAt !== undefined && renewAt !== facts.renewAt);
}

/** The first name of this need that another object holds. */
function conflictOver(server: TrustedServer, need: CertificateNeed, { topology }: Context): ObservedNeed['conflict'] {
  const declared = topology.placement(`${server.metadata.namespace}/${server.metadata.name}`)?.names ?? [];
  for (const name of need.dnsNames) {
    if (!declared.includes(name)) continue;
    const holder = topology.holder(name);
    if (holder === undefined || (holder.kind === 'Claim' && holder.claim.uid === server.metadata.uid)) continue;
    if (holder.kind === 'Claim') {
      const { claim } = holder;
      return {
        message: `${name} is held by TrustedServer ${claim.namespace}/${claim.name}. Remove it there, or use another name here.`,
      };
    }
    const { until } = holder;
    return {
      message: `${name} stays reserved for namespace ${holder.namespace} until the last certificate issued there for it has expired, at ${timestamp(until)}.`,
      until,
    };
  }
  return undefined;
}

function observeSource(
  server: TrustedServer,
  domain: TrustDomain,
  need: CertificateNeed,
  { stores, namespace }: Context,
): ObservedNeed['source'] {
  const secret = stores.secrets.get({ namespace, name: sharedSecretName(need, server, domain) });
  const facts = readFacts(secret?.metadata.annotations);
  return secret === undefined || facts === undefined ? undefined : { secret, facts };
}
