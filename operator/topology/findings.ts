// What is wrong, or not as safe as it could be, with an object of the topology, though it may well work: a finding withholds
// nothing and stops nobody. What each kind of object is looked at for lies in the files beside this one.

export const findingReasons = [
  'UnencryptedLink',
  'SRTPNotPossible',
  'UntrustedGateway',
  'NameConflict',
  'PartnerConflict',
  'ReferenceNotFound',
  'NotFIPSCompliant',
  'NoEdgeForPartner',
  'AnchorExpiring',
  'ListenerNotAllowed',
] as const;

export type FindingReason = (typeof findingReasons)[number];

/** An object by its kind and its name. `namespace` is absent exactly for cluster-scoped kinds. */
export interface Concerned {
  readonly kind: 'EnterpriseCA' | 'TrustDomain' | 'TrustedServer' | 'MediaGateway' | 'MediaRelay' | 'FederatedPartner';
  readonly namespace?: string;
  readonly name: string;
}

export interface Finding {
  readonly reason: FindingReason;
  /** What, where, and what to do: sentences for a person. */
  readonly message: string;
  /** The object that shows it comes first, then those that it has to do with. */
  readonly concerns: readonly Concerned[];
}

/** The object of a key of the topology index, `namespace/name`. */
export function concernedByKey(kind: Concerned['kind'], key: string): Concerned {
  const [namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}

/** `TrustedServer voice/pool01`. */
export function inWords({ kind, namespace, name }: Concerned): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The first three, and how many more there are. */
export function inShort(keys: readonly string[]): string {
  const more = keys.length > 3 ? ` and ${keys.length - 3} more` : '';
  return `${keys.slice(0, 3).join(', ')}${more}`;
}
