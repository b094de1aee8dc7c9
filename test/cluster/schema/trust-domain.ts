// What the API server takes for a TrustDomain, and what it says to the rest.
import { roles } from '../../../operator/api/v1alpha1/index.ts';
import {
  accept,
  accepts,
  type Case,
  dnsNameRefusals,
  nameOfLength,
  refuse,
  refuses,
  refusesName,
  type Spec,
  type Table,
  unchecked,
} from './table.ts';

const minimal = { enterpriseCA: 'contoso', sipDomains: ['contoso.com'] };
const withFields = (fields: Spec) => ({ ...minimal, ...fields });
const sipDomains = (...names: readonly string[]) => withFields({ sipDomains: names });
const admitting = (entry: Spec) => withFields({ admission: [{ roles: ['Server'], names: ['*.contoso.com'], ...entry }] });
const selecting = (...matchExpressions: readonly Spec[]) => withFields({ members: { namespaceSelector: { matchExpressions } } });

const audiences = [
  'front-end',
  'standard-edition',
  'director',
  'mediation',
  'edge',
  'edge-external',
  'survivable-branch',
  'persistent-chat',
  'trusted-application',
  'server',
];

const names: readonly Case[] = [
  ...['c', 'contoso-2', 'edge', 'server', 'edge-of-town', 'contoso-edges'].map((name) =>
    accepts(`the name ${name}`, minimal, name),
  ),
  accepts('a name of 63 characters', minimal, 'c'.repeat(63)),
  ...audiences.map((audience) =>
    refusesName(
      `contoso-${audience}`,
      minimal,
      `'contoso-${audience}' must not end in '-${audience}': the ConfigMap of a domain without that ending, for servers of that role, has the same name.`,
    ),
  ),
  ...['contoso.com', 'c'.repeat(64)].map((name) =>
    refusesName(
      name,
      minimal,
      `'${name}' is not a DNS label: write at most 63 of a-z, 0-9 and hyphens, because ConfigMaps are named after it.`,
    ),
  ),
];

const patternForm =
  'is not a DNS name or a wildcard: write pool01.contoso.com, or *.contoso.com for every name below contoso.com.';
const patterns: readonly Case[] = [
  ...['pool01.contoso.com', '*.contoso.com', '*.voice.contoso.com'].map((name) =>
    accepts(`admission of ${name}`, admitting({ names: [name] })),
  ),
  ...['*', '*.com', 'pool*.contoso.com', 'voice.*.contoso.com', '**.contoso.com', 'pool01'].map((name) =>
    refuses(
      `admission of ${name}`,
      admitting({ names: [name] }),
      `spec.admission[0].names[0]: Invalid value: "${name}": '${name}' ${patternForm}`,
    ),
  ),
  refuses(
    'admission of a name with capital letters',
    admitting({ names: ['*.Contoso.com'] }),
    `spec.admission[0].names[0]: Invalid value: "*.Contoso.com": '*.Contoso.com' has capital letters: write it in lower case.`,
  ),
  refuses(
    'admission of a name with a long label',
    admitting({ names: [`${'a'.repeat(64)}.contoso.com`] }),
    `spec.admission[0].names[0]: Invalid value: "${'a'.repeat(64)}.contoso.com": '${'a'.repeat(64)}.contoso.com' has a label of more than 63 characters: shorten what lies between two dots.`,
  ),
  accepts(
    'simple URLs, which a wildcard may hold',
    withFields({ simpleURLs: { meet: '*.contoso.com', dialin: 'dial.contoso.com' } }),
  ),
];

const selectors: readonly Case[] = [
  accepts('members by name', selecting({ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['voice'] })),
  accepts('members by the presence of a label', selecting({ key: 'trustmesh.io/domain', operator: 'Exists' })),
  accepts('every namespace as a member', withFields({ members: { namespaceSelector: {} } })),
  ...[
    { key: 'a', operator: 'In' },
    { key: 'a', operator: 'NotIn', values: [] },
    { key: 'a', operator: 'Exists', values: ['b'] },
    { key: 'a', operator: 'DoesNotExist', values: ['b'] },
  ].map((requirement) =>
    refuses(
      `members by ${requirement.operator} ${requirement.values ? `with [${requirement.values}]` : 'without values'}`,
      selecting(requirement),
      'spec.members.namespaceSelector.matchExpressions[0].values: Invalid value: In and NotIn need values; Exists and DoesNotExist take none.',
    ),
  ),
];

