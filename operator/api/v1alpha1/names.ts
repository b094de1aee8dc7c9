// The kinds of name that a resource may hold, each refused with a sentence that says what was seen and what would be right.
import { z } from 'zod';
import { constrained } from '../kind.ts';

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const dnsName = `${label}(\\.${label})+`;

interface Syntax {
  readonly pattern: RegExp;
  readonly maxLength: number;
  /** The rule in one sentence. */
  readonly message: string;
  /** Faults worth a sentence of their own: CEL that finds one, and what completes "'x' ...". */
  readonly faults?: readonly (readonly [found: string, sentence: string])[];
  /** What to write: completes "'x' is not ...". */
  readonly otherwise: string;
}

/** A string of the given syntax. The API server's own answer to a pattern is the pattern; ours is a sentence. */
function name({ pattern, maxLength, message, faults = [], otherwise }: Syntax) {
  const branches = faults.map(([found, sentence]) => `${found} ? "'%s' ${sentence}." : `);
  return constrained(
    z
      .string()
      .max(maxLength)
      .refine((value) => pattern.test(value), message),
    {
      rule: `self.matches(r'${pattern.source}')`,
      message,
      messageExpression: `(${branches.join('')}"'%s' is not ${otherwise}.").format([self])`,
    },
  );
}

const capitals = ['self != self.lowerAscii()', 'has capital letters: write it in lower case'] as const;
const longLabel = [
  "self.split('.').exists(part, size(part) > 63)",
  'has a label of more than 63 characters: shorten what lies between two dots',
] as const;

const fullName = {
  pattern: new RegExp(`^${dnsName}$`),
  message: 'A DNS name is lower case, has at least two labels of at most 63 characters, and no wildcard.',
  faults: [["self.contains('*')", 'has a wildcard: write one name, such as pool01.contoso.com'], capitals, longLabel],
  otherwise: 'a DNS name: write labels of a-z, 0-9 and hyphens, joined by dots, such as pool01.contoso.com',
} as const;

/** An absolute DNS name: lower case, ASCII (IDNA A-labels), at most 253 octets, labels at most 63 (RFC 1035), no wildcard. */
export const fqdn = name({ ...fullName, maxLength: 253 });

/** A SIP domain. Shorter than a DNS name may be, since names such as `lyncdiscoverinternal.<domain>` are made of it. */
export const sipDomain = name({ ...fullName, maxLength: 253 - 'lyncdiscoverinternal.'.length });

/** `a.contoso.com`, or `*.contoso.com` for every name below it. */
export const namePattern = name({
  pattern: new RegExp(`^(\\*\\.)?${dnsName}$`),
  maxLength: 253,
  message: 'A DNS name is lower case, has at least two labels of at most 63 characters, and a wildcard as its first label only.',
  faults: [capitals, longLabel],
  otherwise: 'a DNS name or a wildcard: write pool01.contoso.com, or *.contoso.com for every name below contoso.com',
});

export const dnsLabel = name({
  pattern: new RegExp(`^${label}$`),
  maxLength: 63,
  message: 'A DNS label is at most 63 of a-z, 0-9 and hyphens, and begins and ends with a letter or digit.',
  faults: [capitals],
  otherwise: 'a DNS label: write a-z, 0-9 and hyphens, beginning and ending with a letter or digit, such as fe01',
});

/** The name of another object, as the API server takes names. */
export const objectName = name({
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  maxLength: 253,
  message: 'The name of an object is a-z, 0-9, hyphens and dots, and begins and ends with a letter or digit.',
  faults: [capitals],
  otherwise: 'the name of an object: write a-z, 0-9, hyphens and dots, beginning and ending with a letter or digit',
});

/** Where CRLs, OCSP and issuer certificates are downloaded. ASCII, since it is written into certificates as IA5String (RFC 5280, 4.2.1.6). */
export const baseURL = name({
  pattern: /^http:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._~-]+)*\/?$/,
  maxLength: 512,
  message: 'A base URL is http, a host, and at most a path: no user, query or fragment.',
  otherwise:
    'a base URL: write http (with https, checking a certificate would need another certificate checked), a host and at most a path, such as http://pki.contoso.com, without user, query or fragment',
});

/** A key of the data of a ConfigMap or Secret. */
export const dataKey = name({
  pattern: /^[-._a-zA-Z0-9]+$/,
  maxLength: 253,
  message: 'A key is letters, digits, hyphens, dots and underscores.',
  otherwise: 'a key of a ConfigMap or Secret: write letters, digits, hyphens, dots and underscores, such as ca.crt',
});

/** An IPv4 or IPv6 address, or a range in CIDR notation (RFC 4632, RFC 4291). */
export const ipRange = constrained(z.string().max(43), {
  rule: 'isIP(self) || isCIDR(self)',
  message: 'An address or a range of addresses, such as 192.0.2.1 or 192.0.2.0/24.',
  messageExpression: `"'%s' is not an IP address or range: write one such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.".format([self])`,
});

/** Where a CRL is published. What is fetched is signed, and so may come by http. */
export const httpURL = name({
  pattern: /^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._~%()+-]+)*\/?(\?[A-Za-z0-9._~%=&-]+)?$/,
  maxLength: 512,
  message: 'A URL of a CRL is http or https, a host, a path, and at most a query: no user or fragment.',
  otherwise: 'the URL of a CRL: write http or https, a host and a path, such as http://pki.fabrikam.com/issuing.crl',
});

/** Where a bundle is fetched: https, a host and a path, and nothing that could hold a secret. */
export const httpsURL = name({
  pattern: /^https:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._~%-]+)*\/?$/,
  maxLength: 512,
  message: 'A URL of a bundle is https, a host, and a path: no user, query or fragment.',
  otherwise:
    'the URL of a bundle: write https, a host and a path, such as https://federation.fabrikam.com/bundles/fabrikam.com, without user, query or fragment',
});
