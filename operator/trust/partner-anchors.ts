// Which certificates of partners may become anchors: everything that could put the Edge out of order, or make a partner
// somebody else, is refused with a sentence. A partner's fault never takes another partner's anchors away.
import { type Certificate, CertificateError, parseCertificates } from '../pki/certificate.ts';
import { isSignedBy, nameOf } from '../pki/chain.ts';
import { positionOf } from '../pki/path-builder.ts';
import { firstRefusal, type Refusal, type RefusalReason, refusal } from '../pki/path-refusal.ts';
import { pathRules } from '../pki/path-rules.ts';
import { instant } from '../pki/problem.ts';
import { authorityIdentity, comparableKey, comparableName, rivalOf } from './partner-authority.ts';
import { mostOctetsOfName } from './partner-listener.ts';

export type AnchorRefusalReason =
  /** As in a path: it expired, is no CA, is weak, or cannot be read alike by everybody. */
  | RefusalReason
  | 'UnreadablePEM'
  | 'NameTooLong'
  | 'OursNotKnown'
  | 'KeyOfOurs'
  | 'SubjectOfOurs'
  | 'KeyIdentifierOfOurs'
  | 'AuthorityOfAnotherPartner'
  | 'SubjectOfAnotherPartner'
  | 'KeyIdentifierOfAnotherPartner'
  | 'TooManyOfOnePartner';

export interface AnchorRefusal {
  /** The FederatedPartner. */
  readonly partner: string;
  readonly reason: AnchorRefusalReason;
  /** A sentence for a person: what was seen, where, what to do. */
  readonly message: string;
  /** SHA-256 of the certificate, lower-case hex; absent where nothing could be read. */
  readonly fingerprint?: string;
}

/** Where anchors come from, as messages call it, and what is there. */
export type PartnerAnchorSource = { readonly from: string } & (
  | { readonly pem: string }
  | { readonly certificates: readonly Certificate[] }
);

export interface PartnerAnchors {
  readonly name: string;
  readonly sources: readonly PartnerAnchorSource[];
  /** Fingerprints of anchors of this partner that are in place, and identities of their CAs: they come before what others bring now. */
  readonly inPlace: ReadonlySet<string>;
}

/** Every CA of ours, of any generation. */
export interface OurAuthorities {
  readonly certificates: readonly Certificate[];
  /** Lower-case hex; of CAs whose certificates are not at hand any more. */
  readonly keyIds: readonly string[];
  /** EnterpriseCAs of which nothing is known yet: meanwhile nothing new is accepted. */
  readonly unknown?: readonly string[];
}

/** Of one partner: more are a bundle of public CAs, not a partner. */
export const mostAnchors = 8;

interface Candidate {
  readonly partner: string;
  readonly from: string;
  readonly certificate: Certificate;
  /** What software looks for an issuer by, each in a form in which equal ones are equal. */
  readonly subject: string;
  readonly issuer: string;
  readonly key: string;
}

const refused = ({ partner, from, certificate }: Candidate, reason: AnchorRefusalReason, because: string): AnchorRefusal => ({
  partner,
  reason,
  message: `${nameOf(certificate)} from ${from} ${because}`,
  fingerprint: certificate.fingerprint,
});

const candidateOf = (partner: string, from: string, certificate: Certificate): Candidate => ({
  partner,
  from,
  certificate,
  subject: comparableName(certificate.subjectDer),
  issuer: comparableName(certificate.issuerDer),
  key: comparableKey(certificate),
});

function candidatesOf(partner: PartnerAnchors): readonly (Candidate | AnchorRefusal)[] {
  return partner.sources.flatMap((source): readonly (Candidate | AnchorRefusal)[] => {
    const { from } = source;
    try {
      const certificates = 'pem' in source ? parseCertificates(source.pem) : source.certificates;
      if (certificates.length > 0) return certificates.map((certificate) => candidateOf(partner.name, from, certificate));
      const message = `${from} holds no certificate: it must be PEM, with at least one CERTIFICATE block.`;
      return [{ partner: partner.name, reason: 'UnreadablePEM', message }];
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      const message = `${from} ${error.message}: it must hold PEM certificates of CAs only.`;
      return [{ partner: partner.name, reason: 'UnreadablePEM', message }];
    }
  });
}

