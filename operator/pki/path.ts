// Path validation (RFC 5280, 6): whether a leaf leads to an anchor over some of the intermediates at hand, so that each
// certificate may issue the one below it, and whether the leaf is whose it is asked to be (RFC 9525).
import { isTheIssuerNamed } from './authority-rules.ts';
import { type Certificate, CertificateError, parseCertificate } from './certificate.ts';
import type { PolicyInput } from './certificate-policies.ts';
import { certificateProfile, constrainsNamesCritically } from './certificate-profile.ts';
import { findPath, positionOf } from './path-builder.ts';
import { firstRefusal, type Refusal, type Rule, refusal, type Terms } from './path-refusal.ts';
import { pathRules } from './path-rules.ts';
import type { RevocationList } from './revocation-list.ts';
import { identityMismatch, type ServiceName } from './service-identity.ts';
import { wholeSecond } from './validity.ts';
import { webProfile } from './web-profile.ts';

/**
 * How the certificates must be made. `RFC5280`: as its section 4 says. `WebPKI`: as the Web's CAs promise beyond that.
 * `Enterprise`: so that the TLS libraries of peers accept them, which is less; what private CAs issue often has no key
 * identifiers, or constraints that are not critical.
 */
export type Profile = 'RFC5280' | 'WebPKI' | 'Enterprise';

/** Of form only: what pathRules ask of every path is not repeated. */
const formOf: Readonly<Record<Profile, readonly Rule[]>> = {
  RFC5280: [...certificateProfile, constrainsNamesCritically],
  WebPKI: [...certificateProfile, ...webProfile],
  Enterprise: [isTheIssuerNamed],
};

export interface PathOptions {
  /** Absent: `RFC5280`. */
  readonly profile?: Profile;
  /** How many CAs may lie between leaf and anchor, the self-issued aside; absent: 8. */
  readonly maximumDepth?: number;
  /** Whether `*.contoso.com` is a name for `fe01.contoso.com`; absent: it is not. */
  readonly wildcards?: boolean;
  /** Where there are any, each CA of the path must have a current one, and it must not hold the certificate below. */
  readonly revocationLists?: readonly RevocationList[];
  readonly policies?: PolicyInput;
}

export interface PathQuestion {
  /** CAs, each trusted for its name and key; its own validity and constraints hold for it too. */
  readonly anchors: readonly Certificate[];
  /** Epoch ms. */
  readonly now: number;
  /** What the leaf is in the handshake. */
  readonly purpose: 'server' | 'client';
  /** Absent: whose certificate it is does not matter here. */
  readonly name?: ServiceName;
  readonly options?: PathOptions;
}

export interface PathRequest extends PathQuestion {
  readonly leaf: Certificate;
  /** In any order, with any others among them; believed in nothing. */
  readonly intermediates: readonly Certificate[];
}

/** `path` begins with the leaf and ends with the anchor. A leaf that is itself among the anchors is its own path. */
export type PathVerdict = { readonly ok: true; readonly path: readonly Certificate[] } | ({ readonly ok: false } & Refusal);

/**
 * One good path is enough; where there is none, the reason is that of the path that got furthest. Of the leaf, what it is good
 * for is asked first, whose it is when it is known to be genuine, and its form last: that is of least use to know.
 */
export function validatePath({ leaf, intermediates, anchors, now, purpose, name, options = {} }: PathRequest): PathVerdict {
  const { profile = 'RFC5280', maximumDepth = 8, wildcards = false, revocationLists, policies } = options;
  const terms: Terms = { now: wholeSecond(now), purpose, work: { comparisons: 0 } };
  const form = formOf[profile];
  const start = positionOf(leaf, 'leaf', []);
  if ('reason' in start) return { ok: false, ...start };
  const rules = [...pathRules, ...form];
  const path =
    firstRefusal(pathRules, start, terms) ??
    findPath(start, { intermediates, anchors, rules, terms, maximumDepth, revocationLists, policies });
  if ('reason' in path) return { ok: false, ...path };
  const mismatch = name && identityMismatch(start.content.alternativeNames, name, wildcards);
  const refused = mismatch === undefined ? firstRefusal(form, start, terms) : refusal(leaf, 'NameMismatch', mismatch);
  return refused === undefined ? { ok: true, path: path.map(({ certificate }) => certificate) } : { ok: false, ...refused };
}

/**
 * As validatePath, of what a peer presents: DER, the leaf first (RFC 8446, 4.4.2). What cannot be read is of no use for a
 * path, and told where there is none.
 */
export function validatePresented({
  presented,
  ...question
}: PathQuestion & { readonly presented: readonly Uint8Array[] }): PathVerdict {
  const certificates: Certificate[] = [];
  const unreadable: string[] = [];
  for (const [index, der] of presented.entries()) {
    try {
      certificates.push(parseCertificate(der));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      const which = index === 0 ? 'the leaf' : `certificate ${index + 1} of those presented`;
      unreadable.push(`${which} ${error.message}`);
      if (index === 0) break;
    }
  }
  const [leaf, ...intermediates] = certificates;
  if (leaf === undefined) return { ok: false, reason: 'Malformed', message: unreadable[0] ?? 'no certificate was presented' };
  const verdict = validatePath({ ...question, leaf, intermediates });
  return verdict.ok || unreadable.length === 0 ? verdict : { ...verdict, message: `${verdict.message}; ${unreadable[0]}` };
}
