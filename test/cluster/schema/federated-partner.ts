// What the API server takes for a FederatedPartner, and what it says to the rest.
import {
  accept,
  accepts,
  type Case,
  dnsNameRefusals,
  encryptionLevels,
  refuse,
  refuses,
  refusesName,
  type Spec,
  type Table,
  unchecked,
} from './table.ts';

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const anchors = [{ pem }];
const direct = {
  trustDomain: 'contoso',
  sipDomains: ['fabrikam.com'],
  mode: 'Direct',
  accessEdge: { fqdn: 'sip.fabrikam.com' },
  trust: { anchors },
};
const { accessEdge: _, ...found } = { ...direct, mode: 'AllowedDomain' };
const { sipDomains: __, ...discovered } = { ...found, mode: 'Discovered' };
const hosting = { ...direct, mode: 'HostingProvider' };
const blocked = { trustDomain: 'contoso', sipDomains: ['fabrikam.com'], mode: 'Blocked' };
const trust = (fields: Spec): Spec => ({ ...direct, trust: { anchors, ...fields } });
const source = (...entries: readonly Spec[]): Spec => trust({ anchors: entries });
const endpoint = (fields: Spec) =>
  source({ bundleEndpoint: { url: 'https://federation.fabrikam.com/bundles/fabrikam.com', ...fields } });

const modes: readonly Case[] = [
  accepts('Direct, with its domain, its edge and its CA', direct),
  accepts('AllowedDomain, without an edge', found),
  accepts('HostingProvider, with many domains', { ...hosting, sipDomains: ['a.com', 'b.com', 'c.com'] }),
  accepts('Discovered, without domains', discovered),
  accepts('Blocked, with nothing but its domains', blocked),
  accepts('Blocked, with all it had before', { ...direct, mode: 'Blocked' }),
  ...['Direct', 'HostingProvider'].map((mode) =>
    refuses(
      `${mode} without an edge`,
      { ...found, mode },
      `spec.accessEdge: Invalid value: The mode ${mode} needs accessEdge: give its fqdn, or use AllowedDomain, which finds it by SRV.`,
    ),
  ),
  ...[found, discovered].map((spec) =>
    refuses(
      `${spec.mode} with an edge`,
      { ...spec, accessEdge: { fqdn: 'sip.fabrikam.com' } },
      `spec.accessEdge: Invalid value: The mode ${spec.mode} finds the edge by SRV: leave accessEdge out, or use Direct.`,
    ),
  ),
  refuses(
    'Discovered with a domain',
    { ...discovered, sipDomains: ['fabrikam.com'] },
    'spec.sipDomains: Invalid value: The mode Discovered is for any domain: leave sipDomains out, or use AllowedDomain.',
  ),
  ...[direct, found, hosting, blocked].map(({ mode, ...spec }) =>
    refuses(
      `${mode} without a domain`,
      { ...spec, mode, sipDomains: [] },
      `spec.sipDomains: Invalid value: The mode ${mode} needs sipDomains: name at least one.`,
    ),
  ),
  ...[direct, found, hosting, discovered].map((spec) =>
    refuses(
      `${spec.mode} without a CA`,
      { ...spec, trust: {} },
      `spec.trust: Invalid value: The mode ${spec.mode} needs trust.anchors: name the CA of the partner.`,
    ),
  ),
  refuses(
    'another mode',
    { ...direct, mode: 'Trusted' },
    'spec.mode: Unsupported value: "Trusted": supported values: "Direct", "AllowedDomain", "Discovered", "HostingProvider", "Blocked"',
    unchecked,
  ),
];

const one = 'An entry of trust.anchors is exactly one of pem, configMapRef, secretRef and bundleEndpoint.';
const configMapRef = { namespace: 'partners', name: 'fabrikam', key: 'ca.crt' };
const sources: readonly Case[] = [
  accepts('each kind of source', source({ pem }, { configMapRef }, { secretRef: { name: 'fabrikam', key: 'ca.crt' } })),
  accepts('a bundle endpoint that the public CAs vouch for', endpoint({})),
  accepts('a bundle endpoint by its CA', endpoint({ ca: pem })),
  accepts('a bundle endpoint by its certificate', endpoint({ certificateSHA256: 'ab'.repeat(32) })),
  refuses('a source that is none', source({}), `spec.trust.anchors[0]: Invalid value: ${one}`),
  refuses('a source that is two', source({ pem, configMapRef }), `spec.trust.anchors[0]: Invalid value: ${one}`),
  refuses(
    'a bundle endpoint by both',
    endpoint({ ca: pem, certificateSHA256: 'ab'.repeat(32) }),
    'spec.trust.anchors[0].bundleEndpoint: Invalid value: A bundle endpoint is believed by ca, or by certificateSHA256, or, with neither, by the public CAs.',
  ),
  ...['AB'.repeat(32), 'ab:'.repeat(21), 'ab'.repeat(31), ''].map((certificateSHA256) =>
    refuses(
      `the fingerprint '${certificateSHA256}'`,
      endpoint({ certificateSHA256 }),
      'spec.trust.anchors[0].bundleEndpoint.certificateSHA256: Invalid value: certificateSHA256 is 64 hexadecimal digits in lower case, without colons.',
    ),
  ),
  ...['http://federation.fabrikam.com/', 'https://user@federation.fabrikam.com/', 'https://federation.fabrikam.com/?a=b'].map(
    (url) =>
      refuses(
        `the bundle endpoint ${url}`,
        endpoint({ url }),
        `spec.trust.anchors[0].bundleEndpoint.url: Invalid value: "${url}": '${url}' is not the URL of a bundle: write https, a host and a path, such as https://federation.fabrikam.com/bundles/fabrikam.com, without user, query or fragment.`,
      ),
  ),
  accepts('eight sources', source(...Array.from({ length: 8 }, () => ({ pem })))),
  refuses(
    'nine sources',
    source(...Array.from({ length: 9 }, () => ({ pem }))),
    'spec.trust.anchors: Too many: 9: must have at most 8 items',
    unchecked,
  ),
];

