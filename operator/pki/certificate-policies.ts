// Certificate policies along a path (RFC 5280, 6.1, in the form of RFC 9618, whose work does not grow beyond measure): under
// which policies the leaf was issued, and whether some CA or the caller asks for one that it was not issued under.
import {
  DerError,
  dottedIdentifier,
  type Element,
  elementsOf,
  expectTag,
  onlyElement,
  smallIntegerOf,
  tags,
} from './der-reader.ts';

export const anyPolicy = '2.5.29.32.0';

export interface PolicyMapping {
  readonly issuerPolicy: string;
  readonly subjectPolicy: string;
}

export interface PolicyConstraints {
  /** After how many certificates more the path must have a policy. */
  readonly requireExplicitPolicy?: number;
  /** After how many certificates more no policy may be mapped. */
  readonly inhibitPolicyMapping?: number;
}

/** What a certificate says of policies; each absent where it has no such extension. */
export interface PolicyExtensions extends PolicyConstraints {
  /** Dotted. */
  readonly policies?: readonly string[];
  readonly mappings?: readonly PolicyMapping[];
  /** After how many certificates more anyPolicy stands for no policy. */
  readonly inhibitAnyPolicy?: number;
}

/** What the caller asks for (RFC 5280, 6.1.1, c to g). Absent: any policy, or none. */
export interface PolicyInput {
  /** Dotted; one of them must be there where a policy is required. */
  readonly acceptable?: readonly string[];
  readonly requireExplicitPolicy?: boolean;
  readonly inhibitPolicyMapping?: boolean;
  readonly inhibitAnyPolicy?: boolean;
}

const identifierIn = (element: Element | undefined): string =>
  dottedIdentifier(expectTag(element, tags.objectIdentifier).content);

const rowsOf = (value: Buffer): readonly (readonly Element[])[] => {
  const rows = elementsOf(onlyElement(value, tags.sequence).content);
  if (rows.length === 0) throw new DerError('it is empty');
  return rows.map((row) => elementsOf(expectTag(row, tags.sequence).content));
};

/** Of certificatePolicies (4.2.1.4), without qualifiers. Throws DerError. */
export function certificatePoliciesOf(value: Buffer): readonly string[] {
  const policies = rowsOf(value).map(([id]) => identifierIn(id));
  if (new Set(policies).size < policies.length) throw new DerError('it has a policy twice');
  return policies;
}

/** Of policyMappings (4.2.1.5). Throws DerError. */
export function policyMappingsOf(value: Buffer): readonly PolicyMapping[] {
  return rowsOf(value).map(([from, to]) => {
    const mapping = { issuerPolicy: identifierIn(from), subjectPolicy: identifierIn(to) };
    if (Object.values(mapping).includes(anyPolicy)) throw new DerError('it maps anyPolicy');
    return mapping;
  });
}

/** Of policyConstraints (4.2.1.11). Throws DerError. */
export function policyConstraintsOf(value: Buffer): PolicyConstraints {
  const fields = elementsOf(onlyElement(value, tags.sequence).content);
  const number = (tag: number) => {
    const field = fields.find((candidate) => candidate.tag === tag);
    return field === undefined ? undefined : smallIntegerOf(field.content);
  };
  const [requireExplicitPolicy, inhibitPolicyMapping] = [number(0x80), number(0x81)];
  if (requireExplicitPolicy === undefined && inhibitPolicyMapping === undefined) throw new DerError('it is empty');
  return {
    ...(requireExplicitPolicy === undefined ? {} : { requireExplicitPolicy }),
    ...(inhibitPolicyMapping === undefined ? {} : { inhibitPolicyMapping }),
  };
}

/** A certificate as policies see it. */
export interface PolicyStep extends PolicyExtensions {
  readonly isSelfIssued: boolean;
}

/** A policy that holds down to some certificate. */
interface Policy {
  /** By which names the next certificate may call it. */
  expected: ReadonlySet<string>;
  /** What it was called by the CA that came under it first: what the caller knows it by. */
  readonly origins: ReadonlySet<string>;
}

type Level = Map<string, Policy>;

const union = (sets: readonly ReadonlySet<string>[]): ReadonlySet<string> => new Set(sets.flatMap((set) => [...set]));

