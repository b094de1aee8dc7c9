// A segment as the API server holds it: an immutable ConfigMap `trustmesh-journal-<number, ten digits>` with one record a line under
// `records.jsonl`. A merged segment carries the stretch that it replaces as an annotation, and each carries a random id, so that
// whoever wrote it knows it again when the answer was lost.
import type { Created } from '../kube/client.ts';
import type { ConfigMap, MetadataObject } from '../kube/resource.ts';
import { textOf } from './record.ts';
import type { Stretch } from './segment.ts';

export const JOURNAL_LABEL = 'trustmesh.io/journal';
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'trustmesh' } as const;
export const SEGMENT_SELECTOR = `${JOURNAL_LABEL}=segment`;

const REPLACES = 'trustmesh.io/journal-replaces';
const WRITE = 'trustmesh.io/journal-write';
const RECORDS = 'records.jsonl';
const MAX_SEQUENCE = 9_999_999_999;

export function segmentName(sequence: number): string {
  return `trustmesh-journal-${String(sequence).padStart(10, '0')}`;
}

/** @param write identifies this one attempt to write it */
export function segmentObject(namespace: string, stretch: Stretch, lines: readonly string[], write: string): Created<ConfigMap> {
  const { sequence, from, to } = stretch;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: segmentName(sequence),
      namespace,
      labels: { ...MANAGED_BY, [JOURNAL_LABEL]: 'segment' },
      annotations: { [WRITE]: write, ...(from === sequence ? undefined : { [REPLACES]: `${from}-${to}` }) },
    },
    immutable: true,
    data: { [RECORDS]: textOf(lines) },
  };
}

/** Undefined for an object that bears our label but was not written by us. */
export function stretchOf({ metadata }: Pick<MetadataObject, 'metadata'>): Stretch | undefined {
  const sequence = Number(/^trustmesh-journal-(\d{10})$/.exec(metadata.name)?.[1] ?? Number.NaN);
  if (!(sequence >= 1 && sequence <= MAX_SEQUENCE)) return undefined;
  const [, from, to] = /^(\d{1,10})-(\d{1,10})$/.exec(metadata.annotations?.[REPLACES] ?? '')?.map(Number) ?? [];
  // An edited annotation must not make a segment swallow its neighbours.
  if (from === undefined || to === undefined || from < 1 || from > to || to >= sequence)
    return { sequence, from: sequence, to: sequence };
  return { sequence, from, to };
}

export function isWrite({ metadata }: Pick<MetadataObject, 'metadata'>, write: string): boolean {
  return metadata.annotations?.[WRITE] === write;
}

export function recordsTextOf(object: ConfigMap): string {
  return object.data?.[RECORDS] ?? '';
}
