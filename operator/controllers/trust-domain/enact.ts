// The one thing that is done for a TrustDomain itself: its status, and events for what it newly shows. Everything else is done for its servers and bundles.
import type { TrustDomain, TrustDomainStatus } from '../../api/v1alpha1/index.ts';
import { trustDomains } from '../../kube/resource.ts';
import type { Finding } from '../../topology/findings.ts';
import type { Context } from '../context.ts';
import { announceFindings, concernedBy } from '../shown-findings.ts';
import { writeStatus } from '../write-status.ts';

/** `findings`: what is found about the domain itself. */
export async function enact(
  domain: TrustDomain,
  status: TrustDomainStatus,
  findings: readonly Finding[],
  context: Context,
): Promise<void> {
  const { client, stores } = context;
  if (await writeStatus(trustDomains, domain, status, { client, store: stores.trustDomains }))
    announceFindings(domain, status.conditions, context, concernedBy(findings));
}