/** The policies of the level above that a certificate may mean by each name. */
function byExpectedName(level: Level): ReadonlyMap<string, readonly [string, Policy][]> {
  const named = new Map<string, [string, Policy][]>();
  for (const entry of level) {
    for (const name of entry[1].expected) named.set(name, [...(named.get(name) ?? []), entry]);
  }
  return named;
}

/** 6.1.3, d: which policies of the level above a certificate continues. */
function continued(level: Level, policies: readonly string[], anyCounts: boolean): Level {
  const next: Level = new Map();
  const parents = byExpectedName(level);
  const hasAny = level.has(anyPolicy);
  const originsUnder = (name: string, above: readonly [string, Policy][]): ReadonlySet<string> =>
    union(above.map(([policy, { origins }]) => (policy === anyPolicy ? new Set([name]) : origins)));
  for (const name of policies) {
    if (name === anyPolicy) continue;
    const above = parents.get(name);
    if (above !== undefined) next.set(name, { expected: new Set([name]), origins: originsUnder(name, above) });
    else if (hasAny) next.set(name, { expected: new Set([name]), origins: new Set([name]) });
  }
  if (policies.includes(anyPolicy) && anyCounts) {
    for (const [name, above] of parents) {
      if (!next.has(name))
        next.set(name, { expected: new Set([name]), origins: name === anyPolicy ? new Set() : originsUnder(name, above) });
    }
  }
  return next;
}

/** 6.1.4, b: from here on, policies go by the subject's names for them, or not on where mapping is inhibited. */
function mapped(level: Level, mappings: readonly PolicyMapping[], allowed: boolean): void {
  const targets = Map.groupBy(mappings, ({ issuerPolicy }) => issuerPolicy);
  for (const [issuerPolicy, rows] of targets) {
    const policy = level.get(issuerPolicy);
    if (!allowed) level.delete(issuerPolicy);
    else if (policy !== undefined || level.has(anyPolicy)) {
      const expected = new Set(rows.map(({ subjectPolicy }) => subjectPolicy));
      level.set(issuerPolicy, { expected, origins: policy?.origins ?? new Set([issuerPolicy]) });
    }
  }
}

const fewer = (count: number): number => Math.max(0, count - 1);

/**
 * Whether a path keeps to the policies that are asked for. `steps` go from the certificate that the anchor issued down to
 * the leaf: the anchor itself asks for nothing.
 */
export function arePoliciesSatisfied(steps: readonly PolicyStep[], input: PolicyInput = {}): boolean {
  const beyond = steps.length + 1;
  let explicitPolicy = input.requireExplicitPolicy ? 0 : beyond;
  let policyMapping = input.inhibitPolicyMapping ? 0 : beyond;
  let inhibitAny = input.inhibitAnyPolicy ? 0 : beyond;
  let level: Level = new Map([[anyPolicy, { expected: new Set([anyPolicy]), origins: new Set<string>() }]]);
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    const anyCounts = inhibitAny > 0 || (!isLast && step.isSelfIssued);
    level = step.policies === undefined ? new Map() : continued(level, step.policies, anyCounts);
    if (explicitPolicy === 0 && level.size === 0) return false;
    if (!isLast) mapped(level, step.mappings ?? [], policyMapping > 0);
    if (isLast || !step.isSelfIssued) {
      explicitPolicy = fewer(explicitPolicy);
      policyMapping = fewer(policyMapping);
      inhibitAny = fewer(inhibitAny);
    }
    const required = step.requireExplicitPolicy ?? beyond;
    // The leaf's own constraint counts only where it says at once (6.1.5, b).
    if (!isLast || required === 0) explicitPolicy = Math.min(explicitPolicy, required);
    policyMapping = Math.min(policyMapping, step.inhibitPolicyMapping ?? beyond);
    inhibitAny = Math.min(inhibitAny, step.inhibitAnyPolicy ?? beyond);
  }
  return explicitPolicy > 0 || isAcceptable(level, input.acceptable ?? [anyPolicy]);
}

/** 6.1.5, g: whether what is left of the policies has one that the caller asks for. */
function isAcceptable(level: Level, acceptable: readonly string[]): boolean {
  if (level.size === 0) return false;
  if (acceptable.includes(anyPolicy) || level.has(anyPolicy)) return true;
  return [...level.values()].some(({ origins }) => acceptable.some((policy) => origins.has(policy)));
}
