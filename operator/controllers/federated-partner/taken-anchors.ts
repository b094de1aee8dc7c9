// Which anchors are taken from what the sources of all partners hold: what may be an anchor, and what goes on with what was
// last taken because what is there now brings nothing that can be believed.
import { type Certificate, CertificateError, parseCertificates } from '../../pki/certificate.ts';
import { checkPartnerAnchors, type PartnerAnchors } from '../../trust/partner-anchors.ts';
import { inPlaceOf } from './cross-records.ts';
import type { FederationObservation, ObservedPartner } from './observe.ts';
import type { FederationAction } from './plan.ts';
import { recordOf, type SourceContent, type SourceObservation } from './sources.ts';

export interface Taken {
  readonly source: SourceObservation;
  readonly content: SourceContent | undefined;
}

export interface Checked {
  readonly anchors: ReadonlyMap<string, readonly Certificate[]>;
  /** Sentences, by partner. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
  readonly taken: readonly Taken[];
}

/** A source whose content brings no anchor that can be believed goes on with what was last taken from it. */
export function checkSources(
  candidates: readonly ObservedPartner[],
  { records, ours }: FederationObservation,
  now: number,
): Checked {
  const check = (contentOf: (source: SourceObservation) => SourceContent | undefined) =>
    checkPartnerAnchors({
      ours,
      now,
      partners: candidates.map(
        ({ partner, sources }): PartnerAnchors => ({
          name: partner.metadata.name,
          sources: sources.flatMap((source) => {
            const content = contentOf(source);
            return content === undefined ? [] : [{ from: source.from, pem: content.pem }];
          }),
          inPlace: inPlaceOf(partner.metadata.name, records),
        }),
      ),
    });
  const first = check(newest);
  const spoilt = new Set(
    candidates.flatMap(({ partner, sources }) => {
      const accepted = new Set(first.accepted.get(partner.metadata.name)?.map(({ fingerprint }) => fingerprint));
      return sources.filter(
        (source) =>
          source.current !== undefined &&
          source.recorded !== undefined &&
          source.current.pem !== source.recorded.pem &&
          !fingerprintsIn(source.current.pem).some((fingerprint) => accepted.has(fingerprint)),
      );
    }),
  );
  const contentOf = (source: SourceObservation) => (spoilt.has(source) ? source.recorded : newest(source));
  const { accepted } = spoilt.size === 0 ? first : check(contentOf);
  const refused = new Map<string, readonly string[]>();
  for (const { partner, message } of first.refused) refused.set(partner, [...(refused.get(partner) ?? []), message]);
  return {
    anchors: accepted,
    refused,
    taken: candidates.flatMap(({ sources }) => sources.map((source) => ({ source, content: contentOf(source) }))),
  };
}

function newest({ current, recorded }: SourceObservation): SourceContent | undefined {
  return current ?? recorded;
}

/** None where it is not PEM of certificates. */
export function fingerprintsIn(pem: string): readonly string[] {
  try {
    return parseCertificates(pem).map(({ fingerprint }) => fingerprint);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

/** What was taken and is not recorded yet. */
export function sourceActions({ source, content }: Taken, now: number): readonly FederationAction[] {
  const { record, recorded } = source;
  if (record === undefined || content === undefined) return [];
  if (recorded?.pem === content.pem && recorded.sequence === content.sequence) return [];
  return [{ kind: 'WriteSource', record, data: recordOf(content, now) }];
}
