// What each partner's CA is believed for, decided for all partners together. A SIP domain belongs to the partner
// that names it, the innermost first; what is ours belongs to nobody else; what is blocked belongs to nobody.
import { createHash } from 'node:crypto';
import type { Certificate } from '../pki/certificate.ts';
import { isIssuedBy } from '../pki/chain.ts';
import { subtreeBase } from '../pki/extensions.ts';
import { ipBlock } from '../pki/ip-address.ts';
import { extensionIds } from '../pki/object-identifiers.ts';
import type { ScopeSubtree } from '../pki/subtree-nesting.ts';
import type { Holdings } from './name-holders.ts';
import { authorityIdentity, representative } from './partner-authority.ts';
import { isInDomain, type PartnerNames } from './partner-names.ts';

export interface Partner extends PartnerNames {
  /** Addresses or blocks, as text: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. What is none permits nothing. */
  readonly permittedIPs: readonly string[];
  readonly scope: 'NameConstrained' | 'Unconstrained';
  readonly blocked: boolean;
  /** Believed for every name that is not ours, another partner's or blocked (mode Discovered). */
  readonly anyName: boolean;
  /** As checkPartnerAnchors accepted them. */
  readonly anchors: readonly Certificate[];
}

export interface ScopedAuthority {
  /** The partner's CA certificate to make a cross-certificate for, or with `Unconstrained` the anchor itself. */
  readonly certificate: Certificate;
  /** The partners that named it, in the order given; several share what is believed of it. */
  readonly partners: readonly string[];
  /** Whether any domain is believed of it: such a CA stands apart from the same CA of partners that are listed. */
  readonly anyName: boolean;
  /** `Nothing`: every name of its partners is withheld, and it is to be trusted in nothing. */
  readonly scope: 'NameConstrained' | 'Unconstrained' | 'Nothing';
  readonly permitted: readonly ScopeSubtree[];
  readonly excluded: readonly ScopeSubtree[];
  /** Names of its partners that are nobody's, or somebody else's: on no list of theirs, though an `Unconstrained` CA could prove them. */
  readonly withheld: readonly string[];
  /** SHA-256 of all of the above, lower-case hex: while it is the same, so may be the federation root; else there must be a new one. */
  readonly hash: string;
  /** Partners that do not name it, and are believed by a CA that issued it: it is believed for what they are, too. */
  readonly vouching: readonly string[];
  /** Of all of these, on whose account nothing limits it; with `Unconstrained` alone. */
  readonly unlimitedBy: readonly string[];
}

/** The name and what is below it; constraints on the hosts of URIs and mail say the two apart (RFC 5280, 4.2.1.10). */
const subtreesOf = (name: string): readonly ScopeSubtree[] => [
  { kind: 'dns', host: name },
  ...(name === '' ? [''] : [name, `.${name}`]).flatMap((host): readonly ScopeSubtree[] => [
    { kind: 'uri', host },
    { kind: 'mail', host },
  ]),
];

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();

const namesOf = ({ sipDomains, accessEdge, permittedNames, anyName }: Partner): readonly string[] => [
  ...sipDomains,
  ...(accessEdge === undefined ? [] : [accessEdge]),
  ...permittedNames,
  ...(anyName ? [''] : []),
];

interface Names {
  readonly permitted: readonly string[];
  readonly excluded: readonly string[];
  readonly withheld: readonly string[];
}

/** What the partners that share a CA are believed for together. */
function namesFor(sharing: readonly Partner[], { holderOf, inside }: Holdings): Names {
  const names = new Set(sharing.map(({ name }) => name));
  const isTheirs = (name: string): boolean => {
    const holder = holderOf(name);
    return holder === undefined || (holder !== 'Ours' && !holder.blocked && names.has(holder.name));
  };
  const wanted = distinct(sharing.flatMap(namesOf));
  const excluded = distinct(wanted.flatMap(inside)).filter((name) => !isTheirs(name));
  const isWithheld = (name: string): boolean => !isTheirs(name) || excluded.some((domain) => isInDomain(name, domain));
  return {
    permitted: wanted.filter((name) => !isWithheld(name)),
    excluded,
    withheld: wanted.filter(isWithheld),
  };
}

type Decision = Omit<ScopedAuthority, 'hash'>;

const texts = (subtrees: readonly ScopeSubtree[]): readonly string[] =>
  subtrees.map((subtree) => subtreeBase(subtree).toString('base64'));

