// Who may declare what: whether a namespace may hold a server of this role with these names (TrustDomain `admission`).
import type { LabelSelector, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import { declaredNames, reservedNames } from './names.ts';

export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly terminating: boolean;
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
 * Whether the domain admits this server in this namespace. `domains` are all trust domains: the names that one derives
 * from its SIP domains are reserved in every other as well.
 */
export function admit(
  server: TrustedServer,
  namespace: NamespaceFacts,
  domain: TrustDomain,
  domains: Iterable<TrustDomain>,
): Admission {
  const { role } = server.spec;
  const names = declaredNames(server);
  const where = `namespace ${namespace.name}`;
  const refuse = (message: string): Admission => ({ admitted: false, reason: 'NameNotAdmitted', message });

  const patterns = admittedPatterns(server, namespace, domain);
  if (patterns === undefined) {
    return {
      admitted: false,
      reason: 'NamespaceNotAdmitted',
      message:
        `TrustDomain ${domain.metadata.name} does not admit ${where} with the role ${role}. ` +
        `Add an entry with this namespace and role to its spec.admission, or make the namespace a member (spec.members).`,
    };
  }
  const outside = names.filter((name) => !patterns.some((pattern) => matchesPattern(name, pattern)));
  if (outside.length > 0) {
    return refuse(
      `TrustDomain ${domain.metadata.name} admits ${where} with the role ${role} for ${patterns.join(', ') || 'no name'}, ` +
        `not for ${outside.join(', ')}. Use a name below these, or widen spec.admission.`,
    );
  }
  for (const other of domains) {
    const reserved = reservedNames(other);
    for (const name of names) {
      const holders = reserved.get(name);
      if (holders === undefined || (other.metadata.name === domain.metadata.name && holders.includes(role))) continue;
      return refuse(
        `${name} is reserved by TrustDomain ${other.metadata.name} for ${holders.length === 0 ? 'itself, as a SIP domain' : holders.join(', ')}, ` +
          `and cannot be declared by the role ${role}. Choose another name.`,
      );
    }
  }
  return { admitted: true };
}

/** The name patterns open to this server's role in its namespace; undefined where the namespace has no entry at all. */
function admittedPatterns(server: TrustedServer, namespace: NamespaceFacts, domain: TrustDomain): readonly string[] | undefined {
  const { admission, sipDomains } = domain.spec;
  if (admission === undefined) {
    if (!isMember(domain, namespace) || server.spec.role !== 'Server') return undefined;
    return sipDomains.map((d) => `*.${namespace.name}.${d}`);
  }
  const entries = admission.filter(
    (entry) => selects(entry.namespaceSelector, namespace.labels) && entry.roles.includes(server.spec.role),
  );
  return entries.length === 0 ? undefined : entries.flatMap((entry) => entry.names);
}
