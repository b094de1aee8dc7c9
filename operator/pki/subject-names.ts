// Which names and addresses a certificate of ours may carry: ASCII only, since the types that carry them (IA5String) hold
// nothing else and writers that are handed more silently make another name of it.

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const dnsNamePattern = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`);
const uriPattern = /^[a-z][-a-z0-9+.]*:\/\/[a-z0-9]([-.a-z0-9]*[a-z0-9])?(:[0-9]{1,5})?(\/[!$&-;=@-Z_a-z~%]*)?$/;

/** A DNS name in lower case, labels of at most 63 octets, 253 in all; `*` only as the whole first label. */
export function isDnsName(name: string): boolean {
  return name.length <= 253 && dnsNamePattern.test(name);
}

/** A URI with an authority and a path: no userinfo, query or fragment, which URI constraints and matchers read differently. */
export function isNamingUri(uri: string): boolean {
  return uri.length <= 2048 && uriPattern.test(uri);
}

/** Where a CRL, an OCSP responder or a certificate is fetched from: http, since https would need what is being fetched. */
export function isFetchUrl(url: string): boolean {
  return /^http:\/\/[!-~]+$/.test(url) && URL.canParse(url);
}