function hashOf({ certificate, partners, scope, permitted, excluded, withheld }: Decision): string {
  const inputs = [certificate.fingerprint, partners, scope, texts(permitted), texts(excluded), withheld];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

/** `vouching`: partners that do not name the CA, and are believed by one that issued it. */
function decide(
  certificate: Certificate,
  sharing: readonly Partner[],
  vouching: readonly Partner[],
  holdings: Holdings,
): Decision {
  const anyName = sharing.some((partner) => partner.anyName);
  const behind = [...sharing, ...vouching];
  const unlimited = behind.filter(({ scope }) => scope === 'Unconstrained');
  const base = {
    certificate,
    partners: sharing.map(({ name }) => name),
    anyName,
    vouching: vouching.map(({ name }) => name),
    unlimitedBy: unlimited.map(({ name }) => name),
  };
  const own = namesFor(sharing, holdings);
  const { withheld } = own;
  if (unlimited.length > 0) {
    return { ...base, scope: 'Unconstrained', permitted: [], excluded: [], withheld };
  }
  if (own.permitted.length === 0) return { ...base, scope: 'Nothing', permitted: [], excluded: [], withheld };
  const { permitted, excluded } = vouching.length === 0 ? own : namesFor(behind, holdings);
  const addresses = distinct(behind.flatMap(({ permittedIPs }) => permittedIPs)).map(ipBlock);
  return {
    ...base,
    scope: 'NameConstrained',
    permitted: [
      ...permitted.flatMap(subtreesOf),
      ...addresses.filter((block) => block !== undefined).map((block): ScopeSubtree => ({ kind: 'ip', ...block })),
    ],
    excluded: excluded.flatMap(subtreesOf),
    withheld,
  };
}

interface Named {
  readonly certificate: Certificate;
  readonly sharing: readonly Partner[];
  readonly anyName: boolean;
}

/**
 * The partners of CAs that issued this one, or one above it, without limits of their own: their certificates may lie below it,
 * and software takes the first CA of a name that it has, and tries no other. What they are believed for by the
 * one above, they are believed for by this one then: it gains nothing that it had not.
 */
function vouchersOf(named: Named, bySubject: ReadonlyMap<string, readonly Named[]>, seen = new Set([named])): readonly Partner[] {
  const { certificate, anyName } = named;
  const above = (bySubject.get(certificate.issuerDer.toString('base64')) ?? []).filter(
    (other) =>
      !seen.has(other) &&
      other.anyName === anyName &&
      isUnlimited(other.certificate) &&
      isIssuedBy(certificate, other.certificate),
  );
  return above.flatMap((other) => [...other.sharing, ...vouchersOf(other, bySubject, seen.add(other))]);
}

/** Whether what it issues is held to nothing on its account. */
function isUnlimited({ pathLength, extensions }: Certificate): boolean {
  return (
    pathLength === undefined && !extensions.has(extensionIds.nameConstraints) && !extensions.has(extensionIds.extendedKeyUsage)
  );
}

/**
 * One for each CA that the partners name, by subject and key, and another where any domain is believed of it. `partners` are
 * in order of precedence, the oldest first: a SIP domain on two lists is believed of the first. Blocked partners are
 * believed in nothing, and nobody else for their domains, but for what another partner names inside of them.
 */
export function partnerScopes(partners: readonly Partner[], holdings: Holdings): readonly ScopedAuthority[] {
  const authorities = new Map<string, { certificates: [Certificate, ...Certificate[]]; sharing: Partner[]; anyName: boolean }>();
  for (const partner of partners) {
    if (partner.blocked) continue;
    const { anyName } = partner;
    for (const anchor of partner.anchors) {
      const identity = `${anyName} ${authorityIdentity(anchor)}`;
      const known = authorities.get(identity);
      if (known === undefined) {
        authorities.set(identity, { certificates: [anchor], sharing: [partner], anyName });
        continue;
      }
      known.certificates.push(anchor);
      if (!known.sharing.includes(partner)) known.sharing.push(partner);
    }
  }
  const named = [...authorities.values()].map(
    ({ certificates, ...rest }): Named => ({ ...rest, certificate: representative(certificates) }),
  );
  const bySubject = Map.groupBy(named, ({ certificate }) => certificate.subjectDer.toString('base64'));
  return named.map((each) => {
    const { certificate, sharing } = each;
    const vouching = vouchersOf(each, bySubject).filter((partner) => !sharing.includes(partner));
    const decision = decide(certificate, sharing, [...new Set(vouching)], holdings);
    return { ...decision, hash: hashOf(decision) };
  });
}
