// What the API server takes for an EnterpriseCA, and what it says to the rest.
import { accept, accepts, type Case, refuse, refuses, refusesName, type Spec, type Table, unchecked } from './table.ts';

const managed = { managed: {} };
const provided = { provided: { secretRef: { name: 'contoso-ca' } } };
const leaf = (fields: Spec) => ({ ...managed, leaf: fields });
const revocation = (fields: Spec) => ({ ...managed, revocation: fields });
const leafKey = (privateKey: Spec) => leaf({ privateKey });

const form = 'write hours, minutes and seconds, such as 2160h or 1h30m.';
const durations: readonly Case[] = [
  ...['1s', '90m', '1h30m', '1h30m15s', '26280h'].map((text) => accepts(`the duration ${text}`, leaf({ duration: text }))),
  accepts('the longest duration', {
    managed: { root: { duration: '999999h' }, issuing: { duration: '999999h' } },
    leaf: { duration: '999999h' },
  }),
  ...['3d', '3 days', '-5h', '1.5h', '5', 'h', '', '1H', 'P90D', ' 1h'].map((text) =>
    refuses(
      `the duration '${text}'`,
      leaf({ duration: text }),
      `spec.leaf.duration: Invalid value: "${text}": '${text}' is not a duration: ${form}`,
    ),
  ),
  ...['0h', '0h0m0s'].map((text) =>
    refuses(
      `the duration ${text}`,
      leaf({ duration: text }),
      `spec.leaf.duration: Invalid value: "${text}": '${text}' is no time at all: write a positive duration, such as 2160h.`,
    ),
  ),
  refuses(
    'a duration that no clock can hold',
    leaf({ duration: '9999999h' }),
    `spec.leaf.duration: Invalid value: "9999999h": '9999999h' is too long: write at most 999999h.`,
  ),
  refuses(
    'a duration of more than 16 characters',
    leaf({ duration: '1h1h1h1h1h1h1h1h1h' }),
    'spec.leaf.duration: Too long: may not be more than 16 bytes',
    unchecked,
  ),
];

const keys: readonly Case[] = [
  ...[256, 384, 521].map((size) => accepts(`ECDSA with ${size} bits`, leafKey({ algorithm: 'ECDSA', size }))),
  ...[2048, 3072, 4096].map((size) => accepts(`RSA with ${size} bits`, leafKey({ algorithm: 'RSA', size }))),
  ...['ECDSA', 'RSA', 'Ed25519'].map((algorithm) => accepts(`${algorithm} without a size`, leafKey({ algorithm }))),
  accepts('a size alone, for ECDSA', leafKey({ size: 384 })),
  ...[0, 224, 2048].map((size) =>
    refuses(
      `ECDSA with ${size} bits`,
      leafKey({ size }),
      `spec.leaf.privateKey.size: Invalid value: ECDSA keys have 256, 384 or 521 bits, not ${size}.`,
    ),
  ),
  ...[256, 1024, 2047, 8192].map((size) =>
    refuses(
      `RSA with ${size} bits`,
      leafKey({ algorithm: 'RSA', size }),
      `spec.leaf.privateKey.size: Invalid value: RSA keys have 2048, 3072 or 4096 bits, not ${size}.`,
    ),
  ),
  refuses(
    'Ed25519 with a size',
    leafKey({ algorithm: 'Ed25519', size: 256 }),
    'spec.leaf.privateKey.size: Invalid value: Ed25519 keys have one size, not 256 bits: leave size out.',
  ),
  refuses(
    'another algorithm',
    leafKey({ algorithm: 'DSA' }),
    'spec.leaf.privateKey.algorithm: Unsupported value: "DSA": supported values: "ECDSA", "RSA", "Ed25519"',
    unchecked,
  ),
];

const lifetimes: readonly Case[] = [
  accepts('a leaf that lives as long as its issuing CA, and that as long as the root', {
    managed: { root: { duration: '24h' }, issuing: { duration: '1440m' } },
    leaf: { duration: '86400s' },
  }),
  refuses(
    'a leaf that outlives its issuing CA',
    { managed: { issuing: { duration: '24h' } }, leaf: { duration: '24h0m1s' } },
    'spec.leaf.duration: Invalid value: leaf.duration (24h0m1s) must not exceed managed.issuing.duration (24h): no certificate outlives the CA that signed it.',
  ),
  refuses(
    'the leaf of 90 days that is the default, of a CA of a week',
    { managed: { issuing: { duration: '168h' } } },
    'spec.leaf.duration: Invalid value: leaf.duration (2160h) must not exceed managed.issuing.duration (168h): no certificate outlives the CA that signed it.',
  ),
  refuses(
    'an issuing CA that outlives its root',
    { managed: { root: { duration: '8760h' }, issuing: { duration: '8761h' } } },
    'spec.managed.issuing.duration: Invalid value: issuing.duration (8761h) must not exceed root.duration (8760h): no CA outlives the one that signed it.',
  ),
  refuses(
    'a malformed duration, with no second complaint about what it is compared with',
    { managed: { issuing: { duration: '3 years' } } },
    `spec.managed.issuing.duration: Invalid value: "3 years": '3 years' is not a duration: ${form}`,
  ),
  accepts('any leaf of a provided CA, whose own lifetime is in its certificate', {
    ...provided,
    leaf: { duration: '999999h' },
  }),
];

