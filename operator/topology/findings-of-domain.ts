// What is found about a TrustDomain itself: EnterpriseCAs that it allows and that do not exist, and anchors near their end.
import type { TrustDomain } from '../api/v1alpha1/index.ts';
import type { Concerned, Finding } from './findings.ts';
import { anchorFindings, type ExpiringAnchor } from './findings-of-anchors.ts';

/** An EnterpriseCA that a domain names. */
export interface NamedAuthority {
  readonly name: string;
  readonly exists: boolean;
  /** What is trusted on its account; empty where that is not known. */
  readonly anchors: readonly ExpiringAnchor[];
}

/** `authorities`: the domain's own first. That this one is missing is said already. */
export function findingsOfDomain(
  { metadata }: TrustDomain,
  [own, ...additional]: readonly NamedAuthority[],
  now: number,
): readonly Finding[] {
  const self: Concerned = { kind: 'TrustDomain', name: metadata.name };
  const missing = additional.flatMap(({ name, exists }): Finding[] => {
    if (exists) return [];
    const message = `EnterpriseCA ${name} does not exist. Create it, or take it out of spec.additionalEnterpriseCAs.`;
    return [{ reason: 'ReferenceNotFound', message, concerns: [self] }];
  });
  const expiring = [...(own === undefined ? [] : [own]), ...additional].flatMap(({ name, anchors }) =>
    anchorFindings(anchors, self, { kind: 'EnterpriseCA', name }, now),
  );
  return [...missing, ...expiring];
}
