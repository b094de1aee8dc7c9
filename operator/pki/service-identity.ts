// Whether a certificate is that of the service that was asked for (RFC 9525): one of its alternative names is that name, whole.
// Its subject's common name is never looked at.
import { getPublicSuffix } from 'tldts';
import { describeName, type GeneralName, isHostName, mailboxOf, quoted } from './general-name.ts';
import { ipAddressOctets } from './ip-address.ts';

/** What is asked for. DNS names in ASCII (A-labels), without a final dot. */
export type ServiceName =
  | { readonly dns: string }
  | { readonly ip: string }
  | { readonly uri: string }
  | { readonly mail: string };

/** Whether names below it are given to whoever asks: `com`, `co.uk`, `s3.amazonaws.com`. A name without a dot is taken for one. */
export function isPublicSuffix(name: string): boolean {
  return getPublicSuffix(name, { allowPrivateDomains: true, validateHostname: false }) === name.toLowerCase();
}

/** 6.3: the wildcard is the whole first label and stands for one label. */
function isBelowWildcard(pattern: string, name: string): boolean {
  const base = pattern.slice(2);
  return pattern.startsWith('*.') && name.slice(name.indexOf('.') + 1) === base && name.includes('.') && !isPublicSuffix(base);
}

type Matcher = (name: GeneralName) => boolean;

/** Undefined for a name that cannot be asked for: no name of its kind. */
function matcherOf(service: ServiceName, wildcards: boolean): Matcher | undefined {
  if ('dns' in service) {
    const wanted = service.dns.toLowerCase();
    if (!isHostName(wanted)) return undefined;
    return (name) => {
      if (name.kind !== 'dns') return false;
      const presented = name.value.toLowerCase();
      return presented === wanted || (wildcards && isBelowWildcard(presented, wanted));
    };
  }
  if ('ip' in service) {
    const octets = ipAddressOctets(service.ip);
    return octets && ((name) => name.kind === 'ip' && name.octets.equals(octets));
  }
  if ('uri' in service) return (name) => name.kind === 'uri' && name.value === service.uri;
  const wanted = mailboxOf(service.mail);
  return (
    wanted &&
    ((name) => {
      const presented = name.kind === 'mail' ? mailboxOf(name.value) : undefined;
      return presented?.local === wanted.local && presented.host === wanted.host;
    })
  );
}

/** Why these alternative names are not that service's, as the sentence goes on; undefined: one of them is. */
export function identityMismatch(names: readonly GeneralName[], service: ServiceName, wildcards: boolean): string | undefined {
  const [[kind, wanted] = ['', '']] = Object.entries(service);
  const matches = matcherOf(service, wildcards);
  if (matches === undefined) return `cannot be checked for ${quoted(wanted)}, which is no ${kind} name`;
  if (names.some(matches)) return undefined;
  if (names.length === 0)
    return `is not for ${quoted(wanted)}: it has no subject alternative name, and a common name does not count`;
  const presented = names.slice(0, 5).map(describeName).join(', ');
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  const isWildcard = matcherOf(service, true);
  const hint = isWildcard && names.some(isWildcard) ? ', and wildcards do not count here' : '';
  return `is not for ${quoted(wanted)}: it is for ${presented}${more}${hint}`;
}
