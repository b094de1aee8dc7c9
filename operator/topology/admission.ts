// Who may declare what: whether a namespace may hold a server of this role with these names (TrustDomain `admission`).
import type { LabelSelector, Role, TrustDomain } from '../api/v1alpha1/index.ts';
import type { Reservation } from './reservations.ts';

export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly terminating: boolean;
}

/** What an object wants to be, and which names it wants to hold. */
export interface Declaration {
  /** Completes "does not admit namespace x with ...". */
  readonly what: string;
  /** The role that the namespace must be admitted with. */
  readonly role: Role;
  /** The role by which it may have names that a domain derives; absent where it may have none of them. */
  readonly derives?: Role;
  readonly names: readonly string[];
}

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly reason: 'NamespaceNotAdmitted' | 'NameNotAdmitted'; readonly message: string };

/** Label selector semantics of Kubernetes; an absent selector matches nothing, an empty one everything. */
export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return operator satisfies never;
      }
    })
  );
}

export function isMember(domain: TrustDomain, namespace: NamespaceFacts): boolean {
  return selects(domain.spec.members?.namespaceSelector, namespace.labels);
}

/** `*.x` matches every name below x; anything else matches itself. */
export function matchesPattern(name: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

/**
 * Whether the domain admits this in this namespace. `reservationsOf` tells who may have a name that some domain
 * derives from its SIP domains: it is reserved in every other domain as well.
 */
export function admit(
  { what, role, derives, names }: Declaration,
  namespace: NamespaceFacts,
  domain: TrustDomain,
  reservationsOf: (name: string) => readonly Reservation[],
): Admission {
  const who = `TrustDomain ${domain.metadata.name}`;
  const where = `namespace ${namespace.name}`;

  const patterns = admittedPatterns(role, namespace, domain);
  if (patterns === undefined) {
    const remedy =
      domain.spec.admission === undefined && role === 'Server'
        ? 'Make the namespace a member (spec.members), or admit it by an entry of spec.admission.'
        : derives === undefined
          ? `Add an entry with this namespace and the role ${role} to its spec.admission.`
          : 'Add an entry with this namespace and role to its spec.admission.';
    const message = `${who} does not admit ${where} with ${what}. ${remedy}`;
    return { admitted: false, reason: 'NamespaceNotAdmitted', message };
  }
  const refuse = (message: string): Admission => ({ admitted: false, reason: 'NameNotAdmitted', message });
  const outside = names.filter((name) => !patterns.some((pattern) => matchesPattern(name, pattern)));
  if (outside.length > 0) {
    return refuse(
      `${who} admits ${where} with ${what} for ${patterns.join(', ')}, not for ${outside.join(', ')}. ` +
        'Use a name that these match, or widen spec.admission.',
    );
  }
  for (const name of names) {
    const other = reservationsOf(name).find(
      (each) => each.domain !== domain.metadata.name || derives === undefined || !each.roles.includes(derives),
    );
    if (other === undefined) continue;
    return refuse(
      `${name} is reserved by TrustDomain ${other.domain} for ${other.roles.join(', ') || 'itself, as a SIP domain'}, ` +
        `and cannot be declared by ${what} of ${who}. Choose another name.`,
    );
  }
  return { admitted: true };
}

/** The name patterns open to a role in a namespace; undefined where the namespace has no entry at all. */
function admittedPatterns(role: Role, namespace: NamespaceFacts, domain: TrustDomain): readonly string[] | undefined {
  const { admission, sipDomains } = domain.spec;
  if (admission === undefined) {
    if (!isMember(domain, namespace) || role !== 'Server') return undefined;
    return sipDomains.map((d) => `*.${namespace.name}.${d}`);
  }
  const entries = admission.filter((entry) => selects(entry.namespaceSelector, namespace.labels) && entry.roles.includes(role));
  return entries.length === 0 ? undefined : entries.flatMap((entry) => entry.names);
}