const crlURLs = ['http://pki.fabrikam.com/issuing.crl'];
const scopes: readonly Case[] = [
  accepts('Unconstrained, with a CA that somebody has looked at', trust({ scope: 'Unconstrained' })),
  refuses(
    'Unconstrained, with what an endpoint says',
    trust({ scope: 'Unconstrained', anchors: [{ bundleEndpoint: { url: 'https://federation.fabrikam.com/' } }] }),
    'spec.trust.scope: Invalid value: A bundle endpoint is refused with scope Unconstrained: whoever holds the endpoint could take any name.',
  ),
  ...['192.0.2.1', '192.0.2.0/24', '2001:db8::/32', '2001:db8::1'].map((block) =>
    accepts(`the address ${block}`, trust({ permittedIPs: [block] })),
  ),
  ...['192.0.2', '192.0.2.0/33', 'fabrikam.com', ''].map((block) =>
    refuses(
      `the address '${block}'`,
      trust({ permittedIPs: [block] }),
      `spec.trust.permittedIPs[0]: Invalid value: "${block}": '${block}' is not an IP address or range: write one such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.`,
    ),
  ),
  accepts(
    'CRLs by http and https, with a query',
    trust({ revocation: 'Published', crlURLs: [...crlURLs, 'https://pki.fabrikam.com:8443/a%20b.crl?delta=no'] }),
  ),
  refuses(
    'CRLs without where they are',
    trust({ revocation: 'Published' }),
    'spec.trust.crlURLs: Invalid value: Revocation Published needs crlURLs: name where the partner publishes the CRL of each of its CAs.',
  ),
  refuses(
    'where CRLs are, without wanting them',
    trust({ crlURLs }),
    'spec.trust.crlURLs: Invalid value: crlURLs are fetched with revocation Published alone: set that, or leave them out.',
  ),
  ...[
    'ldap://pki.fabrikam.com/cn=issuing',
    'pki.fabrikam.com/issuing.crl',
    'http://user@pki.fabrikam.com/',
    'http://pki.fabrikam.com/#a',
  ].map((url) =>
    refuses(
      `the CRL ${url}`,
      trust({ revocation: 'Published', crlURLs: [url] }),
      `spec.trust.crlURLs[0]: Invalid value: "${url}": '${url}' is not the URL of a CRL: write http or https, a host and a path, such as http://pki.fabrikam.com/issuing.crl.`,
    ),
  ),
  refuses(
    'CRLs of any domain',
    { ...discovered, trust: { anchors, revocation: 'Published', crlURLs } },
    'spec.trust.revocation: Invalid value: The mode Discovered has a listener of its own, and no CRLs are fetched for it: leave trust.revocation out.',
  ),
];

export const federatedPartnerTable: Table = {
  kind: 'FederatedPartner',
  cases: [
    ...modes,
    ...sources,
    ...scopes,
    ...dnsNameRefusals('spec.accessEdge.fqdn', (fqdn) => ({ ...direct, accessEdge: { fqdn } })),
    ...dnsNameRefusals('spec.trust.permittedNames[0]', (name) => trust({ permittedNames: [name] })),
    ...[1, 65535].map((port) => accepts(`port ${port}`, { ...direct, accessEdge: { fqdn: 'sip.fabrikam.com', port } })),
    refuses(
      'port 0',
      { ...direct, accessEdge: { fqdn: 'sip.fabrikam.com', port: 0 } },
      'spec.accessEdge.port: Invalid value: 0: spec.accessEdge.port in body should be greater than or equal to 1',
    ),
    ...encryptionLevels((media) => ({ ...direct, media })),
    accepts('a name of 63 characters', blocked, 'f'.repeat(63)),
    ...['f'.repeat(64), 'fabrikam.com'].map((name) =>
      refusesName(
        name,
        blocked,
        `'${name}' is not a DNS label: write at most 63 of a-z, 0-9 and hyphens, because files are named after it.`,
      ),
    ),
  ],
  changes: [
    accept('the mode, to Blocked and nothing else', direct, { ...direct, mode: 'Blocked' }),
    accept('its domains', direct, { ...direct, sipDomains: ['fabrikam.com', 'fabrikam.net'] }),
    refuse(
      'the domain that federates',
      direct,
      { ...direct, trustDomain: 'other' },
      "spec.trustDomain: Forbidden: trustDomain is immutable: it is 'contoso' and cannot become 'other', because the trust in the partner lies there.",
    ),
  ],
};