const spiffe = (spiffeTrustDomain: string, ...domains: readonly string[]) => ({ ...sipDomains(...domains), spiffeTrustDomain });

export const trustDomainTable: Table = {
  kind: 'TrustDomain',
  cases: [
    accepts('a CA and a SIP domain', minimal),
    refuses('no CA', { sipDomains: ['contoso.com'] }, 'spec.enterpriseCA: Required value', unchecked),
    refuses('no SIP domain', { enterpriseCA: 'contoso' }, 'spec.sipDomains: Required value', unchecked),
    refuses(
      'an empty list of SIP domains',
      sipDomains(),
      'spec.sipDomains: Invalid value: 0: spec.sipDomains in body should have at least 1 items',
    ),
    accepts('SIP domains below each other, which are of one organisation', sipDomains('contoso.com', 'emea.contoso.com')),
    refuses('a SIP domain twice', sipDomains('contoso.com', 'contoso.com'), 'spec.sipDomains[1]: Duplicate value: "contoso.com"'),
    ...dnsNameRefusals('spec.spiffeTrustDomain', (name) => withFields({ spiffeTrustDomain: name })),
    refuses(
      'a SIP domain with a wildcard',
      sipDomains('*.contoso.com'),
      `spec.sipDomains[0]: Invalid value: "*.contoso.com": '*.contoso.com' has a wildcard: write one name, such as pool01.contoso.com.`,
    ),
    accepts('a SIP domain that leaves room for lyncdiscoverinternal', sipDomains(nameOfLength(232))),
    refuses(
      'a SIP domain that does not',
      sipDomains(nameOfLength(233)),
      'spec.sipDomains[0]: Too long: may not be more than 232 bytes',
      unchecked,
    ),
    ...names,
    ...patterns,
    ...selectors,
    accepts('every role in one admission', admitting({ roles })),
    refuses(
      'admission to no role',
      admitting({ roles: [] }),
      'spec.admission[0].roles: Invalid value: 0: spec.admission[0].roles in body should have at least 1 items',
    ),
    refuses(
      'admission of no name',
      admitting({ names: [] }),
      'spec.admission[0].names: Invalid value: 0: spec.admission[0].names in body should have at least 1 items',
    ),
    refuses(
      'admission to a role that there is not',
      admitting({ roles: ['Gateway'] }),
      `spec.admission[0].roles[0]: Unsupported value: "Gateway": supported values: ${roles.map((role) => `"${role}"`).join(', ')}`,
      unchecked,
    ),
    refuses(
      'a TLS version that is no longer safe',
      withFields({ security: { tls: { minVersion: '1.1' } } }),
      'spec.security.tls.minVersion: Unsupported value: "1.1": supported values: "1.2", "1.3"',
      unchecked,
    ),
  ],
  changes: [
    accept('a further SIP domain', minimal, sipDomains('contoso.com', 'contoso.net')),
    refuse(
      'the first SIP domain',
      sipDomains('contoso.com', 'contoso.net'),
      sipDomains('contoso.net', 'contoso.com'),
      `spec: Forbidden: Every SPIFFE ID begins with 'contoso.com', which cannot become 'contoso.net': keep the first of sipDomains as it is.`,
    ),
    refuse(
      'spiffeTrustDomain',
      spiffe('mesh.contoso.com', 'contoso.com'),
      spiffe('mesh.contoso.net', 'contoso.com'),
      `spec: Forbidden: Every SPIFFE ID begins with 'mesh.contoso.com', which cannot become 'mesh.contoso.net': keep spiffeTrustDomain as it is.`,
    ),
    refuse(
      'spiffeTrustDomain where there was none',
      minimal,
      spiffe('mesh.contoso.com', 'contoso.com'),
      `spec: Forbidden: Every SPIFFE ID begins with 'contoso.com', which cannot become 'mesh.contoso.com': keep the first of sipDomains as it is.`,
    ),
    refuse(
      'spiffeTrustDomain to none',
      spiffe('mesh.contoso.com', 'contoso.com'),
      minimal,
      `spec: Forbidden: Every SPIFFE ID begins with 'mesh.contoso.com', which cannot become 'contoso.com': keep spiffeTrustDomain as it is.`,
    ),
    accept(
      'the order of SIP domains where SPIFFE IDs begin with another name',
      spiffe('mesh.contoso.com', 'contoso.com', 'contoso.net'),
      spiffe('mesh.contoso.com', 'contoso.net', 'contoso.com'),
    ),
    accept('the CA', minimal, withFields({ enterpriseCA: 'other' })),
  ],
};