/**
 * What is asked of the CA itself, whosever it is: what is asked of one within a path, where its own signature counts too. It may be
 * for servers or for clients only, and it may be brought before it is valid: so a partner's new CA is in place in time.
 */
function unfit(certificate: Certificate, now: number): Refusal | undefined {
  if (certificate.notAfter <= now) return refusal(certificate, 'Expired', `expired at ${instant(certificate.notAfter)}`);
  const position = positionOf(certificate, 'intermediate', []);
  if ('reason' in position) return position;
  const [forServers, forClients] = (['server', 'client'] as const).map((purpose) =>
    firstRefusal(pathRules, position, { now: Math.max(now, certificate.notBefore), purpose, work: { comparisons: 0 } }),
  );
  if (forServers === undefined || forClients === undefined) return undefined;
  return forServers.reason === 'WrongExtendedKeyUsage' ? forClients : forServers;
}

/** Whether a certificate could be taken for a CA of ours, by anything that software looks for an issuer by. */
function againstOurs({ certificates, keyIds }: OurAuthorities): (candidate: Candidate) => AnchorRefusal | undefined {
  const keys = new Set(certificates.map(comparableKey));
  const subjects = new Set(certificates.map(({ subjectDer }) => comparableName(subjectDer)));
  const identifiers = new Set([...certificates.map(({ subjectKeyId }) => subjectKeyId), ...keyIds]);
  return (candidate) => {
    const { subjectKeyId } = candidate.certificate;
    if (keys.has(candidate.key))
      return refused(
        candidate,
        'KeyOfOurs',
        'has the key of a CA of ours: its partner would be believed for our servers. Remove it.',
      );
    if (subjects.has(candidate.subject))
      return refused(
        candidate,
        'SubjectOfOurs',
        'has the subject of a CA of ours, and our servers would take it for that CA: the partner must rename its CA, or name another.',
      );
    // The federation root bears the issuer's name.
    if (subjects.has(candidate.issuer))
      return refused(
        candidate,
        'SubjectOfOurs',
        'says that it is issued by a CA of ours: what our CA vouches for is no partner. Name a CA that the partner has from elsewhere.',
      );
    if (identifiers.has(subjectKeyId))
      return refused(
        candidate,
        'KeyIdentifierOfOurs',
        `has the subject key identifier ${subjectKeyId} of a CA of ours, and our servers would take it for that CA: the partner must name another CA.`,
      );
    return undefined;
  };
}

const wayOut =
  'Ask both whose CA it is. Block the partner that only claims it; or have either name a certificate of that CA that the CA ' +
  'signed itself: then both are believed by that one.';

const contested = (candidate: Candidate, { partner, certificate }: Candidate): AnchorRefusal =>
  refused(
    candidate,
    'AuthorityOfAnotherPartner',
    `is another certificate of a CA that the partner ${partner} has in place (SHA-256 ${certificate.fingerprint}), and neither proves whose it is. ${wayOut}`,
  );

/** Whether one can be taken for the other although their keys differ. A partner's own may have one name: so it changes its key. */
function confusion(candidate: Candidate, other: Candidate): AnchorRefusal | undefined {
  if (candidate.partner === other.partner) return undefined;
  if (candidate.key === other.key) return undefined;
  const remedy = `software could take one for the other. The partner ${other.partner} had it before; find out whose it is.`;
  const theirs = nameOf(other.certificate);
  if (candidate.subject === other.subject)
    return refused(
      candidate,
      'SubjectOfAnotherPartner',
      `has the subject of a CA of the partner ${other.partner}, with another key: ${remedy}`,
    );
  if (candidate.certificate.subjectKeyId === other.certificate.subjectKeyId)
    return refused(
      candidate,
      'KeyIdentifierOfAnotherPartner',
      `has the subject key identifier of ${theirs} of the partner ${other.partner}, with another key: ${remedy}`,
    );
  // Either's federation root bears its issuer's name; that is in order where the issuer did sign it.
  const isMadeUp = (child: Candidate, issuer: Candidate) =>
    child.issuer === issuer.subject && !isSignedBy(child.certificate, issuer.certificate);
  return isMadeUp(candidate, other) || isMadeUp(other, candidate)
    ? refused(
        candidate,
        'SubjectOfAnotherPartner',
        `and ${theirs} of the partner ${other.partner} are issued one by the other in name, and not in truth: ${remedy}`,
      )
    : undefined;
}

