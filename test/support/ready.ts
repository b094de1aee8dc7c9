// Waiting until everything that was declared has come true.
import { z } from 'zod';
import type { KubeClient } from '../../operator/kube/client.ts';
import {
  enterpriseCAs,
  federatedPartners,
  mediaGateways,
  mediaRelays,
  type Resource,
  trustDomains,
  trustedServers,
} from '../../operator/kube/resource.ts';
import { waitFor } from './wait.ts';

const reported = z.object({
  metadata: z.object({ name: z.string(), generation: z.number() }),
  status: z.object({
    observedGeneration: z.number(),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string() })).default([]),
  }),
});

const resources: readonly Resource[] = [
  enterpriseCAs,
  trustDomains,
  trustedServers,
  mediaGateways,
  mediaRelays,
  federatedPartners,
];

/** Waits until every object of ours is Ready as it is now. Throws with what those say that are not. */
export async function everythingReady(client: KubeClient): Promise<void> {
  await waitFor(
    'everything to be Ready',
    async () => {
      const lists = await Promise.all(resources.map((resource) => client.list(resource)));
      const waiting = lists
        .flatMap(({ items }) => items)
        .flatMap((object) => {
          const { metadata, status } = reported.parse(object);
          const ready = status.conditions.find(({ type }) => type === 'Ready');
          const isReady = ready?.status === 'True' && status.observedGeneration === metadata.generation;
          return isReady ? [] : [`${object.kind} ${metadata.name}: ${ready?.message ?? 'no word of it yet'}`];
        });
      if (waiting.length > 0) throw new Error(waiting.join('\n'));
      return true;
    },
    { limitMs: 60_000 },
  );
}
