// The operator's journal, as an administrator finds it in the cluster while the operator runs: nothing is taken over.
import { type JournalRecord, parseRecords } from '../../operator/journal/record.ts';
import { separate } from '../../operator/journal/segment.ts';
import { recordsTextOf, SEGMENT_SELECTOR, stretchOf } from '../../operator/journal/segment-object.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { configMaps } from '../../operator/kube/resource.ts';

/** Everything issued, in the order of issue; of what has expired some may be missing. Throws for lines that cannot be read. */
export async function readJournal(admin: KubeClient, namespace = 'trustmesh-system'): Promise<readonly JournalRecord[]> {
  const { items } = await admin.list(configMaps, { namespace, labelSelector: SEGMENT_SELECTOR });
  const segments = items.flatMap((object) => {
    const stretch = stretchOf(object);
    return stretch === undefined ? [] : [{ ...stretch, name: object.metadata.name, text: recordsTextOf(object) }];
  });
  return separate(segments).current.flatMap(({ name, text }) => {
    const { records, problems } = parseRecords(name, text);
    if (problems.length > 0) throw new Error(`the journal has lines that cannot be read: ${JSON.stringify(problems)}`);
    return records;
  });
}

/** What was issued for each Secret (`namespace/name`), the oldest first. */
export async function issuedFor(admin: KubeClient, namespace?: string): Promise<ReadonlyMap<string, readonly JournalRecord[]>> {
  return Map.groupBy(await readJournal(admin, namespace), ({ secret }) => secret);
}
