// The journal's generation: who may write it. Each leader takes the next one, by compare-and-swap on one small ConfigMap, before
// it reads; and nothing that it writes counts until the generation has been found unchanged afterwards.
//
// Numbers alone are no fence: merging frees them, so that a leader which slept through its successor's merge would find its next
// number free. It may write there, but then it sees the successor's generation, and nobody was told that the write counts.

import type { KubeClient } from '../kube/client.ts';
import { ApiError, isApiError } from '../kube/errors.ts';
import { type ConfigMap, configMaps } from '../kube/resource.ts';
import { JOURNAL_LABEL, MANAGED_BY } from './segment-object.ts';

export interface Generation {
  /** Of the ConfigMap: one that was deleted and made again starts to count anew. */
  readonly uid: string;
  readonly number: number;
}

/** The dot keeps it apart from the bundle `trustmesh-<domain>`: a domain's name is a DNS label. */
const NAME = 'trustmesh-journal.generation';
const LABELS = { ...MANAGED_BY, [JOURNAL_LABEL]: 'generation' };

/**
 * @throws ApiError: Fenced where another took it at the same moment; Transient where it is not known whether it was taken, and
 *   then it is to be taken again
 */
export async function takeGeneration(client: KubeClient, namespace: string, signal?: AbortSignal): Promise<Generation> {
  const current = await find(client, namespace, signal);
  const number = numberOf(current) + 1;
  const data = { generation: String(number) };
  try {
    const { metadata } = await (current === undefined
      ? client.create(
          configMaps,
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace, labels: LABELS }, data },
          signal,
        )
      : client.patch(
          configMaps,
          { namespace, name: NAME },
          { metadata: { resourceVersion: current.metadata.resourceVersion }, data },
          {},
          signal,
        ));
    return { uid: metadata.uid, number };
  } catch (error) {
    if (isApiError(error, 'AlreadyExists', 'Conflict')) throw fenced(namespace, number, error);
    throw error;
  }
}

/** @throws ApiError: Fenced once another leader has taken the next generation */
export async function verifyGeneration(
  client: KubeClient,
  namespace: string,
  ours: Generation,
  signal?: AbortSignal,
): Promise<void> {
  const current = await find(client, namespace, signal);
  if (current?.metadata.uid !== ours.uid || numberOf(current) !== ours.number) throw fenced(namespace, ours.number);
}

async function find(client: KubeClient, namespace: string, signal?: AbortSignal): Promise<ConfigMap | undefined> {
  try {
    return await client.get(configMaps, { namespace, name: NAME }, signal);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function numberOf(object: ConfigMap | undefined): number {
  const number = Number(object?.data?.['generation'] ?? 0);
  return Number.isSafeInteger(number) ? number : 0;
}

function fenced(namespace: string, number: number, cause?: unknown): ApiError {
  return new ApiError('Fenced', `journal in ${namespace}: generation ${number} is not ours, another leader has taken over`, {
    cause,
  });
}
