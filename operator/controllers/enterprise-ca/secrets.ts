// How an EnterpriseCA's objects in the operator's namespace are named and read.
import { z } from 'zod';
import { isApiError } from '../../kube/errors.ts';
import { configMaps } from '../../kube/resource.ts';
import { type Certificate, parseCertificates } from '../../pki/certificate.ts';
import type { Context } from '../context.ts';

/** `<eca>-root-<generation>` and `<eca>-issuing-<generation>` (contract). */
export function authoritySecretName(enterpriseCA: string, role: 'root' | 'issuing', generation: number): string {
  return `${enterpriseCA}-${role}-${generation}`;
}

/** The ConfigMap in which a provided CA's former anchors and issuing keys are kept: what they signed is still in use. */
export function historyName(enterpriseCA: string): string {
  return `${enterpriseCA}-anchors`;
}

export interface History {
  readonly anchors: readonly Certificate[];
  /** Every issuing certificate that was in use since they are kept. */
  readonly issuing: readonly Certificate[];
  /** Subject key ids of every issuing certificate that was ever in use. */
  readonly keyIds: readonly string[];
  /** Absent where there is no ConfigMap yet. */
  readonly resourceVersion?: string;
}

const keyIds = z.array(z.string());

export async function historyOf(enterpriseCA: string, { client, namespace }: Context): Promise<History> {
  try {
    const { data = {}, metadata } = await client.get(configMaps, { namespace, name: historyName(enterpriseCA) });
    return {
      anchors: parseCertificates(data['ca.crt'] ?? ''),
      issuing: parseCertificates(data['issuing.crt'] ?? ''),
      keyIds: keyIds.parse(JSON.parse(data['key-ids.json'] ?? '[]')),
      resourceVersion: metadata.resourceVersion,
    };
  } catch (error) {
    if (isApiError(error, 'NotFound')) return { anchors: [], issuing: [], keyIds: [] };
    throw error;
  }
}
