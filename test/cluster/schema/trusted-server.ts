// What the API server takes for a TrustedServer, and what it says to the rest.
import { roles, usesByRole } from '../../../operator/api/v1alpha1/index.ts';
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

const minimal = {
  trustDomain: 'contoso',
  role: 'FrontEnd',
  poolFQDN: 'pool01.contoso.com',
  members: [{ fqdn: 'fe01.contoso.com' }],
};
const withFields = (fields: Spec) => ({ ...minimal, ...fields });
const members = (...list: readonly Spec[]) => withFields({ members: list });
const uses = (...list: readonly Spec[]) => withFields({ certificates: { uses: list } });
const many = (count: number) => Array.from({ length: count }, (_, index) => ({ fqdn: `fe${index}.contoso.com` }));
const edge = { role: 'Edge', edge: { accessFQDN: 'sip.contoso.com', audioVideoFQDN: 'av.contoso.com' } };
const web = { webServices: { internalFQDN: 'web.contoso.com', externalFQDN: 'www.contoso.com' } };
const allNames: Readonly<Record<string, Spec>> = { FrontEnd: web, StandardEdition: web, Edge: edge };

const share = (fqdns: string) =>
  `spec.members: Invalid value: Some members share a name: [${fqdns}]. It is the first label of the FQDN unless given, so name them apart.`;

const membership: readonly Case[] = [
  accepts('128 members', members(...many(128))),
  refuses('129 members', members(...many(129)), 'spec.members: Too many: 129: must have at most 128 items', unchecked),
  refuses('no member', members(), 'spec.members: Invalid value: 0: spec.members in body should have at least 1 items'),
  refuses(
    'a member twice',
    members({ fqdn: 'fe01.contoso.com', name: 'a' }, { fqdn: 'fe01.contoso.com', name: 'b' }),
    'spec.members[1]: Duplicate value: {"fqdn":"fe01.contoso.com"}',
  ),
  accepts(
    'members of different domains whose names are given',
    members({ fqdn: 'fe01.contoso.com' }, { fqdn: 'fe01.contoso.net', name: 'fe01-net' }),
  ),
  refuses(
    'members whose FQDNs begin with one label',
    members({ fqdn: 'fe01.contoso.com' }, { fqdn: 'fe02.contoso.com' }, { fqdn: 'fe01.contoso.net' }),
    share('"fe01.contoso.com", "fe01.contoso.net"'),
  ),
  refuses(
    'a member named as another is by default',
    members({ fqdn: 'fe01.contoso.com' }, { fqdn: 'fe02.contoso.com', name: 'fe01' }),
    share('"fe01.contoso.com", "fe02.contoso.com"'),
  ),
  ...['default', 'web-services-internal', 'web-services-external', 'oauth-token-issuer', 'access-edge-external']
    .concat(['access-edge-outbound', 'internal', 'audio-video-authentication'])
    .map((name) =>
      refuses(
        `a member named ${name}`,
        members({ fqdn: 'fe01.contoso.com', name }),
        `spec.members: Invalid value: A member is named '${name}', which is a certificate use: give it another name, because its Secret would be taken for that of the use.`,
      ),
    ),
  refuses(
    'a member whose FQDN begins with a use',
    members({ fqdn: 'internal.contoso.com' }),
    `spec.members: Invalid value: A member is named 'internal', which is a certificate use: give it another name, because its Secret would be taken for that of the use.`,
  ),
  accepts(
    'a member whose FQDN begins with a use and whose name is given',
    members({ fqdn: 'internal.contoso.com', name: 'fe01' }),
  ),
  ...['fe.01', 'fe_01', '-fe01', ''].map((name) =>
    refuses(
      `a member named '${name}'`,
      members({ fqdn: 'fe01.contoso.com', name }),
      `spec.members[0].name: Invalid value: "${name}": '${name}' is not a DNS label: write a-z, 0-9 and hyphens, beginning and ending with a letter or digit, such as fe01.`,
    ),
  ),
  refuses(
    'a member named in capital letters',
    members({ fqdn: 'fe01.contoso.com', name: 'FE01' }),
    `spec.members[0].name: Invalid value: "FE01": 'FE01' has capital letters: write it in lower case.`,
  ),
];