export interface AnchorCheck {
  /** By partner, each certificate once; a partner without any has an empty list. */
  readonly accepted: ReadonlyMap<string, readonly Certificate[]>;
  readonly refused: readonly AnchorRefusal[];
  /** By partner, of CAs of its that another claims: sentences. They stay as they are. */
  readonly contested: ReadonlyMap<string, readonly string[]>;
}

const isRefusal = (value: Candidate | AnchorRefusal): value is AnchorRefusal => 'reason' in value;

/**
 * `partners` are in order of precedence, the oldest first, without the blocked. What is in place is judged before what is
 * new, so that no partner can push out another. A source that cannot be read is refused as a whole: the caller decides
 * whether what was read from it before stays. `now` is epoch ms.
 */
export function checkPartnerAnchors({
  ours,
  partners,
  now,
}: {
  readonly ours: OurAuthorities;
  readonly partners: readonly PartnerAnchors[];
  readonly now: number;
}): AnchorCheck {
  const ofOurs = againstOurs(ours);
  const { unknown = [] } = ours;
  const read = partners.flatMap(candidatesOf);
  const refusals: AnchorRefusal[] = read.filter(isRefusal);
  const accepted: Candidate[] = [];
  const claims = new Map<string, readonly string[]>();
  const inPlace = new Map(partners.map((partner) => [partner.name, partner.inPlace]));
  const precedence = ({ partner, certificate }: Candidate): number => {
    if (inPlace.get(partner)?.has(certificate.fingerprint) === true) return 0;
    return inPlace.get(partner)?.has(authorityIdentity(certificate)) === true ? 1 : 2;
  };
  const candidates = read.flatMap((value) => (isRefusal(value) ? [] : [value])).sort((a, b) => precedence(a) - precedence(b));
  for (const candidate of candidates) {
    const own = accepted.filter(({ partner }) => partner === candidate.partner);
    if (own.some(({ certificate }) => certificate.fingerprint === candidate.certificate.fingerprint)) continue;
    const refusal = judge(candidate, own.length);
    if (refusal === undefined) accepted.push(candidate);
    else refusals.push(refusal);
  }

  function judge(candidate: Candidate, before: number): AnchorRefusal | undefined {
    const { partner, from, certificate } = candidate;
    const fault = unfit(certificate, now);
    if (fault !== undefined) {
      const message = `${from}: ${fault.message}. The partner must name another CA certificate.`;
      return { partner, reason: fault.reason, message, fingerprint: certificate.fingerprint };
    }
    const longest = Math.max(certificate.subjectDer.length, certificate.issuerDer.length);
    if (longest > mostOctetsOfName) {
      const because = `has a name of ${longest} octets, and ${mostOctetsOfName} are the most: it would take the room of others in every handshake.`;
      return refused(candidate, 'NameTooLong', because);
    }
    const taken = ofOurs(candidate);
    if (taken !== undefined) return taken;
    if (unknown.length > 0 && precedence(candidate) === 2) {
      const because = `is new, and cannot be told from a CA of ours while EnterpriseCA ${unknown.join(', ')} is not known: see its conditions.`;
      return refused(candidate, 'OursNotKnown', because);
    }
    for (const other of accepted) {
      const confused = confusion(candidate, other);
      if (confused !== undefined) return confused;
    }
    const { key, subject } = candidate;
    const rival = rivalOf(
      candidate,
      accepted.filter((other) => other.key === key && other.subject === subject),
    );
    if (rival !== undefined) {
      const claim =
        `The partner ${partner} claims ${nameOf(rival.certificate)} too, by another certificate (SHA-256 ${certificate.fingerprint}). ` +
        wayOut;
      claims.set(rival.partner, [...(claims.get(rival.partner) ?? []), claim]);
      return contested(candidate, rival);
    }
    return before < mostAnchors
      ? undefined
      : refused(
          candidate,
          'TooManyOfOnePartner',
          `is one more than the ${mostAnchors} that a partner may have: name only the CAs that issue for its edge.`,
        );
  }

  return {
    accepted: new Map(
      partners.map(({ name }) => [
        name,
        accepted.filter(({ partner }) => partner === name).map(({ certificate }) => certificate),
      ]),
    ),
    refused: refusals,
    contested: claims,
  };
}
