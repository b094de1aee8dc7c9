// The one thing that is done for a TrustDomain itself: its status, and events for what it newly shows. Everything else is done for its servers and bundles.
import type { TrustDomain, TrustDomainStatus } from '../../api/v1alpha1/index.ts';
import { trustDomains } from '../../kube/resource.ts';
import type { Context } from '../context.ts';
import { announceFindings } from '../shown-findings.ts';
import { writeStatus } from '../write-status.ts';

export async function enact(domain: TrustDomain, status: TrustDomainStatus, context: Context): Promise<void> {
  const { client, stores } = context;
  if (await writeStatus(trustDomains, domain, status, { client, store: stores.trustDomains }))
    announceFindings(domain, status.conditions, context);
}
