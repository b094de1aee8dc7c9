// Which anchors are taken from what the sources of all partners hold: what may be an anchor, and what goes on with what was
// last taken because what is there now brings nothing that can be believed.
import type { Certificate } from '../../pki/certificate.ts';
import { nameOf } from '../../pki/chain.ts';
import { approvedKeys, fipsProblem } from '../../pki/fips-problem.ts';
import { checkPartnerAnchors, type PartnerAnchorSource, type PartnerAnchors } from '../../trust/partner-anchors.ts';
import { inPlaceIn } from './cross-records.ts';
import type { FederationObservation, ObservedPartner } from './observe.ts';
import type { FederationAction } from './plan.ts';
import { certificatesIn } from './read-certificates.ts';
import { recordOf, type SourceContent, type SourceObservation } from './sources.ts';

/** What was last had of a source, and what of it is believed. */
export interface Taken {
  readonly partner: string;
  readonly source: SourceObservation;
  readonly content: SourceContent;
  readonly accepted: readonly Certificate[];
}

export interface Checked {
  readonly anchors: ReadonlyMap<string, readonly Certificate[]>;
  /** Sentences, by partner. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
  /** The same, of CAs of its that another partner claims. */
  readonly contested: ReadonlyMap<string, readonly string[]>;
  readonly taken: readonly Taken[];
}

/** A source whose content brings no anchor that can be believed goes on with what was last taken from it. */
export function checkSources(
  candidates: readonly ObservedPartner[],
  { records, ours, domain }: FederationObservation,
  now: number,
): Checked {
  const problemOf = domain?.spec.security.fips === 'Required' ? fipsProblem : () => undefined;
  const inPlaceOf = inPlaceIn(records);
  const check = (contentOf: (source: SourceObservation) => SourceContent | undefined) =>
    checkPartnerAnchors({
      ours,
      now,
      partners: candidates.map(
        ({ partner, sources }): PartnerAnchors => ({
          name: partner.metadata.name,
          sources: sources.flatMap((source): readonly PartnerAnchorSource[] => {
            const { pem } = contentOf(source) ?? {};
            if (pem === undefined) return [];
            const certificates = certificatesIn(pem);
            if (certificates.length === 0) return [{ from: source.from, pem }];
            const approved = certificates.filter((certificate) => problemOf(certificate) === undefined);
            return approved.length === 0 ? [] : [{ from: source.from, certificates: approved }];
          }),
          inPlace: inPlaceOf(partner),
        }),
      ),
    });
  const first = check(newest);
  const acceptedFrom = (accepted: ReadonlyMap<string, readonly Certificate[]>, name: string, pem: string) => {
    const own = new Set(accepted.get(name)?.map(({ fingerprint }) => fingerprint));
    return certificatesIn(pem).filter(({ fingerprint }) => own.has(fingerprint));
  };
  const spoilt = new Set(
    candidates.flatMap(({ partner, sources }) =>
      sources.filter(
        ({ current, recorded }) =>
          current !== undefined &&
          recorded !== undefined &&
          current.pem !== recorded.pem &&
          acceptedFrom(first.accepted, partner.metadata.name, current.pem).length === 0,
      ),
    ),
  );
  const contentOf = (source: SourceObservation) => (spoilt.has(source) ? source.recorded : newest(source));
  const { accepted } = spoilt.size === 0 ? first : check(contentOf);
  const refused = new Map<string, readonly string[]>();
  const refuse = (name: string, message: string) => refused.set(name, [...(refused.get(name) ?? []), message]);
  for (const { partner, message } of first.refused) refuse(partner, message);
  for (const { partner, sources } of candidates) {
    for (const source of sources) {
      for (const certificate of certificatesIn(newest(source)?.pem)) {
        const problem = problemOf(certificate);
        if (problem !== undefined) refuse(partner.metadata.name, notApproved(certificate, source.from, problem));
      }
    }
  }
  return {
    anchors: accepted,
    refused,
    contested: first.contested,
    taken: candidates.flatMap(({ partner: { metadata }, sources }) =>
      sources.flatMap((source): readonly Taken[] => {
        const content = contentOf(source);
        if (content === undefined) return [];
        return [{ partner: metadata.name, source, content, accepted: acceptedFrom(accepted, metadata.name, content.pem) }];
      }),
    ),
  };
}

function newest({ current, recorded }: SourceObservation): SourceContent | undefined {
  return current ?? recorded;
}

function notApproved(certificate: Certificate, from: string, problem: string): string {
  return `${nameOf(certificate)} from ${from} ${problem}, and the domain requires that: the partner needs a CA with ${approvedKeys}.`;
}

/**
 * What is believed and not recorded yet. The certificates themselves are written down and nothing else of what lay there: a
 * source may hold anything, a private key too.
 */
export function sourceActions(taken: readonly Taken[], now: number): readonly FederationAction[] {
  const actions = new Map<string, FederationAction | undefined>();
  for (const { partner, source, content, accepted } of taken) {
    const { record, recorded } = source;
    // Two entries may name one place: what the first of them brings is kept.
    if (record === undefined || accepted.length === 0 || actions.has(record)) continue;
    const pem = accepted.map((certificate) => certificate.pem).join('');
    const isRecorded = recorded?.pem === pem && recorded.sequence === content.sequence;
    const data = recordOf(partner, { ...content, pem }, now);
    actions.set(record, isRecorded ? undefined : { kind: 'WriteSource', record, data });
  }
  return [...actions.values()].filter((action) => action !== undefined);
}