const certificates: readonly Case[] = [
  ...roles.map((role) =>
    accepts(
      `every use that the role ${role} has`,
      withFields({ role, ...allNames[role], certificates: { uses: usesByRole[role].map((use) => ({ use })) } }),
    ),
  ),
  refuses(
    'a use of another role',
    uses({ use: 'Default' }, { use: 'Internal' }),
    'spec.certificates.uses: Invalid value: The role FrontEnd has no use Internal: it has Default, WebServicesInternal, WebServicesExternal, OAuthTokenIssuer.',
  ),
  refuses(
    'the Default use for the role Edge',
    withFields({ role: 'Edge', certificates: { uses: [{ use: 'Default' }] } }),
    'spec.certificates.uses: Invalid value: The role Edge has no use Default: it has AccessEdgeExternal, AccessEdgeOutbound, Internal, AudioVideoAuthentication.',
  ),
  refuses(
    'a use twice',
    uses({ use: 'Default' }, { use: 'Default' }),
    'spec.certificates.uses[1]: Duplicate value: {"use":"Default"}',
  ),
  refuses(
    'an empty list of uses',
    uses(),
    'spec.certificates.uses: Invalid value: 0: spec.certificates.uses in body should have at least 1 items',
  ),
  refuses(
    'WebServicesExternal without its FQDN',
    uses({ use: 'WebServicesExternal' }),
    'spec.certificates.uses: Invalid value: The use WebServicesExternal needs webServices.externalFQDN, which is the first name of its certificate.',
  ),
  ...(
    [
      ['AccessEdgeExternal', 'accessFQDN'],
      ['AccessEdgeOutbound', 'accessFQDN'],
      ['AudioVideoAuthentication', 'audioVideoFQDN'],
    ] as const
  ).map(([use, field]) =>
    refuses(
      `${use} without its FQDN`,
      withFields({ role: 'Edge', edge: {}, certificates: { uses: [{ use }] } }),
      `spec.certificates.uses: Invalid value: The use ${use} needs edge.${field}, which is the first name of its certificate.`,
    ),
  ),
  accepts('a secretName for a single member', uses({ use: 'Default', secretName: 'front-end-certificate' })),
  accepts('a secretName for Pool scope', {
    ...members(...many(2)),
    certificates: { scope: 'Pool', uses: [{ use: 'Default', secretName: 'front-end-certificate' }] },
  }),
  refuses(
    'a secretName for two members',
    { ...members(...many(2)), certificates: { uses: [{ use: 'Default', secretName: 'front-end-certificate' }] } },
    'spec.certificates.uses: Invalid value: secretName names one Secret, but 2 members need one each: leave secretName out, or create the server with certificates.scope Pool.',
  ),
  refuses(
    'one secretName for two uses',
    uses({ use: 'Default', secretName: 'one' }, { use: 'OAuthTokenIssuer', secretName: 'one' }),
    'spec.certificates.uses: Invalid value: Each use has a Secret of its own: no two have the same secretName.',
  ),
  refuses(
    'a secretName that no Secret can have',
    uses({ use: 'Default', secretName: 'front_end' }),
    `spec.certificates.uses[0].secretName: Invalid value: "front_end": 'front_end' is not the name of an object: write a-z, 0-9, hyphens and dots, beginning and ending with a letter or digit.`,
  ),
  accepts('a certificate in further forms', uses({ use: 'Default', formats: ['PKCS12', 'CombinedPEM'] })),
  refuses(
    'a form twice',
    uses({ use: 'Default', formats: ['PKCS12', 'PKCS12'] }),
    'spec.certificates.uses[0].formats[1]: Duplicate value: "PKCS12"',
  ),
];

const byRole: readonly Case[] = roles.flatMap((role) => [
  role === 'FrontEnd' || role === 'StandardEdition'
    ? accepts(`webServices for the role ${role}`, withFields({ role, ...web }))
    : refuses(
        `webServices for the role ${role}`,
        withFields({ role, ...web }),
        `spec.webServices: Invalid value: webServices is for the roles FrontEnd and StandardEdition, not for ${role}: leave it out.`,
      ),
  role === 'Edge'
    ? accepts('edge for the role Edge', withFields(edge))
    : refuses(
        `edge for the role ${role}`,
        withFields({ ...edge, role }),
        `spec.edge: Invalid value: edge is for the role Edge, not for ${role}: leave it out.`,
      ),
  role === 'Server'
    ? accepts('peers for the role Server', withFields({ role, peers: ['other'] }))
    : refuses(
        `peers for the role ${role}`,
        withFields({ role, peers: ['other'] }),
        `spec.peers: Invalid value: peers is for the role Server, not for ${role}, whose peers follow from the topology: leave it out.`,
      ),
]);

const listener = { name: 'sip', port: 5061, protocol: 'MTLS' };
const outside = { ...listener, face: 'External' };
const listening = (...listeners: readonly Spec[]) => withFields({ listeners });

