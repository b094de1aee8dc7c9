// The certificates that several servers share: one a domain for signing tokens, one an Edge pool for media relay
// authentication. Kept in the operator's namespace, copied from there by each server's controller.
import type { TrustDomain, TrustedServer } from '../../api/v1alpha1/index.ts';
import { complianceProblem } from '../../authorities/compliance.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { readFacts } from '../../outputs/certificate-secret.ts';
import { type CertificateNeed, certificateNeeds } from '../../topology/names.ts';
import { renewalTime } from '../../trust/renewal.ts';
import { issuesOf, renewalSeed } from '../certify.ts';
import type { Circumstances } from '../circumstances.ts';
import type { Context } from '../context.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { profileHash } from '../profile-hash.ts';
import { sharedSecretName } from '../shared-secret.ts';

export interface SharedObservation {
  /** The object that the journal enters the certificate under, and that events are about. */
  readonly owner: TrustDomain | TrustedServer;
  readonly observed: ObservedNeed;
  readonly circumstances: Circumstances;
}

/** Undefined where nobody asks for the certificate now: what exists stays. */
export function observe(key: string, context: Context): SharedObservation | undefined {
  const { topology } = context;
  const [kind, ...rest] = key.split('/');
  const candidates = kind === 'Domain' ? [...topology.serversOf(rest[0] ?? '')] : [rest.join('/')];
  for (const candidate of candidates) {
    const placement = topology.placement(candidate);
    const domain = placement && topology.domain(placement.server.spec.trustDomain);
    if (placement?.admission?.admitted !== true || domain === undefined) continue;
    const { server } = placement;
    const need = certificateNeeds(server, domain).find(({ shared }) => shared === kind);
    if (need === undefined) continue;
    const { shared: _, member: __, ...own } = need;
    const wish: CertificateNeed = {
      ...own,
      secretName: sharedSecretName(need, server, domain),
      formats: [],
      ...(kind === 'Domain' ? { dnsNames: domain.spec.sipDomains, enterpriseCA: domain.spec.enterpriseCA } : {}),
    };
    const owner = kind === 'Domain' ? domain : server;
    const domainProblem = topology.domainProblem(domain.metadata.name);
    const observed = observeShared(owner, wish, domain, context);
    // Under the Secret's name the journal may know what another object had.
    const sharesIds = topology.sharesIds(domain.metadata.name) && observed.recorded?.uid === owner.metadata.uid;
    return {
      owner,
      observed,
      circumstances: {
        admission: placement.admission,
        domain,
        ...(domainProblem === undefined ? {} : { domainProblem, sharesIds }),
      },
    };
  }
  return undefined;
}

function observeShared(
  owner: TrustDomain | TrustedServer,
  need: CertificateNeed,
  { spec }: TrustDomain,
  context: Context,
): ObservedNeed {
  const { authorities, stores, namespace, journal } = context;
  const state = authorities.get(need.enterpriseCA);
  const secret: MetadataObject | undefined = stores.secrets.get({ namespace, name: need.secretName });
  const facts = readFacts(secret?.metadata.annotations);
  const path = `${namespace}/${need.secretName}`;
  const recorded = journal.latestOf(path);
  const renewAt =
    facts === undefined || !state.available
      ? facts?.renewAt
      : renewalTime(facts, state.authority.leaf.renewAfterPercent, renewalSeed(owner.metadata.uid, path));
  const problem = state.available && spec.security.fips === 'Required' ? complianceProblem(state.authority) : undefined;
  return {
    need,
    state,
    profileHash: profileHash(need, state),
    ...(secret === undefined ? {} : { secret }),
    foreign: false,
    ...(facts === undefined ? {} : { facts }),
    ...(recorded === undefined ? {} : { recorded }),
    issues: issuesOf(owner.metadata.uid, path, state, context),
    ...(renewAt === undefined ? {} : { renewAt }),
    stale: false,
    ...(problem === undefined ? {} : { complianceProblem: problem }),
  };
}