const url = (text: string) => revocation({ baseURL: text });
const revocations: readonly Case[] = [
  accepts('revocation with its defaults', revocation({})),
  accepts('a CRL that is refreshed before it expires', revocation({ crl: { validity: '48h', refresh: '47h59m' } })),
  refuses(
    'a CRL that expires as it is refreshed',
    revocation({ crl: { validity: '48h', refresh: '2880m' } }),
    'spec.revocation.crl.refresh: Invalid value: refresh (2880m) must be less than validity (48h): each CRL must be replaced before it expires.',
  ),
  refuses(
    'a CRL that is valid for less than the default refresh',
    revocation({ crl: { validity: '1h' } }),
    'spec.revocation.crl.refresh: Invalid value: refresh (12h) must be less than validity (1h): each CRL must be replaced before it expires.',
  ),
  ...['http://pki.contoso.com', 'http://pki.contoso.com:8080', 'http://pki.contoso.com/a/b', 'http://pki/'].map((text) =>
    accepts(`the base URL ${text}`, url(text)),
  ),
  ...[
    'https://pki.contoso.com',
    'ftp://pki.contoso.com',
    'pki.contoso.com',
    'http://',
    'http://pki.contoso.com/?a=b',
    'http://pki.contoso.com/#top',
    'http://user@pki.contoso.com',
    'http://pki.contoso.com/a b',
    'http://pki.contoso.com//crl',
    'http://zürich.contoso.com',
  ].map((text) =>
    refuses(
      `the base URL ${text}`,
      url(text),
      `spec.revocation.baseURL: Invalid value: "${text}": '${text}' is not a base URL: write http (with https, checking a certificate would need another certificate checked), a host and at most a path, such as http://pki.contoso.com, without user, query or fragment.`,
    ),
  ),
];

const secret = (name: string) => ({ provided: { secretRef: { name } } });

export const enterpriseCATable: Table = {
  kind: 'EnterpriseCA',
  cases: [
    accepts('a managed backend', managed),
    accepts('a provided backend', provided),
    refuses('no backend', {}, 'spec: Invalid value: An EnterpriseCA needs a backend: set managed or provided.'),
    refuses(
      'two backends',
      { ...managed, ...provided },
      'spec: Invalid value: An EnterpriseCA has exactly one backend: keep managed or provided, not both.',
    ),
    refuses('a provided backend without its Secret', { provided: {} }, 'spec.provided.secretRef: Required value', unchecked),
    refuses(
      'a Secret that no Secret can be called',
      secret('contoso_ca'),
      `spec.provided.secretRef.name: Invalid value: "contoso_ca": 'contoso_ca' is not the name of an object: write a-z, 0-9, hyphens and dots, beginning and ending with a letter or digit.`,
    ),
    refuses(
      'a Secret with capital letters',
      secret('Contoso'),
      `spec.provided.secretRef.name: Invalid value: "Contoso": 'Contoso' has capital letters: write it in lower case.`,
    ),
    ...durations,
    ...lifetimes,
    ...[1, 99].map((percent) => accepts(`renewal after ${percent} %`, leaf({ renewAfterPercent: percent }))),
    refuses(
      'renewal after 0 %',
      leaf({ renewAfterPercent: 0 }),
      'spec.leaf.renewAfterPercent: Invalid value: 0: spec.leaf.renewAfterPercent in body should be greater than or equal to 1',
    ),
    refuses(
      'renewal after 100 %',
      leaf({ renewAfterPercent: 100 }),
      'spec.leaf.renewAfterPercent: Invalid value: 100: spec.leaf.renewAfterPercent in body should be less than or equal to 99',
    ),
    ...keys,
    ...revocations,
    refuses(
      'generation 0',
      { managed: { generation: 0 } },
      'spec.managed.generation: Invalid value: 0: spec.managed.generation in body should be greater than or equal to 1',
    ),
    accepts('a common name of 64 characters', { managed: { root: { commonName: 'C'.repeat(64) } } }),
    refuses(
      'a common name of 65 characters',
      { managed: { root: { commonName: 'C'.repeat(65) } } },
      'spec.managed.root.commonName: Too long: may not be more than 64 bytes',
      unchecked,
    ),
    accepts('a name of 63 characters', managed, 'c'.repeat(63)),
    refusesName(
      'c'.repeat(64),
      managed,
      'The name has 64 characters: write at most 63, because the Secrets of the CA are named after it.',
    ),
  ],
  changes: [
    refuse(
      'the backend',
      managed,
      provided,
      'spec: Invalid value: The backend of an EnterpriseCA is immutable, because its servers would not believe each other while they move: create another EnterpriseCA, and name that in the TrustDomain.',
    ),
    accept('the generation', managed, { managed: { generation: 2 } }),
    refuse(
      'the generation, to a former one',
      { managed: { generation: 2 } },
      { managed: { generation: 1 } },
      'spec.managed.generation: Invalid value: 1: The generation is 2 and cannot become 1: raise it for new keys, because what the present ones have signed is in use.',
    ),
    accept('the lifetime of leaves', managed, leaf({ duration: '24h' })),
  ],
};
