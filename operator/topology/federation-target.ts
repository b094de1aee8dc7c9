// Where a domain's SRV records may lead (mode AllowedDomain). DNS is not to be trusted: whoever forges an answer could name a
// host of his own, with a good certificate for it. So a target counts only inside the domain that was asked for.

export interface TargetRefusal {
  readonly reason: 'TargetOutsideDomain';
  /** A sentence for a person: the target, the domain, what to do. */
  readonly message: string;
}

const normalized = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** Why an access edge of this name is not believed to be the domain's; undefined: it is `sip.<domain>`, or lies in the domain. */
export function targetRefusal(domain: string, target: string): TargetRefusal | undefined {
  if (normalized(target).endsWith(`.${normalized(domain)}`)) return undefined;
  return {
    reason: 'TargetOutsideDomain',
    message:
      `The SRV record of ${domain} leads to ${target}, which is neither sip.${domain} nor lies in ${domain}. ` +
      'If that edge is indeed the partner’s, name it with mode Direct or HostingProvider.',
  };
}
