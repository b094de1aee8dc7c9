// The one thing that is done for a TrustDomain itself: its status. Everything else is done for its servers and bundles.
import type { TrustDomain, TrustDomainStatus } from '../../api/v1alpha1/index.ts';
import { trustDomains } from '../../kube/resource.ts';
import type { Context } from '../context.ts';
import { writeStatus } from '../write-status.ts';

export async function enact(domain: TrustDomain, status: TrustDomainStatus, { client, stores }: Context): Promise<void> {
  await writeStatus(trustDomains, domain, status, { client, store: stores.trustDomains });
}
