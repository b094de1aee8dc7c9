// Gathers everything that the plan for one server needs, from caches alone, into one value.
import { kebabCase, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { readFacts } from '../../outputs/certificate-secret.ts';
import { annotation, label } from '../../outputs/labels.ts';
import type { NamespaceFacts } from '../../topology/admission.ts';
import type { Finding } from '../../topology/findings.ts';
import { findingsOfCompliance } from '../../topology/findings-of-compliance.ts';
import { findingsOfServer } from '../../topology/findings-of-server.ts';
import { findingsOfTrunks } from '../../topology/findings-of-trunks.ts';
import { type CertificateNeed, certificateNeeds } from '../../topology/names.ts';
import { trunksOf } from '../../topology/trunk-standing.ts';
import { type Circumstances, circumstancesOf } from '../circumstances.ts';
import type { Context } from '../context.ts';
import { externalAuthority } from '../external-authority.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { observeCertificate } from '../owned-certificate.ts';
import { sharedSecretName } from '../shared-secret.ts';
import { type OwnTrust, observeOwnTrust } from './own-trust.ts';

export interface Observation extends Circumstances {
  readonly server: TrustedServer;
  readonly namespace: NamespaceFacts | undefined;
  readonly needs: readonly ObservedNeed[];
  /** Secrets of this server that no need asks for. */
  readonly leftovers: readonly MetadataObject[];
  /** Names of those whose certificate serves until its successor, under another name of Secret, is there. */
  readonly awaited: ReadonlySet<string>;
  readonly ownTrust: OwnTrust;
  readonly findings: readonly Finding[];
}

export function observe(key: string, context: Context): Observation | undefined {
  const { topology, stores, trunks } = context;
  const placement = topology.placement(key);
  const server = stores.trustedServers.get(key);
  if (placement === undefined || server === undefined) return undefined;
  const circumstances = circumstancesOf(server, placement.admission, context);
  const { domain } = circumstances;
  const namespace = topology.namespace(server.metadata.namespace ?? '');
  const needs =
    domain === undefined ? [] : certificateNeeds(server, domain).map((need) => observeNeed(server, domain, need, context));
  const held = new Set(needs.map(({ need }) => need.secretName));
  const leftovers = stores.secrets
    .byIndex('owner', server.metadata.uid)
    // Credentials for a media relay go with the server too, and are the relay's to keep.
    .filter(({ metadata }) => !held.has(metadata.name) && metadata.labels?.[label.mediaRelay] === undefined);
  return {
    server,
    ...circumstances,
    namespace,
    needs,
    leftovers,
    awaited: new Set(
      leftovers.filter((secret) => hasToWait(secret, server, needs, context)).map(({ metadata }) => metadata.name),
    ),
    ownTrust: observeOwnTrust(server, placement, domain, context),
    findings: [
      ...findingsOfServer(key, topology),
      ...(placement.listed ? findingsOfCompliance(key, needs) : []),
      ...findingsOfTrunks(key, trunksOf(key, topology), (gateway) => trunks.of(key)?.own.get(gateway)?.anchors.length === 0),
    ],
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
  const { topology, authorities, trust } = context;
  const { name, namespace = '' } = server.metadata;
  const source = need.shared === undefined ? undefined : observeSource(server, domain, need, context);
  return observeCertificate(
    server,
    {
      need,
      ...(need.audience === 'edge-external'
        ? externalAuthority(server, need, domain, context)
        : { state: authorities.get(need.enterpriseCA) }),
      trust: trust.ofServer(server, need.audience),
      trustPending: trust.pending(domain.metadata.name, need.audience, namespace),
      declared: topology.placement(`${namespace}/${name}`)?.names ?? [],
      fips: domain.spec.security.fips === 'Required',
      ...(source === undefined ? {} : { source }),
    },
    context,
  );
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
