// What the API server takes for a MediaGateway, and what it says to the rest.
import {
  accept,
  accepts,
  type Case,
  dnsNameRefusals,
  refuse,
  refuses,
  refusesName,
  type Spec,
  type Table,
  unchecked,
} from './table.ts';

const minimal = { trustDomain: 'contoso', fqdn: 'gw01.contoso.com', mediationServer: { name: 'med01' } };
const withFields = (fields: Spec) => ({ ...minimal, ...fields });
const certificate = (fields: Spec) => withFields({ certificate: fields });
const pem = { pem: 'any text' };
const reference = { configMapRef: { name: 'appliance' } };

const trunk: readonly Case[] = [
  accepts('a trunk of nothing but its ends', minimal),
  refuses(
    'a trunk without its pool',
    { trustDomain: 'contoso', fqdn: 'gw01.contoso.com' },
    'spec.mediationServer: Required value',
    unchecked,
  ),
  accepts('TCP', withFields({ transport: 'TCP' })),
  refuses(
    'UDP',
    withFields({ transport: 'UDP' }),
    'spec.transport: Unsupported value: "UDP": supported values: "TLS", "TCP"',
    unchecked,
  ),
  accepts('a port', withFields({ port: 65_535 })),
  refuses(
    'port 0',
    withFields({ port: 0 }),
    'spec.port: Invalid value: 0: spec.port in body should be greater than or equal to 1',
  ),
  refuses(
    'port 65536',
    withFields({ port: 65_536 }),
    'spec.port: Invalid value: 65536: spec.port in body should be less than or equal to 65535',
  ),
];

const media: readonly Case[] = [
  ...['Required', 'Optional', 'NotSupported'].map((srtp) => accepts(`srtp ${srtp} over TLS`, withFields({ srtp }))),
  ...['Optional', 'NotSupported'].map((srtp) => accepts(`srtp ${srtp} over TCP`, withFields({ srtp, transport: 'TCP' }))),
  refuses(
    'srtp Required over TCP, whose keys everybody could read',
    withFields({ srtp: 'Required', transport: 'TCP' }),
    'spec.srtp: Invalid value: srtp is Required and transport is TCP: the keys of SRTP would travel in the clear. Set transport to TLS, or srtp to NotSupported.',
  ),
];

const tooMany = (count: number) =>
  `spec.certificate: Invalid value: A certificate is issued into secretName, or for csr, or comes from trustAnchors: ${count} of them are set, leave one.`;
const oneSource = (index: number) =>
  `spec.certificate.trustAnchors[${index}]: Invalid value: An entry of trustAnchors is exactly one of pem and configMapRef.`;

const ways: readonly Case[] = [
  accepts('a certificate of which nothing is said', certificate({})),
  accepts('a certificate in a Secret', certificate({ secretName: 'gw01-trunk' })),
  accepts('a certificate for a request', certificate({ csr: 'any text' })),
  accepts('a CA of its own, as it is and in a ConfigMap', certificate({ trustAnchors: [pem, reference] })),
  accepts('a certificate of the enterprise', certificate({ issuer: 'EnterpriseCA' })),
  accepts('a certificate of the enterprise for a request', certificate({ issuer: 'EnterpriseCA', csr: 'any text' })),
  refuses('a Secret and a request', certificate({ secretName: 'gw01-trunk', csr: 'any text' }), tooMany(2)),
  refuses('all three ways', certificate({ secretName: 'gw01-trunk', csr: 'any text', trustAnchors: [pem] }), tooMany(3)),
  refuses(
    'an issuer for a CA of its own',
    certificate({ issuer: 'EnterpriseCA', trustAnchors: [pem] }),
    'spec.certificate.issuer: Invalid value: issuer is for certificates that are issued here, not for a gateway with trustAnchors of its own.',
  ),
  refuses('an anchor from nowhere', certificate({ trustAnchors: [pem, {}] }), oneSource(1)),
  refuses('an anchor from two places', certificate({ trustAnchors: [{ ...pem, ...reference }] }), oneSource(0)),
  accepts('8 anchors', certificate({ trustAnchors: Array.from({ length: 8 }, () => pem) })),
  refuses(
    '9 anchors',
    certificate({ trustAnchors: Array.from({ length: 9 }, () => pem) }),
    'spec.certificate.trustAnchors: Too many: 9: must have at most 8 items',
    unchecked,
  ),
  refuses(
    'no anchor',
    certificate({ trustAnchors: [] }),
    'spec.certificate.trustAnchors: Invalid value: 0: spec.certificate.trustAnchors in body should have at least 1 items',
  ),
  refuses(
    'a request beyond any length',
    certificate({ csr: 'x'.repeat(16_385) }),
    'spec.certificate.csr: Too long: may not be more than 16384 bytes',
    unchecked,
  ),
  refuses(
    'a certificate over TCP',
    withFields({ transport: 'TCP', certificate: {} }),
    'spec.certificate: Invalid value: transport is TCP, which shows no certificate: set it to TLS, or leave certificate out.',
  ),
];

export const mediaGatewayTable: Table = {
  kind: 'MediaGateway',
  cases: [
    ...trunk,
    ...media,
    ...ways,
    ...dnsNameRefusals('spec.fqdn', (fqdn) => withFields({ fqdn })),
    accepts('a name of 63 characters', minimal, 'a'.repeat(63)),
    refusesName('a'.repeat(64), minimal, 'The name has 64 characters: write at most 63, because its Secret is named after it.'),
  ],
  changes: [
    accept('its name', minimal, withFields({ fqdn: 'gw02.contoso.com' })),
    accept('its pool', minimal, withFields({ mediationServer: { name: 'med02' } })),
    accept('its transport', minimal, withFields({ transport: 'TCP' })),
    refuse(
      'its domain',
      minimal,
      withFields({ trustDomain: 'fabrikam' }),
      "spec.trustDomain: Forbidden: trustDomain is immutable: it is 'contoso' and cannot become 'fabrikam', because its certificate hangs on it.",
    ),
  ],
};