export const trustedServerTable: Table = {
  kind: 'TrustedServer',
  cases: [
    accepts('a role, a pool and a member', minimal),
    ...['trustDomain', 'role', 'poolFQDN', 'members'].map((field) =>
      refuses(`no ${field}`, withFields({ [field]: undefined }), `spec.${field}: Required value`, unchecked),
    ),
    refuses(
      'a role that there is not',
      withFields({ role: 'Gateway' }),
      `spec.role: Unsupported value: "Gateway": supported values: ${roles.map((role) => `"${role}"`).join(', ')}`,
      unchecked,
    ),
    refuses(
      'a domain that no TrustDomain can be called',
      withFields({ trustDomain: 'Contoso' }),
      `spec.trustDomain: Invalid value: "Contoso": 'Contoso' has capital letters: write it in lower case.`,
    ),
    ...dnsNameRefusals('spec.poolFQDN', (name) => withFields({ poolFQDN: name })),
    ...dnsNameRefusals('spec.members[0].fqdn', (name) => members({ fqdn: name, name: 'fe01' })),
    ...dnsNameRefusals('spec.webServices.externalFQDN', (name) => withFields({ webServices: { externalFQDN: name } })),
    ...dnsNameRefusals('spec.edge.accessFQDN', (name) => withFields({ role: 'Edge', edge: { accessFQDN: name } })),
    ...dnsNameRefusals('spec.certificates.uses[0].extraNames[0]', (name) => uses({ use: 'Default', extraNames: [name] })),
    ...membership,
    ...certificates,
    ...byRole,
    ...encryptionLevels((media) => withFields({ media })),
    accepts('one port on two interfaces', listening(listener, { ...listener, name: 'sip-external' })),
    refuses(
      'two listeners of one name',
      listening(listener, { ...listener, port: 5062 }),
      'spec.listeners[1]: Duplicate value: {"name":"sip"}',
    ),
    refuses(
      'port 0',
      listening({ ...listener, port: 0 }),
      'spec.listeners[0].port: Invalid value: 0: spec.listeners[0].port in body should be greater than or equal to 1',
    ),
    refuses(
      'port 65536',
      listening({ ...listener, port: 65536 }),
      'spec.listeners[0].port: Invalid value: 65536: spec.listeners[0].port in body should be less than or equal to 65535',
    ),
    ...(['Listed', 'Discovered'] as const).map((partners) =>
      accepts(`a listener outside for ${partners} partners`, withFields({ role: 'Edge', listeners: [{ ...outside, partners }] })),
    ),
    ...(
      [
        ['on the internal face', { role: 'Edge', listeners: [{ ...outside, face: 'Internal', partners: 'Discovered' }] }],
        ['on no face', { role: 'Edge', listeners: [{ ...listener, partners: 'Discovered' }] }],
        ['without client certificates', { role: 'Edge', listeners: [{ ...outside, protocol: 'TLS', partners: 'Discovered' }] }],
        ['of another role', { listeners: [{ ...listener, partners: 'Discovered' }] }],
      ] as const
    ).map(([where, fields]) =>
      refuses(
        `a listener for partners ${where}`,
        withFields(fields),
        'spec.listeners: Invalid value: listeners[].partners is for listeners of the role Edge with face External and protocol MTLS: nobody else meets partners.',
      ),
    ),
    refuses('an output twice', withFields({ outputs: ['Envoy', 'Envoy'] }), 'spec.outputs[1]: Duplicate value: "Envoy"'),
    accepts('a name of 63 characters', minimal, 's'.repeat(63)),
    refusesName('s'.repeat(64), minimal, 'The name has 64 characters: write at most 63, because Secrets are named after it.'),
  ],
  changes: [
    accept('a further member', minimal, members(...many(2))),
    ...(
      [
        ['trustDomain', 'contoso', 'fabrikam'],
        ['role', 'FrontEnd', 'StandardEdition'],
        ['poolFQDN', 'pool01.contoso.com', 'pool02.contoso.com'],
      ] as const
    ).map(([field, before, after]) =>
      refuse(
        field,
        minimal,
        withFields({ [field]: after }),
        `spec.${field}: Forbidden: ${field} is immutable: it is '${before}' and cannot become '${after}', because every certificate and SPIFFE ID of the server hangs on it.`,
      ),
    ),
    refuse(
      'certificates.scope',
      minimal,
      withFields({ certificates: { scope: 'Pool' } }),
      `spec.certificates.scope: Forbidden: certificates.scope is immutable: it is 'PerMember' and cannot become 'Pool', because the Secrets that servers mount are named by it.`,
    ),
    refuse(
      'certificates.scope by leaving it out',
      withFields({ certificates: { scope: 'Pool' } }),
      minimal,
      `spec.certificates.scope: Forbidden: certificates.scope is immutable: it is 'Pool' and cannot become 'PerMember', because the Secrets that servers mount are named by it.`,
    ),
  ],
};
